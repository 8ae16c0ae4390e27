import gzip
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from sw.images.data import DataError, DataSet, class_names, load, read_idx, select

HEADER = bytes([0, 0, 8, 3]) + (2).to_bytes(4) + (3).to_bytes(4) + (4).to_bytes(4)
PIXELS = bytes(range(24))


@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_idx_file_is_read(tmp_path, name):
    path = tmp_path / name
    content = HEADER + PIXELS
    path.write_bytes(gzip.compress(content) if path.suffix else content)
    assert np.array_equal(read_idx(path, (3, 4)), np.arange(24).reshape(2, 3, 4))


@pytest.mark.parametrize("content, reason", [
    (b"", "must begin with the bytes 00 00 08 03, not nothing"),
    (b"\x89PNG", "must begin with the bytes 00 00 08 03, not 89 50 4e 47"),
    (bytes([0, 0, 8, 1]) + HEADER[4:], "must begin with the bytes 00 00 08 03, not 00 00 08 01"),
    (HEADER[:10], "must have a header of 16 bytes, not 10"),
    (HEADER[:4] + b"\xff" * 12, "must hold images of 3 x 4 pixels, not 4294967295 x 4294967295"),
    (HEADER[:4] + b"\xff" * 4 + HEADER[8:], "must hold 1 to 250,000 items, not 4,294,967,295"),
    (HEADER[:4] + bytes(4) + HEADER[8:], "must hold 1 to 250,000 items, not 0"),
    (HEADER[:8] + bytes(8), "must hold images of 3 x 4 pixels, not 0 x 0"),
    (HEADER + PIXELS[:-1], "must have 24 bytes after its header, not 23"),
    (HEADER + PIXELS + b"!", "must have 24 bytes after its header, not more"),
])
def test_what_is_no_idx_file_is_refused(tmp_path, content, reason):
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"^{re.escape(f'{path} {reason}')}$"):
        read_idx(path, (3, 4))


@pytest.mark.parametrize("content", [
    gzip.compress(HEADER + PIXELS)[:-9],
    gzip.compress(HEADER + PIXELS)[:-8] + bytes(8),
    HEADER + PIXELS,
    b"\x1f\x8b\x08\x08" + bytes(6) + b"x" * 1_000_000,
], ids=["cut short", "wrong check", "not compressed", "a long name"])
def test_a_damaged_archive_is_refused(tmp_path, content):
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"^{re.escape(str(path))} cannot be read: .+$"):
        read_idx(path, (3, 4))


def write_mnist(folder, *, side=28, n_labels=20, label=None):
    """Write four IDX files of 20 images each, whose labels are 0 to 9, twice."""
    for part in ("train", "t10k"):
        shape = b"".join(length.to_bytes(4) for length in (20, side, side))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(
            bytes([0, 0, 8, 3]) + shape + bytes(range(20)) * side * side)
        labels = bytes(label if label is not None else n % 10 for n in range(n_labels))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(
            bytes([0, 0, 8, 1]) + n_labels.to_bytes(4) + labels)


@pytest.mark.parametrize("below", [".", "mnist"])
def test_files_are_found_in_the_folder_or_below(tmp_path, below):
    (tmp_path / below).mkdir(exist_ok=True)
    write_mnist(tmp_path / below)
    assert load("mnist", tmp_path).train_images.shape == (20, 1, 28, 28)


@pytest.mark.parametrize("wrong, message", [
    ({"side": 32}, r"^.*train-images-idx3-ubyte must hold images of 28 x 28 pixels, not 32 x 32$"),
    ({"n_labels": 19},
     r"^.*train-labels-idx1-ubyte must have a label for each of the 20 images, not 19$"),
    ({"label": 10}, r"^.*train-labels-idx1-ubyte must hold labels of 10 classes$"),
])
def test_files_that_do_not_fit_are_refused(tmp_path, wrong, message):
    write_mnist(tmp_path, **wrong)
    with pytest.raises(DataError, match=message):
        load("mnist", tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"^train-images-idx3-ubyte or train-images-idx3-ubyte\.gz "
                                        r"was not found in .+ or .+mnist$"):
        load("mnist", tmp_path)


