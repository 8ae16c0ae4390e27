"""Files of the form of CIFAR-10's, as Python 2 would have pickled them."""

import hashlib
import io
import pickle
import struct
from typing import ClassVar

import numpy as np

from sw.images.cifar import MD5

__all__ = ["pickled", "write"]


class _Python2(pickle._Pickler):
    """Writes bytes, and the names of NumPy, as Python 2 did."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_bytes(self, content):
        self.write(b"T" + struct.pack("<i", len(content)) + content)
        self.memoize(content)

    def save_global(self, what, name=None):
        if what is np._core.multiarray._reconstruct:
            self.write(b"cnumpy.core.multiarray\n_reconstruct\n")
        else:
            super().save_global(what, name)

    dispatch[bytes] = save_bytes
    dispatch[type(len)] = save_global
    dispatch[type(lambda: 0)] = save_global


def pickled(value):
    file = io.BytesIO()
    _Python2(file, protocol=2).dump(value)
    return file.getvalue()


def batch_of(images, labels):
    return pickled({b"batch_label": b"training batch 1 of 5", b"labels": list(labels),
                    b"data": np.ascontiguousarray(images.reshape(len(images), -1)),
                    b"filenames": [b"a.png"] * len(images)})


def write(folder, parts):
    """Write batches of images and labels; return their MD5s."""
    folder.mkdir(parents=True)
    digests = {}
    for name, part in zip(MD5, parts, strict=False):
        content = part if isinstance(part, bytes) else batch_of(*part)
        (folder / name).write_bytes(content)
        digests[name] = hashlib.md5(content).hexdigest()
    return digests
