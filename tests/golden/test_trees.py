"""Trees on bits: what they answer, and the files that are none of trees."""

import numpy as np
import pytest

from sw.golden import tensors
from sw.golden.trees import FORMAT, Trees, TreesError


def trees_of(features, leaves, n_in=4):
    return Trees(n_in, np.array(features, np.uint16), np.array(leaves, np.int8))


# Two classes of one tree: one asks for bit 3 alone, the other for bit 0 and then for bit 1 or 2.
TWO = [[[0, 3, 3, 3]], [[0, 0, 1, 2]]], [[[5, 0, 0, -5]], [[1, 2, 3, 4]]]


@pytest.mark.parametrize("bits, scores, klass", [
    ("0000", [5, 1], 0), ("0100", [5, 2], 0), ("1001", [-5, 3], 1), ("1011", [-5, 4], 1),
    ("0011", [-5, 1], 1),
])
def test_an_answer_by_hand(bits, scores, klass):
    trees = trees_of(*TWO)
    inputs = np.array([[int(bit) for bit in bits]], np.uint8)
    assert trees.scores(trees.ends(inputs)).tolist() == [scores]
    assert trees.classify(inputs).tolist() == [klass]


def test_of_equals_the_lowest_class_wins():
    trees = trees_of(np.zeros((3, 2, 2)), [[[1, 1], [0, 0]], [[2, 2], [0, 0]], [[3, 3], [-1, -1]]])
    assert trees.classify(np.zeros((1, 4), np.uint8)).tolist() == [1]


def test_a_file_gives_back_what_it_was_given(tmp_path):
    trees = trees_of(*TWO)
    trees.save(tmp_path / "trees.safetensors")
    assert Trees.load(tmp_path / "trees.safetensors").same(trees)
    assert not trees.same(trees_of(TWO[0], TWO[0])) and not trees.same(trees_of(*TWO, n_in=5))
    assert (trees.n_classes, trees.per_class, trees.depth) == (2, 1, 2)
    assert str(trees) == "2 trees of depth 2"


GOOD = {"features": np.zeros((2, 1, 4), np.uint16), "leaves": np.zeros((2, 1, 4), np.int8)}
SHAPE = (r"Trees must have features, uint16, and leaves, int8, of one shape: \(classes, trees, "
         r"nodes\), not ")


@pytest.mark.parametrize("change, inputs, message", [
    ({"leaves": np.zeros((2, 1, 2), np.int8)}, 4, SHAPE + r"uint16 \(2, 1, 4\) and int8 \(2, 1, 2"),
    ({"leaves": np.zeros((2, 1, 4), np.int16)}, 4, SHAPE + r"uint16 \(2, 1, 4\) and int16 "),
    ({"features": np.zeros((0, 1, 4), np.uint16), "leaves": np.zeros((0, 1, 4), np.int8)}, 4,
     SHAPE + r"uint16 \(0, 1, 4\)"),
    ({"features": np.zeros((2, 1, 3), np.uint16), "leaves": np.zeros((2, 1, 3), np.int8)}, 4,
     "The nodes of a tree must be a power of two from 2 to 65,536, not 3$"),
    ({"features": np.zeros((1, 1, 1 << 17), np.uint16),
      "leaves": np.zeros((1, 1, 1 << 17), np.int8)}, 4, "from 2 to 65,536, not 131072$"),
    ({"features": np.full((2, 1, 4), 4, np.uint16)}, 4, "features must be less than 4$"),
    ({"features": np.full((2, 1, 4), 1, np.uint16)}, 4, "the unused one for the first"),
    ({}, 0, "features must be less than 0$"), ({}, "4", "features must be less than '4'$"),
    ({"more": np.zeros(1)}, 4, "the tensor 'more' does not belong there$"),
], ids=["two shapes", "wide numbers", "no class", "three nodes", "too deep", "no such bit",
        "unused node", "no input", "text for inputs", "another tensor"])
def test_what_is_no_file_of_trees_is_refused(tmp_path, change, inputs, message):
    tensors.write(tmp_path / "t.safetensors", GOOD | change, format=FORMAT, inputs=inputs)
    with pytest.raises(TreesError, match=rf"t.safetensors is no file of trees: .*{message}"):
        Trees.load(tmp_path / "t.safetensors")


def test_another_file_is_refused(tmp_path):
    (tmp_path / "t.safetensors").write_bytes(b"no")
    with pytest.raises(TreesError, match=r"t.safetensors is no file of trees: "):
        Trees.load(tmp_path / "t.safetensors")
