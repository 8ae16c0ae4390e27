"""Pictures of any size and paper become what a data set would have had."""

import os
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from PIL.Image import Transpose

from sw.golden.regular import FileRefused
from sw.images import picture
from sw.images.picture import Nothing, PictureError


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


def an_r():
    """A letter on white that no turn or reflection leaves as it is, with tones."""
    values = np.full((150, 120), 255)
    values[30:120, 40:52] = 0
    values[30:42, 40:85] = values[62:74, 40:85] = 60
    values[30:74, 76:88] = 60
    values[100:120, 60:88] = 120
    return values.astype(np.uint8)


R = an_r()
INK = Image.fromarray(255 - R)
BLACK, WHITE = Image.new("L", INK.size), Image.new("L", INK.size, 255)
GREY = Image.fromarray(R)
RGB = GREY.convert("RGB")
WIDE = R.astype(np.uint16) * 256


def saved(image, form, pages=1, **options):
    file = BytesIO()
    if pages > 1:
        options |= {"save_all": True, "append_images": [image.rotate(90) for _ in range(pages - 1)]}
    image.copy().save(file, form, **options)    # A copy: Pillow keeps a JPEG's settings in it.
    return file.getvalue()


def paletted(values, colours, alpha):
    image = Image.fromarray(values).convert("L")
    image = Image.frombytes("P", image.size, image.tobytes())
    image.putpalette(colours)
    return saved(image, "PNG", transparency=alpha)


def merged(mode, *bands):
    return Image.merge(mode, bands)


LOOKS = {
    "grey": saved(GREY, "PNG"),
    "white on black": saved(INK, "PNG"),
    "16 bits": saved(Image.fromarray(WIDE), "PNG"),
    "16 bits of which 12 are used": saved(Image.fromarray(WIDE >> 4), "PNG"),
    "16 bits, TIFF": saved(Image.fromarray(WIDE), "TIFF"),
    "16 bits, TIFF, high byte first": saved(Image.fromarray(WIDE.astype(">u2")), "TIFF"),
    "16 bits, PGM": saved(Image.fromarray(WIDE.astype(np.int32)), "PPM"),
    "black ink on nothing": saved(merged("RGBA", *[BLACK] * 3, INK), "PNG"),
    "black ink on nothing, WebP": saved(merged("RGBA", *[BLACK] * 3, INK), "WEBP", lossless=True),
    "white ink on nothing": saved(merged("RGBA", *[WHITE] * 3, INK), "PNG"),
    "grey and alpha": saved(merged("LA", BLACK, INK), "PNG"),
    "premultiplied": saved(merged("RGBA", *[BLACK] * 3, INK), "TIFF"),
    "black ink on white that is opaque": saved(merged("RGBA", *[GREY] * 3, WHITE), "PNG"),
    "a palette": paletted(R, [tone for tone in range(256) for _ in range(3)], None),
    "a palette with transparent colours": paletted(255 - R, [0] * 768, bytes(range(256))),
    "a transparent tone": saved(GREY, "PNG", transparency=255),
    "a transparent colour": saved(RGB, "PNG", transparency=(255, 255, 255)),
    "colour": saved(RGB, "BMP"),
    "CMYK": saved(RGB.convert("CMYK"), "JPEG", quality=98),
    "YCbCr": saved(RGB, "JPEG", quality=98),
    "progressive": saved(GREY, "JPEG", quality=98, progressive=True),
    "two pictures": saved(RGB, "MPO", quality=98, pages=3),
    "moving, GIF": saved(RGB, "GIF", pages=3),
    "moving, WebP": saved(RGB, "WEBP", lossless=True, pages=3),
    "moving, PNG": saved(RGB, "PNG", pages=3),
    "two pages": saved(RGB, "TIFF", pages=3),
}


@pytest.mark.parametrize("name", LOOKS)
def test_whatever_it_is_stored_as_it_is_seen(name):
    read = picture.read(BytesIO(LOOKS[name]), "mnist")
    np.testing.assert_allclose(read, picture.read(BytesIO(LOOKS["grey"]), "mnist"), atol=0.02)


TURNED = {2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM,
          5: Transpose.TRANSPOSE, 6: Transpose.ROTATE_90, 7: Transpose.TRANSVERSE,
          8: Transpose.ROTATE_270}


