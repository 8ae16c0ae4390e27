# amaranth: UnusedElaboratable=no
"""Images, questions and loads through the link, beside an engine that is easy to believe."""

import numpy as np
import pytest

from hw.blocks.wire.image_link import ImageLink
from sw.golden import bits, frame
from sw.golden.frame import ESCAPE, FLAG, N_SEQUENCES, QUESTIONS, SHORT, n_short
from tests.streams import PACES, get, put, simulate

IDENTITY = bytes(range(100, 121))
N_IMAGES = 14    # Two more than there are kinds of garbage.
FIRST = 119      # The sequence numbers that follow hold both bytes that must be escaped.


class Engine:
    """Computes one image while it takes another, as a word-serial engine does.

    Attributes
    ----------
    images : list of bytes
        Those that were accepted.
    """

    def __init__(self, dut, n_classes, cycles):
        self.dut, self.n_classes, self.cycles = dut, n_classes, cycles
        self.images, self.waiting = [], []

    async def work(self, ctx):
        """Give the class of each image after so many cycles: the sum of its bytes."""
        dut, taken, waiting, left = self.dut, [], self.waiting, 0
        while True:
            ctx.set(dut.image.ready, len(waiting) < 2)
            _, _, valid, byte, ready, accept, abort = await ctx.tick().sample(
                dut.image.valid, dut.image.payload, dut.image.ready, dut.accept, dut.abort)
            if valid and ready:
                taken.append(byte)
            assert not (accept and abort) and len(taken) <= bits.n_bytes(dut.n_in)
            if accept:
                assert len(waiting) < 2
                self.images.append(bytes(taken))
                waiting.append(sum(taken) % self.n_classes)
                left = left or self.cycles
            if accept or abort:
                taken = []
            left -= left > 0
            ctx.set(dut.klass.valid, is_done := bool(waiting) and left == 0)
            if is_done:
                ctx.set(dut.klass.payload, waiting.pop(0))
                left = self.cycles if waiting else 0


def garbage(good):
    """Return what may lie between requests and must not be answered."""
    body, (content,) = good[1:-1], frame.Unwrapper(frame.fcs32).feed(good)
    return [
        b"",
        bytes([FLAG, *body[:-1], body[-1] ^ 1, FLAG]),    # The check is wrong.
        bytes([FLAG, *body[1:], FLAG]),                   # A byte is missing.
        bytes([FLAG, *body, 0, FLAG]),                    # A byte too many.
        bytes([FLAG, *body, 0xFF, FLAG]),                 # What an idle check expects.
        wrapped(content[:1]), wrapped(content[:-1]),      # Too short, and well checked.
        wrapped(bytes([N_SEQUENCES]) + content[1:]),      # A load as long as an image.
        wrapped(content + bytes(40)),
        bytes([FLAG, *body, ESCAPE, FLAG]),               # Aborted.
        bytes([FLAG, FLAG, FLAG]),
        bytes(range(100)),
    ]


def wrapped(content):
    return frame.wrap(content + frame.fcs32(content))


def play(n_in, n_classes, cycles, pace, sent, expected, reloadable=False):
    """Send bytes into a link beside an engine; return it, the answers and the words loaded."""
    dut = ImageLink(n_in, n_classes, reloadable=reloadable, identity=IDENTITY)
    engine, received, words = Engine(dut, n_classes, cycles), [], []

    async def host(ctx):
        await put(ctx, dut.from_host, sent, pace.get("gaps", (0,)))
        for _ in range(50):
            await ctx.tick()

    async def answers(ctx):
        pauses = {name: value for name, value in pace.items() if name != "gaps"}
        received.extend(await get(ctx, dut.to_host, len(expected), **pauses))

    async def memory(ctx):
        while reloadable:
            _, _, valid, *word = await ctx.tick().sample(
                dut.load.valid, dut.load.address, dut.load.word)
            assert not (valid and engine.waiting)
            words.extend([tuple(word)] * valid)

    simulate(dut, host, answers, background=[engine.work, memory], deadline=400_000)
    return engine, bytes(received), words


