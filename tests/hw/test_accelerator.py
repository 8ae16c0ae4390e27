# amaranth: UnusedElaboratable=no
"""Frames in, frames out, equal to golden, whatever else is on the line."""

import numpy as np
import pytest

from hw.accelerator import Accelerator, identity
from hw.blocks.wire.link import Link
from hw.flow.loading import requests
from hw.plan.folding import Fold, Folding, parse, with_readout
from hw.plan.serial import Serial
from sw.golden import bits, forward, frame
from sw.golden.network import random_network
from sw.golden.stages import Signature
from tests.serial import images_for, network_for
from tests.streams import PACES, run

SHAPE = (20, 9, 3)


@pytest.fixture
def network():
    return random_network(SHAPE)


@pytest.fixture
def dut(network):
    return Accelerator(network, Folding([Fold(1, 20)], 3))


def codes_of(n):
    return np.random.default_rng(2).integers(0, 2, (n, SHAPE[0]), np.uint8)


def answers(network, numbered):
    return b"".join(frame.answer(sequence, forward.classify(network, code))
                    for sequence, code in numbered)


@pytest.mark.parametrize("pace", PACES, ids=str)
def test_accelerator_equals_golden(dut, network, pace):
    # Sequence numbers 118...127 hold both bytes that must be escaped.
    numbered = list(zip(range(118, 128), codes_of(10)))
    sent = b"".join(frame.request(*each) for each in numbered)
    expected = answers(network, numbered)
    assert bytes(run(dut, dut.rx, dut.tx, sent, len(expected), **pace)) == expected


def test_a_code_of_2048_bits():
    """What the host sends if the encoder's last layer is the board's: 257 bytes of content."""
    network = random_network((2048, 4, 2), seed=3)
    wide = Accelerator(network, with_readout(network.shape, [Fold(1, 64)]))
    codes = np.random.default_rng(4).integers(0, 2, (2, 2048), np.uint8)
    sent = b"".join(frame.request(sequence, code) for sequence, code in enumerate(codes))
    expected = answers(network, enumerate(codes))
    assert bytes(run(wide, wide.rx, wide.tx, sent, len(expected))) == expected


def spoil(good):
    """Requests that must not be answered, each with a name."""
    body = good[1:-1]

    def wrap(content):
        return frame.wrap(content + frame.fcs32(content))

    return {
        "wrong check": bytes([0x7E, *body[:-1], body[-1] ^ 1, 0x7E]),
        "a byte is missing": bytes([0x7E, *body[1:], 0x7E]),
        "a byte too many": bytes([0x7E, *body, 0, 0x7E]),
        "many bytes too many": bytes([0x7E, *body * 9, 0x7E]),
        "shorter than a check": bytes([0x7E, 1, 0x7E]),
        "empty": bytes([0x7E, 0x7E]),
        "aborted": bytes([0x7E, *body, 0x7D, 0x7E]),
        "another length, right check": wrap(b"\x01\x02"),
        "longer, right check": wrap(bytes(range(1, 6))),
        "noise before the first flag": bytes(range(64)),
    }


@pytest.mark.parametrize("name", spoil(bytes(12)))
def test_a_bad_frame_is_dropped_and_the_next_is_answered(dut, network, name):
    first, second = codes_of(2)
    sent = frame.request(1, first) + spoil(frame.request(2, first))[name] + frame.request(3, second)
    expected = answers(network, [(1, first), (3, second)])
    assert bytes(run(dut, dut.rx, dut.tx, sent, len(expected))) == expected


def test_bits_that_fill_up_the_last_byte_do_not_count(dut, network):
    code, = codes_of(1)
    content = bytearray([7, *bits.to_bytes(code)])
    content[-1] |= 0xA0    # Two pairs that differ.
    sent = frame.wrap(bytes(content) + frame.fcs32(bytes(content)))
    expected = answers(network, [(7, code)])
    assert bytes(run(dut, dut.rx, dut.tx, sent, len(expected))) == expected


@pytest.mark.parametrize("n_classes", [0, 257])
def test_the_class_must_fit_a_byte(n_classes):
    with pytest.raises(ValueError, match=rf"^The link carries 1 to 256 classes, not {n_classes}$"):
        Link(8, n_classes)


@pytest.mark.parametrize("text, plan, pace", [
    ("4x3x2:8-5s2-4", Serial(1, 4), PACES[0]), ("20-9-3", Serial(2, 8), PACES[1]),
    ("7x5x2-6k2p-d7-4", Serial(4, 4), PACES[2]), ("13-10", Serial(1, 2), PACES[3]),
    ("1x1x1:8-c3k1-2", Serial(1, 4), PACES[0])],
    ids=["pixels", "dense-gaps", "bits-stalls", "readout-shy", "one-pixel"])
def test_a_serial_accelerator_equals_golden(text, plan, pace):
    """Images one after the other, as fast as they are taken, and then a question."""
    network = network_for(text)
    numbered = list(zip(range(120, 127), images_for(network, 7)))
    sent = b"".join(frame.request(*each) for each in numbered)
    sent += frame.question(frame.QUESTIONS + 3, frame.n_short(network.n_in))
    said = identity(network, plan, reloadable=False, clock=0, baud=0).to_bytes()
    expected = answers(network, numbered) + frame.answer(frame.QUESTIONS + 3, said[3])
    dut = Accelerator(network, plan)
    assert bytes(run(dut, dut.rx, dut.tx, sent, len(expected), **pace)) == expected


def test_another_network_is_loaded_into_a_serial_one():
    text, plan = "40-6-3", Serial(2, 8)
    old, new = network_for(text), random_network(Signature.parse(text), 7)
    image = images_for(old, 3)[2]
    sent = frame.request(1, image)
    expected = answers(old, [(1, image)])
    for number, make in enumerate(requests(new, plan)):
        sequence = frame.N_SEQUENCES + number % 64
        sent += make(sequence)
        expected += frame.answer(sequence, 0)
    numbered = list(enumerate(images_for(new, 6)))
    sent += b"".join(frame.request(*each) for each in numbered)
    expected += answers(new, numbered)
    dut = Accelerator(old, plan, reloadable=True)
    assert bytes(run(dut, dut.rx, dut.tx, sent, len(expected))) == expected


@pytest.mark.parametrize("text, plan, said", [
    ("6x5x3:8-5-4", parse("1x9", (9, 8, 4)), "6x5x3:8-5-4 is not fully connected on bits: its "
                                            "engine must be like 'serial 1x16', not '1x9'"),
    ("6x5x3:8-5-4", parse("hardwired", (9, 8, 4)), "6x5x3:8-5-4 is not fully connected on bits: "
                                            "its engine must be like 'serial 1x16', not "
                                            "'hardwired'")], ids=["folded", "hardwired"])
def test_convolutions_need_a_serial_engine(text, plan, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        Accelerator(network_for(text), plan)
