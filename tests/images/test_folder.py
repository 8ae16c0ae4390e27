import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from sw.images.data import DataError
from sw.images.folder import ImageFolder
from sw.training.batches import Loader

RED = (255, 0, 0)


def chunk(kind, content):
    return (struct.pack(">I", len(content)) + kind + content
            + struct.pack(">I", zlib.crc32(kind + content)))


def png_of(width, height):
    """A PNG that says it has this size, and has nothing."""
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


def write(folder, images):
    for name, image in images.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if isinstance(image, bytes):
            path.write_bytes(image)
        else:
            image.save(path)


@pytest.mark.parametrize("name, image, colour, pixel", [
    ("a.png", Image.new("L", (30, 20), 7), False, [7]),
    ("a.png", Image.new("L", (30, 20), 7), True, [7, 7, 7]),
    ("a.bmp", Image.new("RGB", (9, 40), RED), True, [255, 0, 0]),
    ("a.bmp", Image.new("RGB", (9, 40), RED), False, [76]),
    ("a.jpg", Image.new("L", (500, 400), 90), False, [90]),
    ("a.GIF", Image.new("P", (8, 8)), False, [0]),
    ("a.png", Image.new("1", (8, 8), 1), False, [255]),
    ("a.png", Image.new("RGBA", (8, 8), (*RED, 0)), True, [0, 0, 0]),
    ("a.png", Image.new("LA", (8, 8), (200, 128)), False, [100]),
    ("a.png", Image.fromarray(np.full((8, 8), 0x8123, np.uint16)), False, [0x81]),
])
def test_a_picture_becomes_a_square(tmp_path, name, image, colour, pixel):
    image.save(tmp_path / name)
    pixels, = ImageFolder(tmp_path, 8, colour)[0]
    assert pixels.dtype == torch.uint8
    assert (pixels == torch.tensor(pixel, dtype=torch.uint8).reshape(-1, 1, 1)).all()
    assert pixels.shape == (len(pixel), 8, 8)


def test_the_middle_is_kept_and_turned_as_the_camera_was(tmp_path):
    image = Image.new("L", (16, 8))
    image.paste(255, (4, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = 6    # Turn by 90 degrees, clockwise.
    image.save(tmp_path / "a.png", exif=exif)
    pixels, = ImageFolder(tmp_path, 8, False)[0]
    assert (pixels[0, :4] == 255).all() and (pixels[0, 4:] == 0).all()


def test_files_are_found_in_order(tmp_path):
    grey = Image.new("L", (8, 8))
    write(tmp_path, {"b.png": grey, "a/c.PNG": grey, "a/b.jpeg": grey, "a/notes.txt": b"",
                     ".hidden.png": grey})
    assert ImageFolder(tmp_path, 8, False).names.tolist() == [b"a/b.jpeg", b"a/c.PNG", b"b.png"]


@pytest.mark.parametrize("damaged, reason", [
    (b"", " holds no picture: give a PNG or a JPEG file"),
    (b"no image", " holds no picture: give a PNG or a JPEG file"),
    (png_of(8, 8), " is damaged: image file is truncated (0 bytes not processed)"),
    (png_of(10_000, 10_000), " has 10000 x 10000 pixels, more than 12,500,000: make it "
                              "smaller"),
    (png_of(2 ** 31 - 1, 2 ** 31 - 1), " has more than 12,500,000 pixels: make it smaller"),
    (Image.new("F", (8, 8)), " has pixels of 32 bits, mode F, which have no known range: "
                               "save it with 8 or 16"),
    (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n",
     " holds no picture: give a PNG or a JPEG file"),
])
def test_a_file_that_cannot_be_read_is_counted_and_another_taken(tmp_path, damaged, reason):
    write(tmp_path, {"a.png": Image.new("L", (8, 8), 1), "b.tif": damaged, "c.tif": damaged,
                     "d.png": Image.new("L", (8, 8), 4)})
    pictures = ImageFolder(tmp_path, 8, False)
    assert [int(pictures[number][0][0, 0, 0]) for number in range(4)] == [1, 4, 4, 4]
    assert pictures.unreadable.tolist() == [False, True, True, False]
    assert pictures.complaint(1) == f"{tmp_path / 'b.tif'}{reason}"


def test_workers_read_the_same_and_tell_what_they_could_not(tmp_path):
    torch.manual_seed(0)
    for number in range(12):
        Image.new("L", (8, 8), number).save(tmp_path / f"{number:02}.png")
    (tmp_path / "05.png").write_bytes(b"")

    def epochs(workers):
        pictures = ImageFolder(tmp_path, 8, False)
        loader = Loader(pictures, 5, torch.device("cpu"), workers)
        torch.manual_seed(0)
        return [batch.tolist() for _ in range(2) for batch, in loader], pictures.unreadable.tolist()

    batches, unreadable = epochs(0)
    assert epochs(2) == (batches, unreadable)
    assert len(batches) == 4 and all(len(batch) == 5 for batch in batches)
    assert unreadable.index(True) == 5 and sum(unreadable) == 1


@pytest.mark.parametrize("images, message", [
    ({}, r"must be a folder with image files \(bmp, gif, jpg, .*\), in it or below"),
    ({"a.png": b"", "b.png": b"x"},
     r"None of the 2 image files in .* can be read; .*a\.png holds no picture: .*"),
])
def test_a_folder_without_pictures_is_refused(tmp_path, images, message):
    write(tmp_path, images)
    with pytest.raises(DataError, match=message):
        ImageFolder(tmp_path, 8, False)


@pytest.mark.parametrize("batch", [0, -1, 4])
def test_a_batch_that_cannot_be_is_refused(tmp_path, batch):
    write(tmp_path, {"a.png": Image.new("L", (8, 8))})
    with pytest.raises(DataError, match=r"^A batch must be at most 1 images, which is all there "
                                        r"are, and a multiple of 1, the number of processes, not "):
        Loader(ImageFolder(tmp_path, 8, False), batch, torch.device("cpu"))