@pytest.mark.parametrize("stored, form, options", [
    (GREY, "PNG", {}), (RGB, "JPEG", {"quality": 98}), (RGB, "WEBP", {"lossless": True}),
    (GREY, "TIFF", {}), (Image.fromarray(WIDE), "PNG", {}), (Image.fromarray(WIDE), "TIFF", {}),
    (merged("RGBA", *[BLACK] * 3, INK), "PNG", {})],
    ids=["PNG", "JPEG", "WebP", "TIFF", "16 bits", "16 bits, TIFF", "transparent"])
@pytest.mark.parametrize("orientation", range(10))
def test_it_is_turned_as_the_camera_was_held(stored, form, options, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    if orientation in TURNED:
        # What is right for 6 and 8 is stored turned the other way.
        stored = stored.transpose(TURNED[orientation])
    read = picture.read(BytesIO(saved(stored, form, exif=exif, **options)), "mnist")
    np.testing.assert_allclose(read, picture.read(BytesIO(LOOKS["grey"]), "mnist"), atol=0.02)


@pytest.mark.parametrize("speck", [1, 2, 3])
@pytest.mark.parametrize("place", [(2, 2), (145, 116), (90, 100)])
def test_a_speck_is_no_ink_but_the_dot_of_an_i_is(speck, place):
    dusty = R.copy()
    dusty[place[0]:place[0] + speck, place[1]:place[1] + speck] = 0
    want = picture.read(BytesIO(LOOKS["grey"]), "mnist")
    read = picture.read(BytesIO(saved(Image.fromarray(dusty), "PNG")), "mnist")
    np.testing.assert_allclose(read, want, atol=0.02)
    letter = bar(100, 60, 40, 27, 50, 6)
    dotted = letter + bar(100, 60, 25, 27, 6, 6)
    one, other = (picture.read(BytesIO(saved(Image.fromarray(each), "PNG")), "mnist")
                  for each in (letter, dotted))
    assert one[8:20].any(1).all() and not other.any(1)[4:24].all()


def test_dots_that_are_alike_are_all_ink():
    dots = np.zeros((200, 200), np.uint8)
    dots[40:160:12, 40:160:12] = 255
    assert picture.read(BytesIO(saved(Image.fromarray(dots), "PNG")), "mnist")[5:23, 5:23].any(0
        ).sum() >= 8


@pytest.mark.parametrize("height, width", [(1, 10_000), (10_000, 1), (2, 3000), (3, 3)])
def test_a_strip_is_read(height, width):
    values = np.zeros((height, width), np.uint8)
    values[height // 2, width // 2] = 255
    assert picture.read(BytesIO(saved(Image.fromarray(values), "PNG")), "mnist").max() > 0


@pytest.mark.parametrize("image", [
    Image.new("L", (28, 28)), Image.new("L", (1, 1), 9), Image.new("RGBA", (50, 50)),
    Image.new("RGB", (5000, 2)), Image.new("1", (9, 9), 1)],
    ids=lambda image: f"{image.mode} {image.size}")
def test_a_blank_picture_shows_nothing(image):
    with pytest.raises(Nothing, match=r"^The picture shows nothing: all of it is as its edges"):
        picture.read(BytesIO(saved(image, "PNG")), "mnist")


def png_of(width, height):
    def chunk(kind, content):
        return (struct.pack(">I", len(content)) + kind + content
                + struct.pack(">I", zlib.crc32(kind + content)))
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
            + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


def jpeg_of(width, height, **options):
    """A JPEG that says it has this size."""
    content = saved(Image.new("RGB", (16, 16)), "JPEG", **options)
    sizes = struct.pack(">HH", 16, 16), struct.pack(">HH", height, width)
    assert content.count(sizes[0]) == 1
    return content.replace(*sizes)


def scans_of(count):
    """A JPEG that goes through its pixels so often."""
    content = saved(GREY, "JPEG", progressive=True)
    scan = content[content.rindex(b"\xff\xda"):-2]
    return content[:-2] + scan * count + content[-2:]


SMALLER = "The picture has {} pixels, more than {}: make it smaller"


@pytest.mark.parametrize("content, said", [
    (png_of(3536, 3536), SMALLER.format("3536 x 3536", "12,500,000")),
    (png_of(1, 12_500_001), SMALLER.format("1 x 12500001", "12,500,000")),
    (png_of(2 ** 31 - 1, 2 ** 31 - 1),
     "The picture has more than 12,500,000 pixels: make it smaller"),
    (saved(Image.new("L", (2501, 2500)), "WEBP"), SMALLER.format("2501 x 2500", "6,250,000")),
    (jpeg_of(8193, 8192), SMALLER.format("8193 x 8192", "67,108,864")),
    (jpeg_of(4000, 4000, progressive=True), SMALLER.format("4000 x 4000", "12,500,000")),
    (jpeg_of(60_000, 600), SMALLER.format("60000 x 600", "12,500,000")),
    (scans_of(100), "The picture goes through its pixels more than 100 times: save it anew"),
    (b"\xff\xd8" + b"\xff\xfe\0\2" * 2000 + saved(GREY, "JPEG")[2:],
     "The picture goes through its pixels more than 100 times: save it anew"),
    (saved(Image.new("I", (50, 50)), "TIFF"), "The picture has pixels of 32 bits, mode I, which "
                                              "have no known range: save it with 8 or 16"),
    (saved(Image.new("F", (50, 50)), "TIFF"), "The picture has pixels of 32 bits, mode F, which "
                                              "have no known range: save it with 8 or 16"),
    (saved(Image.new("LAB", (50, 50)), "TIFF"), "The picture has colours in CIELAB, which are not "
                                                "read: save it in RGB"),
], ids=range(12))
def test_what_is_too_large_is_not_decoded(content, said):
    with pytest.raises(PictureError) as refused:
        picture.read(BytesIO(content), "mnist")
    assert str(refused.value) == said


def test_a_photo_of_many_pixels_is_decoded_smaller():
    stored = Image.fromarray(np.kron(R, np.ones((50, 50), np.uint8)))
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved(stored.transpose(Transpose.ROTATE_90), "JPEG", quality=90, exif=exif)
    read = picture.read(BytesIO(content), "mnist")
    np.testing.assert_allclose(read, picture.read(BytesIO(LOOKS["grey"]), "mnist"), atol=0.1)


@pytest.mark.parametrize("form", ["AVIF", "BLP", "DDS", "EPS", "ICNS", "ICO", "JPEG2000", "PCX",
                                  "PDF", "SGI", "TGA", "XBM"])
def test_formats_that_are_not_tested_are_not_read(form):
    image = {"BLP": RGB.convert("P"), "XBM": GREY.convert("1")}.get(form, RGB)
    try:
        content = saved(image, form)
    except (OSError, KeyError):
        pytest.skip(f"Pillow was built without {form}")
    with pytest.raises(PictureError, match=r"holds no picture: give a PNG or a JPEG file$"):
        picture.read(BytesIO(content), "mnist")


@pytest.mark.parametrize("name", [name for name in LOOKS if name not in ("white on black",)])
def test_a_damaged_file_is_refused_in_a_line_or_read(name):
    random, content = np.random.default_rng(len(name)), LOOKS[name]
    for _ in range(20):
        damaged = bytearray(content[:random.integers(len(content) // 2, len(content) + 1)])
        for place in random.integers(0, min(len(damaged), 400), random.integers(1, 5)):
            damaged[place] = random.integers(0, 256)
        try:
            assert picture.read(BytesIO(damaged), "mnist").shape == (28, 28)
        except PictureError as error:
            assert "\n" not in str(error) and len(str(error)) < 300


def sparse(path):
    path.touch()
    os.truncate(path, 1 << 40)


@pytest.mark.parametrize("make, said", [
    (os.mkfifo, "must be a file, not a named pipe"),
    (lambda path: path.symlink_to("/dev/zero"), "must be a file, not a device"),
    (sparse, "must have at most 134,217,728 bytes")],
    ids=["pipe", "zero", "sparse"])
def test_what_is_no_file(tmp_path, make, said):
    make(tmp_path / "a.png")
    with pytest.raises(FileRefused, match=said):
        picture.read(tmp_path / "a.png", "mnist")


def test_half_a_picture(tmp_path):
    file = stored(tmp_path, np.random.default_rng(0).integers(0, 256, (60, 60)))
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(PictureError, match=" is damaged: image file is truncated"):
        picture.read(file, "mnist")
