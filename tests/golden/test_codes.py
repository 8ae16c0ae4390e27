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


GOOD = {"codes": np.array([[1], [2]], np.uint8), "labels": np.array([0, 1])}
METADATA = {"format": "hybnn-codes-1", "n_bits": "3"}


@pytest.mark.parametrize("changes, metadata, reason", [
    ({}, {"format": "hybnn-network-1"}, "its format is 'hybnn-network-1', not 'hybnn-codes-1'"),
    ({}, {"n_bits": "0"}, "its n_bits must be 1 to 65535, not '0'"),
    ({}, {"n_bits": "٣"}, "its n_bits must be 1 to 65535, not '٣'"),
    ({}, {"n_bits": "9"},
     "codes of 9 bits must be uint8 of shape (n, 2), not uint8 of shape (2, 1)"),
    ({"codes": np.array([1, 2], np.uint8)}, {},
     "codes of 3 bits must be uint8 of shape (n, 1), not uint8 of shape (2,)"),
    ({"codes": np.array([[1], [8]], np.uint8)}, {}, "its codes have bits beyond their 3"),
    ({"labels": np.array([0, 1, 2])}, {},
     "labels must be int64 of shape (2,), not int64 of shape (3,)"),
    ({"labels": np.array([0, 1], np.int32)}, {},
     "labels must be int64 of shape (2,), not int32 of shape (2,)"),
    ({"labels": np.array([0, -1])}, {}, "labels must not be negative, not -1"),
    ({"more": np.array([0])}, {},
     "its tensors must be 'codes' and 'labels', not ['codes', 'labels', 'more']"),
])
def test_what_is_not_codes_is_refused(tmp_path, changes, metadata, reason):
    path = tmp_path / "codes"
    save_file(GOOD | changes, path, METADATA | metadata)
    with pytest.raises(CodesFileError,
                       match=f"^{re.escape(f'{path} is not a file of codes: {reason}')}$"):
        load_codes(path)


def test_a_file_of_nonsense_is_refused(tmp_path):
    (tmp_path / "codes").write_bytes(b"nonsense")
    with pytest.raises(CodesFileError, match=r"^.*codes is not a file of codes: .+$"):
        load_codes(tmp_path / "codes")
