import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from sw.images import cifar
from sw.images.data import DataError
from tests.cifar_files import pickled, write


def parts():
    random = np.random.default_rng(0)
    return [(random.integers(0, 256, (4, 3, 32, 32), np.uint8), random.integers(0, 10, 4).tolist())
            for _ in cifar.MD5]


@pytest.mark.parametrize("below", [".", "cifar-10-batches-py", "cifar10/cifar-10-batches-py"])
def test_batches_come_back(tmp_path, below):
    written = parts()
    digests = write(tmp_path / "data" / below, written)
    images, labels, test_images, test_labels = cifar.load(tmp_path / "data", digests)
    assert np.array_equal(images, np.concatenate([part[0] for part in written[:5]]))
    assert labels.tolist() == [label for part in written[:5] for label in part[1]]
    assert np.array_equal(test_images, written[5][0]) and test_labels.tolist() == written[5][1]
    assert (images.dtype, labels.dtype) == (torch.uint8, torch.int64)


class _Program:
    def __reduce__(self):
        return Path.touch, (Path("executed"),)


GOOD = parts()[0][0]


@pytest.mark.parametrize("content", [
    pickle.dumps(_Program()),
    pickle.dumps({b"data": _Program()}),
    b"cos\nsystem\n(S'touch executed'\ntR.",
    b"cbuiltins\neval\n(S'1'\ntR.",
    b"",
    b"no pickle",
    pickled([]),
    pickled({b"data": GOOD.reshape(4, -1)}),
    pickled({b"data": GOOD.reshape(4, -1), b"labels": [1, 2, 3]}),
    pickled({b"data": GOOD.reshape(4, -1), b"labels": [1, 2, 3, 10]}),
    pickled({b"data": GOOD.reshape(4, -1), b"labels": [1, 2, 3, -1]}),
    pickled({b"data": GOOD.reshape(4, -1)[:, :9], b"labels": [1, 2, 3, 4]}),
    pickled({b"data": GOOD.reshape(4, -1).astype(np.int32), b"labels": [1, 2, 3, 4]}),
    pickled({b"data": GOOD.reshape(4, -1)[:0], b"labels": []}),
])
def test_what_is_no_batch_is_refused_and_not_executed(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    digests = write(tmp_path / "data", [content, *parts()[1:]])
    with pytest.raises(DataError, match=r"^.*data_batch_1 is not a batch of CIFAR-10$"):
        cifar.load(tmp_path / "data", digests)
    assert not Path("executed").exists()


def test_another_file_than_the_published_is_not_read(tmp_path, monkeypatch):
    write(tmp_path / "data", parts())
    monkeypatch.setattr(cifar, "_Reader", None)
    with pytest.raises(DataError, match=r"^.*data_batch_1 must have the MD5 c99cafc152244af753f735"
                                        r"de768cd75f of the published file, not [0-9a-f]{32}: "
                                        r"unpack https://.*\.tar\.gz again$"):
        cifar.load(tmp_path / "data")


@pytest.mark.parametrize("missing, message", [
    ("test_batch", "test_batch was not found in .*"),
    ("data_batch_3", r".*data_batch_3 cannot be read: .*No such file.*"),
])
def test_a_missing_file_is_named(tmp_path, missing, message):
    digests = write(tmp_path / "data", parts())
    (tmp_path / "data" / missing).unlink()
    with pytest.raises(DataError, match=f"^{message}$"):
        cifar.load(tmp_path / "data", digests)


def test_without_a_folder():
    with pytest.raises(DataError, match=r"^CIFAR-10 is not downloaded by itself: unpack https://"):
        cifar.load(None)
