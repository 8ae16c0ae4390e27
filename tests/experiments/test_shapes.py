import json

import numpy as np
import pytest
from PIL import Image

from sw.experiments.shapes import main
from sw.experiments.trained import drawn
from tests.experiments.rehearsal import rehearse, resume

NAME = "sw.experiments.shapes"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The folder of a rehearsal, with the page that it wrote into."""
    return rehearse(main, NAME, tmp_path_factory.mktemp("results"))


def test_the_table_has_both_kinds(results):
    rows = [row.split(" | ") for row in (results / "page.md").read_text().splitlines()[4:6]]
    assert [row[:2] for row in rows] == [["| plain", "28"], ["| hard", "48"]]
    for row in rows:
        kind = row[0].removeprefix("| ")
        found = [json.loads((results / f"shapes/{kind}-{seed}/metrics.json").read_text())
                 ["accuracy"]["on_chip"] for seed in range(2)]
        assert int(row[2]) + int(row[3]) == 50
        assert row[5] == "2" and row[6].startswith(f"{sum(found) / 2:.2f} ± ")


def test_nothing_is_trained_twice_and_another_run_is_refused(results, capsys):
    resume(main, "shapes/hard-1", results, {"epochs": 3}, capsys)


@pytest.mark.parametrize("kind, side", [("plain", 28), ("hard", 48)])
def test_shapes_are_the_same_each_time_and_differ(kind, side, tmp_path):
    for folder in ("a", "b"):
        drawn.write(tmp_path / folder, kind, 2, seed=1)
    names = [f"{name}/{at:04}.png" for name in drawn.NAMES for at in range(2)]
    a, b = (np.array([np.asarray(Image.open(tmp_path / folder / name)) for name in names])
            for folder in ("a", "b"))
    assert a.shape == (20, side, side) and (a == b).all()
    assert len(np.unique(a, axis=0)) == 20 and (np.ptp(a, axis=(1, 2)) > 50).all()
