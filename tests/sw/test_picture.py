"""Pictures of any size and paper become what a data set would have had."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from sw import picture
from sw.picture import PictureError


def stored(tmp_path, values, name="a.png"):
    Image.fromarray(np.asarray(values, np.uint8)).save(tmp_path / name)
    return tmp_path / name


def bar(height, width, top, left, tall, wide, paper=0, ink=255):
    values = np.full((height, width), paper, np.uint8)
    values[top:top + tall, left:left + wide] = ink
    return values


@pytest.mark.parametrize("values", [
    bar(300, 200, 20, 20, 100, 50), bar(80, 120, 10, 60, 40, 20), bar(28, 28, 3, 3, 20, 10, 255, 0),
    bar(300, 200, 20, 20, 100, 50, 240, 30), bar(50, 50, 0, 1, 20, 10, 90, 91)], ids=np.shape)
def test_ink_becomes_twenty_pixels_around_its_centre_of_mass(tmp_path, values):
    read = picture.read(stored(tmp_path, values), "mnist")
    assert read.shape == (28, 28)
    np.testing.assert_allclose(read, bar(28, 28, 4, 9, 20, 10, 0, 1), atol=0.01)


def test_the_heavier_side_is_nearer_to_the_centre():
    ink = np.zeros((40, 40), np.float32)
    ink[10:30, 10:16] = ink[10:14, 10:30] = 1    # An L upside down.
    drawn = picture.normalise(ink, "mnist")
    rows, columns = (np.arange(28) + 0.5) @ drawn.sum(1), (np.arange(28) + 0.5) @ drawn.sum(0)
    assert abs(rows / drawn.sum() - 14) <= 0.5 and abs(columns / drawn.sum() - 14) <= 0.5


def test_one_of_the_data_set_is_taken_as_it_is(tmp_path):
    values = bar(28, 28, 1, 2, 5, 5)
    read = picture.read(stored(tmp_path, values), "mnist")
    assert np.array_equal(read * 255, values)


def test_digits_have_no_margin_and_eight_pixels(tmp_path):
    read = picture.read(stored(tmp_path, bar(100, 100, 30, 30, 40, 20)), "digits")
    assert read.shape == (28, 28) and read[0].max() == read[-1].max() == 1
    assert read[:, :5].max() == read[:, -5:].max() == 0


def test_a_picture_may_have_colours_and_lie_in_memory():
    file = BytesIO()
    Image.fromarray(bar(60, 60, 20, 25, 20, 10)).convert("RGB").save(file, "JPEG", quality=95)
    read = picture.read(file, "mnist")
    np.testing.assert_allclose(read, bar(28, 28, 4, 9, 20, 10, 0, 1), atol=0.4)


@pytest.mark.parametrize("content, said", [
    (b"", "{} holds no picture: give a PNG or a JPEG file"),
    (b"\x89PNG\r\n\x1a\n", "{} "), (None, "{} shows nothing: all of it is as its edges are")])
def test_what_is_no_picture(tmp_path, content, said):
    file = stored(tmp_path, bar(30, 30, 0, 0, 0, 0))
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PictureError) as error:
        picture.read(file, "mnist")
    assert str(error.value).startswith(said.format(file))


def test_half_a_picture(tmp_path):
    file = stored(tmp_path, np.random.default_rng(0).integers(0, 256, (60, 60)))
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(PictureError, match=" is damaged: image file is truncated"):
        picture.read(file, "mnist")