def test_an_unknown_data_set_is_refused():
    with pytest.raises(DataError, match=r"^Unknown data set 'mnits'; known data sets: digits, "
                                        r"mnist, fashion-mnist, emnist-letters$"):
        load("mnits")


def test_without_a_network_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("sw.images.data.URLS", {"mnist": "http://localhost:1/"})
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path)
    with pytest.raises(DataError, match=r"^mnist could not be downloaded from http://localhost:1/ "
                                        r"into .+mnist: put its IDX files into a folder and pass "
                                        r"--data-dir \(ConnectionError\)$"):
        load("mnist")


def test_digits_are_split_in_the_same_way_each_time():
    a, b = load("digits"), load("digits")
    assert torch.equal(a.test_images, b.test_images)
    assert (len(a.train_labels), len(a.test_labels)) == (1347, 450)
    assert 0 <= a.train_images.min() and a.train_images.max() <= 1


def tiny(n_classes):
    """Make a data set whose image n shows n and has label n, in both parts."""
    labels = torch.arange(n_classes)
    images = labels.float()[:, None, None, None].expand(-1, 1, 28, 28)
    return DataSet(images, labels, images, labels, tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:n_classes]))


@pytest.mark.parametrize("task, kept", [
    ("ten", list(range(10))), ("all", list(range(12))), ("0v1", [0, 1]), ("11v2", [11, 2]),
])
def test_task_keeps_its_classes_in_order(task, kept):
    chosen = select(tiny(12), task)
    shown = chosen.train_images[:, 0, 0, 0].tolist()
    assert [kept[label] for label in chosen.train_labels.tolist()] == shown == sorted(kept)
    assert chosen.classes == tuple("ABCDEFGHIJKL"[klass] for klass in kept)


@pytest.mark.parametrize("task", ["", "v", "0v0", "0v12", "0v1v2", "-1v2", "one", "0v٣", "0v" * 9,
                                  "0v99999999999999999999"])
def test_a_bad_task_is_refused(task):
    with pytest.raises(DataError, match=r"^A task must be ten, all, or two different classes 0 to "
                                        rf"11 such as 0v1, not {re.escape(repr(task))}$"):
        select(tiny(12), task)


def test_a_task_needs_images_of_its_classes():
    data = tiny(12)
    data.train_labels[3] = 4
    with pytest.raises(DataError, match=r"^Task '3v8' needs images of class 3 to train and to test,"
                                        r" but one part has none$"):
        select(data, "3v8")


FOLDER = os.environ.get("HYBNN_DATA")
needs_files = pytest.mark.skipif(not FOLDER, reason="HYBNN_DATA names no folder of IDX files.")


@needs_files
@pytest.mark.parametrize("name, shape, n_classes", [
    ("mnist", (60_000, 10_000), 10),
    ("fashion-mnist", (60_000, 10_000), 10),
    ("emnist-letters", (124_800, 20_800), 26),
])
def test_published_files(name, shape, n_classes):
    data = load(name, Path(FOLDER))
    assert (len(data.train_labels), len(data.test_labels)) == shape
    assert data.train_labels.unique().tolist() == list(range(n_classes))
    assert data.test_images.min() == 0 and data.test_images.max() == 1


@needs_files
def test_emnist_letters_stand_upright():
    data = load("emnist-letters", Path(FOLDER))
    mean = data.test_images[data.test_labels == ord("T") - ord("A"), 0].mean(dim=0)
    # The bar of a T is at the top: more ink in the upper third than in any side third.
    top, left, right = mean[:9].sum(), mean[:, :9].sum(), mean[:, 19:].sum()
    assert top > 1.2 * max(left, right)


def test_there_must_be_such_a_data_set():
    with pytest.raises(DataError) as refused:
        class_names("photos", "all")
    assert str(refused.value) == ("The data set must be one of digits, mnist, fashion-mnist, "
                                  "emnist-letters, not 'photos'")
