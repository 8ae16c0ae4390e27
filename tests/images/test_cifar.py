import lzma
import os
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


def compress(folder, names):
    for name in names:
        (folder / f"{name}.xz").write_bytes(lzma.compress((folder / name).read_bytes()))
        (folder / name).unlink()


@pytest.mark.parametrize("names", [[*cifar.MD5], ["data_batch_2"], ["test_batch"]],
                         ids=["all", "one", "test"])
@pytest.mark.parametrize("below", [".", "cifar-10"])
def test_compressed_batches_come_back(tmp_path, names, below):
    digests = write(tmp_path / "data" / below, parts())
    plain = cifar.load(tmp_path / "data" / below, digests)
    compress(tmp_path / "data" / below, names)
    packed = cifar.load(tmp_path / "data", digests)
    assert all(torch.equal(one, other) for one, other in zip(plain, packed, strict=True))


GOOD_XZ = lzma.compress(b"batch")


@pytest.mark.parametrize("content, message", [
    (b"", r"must be whole, and hold at most 33554432 bytes"),
    (GOOD_XZ[:-9], r"must be whole, and hold at most 33554432 bytes"),
    (lzma.compress(bytes((1 << 25) + 1)), r"must be whole, and hold at most 33554432 bytes"),
    (b"no file of xz", r"cannot be decompressed: .*"),
    (GOOD_XZ[:20] + bytes([GOOD_XZ[20] ^ 1]) + GOOD_XZ[21:], r"cannot be decompressed: .*"),
    (lzma.compress(b"batch", lzma.FORMAT_ALONE), r"cannot be decompressed: .*"),
    (lzma.compress(b"b", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]),
     r"cannot be decompressed: .*[Mm]emory.*"),
], ids=["empty", "cut", "bomb", "none", "damaged", "another form", "much memory"])
def test_what_does_not_decompress_is_refused(tmp_path, content, message):
    digests = write(tmp_path / "data", parts())
    (tmp_path / "data/data_batch_4").unlink()
    (tmp_path / "data/data_batch_4.xz").write_bytes(content)
    with pytest.raises(DataError, match=f"^.*data_batch_4.xz {message}$"):
        cifar.load(tmp_path / "data", digests)


def test_another_compressed_file_than_the_published_is_not_read(tmp_path):
    write(tmp_path / "data", parts())
    compress(tmp_path / "data", ["data_batch_1"])
    with pytest.raises(DataError, match=r"^.*data_batch_1 must have the MD5 c99cafc1"):
        cifar.load(tmp_path / "data")


PUBLISHED = Path(os.environ.get("HYBNN_DATA", "nowhere")) / "cifar-10/test_batch.xz"


@pytest.mark.skipif(not PUBLISHED.exists(), reason="CIFAR-10 is not in $HYBNN_DATA")
def test_the_published_batch_to_test_on():
    name = "test_batch"
    images, labels = cifar._read(PUBLISHED.with_name(name), cifar.MD5[name])
    assert images.shape == (10_000, 3, 32, 32)
    assert np.bincount(labels).tolist() == [1000] * 10
