"""Data sets and tasks: a name and a folder become images and labels.

``digits`` comes with scikit-learn. The others are the original IDX files, compressed or not, in a
folder of the user's; without one they are downloaded once into the user's cache.
"""

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pooch
import torch
from torch import Tensor
from torch.nn import functional as F

from ..golden import regular
from ..golden.regular import FileRefused
from .names import CLASSES, NAMES, SIDE, DataError, class_names, task_classes

__all__ = ["NAMES", "DataError", "DataSet", "class_names", "load", "read_idx", "select"]

MAX_IMAGES = 250_000        # Twice EMNIST's 124,800; a header that says more is damaged.

MD5 = {
    "mnist": {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
    "emnist-letters": {"gzip.zip": "58c8d27c78d21e728a6bc7b3cc06412e"},
}

URLS = {
    "mnist": "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "fashion-mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "emnist-letters": "https://biometrics.nist.gov/cs_links/EMNIST/",
}


@dataclass(frozen=True)
class DataSet:
    """Images with labels, in a part to train on and a part to test on.

    Attributes
    ----------
    train_images, test_images : float tensors of shape ``(n, 1, 28, 28)``, from 0 to 1
    train_labels, test_labels : int64 tensors of shape ``(n,)``
    classes : tuple of str
        A name for each label.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    classes: tuple[str, ...]


def load(name: str, data_dir: Path | None = None) -> DataSet:
    """Load a data set; the IDX files of all but ``digits`` lie in ``data_dir`` or its ``name``."""
    if name not in NAMES:
        raise DataError(f"Unknown data set {name!r}; known data sets: {', '.join(NAMES)}")
    if name == "digits":
        return _digits()
    prefixes = (("emnist-letters-train", "emnist-letters-test") if name == "emnist-letters"
                else ("train", "t10k"))
    names = [f"{prefix}-{kind}-ubyte" for prefix in prefixes
             for kind in ("images-idx3", "labels-idx1")]
    paths = (_download(name, names) if data_dir is None
             else [_find(name, file, Path(data_dir)) for file in names])
    train, test = _read_part(name, *paths[:2]), _read_part(name, *paths[2:])
    return DataSet(*train, *test, CLASSES[name])


def select(data: DataSet, task: str) -> DataSet:
    """Keep the classes of a task: ``all``, ``ten`` (the first ten), or two, such as ``3v8``.

    The labels count the classes kept, from 0, in the task's order.
    """
    kept = task_classes(task, len(data.classes))

    position = torch.full((len(data.classes),), -1)
    position[kept] = torch.arange(len(kept))

    def part(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if missing := sorted(set(kept) - set(labels.tolist())):
            raise DataError(f"Task {task!r} needs images of class {missing[0]} to train and to test"
                            f", but one part has none")
        chosen = position[labels] >= 0
        return images[chosen], position[labels][chosen]

    train, test = (part(data.train_images, data.train_labels),
                   part(data.test_images, data.test_labels))
    return DataSet(*train, *test, tuple(data.classes[klass] for klass in kept))


def _digits() -> DataSet:
    # Imported here: scikit-learn takes a second, which the other data sets need not wait.
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = torch.tensor(digits.images / 16, dtype=torch.float32)[:, None]
    images = F.interpolate(images, size=(SIDE, SIDE), mode="bilinear").clamp(0, 1)
    labels = torch.tensor(digits.target, dtype=torch.int64)
    # The test images are the same whatever the seed of a run, so that runs can be compared.
    train, test = train_test_split(np.arange(len(labels)), test_size=0.25, stratify=digits.target,
                                   random_state=0)
    return DataSet(images[train], labels[train], images[test], labels[test], CLASSES["digits"])


def _read_part(name: str, images_path: Path, labels_path: Path) -> tuple[Tensor, Tensor]:
    images, labels = read_idx(images_path, (SIDE, SIDE)), read_idx(labels_path).astype(np.int64)
    if len(images) != len(labels):
        raise DataError(f"{labels_path} must have a label for each of the {len(images)} images, "
                        f"not {len(labels)}")
    if name == "emnist-letters":
        images, labels = images.transpose(0, 2, 1), labels - 1    # A is 1 in the file.
    if len(labels) == 0 or labels.min() < 0 or labels.max() >= len(CLASSES[name]):
        raise DataError(f"{labels_path} must hold labels of {len(CLASSES[name])} classes")
    return torch.tensor(images, dtype=torch.float32)[:, None] / 255, torch.tensor(labels)


def read_idx(path: Path, pixels: tuple[int, ...] = ()) -> np.ndarray:
    """Read an IDX file of bytes, compressed if its name ends in .gz: at most 250,000 items.

    Nothing is reserved or unpacked on the word of a header that is not as it must be, and no more
    than it says; the length must be that.

    Parameters
    ----------
    pixels : tuple of int
        Height and width of an item; none, if an item is one number.

    Raises
    ------
    DataError
        The file is not what it must be, or cannot be read.
    """
    most = MAX_IMAGES * math.prod(pixels)
    try:
        # What gzip cannot make shorter it makes longer, by less than that.
        content = regular.read_bytes(path, most + most // 100 + 4096)
        stream = _unpacked(content) if path.suffix == ".gz" else BytesIO(content).read
        shape = _parse_header(path, stream(8 + 4 * len(pixels)), pixels)
        size = math.prod(shape)
        items = stream(size + 1)
    except FileRefused as refused:
        raise DataError(str(refused)) from None
    except (OSError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    if len(items) != size:
        given = "more" if len(items) > size else len(items)
        raise DataError(f"{path} must have {size} bytes after its header, not {given}")
    return np.frombuffer(items, np.uint8).reshape(shape)


def _unpacked(content: bytes) -> Callable[[int], bytes]:
    """Return what gives the next bytes of a gzip file, as :meth:`io.BytesIO.read`.

    The module gzip would go byte by byte through what lies before and after.
    """
    unpacker, left = zlib.decompressobj(16 + zlib.MAX_WBITS), content

    def read(size: int) -> bytes:
        nonlocal left
        found = unpacker.decompress(left, size)
        left = unpacker.unconsumed_tail
        if len(found) < size and not unpacker.eof:
            raise zlib.error("it was cut off")
        return found

    return read


def _parse_header(path: Path, header: bytes, pixels: tuple[int, ...]) -> tuple[int, ...]:
    n_dims = 1 + len(pixels)
    magic = bytes([0, 0, 8, n_dims])    # Two zeros, the code of unsigned bytes, the dimensions.
    if header[:4] != magic:
        raise DataError(f"{path} must begin with the bytes {magic.hex(' ')}, "
                        f"not {header[:4].hex(' ') or 'nothing'}")
    if len(header) != 4 + 4 * n_dims:
        raise DataError(f"{path} must have a header of {4 + 4 * n_dims} bytes, not {len(header)}")
    count, *found = (int(length) for length in np.frombuffer(header, ">u4", offset=4))
    if tuple(found) != pixels:
        raise DataError(f"{path} must hold images of {' x '.join(map(str, pixels))} pixels, "
                        f"not {' x '.join(map(str, found))}")
    if not 1 <= count <= MAX_IMAGES:
        raise DataError(f"{path} must hold 1 to {MAX_IMAGES:,} items, not {count:,}")
    return count, *pixels


def _find(name: str, file: str, folder: Path) -> Path:
    for candidate in (folder / name / file, folder / name / f"{file}.gz",
                      folder / file, folder / f"{file}.gz"):
        if candidate.is_file():
            return candidate
    raise DataError(f"{file} or {file}.gz was not found in {folder} or {folder / name}")


def _download(name: str, files: list[str]) -> list[Path]:
    """Return the path of each file in the user's cache, after a download where it is missing."""
    cache = Path(pooch.os_cache("hybnn")) / name
    store = pooch.create(path=cache, base_url=URLS[name],
                         registry={file: f"md5:{md5}" for file, md5 in MD5[name].items()})
    pooch.get_logger().setLevel("WARNING")
    try:
        if name == "emnist-letters":
            members = [f"gzip/{file}.gz" for file in files]
            found = store.fetch("gzip.zip", processor=pooch.Unzip(members=members))
            return [next(Path(path) for path in found if Path(path).name == f"{file}.gz")
                    for file in files]
        return [Path(store.fetch(f"{file}.gz", progressbar=False)) for file in files]
    except (OSError, ValueError) as error:    # An OSError by requests, a ValueError by pooch.
        reason = "wrong md5" if isinstance(error, ValueError) else type(error).__name__
        raise DataError(f"{name} could not be downloaded from {URLS[name]} into {cache}: put its "
                        f"IDX files into a folder and pass --data-dir ({reason})") from None
