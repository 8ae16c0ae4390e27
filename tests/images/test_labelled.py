"""Folders of your own images: what is read of them, how it is divided, and what is refused."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from sw.images import labelled
from sw.images.names import DataError

GREY = {"circle": 40, "square": 90, "χ-über": 140}    # Of all pixels of a class.


def draw(folder, files=range(10), grey=GREY, side=12):
    """Make PNG files, each of one grey, a little darker for each number."""
    for name, value in grey.items():
        (folder / name).mkdir(parents=True)
        for number in files:
            image = Image.new("L", (side, side + number), value + number)
            image.save(folder / name / f"{number}.png")
    return folder


@pytest.fixture
def folder(tmp_path):
    return draw(tmp_path / "shapes")


def test_each_class_is_divided_and_read(folder):
    found = labelled.read(folder, 8, colour=False)
    assert found.own.classes == ("circle", "square", "χ-über") and found.notes == ()
    for images, labels in (found.train, found.train_labels), (found.test, found.test_labels):
        assert images.shape == (len(labels), 8, 8, 1) and images.dtype == np.uint8
        values = images[:, 4, 4, 0].astype(int)
        assert {*labels} == {0, 1, 2} and (abs(values - [[40, 90, 140][n] for n in labels]) < 10
                                           ).all()
    assert len(found.train) + len(found.test) == 30
    assert {*found.train[:, 0, 0, 0]}.isdisjoint(found.test[:, 0, 0, 0])


def test_nothing_moves_when_files_are_added(folder):
    before = labelled.read(folder, 8, colour=False)
    draw(folder / "new", range(10, 40))
    for name in GREY:
        for file in (folder / "new" / name).iterdir():
            shutil.move(file, folder / name)
    shutil.rmtree(folder / "new")
    after = labelled.read(folder, 8, colour=False)
    for part in "train", "test":
        old, new = ({image.tobytes() for image in getattr(each, part)} for each in (before, after))
        assert old < new
    assert before.own.fingerprint != after.own.fingerprint
    assert 10 <= len(after.test) <= 40    # A fifth of 120.


def test_train_and_test_are_taken_as_they_are(tmp_path):
    draw(tmp_path / "train", range(6))
    draw(tmp_path / "test", range(6, 8))
    found = labelled.read(tmp_path, 8, colour=True)
    assert found.train.shape == (18, 8, 8, 3) and found.test.shape == (6, 8, 8, 3)
    assert labelled.read(tmp_path, 8, colour=True, limit=2).train.shape == (6, 8, 8, 3)


def test_what_is_unusual_is_noted(folder):
    (folder / "circle" / "damaged.png").write_bytes(b"\x89PNG\r\n")
    for number in range(10, 30):
        shutil.copy(folder / "square" / "0.png", folder / "square" / f"{number}.png")
    notes = labelled.read(folder, 8, colour=False).notes
    assert [note.split(" such as")[0] for note in notes] == [
        "1 files could not be read and were left out,", notes[1],
        f"{notes[2].split(' ')[0]} images to test on are among those to train on, too,"]
    assert "damaged.png" in notes[0] and "'square'" in notes[1] and "weigh more" in notes[1]
    assert int(notes[2].split(" ")[0]) > 0


def empty(folder):
    (folder / "empty").mkdir()


def one(folder):
    for name in [*GREY][1:]:
        shutil.rmtree(folder / name)


def many(folder):
    for number in range(254):
        (folder / str(number)).mkdir()


def alone(folder):
    draw(folder, [0], {"alone": 7})


def unprintable(folder):
    (folder / "circle").rename(folder / os.fsdecode(b"circle\xff"))


def damaged(folder):
    for file in (folder / "square").iterdir():
        file.write_bytes(b"GIF89a")


def strange(folder):
    for part in "train", "test":
        shutil.copytree(folder / "circle", folder / part / "circle")
        shutil.copytree(folder / "square", folder / part / ("square" if part == "train" else "x"))
    for name in GREY:
        shutil.rmtree(folder / name)


def flat(folder):
    for name, part in {"circle": "train", "square": "test"}.items():
        (folder / name).rename(folder / part)
    shutil.rmtree(folder / "χ-über")


@pytest.mark.parametrize("change, said", [
    (empty, "{}/empty must hold image files (bmp, gif, jpg, jpeg, png, pgm, pnm, ppm, tif, tiff, "
            "webp), and has none"),
    (one, "{} must hold 2 to 256 folders, one for each class, not 1"),
    (many, "{} must hold 2 to 256 folders, one for each class, not 257"),
    (flat, "{}/train must hold 2 to 256 folders, one for each class, not 0"),
    (alone, "{}/alone must hold two images at the least: one is to test on"),
    (unprintable, "{} must hold folders whose names can be printed, not 'circle\\udcff'"),
    (damaged, "{} must have images of 'square' to train on that can be read, and has none"),
    (strange, "{} must have the same classes in train and test, and 'square' is in one of them "
              "alone"),
    (shutil.rmtree, "{} must be a folder that holds a folder of images for each class"),
], ids=lambda value: value.__name__ if callable(value) else "")
def test_what_is_no_folder_of_classes_is_refused(folder, change, said):
    change(folder)
    with pytest.raises(DataError) as refused:
        labelled.read(folder, 8, colour=False)
    assert str(refused.value) == said.format(folder)


def test_hidden_files_and_others_are_left_out(folder):
    (folder / ".git").mkdir()
    (folder / "README.txt").write_text("mine")
    (folder / "circle" / "notes.txt").write_text("mine")
    (folder / "circle" / "._0.png").write_bytes(b"a Mac's")
    assert len(labelled.read(folder, 8, colour=False).own.classes) == 3
