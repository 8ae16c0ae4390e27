"""Bad folders of images and bad tables: one line each from the command, and nothing left behind."""

import shutil

import numpy as np
import pytest
from PIL import Image

from sw.train import main


def draw(folder, classes, files=4):
    for klass in classes:
        (folder / klass).mkdir(parents=True)
        for number in range(files):
            Image.new("L", (9 + number, 9), 40 * number).save(folder / klass / f"{number}.png")


def one_class(folder):
    draw(folder, ["a"])


def many_classes(folder):
    draw(folder, [f"{number:03}" for number in range(257)], 1)


def empty_class(folder):
    draw(folder, "ab")
    (folder / "c").mkdir()


def unlike_parts(folder):
    draw(folder / "train", "abc")
    draw(folder / "test", "ab")


def unreadable(folder):
    draw(folder, "ab")
    for file in (folder / "b").iterdir():
        file.write_bytes(b"\x89PNG\r\n\x1a\n cut")


def a_file(folder):
    folder.write_text("a,b\n")


def nothing(folder):
    assert not folder.exists()


HEAD = "x,y,class\n"


@pytest.mark.parametrize("make, said", [
    (one_class, "in must hold 2 to 256 folders, one for each class, not 1"),
    (many_classes, "in must hold 2 to 256 folders, one for each class, not 257"),
    (empty_class, "in/c must hold image files (bmp, gif, jpg, jpeg, png, pgm, pnm, ppm, tif, tiff, "
                  "webp), and has none"),
    (unlike_parts, "in must have the same classes in train and test, and 'c' is in one of them "
                   "alone"),
    (unreadable, "in must have images of 'b' to train on that can be read, and has none"),
    (a_file, "in must be a folder that holds a folder of images for each class"),
    (nothing, "in must be a folder that holds a folder of images for each class"),
], ids=lambda value: value.__name__ if callable(value) else "")
def test_bad_folders(tmp_path, monkeypatch, capsys, make, said):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "in")
    before = {*tmp_path.rglob("*")}
    assert main(["--images", "in", "--on-chip", "4s4"]) == 2
    assert capsys.readouterr().err == f"error: {said}\n"
    assert {*tmp_path.rglob("*")} == before


@pytest.mark.parametrize("text, said", [
    (HEAD + "1,2,a\n2,wide,b\n3,4,a\n4,5,b\n", "must have numbers in the column 'y', and has "
                                              "'wide' in row 2"),
    (HEAD + "1,2,a\n" + HEAD + "2,3,b\n", "must have one header, and has it again in row 2"),
    (HEAD + "1,2,a\n2,3,a\n", "must have 2 to 256 classes, not 1"),
    (HEAD + "".join(f"1,{number},{number}\n" * 2 for number in range(257)),
     "must have 2 to 256 classes, not 257"),
    (HEAD + "1,2,a\n1,2,a\n1,2,b\n", "must have two rows of each class at the least, and has one "
                                     "of 'b'"),
    (HEAD + "NaN,,a\nNaN,,a\nNaN,,b\nNaN,,b\n", "must have a column that is not the same in all "
                                                "rows"),
    (HEAD + "1,2,a\n2,3,NaN\n", "must have a label in each row, and has none in row 2"),
    ("class\na\nb\na\nb\n", "must have a column that is not the same in all rows"),
    ("", "must be a CSV file with a header, and is empty"),
], ids=["text", "header", "one", "257", "single", "missing", "no label", "no column", "empty"])
def test_bad_tables(tmp_path, monkeypatch, capsys, text, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.csv").write_text(text)
    assert main(["--table", "in.csv", "--label", "class"]) == 2
    assert capsys.readouterr().err == f"error: in.csv {said}\n"
    assert [file.name for file in tmp_path.iterdir()] == ["in.csv"]


def test_images_of_mixed_sizes_and_missing_numbers_are_learnt(tmp_path, monkeypatch):
    """They are no mistakes."""
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "in", "ab", 12)
    assert main(["--images", "in", "--on-chip", "4s4", "--side", "8", "--epochs", "1",
                 "--device", "cpu", "--out", "a"]) == 0
    shutil.rmtree("a")
    rng = np.random.default_rng(0)
    rows = "".join(f"{rng.choice(['NaN', '', '1', '2'])},{number},{'ab'[number % 2]}\n"
                   for number in range(40))
    (tmp_path / "in.csv").write_text(HEAD + rows)
    assert main(["--table", "in.csv", "--label", "class", "--epochs", "1", "--device", "cpu",
                 "--out", "b"]) == 0