@pytest.mark.parametrize("n_in, n_classes, cycles, pace", [
    (40, 4, 30, PACES[0]), (40, 4, 1, PACES[0]), (40, 4, 700, PACES[0]),
    *((100, 10, 300, pace) for pace in PACES[1:]),
    (8, 2, 300, PACES[0]), (1, 256, 100, PACES[3]), (13, 1, 300, PACES[1])],
    ids=lambda value: "-".join(value) or "prompt" if isinstance(value, dict) else value)
def test_images_go_in_and_classes_come_out_in_order(n_in, n_classes, cycles, pace):
    images = np.random.default_rng(n_in).integers(0, 2, (N_IMAGES, n_in), np.uint8)
    images[0], images[1] = 0, 1
    good = [frame.request((FIRST + number) % N_SEQUENCES, image)
            for number, image in enumerate(images)]
    bad = garbage(good[2])
    sent, expected = b"", b""
    for number, (image, request) in enumerate(zip(images, good)):
        sent += bad[number % len(bad)] + request + frame.question(
            QUESTIONS + number, n_short(n_in)) * (number % 3 == 2)
        klass = sum(bits.to_bytes(image)) % n_classes
        expected += frame.answer((FIRST + number) % N_SEQUENCES, klass)
        if number % 3 == 2:
            expected += frame.answer(QUESTIONS + number, IDENTITY[number])
    engine, answers, _ = play(n_in, n_classes, cycles, pace, sent, expected)
    assert answers == expected
    assert engine.images == [bits.to_bytes(image) for image in images]


@pytest.mark.parametrize("n_in", range(1, 10))
def test_only_the_bits_of_the_image_count(n_in):
    """Whatever fills up its last byte."""
    content = bytes([7, *[0xFF] * bits.n_bytes(n_in)])
    engine, _, _ = play(n_in, 3, 1, {}, wrapped(content), b"")
    assert engine.images == [bits.to_bytes(np.ones(n_in, np.uint8))]


LOADS = [(0, 0xFFFF), (1, 0), (0xFFFFFF, 0x7E7D), (0x7D7E7D, 0x0102)]


@pytest.mark.parametrize("n_in, pace", [(40, {}), (41, PACES[1]), (200, PACES[3])],
                         ids=["40", "41-gaps", "200-shy"])
def test_a_word_is_loaded_while_no_image_is_under_way(n_in, pace):
    """A load waits for the images before it; what is damaged, or as long as an image, is none."""
    image = np.ones(n_in, np.uint8)
    sent, expected, answer = b"", b"", frame.answer(3, sum(bits.to_bytes(image)) % 5)
    for number, word in enumerate(LOADS):
        load = frame.load(N_SEQUENCES + number, word[0], word[1:], SHORT)
        sent += 2 * frame.request(3, image) + load[:4] + bytes([load[4] ^ 1]) + load[5:] + load
        expected += 2 * answer + frame.answer(N_SEQUENCES + number, 0)
        if n_in > SHORT:
            sent += wrapped(bytes([N_SEQUENCES, *bits.to_bytes(image)]))
    sent += frame.question(QUESTIONS, n_short(n_in))
    expected += frame.answer(QUESTIONS, IDENTITY[0])
    engine, answers, words = play(n_in, 5, 900, pace, sent, expected, reloadable=True)
    assert (answers, words, len(engine.images)) == (expected, LOADS, 2 * len(LOADS))


@pytest.mark.parametrize("n_in, n_classes, reloadable, said", [
    (8 * 11_449 + 1, 2, False, "An input must have at most 11,449 bytes, for which the check of a "
                               "frame finds any three wrong bits, not 11,450: take smaller images"),
    (8, 257, False, "The link carries 1 to 256 classes, not 257"),
    (39, 2, True, "A network that can be reloaded must have at least 40 inputs, not 39")],
    ids=["long", "classes", "short"])
def test_what_the_link_does_not_carry(n_in, n_classes, reloadable, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        ImageLink(n_in, n_classes, reloadable=reloadable)
    ImageLink(8 * 11_449, 256)
