"""Golden's convolution is the field's: CNV-W1A1 with others' weights gives what was published."""

import lzma
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from sw.golden import fast, forward

from . import cnv

DATA = Path(os.environ.get("HYBNN_DATA", "data"))
WEIGHTS, BATCH = DATA / "cnv-w1a1/cifar10.npz", DATA / "cifar-10/test_batch.xz"

pytestmark = pytest.mark.skipif(not (WEIGHTS.exists() and BATCH.exists()), reason=(
    f"needs {WEIGHTS} and {BATCH}; set HYBNN_DATA to the folder that holds them"))


@pytest.fixture(scope="module")
def images():
    """Return the test images (n, 32, 32, 3), and their labels."""
    with lzma.open(BATCH) as file:
        batch = pickle.load(file, encoding="bytes")
    pixels = batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return pixels, np.array(batch[b"labels"])


def codes(network, pixels):
    elements = network.quantise(pixels).reshape(len(pixels), -1)
    return np.unpackbits(elements, axis=1, bitorder="little")


def test_no_raw_pixel_is_zero():
    assert cnv.levels()[[0, 1, 126, 127, 128, 254, 255]].tolist() == [0, 1, 126, 127, 129, 255, 255]


def test_on_some_images_slow_and_fast_agree(images):
    network = cnv.load(WEIGHTS)
    some = codes(network, images[0][:1])
    together = fast.trace_all(network, some)
    assert all(np.array_equal(one[0], other)
               for one, other in zip(together, forward.trace(network, some[0]), strict=True))


def test_it_gives_the_published_accuracy(images):
    pixels, labels = images
    n = len(pixels) if os.environ.get("HYBNN_LONG") else 1_000
    network = cnv.load(WEIGHTS)
    right = sum(int((fast.classify_all(network, codes(network, pixels[at:at + 500]))
                     == labels[at:at + 500]).sum()) for at in range(0, n, 500))
    assert right == {10_000: 7_922, 1_000: 805}[n]
