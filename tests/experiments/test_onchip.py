import json

import pytest

from sw.experiments.onchip import main
from tests.experiments.rehearsal import rehearse, resume

NAME = "sw.experiments.onchip"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The folder of a rehearsal, with the page that it wrote into."""
    return rehearse(main, NAME, tmp_path_factory.mktemp("results"))


def test_the_table_is_of_all_seeds(results):
    page = (results / "page.md").read_text()
    said = [json.loads((results / f"on-chip/digits-small-{seed}/metrics.json").read_text())
            ["accuracy"]["on_chip"] for seed in range(2)]
    row = page.splitlines()[4].split(" | ")
    assert row[:6] == ["| small", "28x28x1:8-16s2-32p-64p-10", "digits", "28,944", "1,840,320",
                       "2"]
    assert row[6].startswith(f"{sum(said) / 2:.2f} ± ") and "old" not in page


def test_nothing_is_trained_twice_and_another_run_is_refused(results, capsys):
    resume(main, "on-chip/digits-small-1", results, {"signature": "28x28x1:8-8s4-10"}, capsys)
