from functools import partial

import numpy as np
import pytest
import torch

from sw.images.data import DataSet
from sw.models import encoding as codes
from sw.models.distort import distort
from sw.models.encoding import CodeSet, pack_signs, threshold_pixels

LABELS = torch.tensor([3, 0, 1, 3, 2, 0])


def code_set(n_copies=2):
    signs = torch.randn(n_copies, len(LABELS), 12)
    packed = np.stack([pack_signs(copy) for copy in signs])
    return CodeSet(packed, LABELS, packed[0], LABELS, 12)


def test_first_copy_is_the_images_themselves():
    images = torch.rand(5, 1, 28, 28)
    data = DataSet(images, torch.arange(5), images, torch.arange(5), tuple("abcde"))
    made = codes.encode(partial(threshold_pixels, at=0.5), 28 * 28, data, n_copies=3)
    assert made.copies.shape == (3, 5, 98)
    assert (made.copies[0] == made.test_codes).all()
    assert (made.copies[1] != made.copies[2]).any()


def test_naive_pixels_are_all_one():
    assert (threshold_pixels(torch.rand(3, 1, 28, 28), 0.0) == 255).all()


def test_epochs_take_the_copies_in_turn():
    made = code_set()
    assert torch.equal(made.epoch(0)[0], made.epoch(2)[0])
    assert not torch.equal(made.epoch(0)[0], made.epoch(1)[0])


@pytest.mark.parametrize("classes, rows, labels", [
    ([0, 1], [1, 2, 5], [0, 1, 0]), ([3, 2], [0, 3, 4], [0, 0, 1]), ([3], [0, 3], [0, 0]),
])
def test_selected_classes_are_counted_from_0(classes, rows, labels):
    made = code_set()
    chosen = made.select(classes)
    for signs, whole in (chosen.epoch(1), made.epoch(1)), (chosen.test(), made.test()):
        assert torch.equal(signs[0] if isinstance(signs, list) else signs,
                           whole[0][rows] if isinstance(whole, list) else whole[rows])
    assert chosen.train_labels.tolist() == chosen.test_labels.tolist() == labels
    assert chosen.n_classes == max(labels) + 1


def test_a_distortion_keeps_the_ink_and_moves_it():
    torch.manual_seed(0)
    images = torch.zeros(50, 1, 28, 28)
    images[:, :, 9:19, 11:17] = 1
    moved = distort(images)
    ink = moved.sum((1, 2, 3)) / images.sum((1, 2, 3))
    assert 0.5 < ink.min() < 1 < ink.max() < 2
    assert 0 <= moved.min() and moved.max() <= 1.001
    middle = (moved[:, 0] * torch.arange(28.0)).sum((1, 2)) / moved.sum((1, 2, 3))
    assert middle.std() > 0.5 and abs(middle.mean() - 13.5) < 1
    assert not torch.equal(moved[0], moved[1])
