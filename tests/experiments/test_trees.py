import json

import numpy as np
import pytest

from sw.experiments import boosting
from sw.experiments.trees import main
from sw.golden.trees import Trees
from sw.training import onchip
from tests.experiments.rehearsal import rehearse

NAME = "sw.experiments.trees"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The folder of a rehearsal, with the page that it wrote into."""
    return rehearse(main, NAME, tmp_path_factory.mktemp("results"), device=False)


def test_the_trees_are_those_that_were_tested(results):
    trees = Trees.load(results / "trees-small/trees.safetensors")
    metrics = json.loads((results / "trees-small/metrics.json").read_text())
    inputs = onchip.of_data_set("digits", None, "ten")
    right = trees.classify(boosting._bits(inputs.test)) == inputs.test_labels.numpy()
    assert metrics["accuracy"] == {"trees": round(100 * right.mean(), 2)} and right.mean() > 0.8
    assert metrics["data"] == "digits" and metrics["trees"] == str(trees)
    assert max(metrics["held_out"], key=metrics["held_out"].get) == str(trees.depth)
    page = (results / "page.md").read_text()
    assert f"{trees}, all images to train on: {100 * right.mean():.2f} % of the test" in page


def test_they_have_room(results):
    trees = Trees.load(results / "trees-small/trees.safetensors")
    assert trees.features.size <= 256 and abs(trees.leaves.astype(int) + 0.5).max() <= 7.5


@pytest.mark.parametrize("at, nodes, ends", [
    (1, 4, [4, 5, 6, 7]), (2, 4, [4, 5]), (3, 4, [6, 7]), (7, 8, [14, 15]), (1, 2, [2, 3])])
def test_a_tree_that_ends_early_is_filled_up(at, nodes, ends):
    assert list(boosting._ends(at, nodes)) == ends


@pytest.mark.parametrize("step, numbers", [
    (0.5, [-8, -2, -1, 0, 0, 1, 7]), (1.0, [-8, -1, 0, 0, 0, 0, 7])])
def test_numbers_are_rounded_and_cut(step, numbers):
    values = np.array([-100, -1, -0.4, -0.1, 0.1, 0.4, 100])
    assert boosting._in_steps(values, step).tolist() == numbers
