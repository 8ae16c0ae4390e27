import json
import re

import numpy as np
import pytest
from safetensors.numpy import save_file

from sw.golden import bits
from sw.golden.codes import CodesFileError, load_codes, save_codes


@pytest.mark.parametrize("n_bits", [1, 7, 8, 200])
def test_codes_come_back(tmp_path, n_bits):
    rng = np.random.default_rng(n_bits)
    codes, labels = rng.integers(0, 2, (9, n_bits), np.uint8), rng.integers(0, 10, 9)
    save_codes(tmp_path / "codes", bits.pack(codes), labels, n_bits)
    loaded, loaded_labels = load_codes(tmp_path / "codes")
    assert np.array_equal(loaded, codes) and np.array_equal(loaded_labels, labels)


def test_two_saves_are_the_same_bytes(tmp_path):
    codes, labels = np.array([[6], [1]], np.uint8), np.array([4, 2])
    for name in "ab":
        save_codes(tmp_path / name, codes, labels, 3)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


GOOD = {"codes": np.array([[1], [2]], np.uint8), "labels": np.array([0, 1])}
DESCRIPTION = {"format": "hybnn-codes-1", "n_bits": 3}


@pytest.mark.parametrize("changes, description, reason", [
    ({}, {"format": "hybnn-network-1"}, "its format is 'hybnn-network-1', not 'hybnn-codes-1'"),
    ({}, {"n_bits": 0}, "its n_bits must be 1 to 33554432, not 0"),
    ({}, {"n_bits": 33_554_433}, "its n_bits must be 1 to 33554432, not 33554433"),
    ({}, {"n_bits": "3"}, "its n_bits must be 1 to 33554432, not '3'"),
    ({}, {"n_bits": 3.0}, "its n_bits must be 1 to 33554432, not 3.0"),
    ({}, {"n_bits": True}, "its n_bits must be 1 to 33554432, not True"),
    ({}, {"more": 1}, "its description must hold format, n_bits and nothing else"),
    ({}, {"n_bits": 9},
     "codes of 9 bits must be uint8 of shape (n, 2), not uint8 of shape (2, 1)"),
    ({"codes": np.array([1, 2], np.uint8)}, {},
     "codes of 3 bits must be uint8 of shape (n, 1), not uint8 of shape (2,)"),
    ({"codes": np.array([[1], [8]], np.uint8)}, {}, "its codes have bits beyond their 3"),
    ({"labels": np.array([0, 1, 2])}, {},
     "labels must be int64 of shape (2,), not int64 of shape (3,)"),
    ({"labels": np.array([0, 1], np.int32)}, {},
     "labels must be int64 of shape (2,), not int32 of shape (2,)"),
    ({"labels": np.array([0, -1])}, {}, "labels must not be negative, not -1"),
    ({"more": np.array([0])}, {}, "the tensor 'more' does not belong there"),
    ({"labels": None}, {}, "the tensor 'labels' is missing"),
])
def test_what_is_not_codes_is_refused(tmp_path, changes, description, reason):
    path = tmp_path / "codes"
    tensors = {name: array for name, array in (GOOD | changes).items() if array is not None}
    save_file(tensors, path, {"hybnn": json.dumps(DESCRIPTION | description)})
    with pytest.raises(CodesFileError,
                       match=f"^{re.escape(f'{path} is not a file of codes: {reason}')}$"):
        load_codes(path)


def test_codes_of_another_length_are_refused(tmp_path):
    path = tmp_path / "codes"
    save_codes(path, np.zeros((2, 2), np.uint8), np.zeros(2, int), 9)
    assert load_codes(path, 9)[0].shape == (2, 9)
    with pytest.raises(CodesFileError, match=r"has codes of 9 bits, but the network takes 10$"):
        load_codes(path, 10)


def test_a_file_of_nonsense_is_refused(tmp_path):
    (tmp_path / "codes").write_bytes(b"nonsense")
    with pytest.raises(CodesFileError, match=r"^.*codes is not a file of codes: .+$"):
        load_codes(tmp_path / "codes")


def test_a_truncated_file_is_refused(tmp_path):
    save_codes(tmp_path / "whole", np.zeros((9, 25), np.uint8), np.zeros(9, int), 200)
    data = (tmp_path / "whole").read_bytes()
    for length in range(0, len(data), 37):
        (tmp_path / "codes").write_bytes(data[:length])
        with pytest.raises(CodesFileError, match=r"^.*codes is not a file of codes: .+$"):
            load_codes(tmp_path / "codes")


def test_a_missing_file_is_an_oserror(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^.*No such file or directory: '.*/codes'$"):
        load_codes(tmp_path / "codes")


@pytest.mark.parametrize("codes, labels, reason", [
    ([[8]], [0], "its codes have bits beyond their 3"),
    ([[1]], [0, 1], "labels must be int64 of shape (1,), not int64 of shape (2,)"),
], ids=str)
def test_what_is_not_codes_is_not_saved(tmp_path, codes, labels, reason):
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        save_codes(tmp_path / "codes", np.array(codes, np.uint8), np.array(labels), 3)
    assert not (tmp_path / "codes").exists()
