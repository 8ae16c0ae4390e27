import itertools
import re

import numpy as np
import pytest

from sw.golden import tensors


def test_the_order_of_arguments_does_not_show(tmp_path):
    arrays = {"a": np.zeros(2, np.uint8), "b": np.ones(1, np.int32), "c": np.ones(3, np.uint8)}
    description = {"format": "f", "a": 1, "z": "2"}
    files = {(tensors.write(tmp_path / "file", dict(order), **dict(words)),
              (tmp_path / "file").read_bytes())[1]
             for order in itertools.permutations(arrays.items())
             for words in itertools.permutations(description.items())}
    assert len(files) == 1
    read, returned = tensors.read(tmp_path / "file", {"f": ["z", "a"]}, 1 << 20)
    assert read == description
    assert {name: array.tolist() for name, array in returned.items()} == {
        "a": [0, 0], "b": [1], "c": [1, 1, 1]}


@pytest.mark.parametrize("names, reason", [
    (["a"], "the tensor 'b' is missing"),
    (["a", "b", "c"], "the tensor 'c' does not belong there"),
    (["a", "b", "x" * 99], f"the tensor '{'x' * 40}' does not belong there"),
], ids=lambda value: str(value)[:20])
def test_other_names_are_refused(names, reason):
    tensors.check_names(["b", "a"], ["a", "b"])
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        tensors.check_names(names, ["a", "b"])


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape(
            "[Errno 2] The folder to write into is not there, make it first: "
            f"'{tmp_path / 'none'}'") + "$"):
        tensors.atomic_write(tmp_path / "none" / "page.html", b"")
    assert list(tmp_path.iterdir()) == []
