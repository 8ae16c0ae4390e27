import json

import numpy as np
import pytest

from sw.experiments.tables import main
from sw.experiments.trained import vibration
from tests.experiments.rehearsal import rehearse, resume

NAME = "sw.experiments.tables"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The folder of a rehearsal, with the page that it wrote into."""
    return rehearse(main, NAME, tmp_path_factory.mktemp("results"))


def test_the_table_is_of_all_splits(results):
    folders = [results / f"tables/iris-{seed}" for seed in range(2)]
    binary, forest = ([value(folder) for folder in folders] for value in (
        lambda folder: json.loads((folder / "metrics.json").read_text())["accuracy"]["table"],
        lambda folder: float((folder / "forest.json").read_text())))
    page = (results / "page.md").read_text()
    row = page.splitlines()[4].split(" | ")
    assert row[:4] == ["| iris", "150", "4", "3"] and row[5] == "2" and "old" not in page
    assert row[6].startswith(f"{sum(binary) / 2:.2f} ± ")
    assert row[7].startswith(f"{sum(forest) / 2:.2f} ± ") and min(forest) > 80


def test_nothing_is_trained_twice_and_another_run_is_refused(results, capsys):
    resume(main, "tables/iris-1", results, {"levels": 3}, capsys)


def test_faults_of_a_machine_are_seen_where_they_should_be():
    x, states = vibration.draw(200, seed=1)
    by_state = {name: dict(zip(vibration.COLUMNS, np.median(x[states == number], 0)))
                for number, name in enumerate(vibration.STATES)}
    assert np.isfinite(x).all() and len({*states.tolist()}) == 4
    for name, column in (("imbalance", "once"), ("misalignment", "twice"), ("bearing", "high"),
                         ("bearing", "kurtosis")):
        others = [by_state[other][column] for other in by_state if other != name]
        assert by_state[name][column] > 1.05 * max(others)
