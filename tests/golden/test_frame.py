from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from amaranth.lib.crc.catalog import CRC16_IBM_SDLC, CRC32_ISO_HDLC

from sw.golden import frame
from sw.golden.frame import ESCAPE, FLAG, Unwrapper, fcs16, fcs32, wrap
from sw.golden.stages import MAX_WIDTH

CONTENTS = [b"1", b"123456789", bytes(26), bytes([0xFF] * 26), bytes([FLAG, ESCAPE] * 3),
            bytes([0x5E, 0x5D]), bytes(range(256))]


def feed(data, fcs=fcs32, size=None):
    """Return all that is found in ``data`` when it comes in pieces of ``size`` bytes."""
    unwrapper, size = Unwrapper(fcs), size or len(data)
    return [content for start in range(0, len(data), size)
            for content in unwrapper.feed(data[start:start + size])]


def noise(n, seed):
    return np.random.default_rng(seed).integers(0, 256, n, np.uint8).tobytes()


@pytest.mark.parametrize("content", [b"", *CONTENTS, noise(300, 0)], ids=lambda c: c.hex()[:16])
@pytest.mark.parametrize("fcs, algorithm", [(fcs16, CRC16_IBM_SDLC), (fcs32, CRC32_ISO_HDLC)],
                         ids=["16", "32"])
def test_checks_equal_those_of_amaranth(fcs, algorithm, content):
    expected = algorithm(data_width=8).compute(content)
    assert int.from_bytes(fcs(content), "little") == expected


@pytest.mark.parametrize("content, expected", [
    ("", "7e 7e"),
    ("00", "7e 00 7e"),
    ("7e", "7e 7d 5e 7e"),
    ("7d", "7e 7d 5d 7e"),
    ("7d 5e 5d 7f 7c", "7e 7d 5d 5e 5d 7f 7c 7e"),
    ("01 7e 7d 02", "7e 01 7d 5e 7d 5d 02 7e"),
])
def test_flags_and_escapes_are_escaped(content, expected):
    assert wrap(bytes.fromhex(content)).hex(" ") == expected


@pytest.mark.parametrize("fcs", [fcs16, fcs32])
@pytest.mark.parametrize("size", [None, 1, 2, 3])
def test_frames_come_back(fcs, size):
    data = b"".join(wrap(content + fcs(content)) for content in CONTENTS)
    assert feed(data, fcs, size) == CONTENTS


@pytest.mark.parametrize("content", CONTENTS, ids=lambda c: c.hex()[:16])
def test_a_frame_may_be_split_anywhere(content):
    data = wrap(content + fcs32(content))
    for at in range(len(data) + 1):
        unwrapper = Unwrapper(fcs32)
        assert [*unwrapper.feed(data[:at]), *unwrapper.feed(data[at:])] == [content]


@pytest.mark.parametrize("n_flags", [1, 2, 3, 50])
def test_frames_may_share_a_flag_or_lie_apart(n_flags):
    bodies = [wrap(content + fcs32(content))[1:-1] for content in (b"one", b"two")]
    flags = bytes([FLAG] * n_flags)
    assert feed(flags + bodies[0] + flags + bodies[1] + flags) == [b"one", b"two"]


@pytest.mark.parametrize("length, found", [(frame.LONGEST, True), (frame.LONGEST + 1, False),
                                           (300_000, False)])
@pytest.mark.parametrize("fcs", [fcs16, fcs32])
def test_of_a_frame_without_end_no_more_is_kept_than_of_the_longest(fcs, length, found):
    content = bytes(length - len(fcs(b"")))
    unwrapper = Unwrapper(fcs)
    assert [*unwrapper.feed(wrap(content + fcs(content))[:-1])] == []
    assert len(unwrapper._body) <= frame.LONGEST + 1
    good = wrap(b"good" + fcs(b"good"))
    assert [*unwrapper.feed(good)] == [content][:found] + [b"good"]


GOOD = wrap(b"good" + fcs32(b"good"))
OTHER = wrap(b"other" + fcs32(b"other"))


@pytest.mark.parametrize("before, found", [
    (b"", []),
    (b"\x00", []),
    (bytes([ESCAPE]), []),                                  # Garbage may end with an escape.
    (bytes([FLAG, ESCAPE]), []),
    (OTHER[:-1] + bytes([ESCAPE, FLAG]), []),               # Aborted: RFC 1662, section 4.3.
    (OTHER[:-3], []),                                       # Cut off.
    (OTHER[1:], [b"other"]),                                # The first flag is not needed.
    (OTHER[:2] + OTHER[3:], []),                            # A byte lost.
    (OTHER[:2] + b"\x00" + OTHER[2:], []),                  # A byte too many.
    (wrap(b"other" + fcs16(b"other")), []),                 # The other check.
    (wrap(fcs32(b"")), []),                                 # A good check of nothing.
    (wrap(b"abc"), []),                                     # Shorter than its check.
], ids=lambda value: value.hex() if isinstance(value, bytes) else len(value))
def test_the_next_flag_brings_the_reader_back_in_step(before, found):
    assert feed(before + GOOD) == [*found, b"good"]
    assert feed(before + GOOD, size=1) == [*found, b"good"]


def test_a_frame_without_its_last_flag_is_waited_for():
    assert feed(GOOD[:-1]) == []


@pytest.mark.parametrize("seed", range(20))
def test_noise_hides_no_frame_and_is_none(seed):
    data, n_bytes = b"", 1 + 25
    contents = [noise(n_bytes, (seed, number)) for number in range(10)]
    for number, content in enumerate(contents):
        data += noise(50, (seed, number, 1)) + wrap(content + fcs32(content))
    assert feed(data) == feed(data, size=1) == contents


@pytest.mark.parametrize("n_flipped", [1, 2, 3])
def test_three_flipped_bits_of_an_answer_are_found(n_flipped):
    content = b"\x07\x09" + fcs16(b"\x07\x09")
    for places in combinations(range(8 * len(content)), n_flipped):
        flipped = int.from_bytes(content, "little") ^ sum(1 << place for place in places)
        assert feed(wrap(flipped.to_bytes(len(content), "little")), fcs16) == []


@pytest.mark.parametrize("n_in", [1, 7, 8, 9, 200])
@pytest.mark.parametrize("sequence", [0, FLAG, ESCAPE, 255])
def test_requests_come_back(n_in, sequence):
    code = np.random.default_rng(n_in).integers(0, 2, n_in, np.uint8)
    (content,) = feed(frame.request(sequence, code))
    returned, returned_code = frame.parse_request(content, n_in)
    assert returned == sequence and np.array_equal(returned_code, code)
    assert frame.parse_request(content, n_in + 8) is None
    assert frame.parse_request(content[:-1], n_in) is None
    assert frame.parse_request(content + b"\x00", n_in) is None


@pytest.mark.parametrize("sequence", [0, FLAG, ESCAPE, 255])
@pytest.mark.parametrize("klass", [0, 9, FLAG, ESCAPE, 255])
def test_answers_come_back(sequence, klass):
    (content,) = feed(frame.answer(sequence, klass), fcs16)
    assert frame.parse_answer(content) == (sequence, klass)
    assert frame.parse_answer(content + b"\x00") is None and frame.parse_answer(b"") is None


def test_the_docs_show_real_frames():
    page = Path(__file__, "../../../docs/formats.md").resolve().read_text()
    code = np.isin(np.arange(200), [0, 9, 199]).astype(np.uint8)
    assert f"{frame.request(1, code).hex(' ')}\n{frame.answer(1, 7).hex(' ')}\n" in page


def test_frames_look_as_documented():
    code = np.array([1, 0, 0, 0, 0, 0, 0, 0, 1], np.uint8)
    assert frame.request(0x7E, code).hex(" ") == "7e 7d 5e 01 01 " + fcs32(
        b"\x7e\x01\x01").hex(" ") + " 7e"
    assert frame.answer(1, 9).hex(" ") == "7e 01 09 " + fcs16(b"\x01\x09").hex(" ") + " 7e"


def syndromes(fcs, n_bytes):
    """Return what an error of each bit, of content and check, does to the check."""
    zero = int.from_bytes(fcs(bytes(n_bytes)), "little")
    errors = [(1 << bit).to_bytes(n_bytes, "little") for bit in range(8 * n_bytes)]
    return np.array([int.from_bytes(fcs(error), "little") ^ zero for error in errors]
                    + [1 << bit for bit in range(8 * len(fcs(b"")))])


def of(one, count):
    """Return the sums of all choices of so many syndromes."""
    if count < 2:
        return one if count else np.zeros(1, int)
    return np.concatenate([one[at] ^ of(one[at + 1:], count - 1)
                           for at in range(len(one) - count + 1)])


@pytest.mark.parametrize("fcs, n_bytes, all_found", [(fcs32, 26, 5), (fcs16, 2, 3)])
def test_the_checks_find_all_errors_of_few_bits(fcs, n_bytes, all_found):
    """Of a request of 200 bits, and of an answer; of one bit more there are some it misses.

    An error is missed where its syndromes sum up to 0: where the sum of half of them is that of the
    others.
    """
    one = syndromes(fcs, n_bytes)
    missed = []
    for n_bits in range(1, all_found + 2):
        less, more = (of(one, count) for count in (n_bits // 2, n_bits - n_bits // 2))
        # Halves that have as many bits meet themselves.
        missed.append(len(np.unique(more)) < len(more) if n_bits % 2 == 0
                      else bool(np.isin(less, more).any()))
    assert missed == [False] * all_found + [True]


def test_no_three_flipped_bits_of_the_longest_frame_are_missed():
    """They are missed if and only if a trinomial of a lower degree than the frame has bits is a
    multiple of the check's: one of their places can be the last."""
    n_bits = 8 * frame.LONGEST
    residues = np.empty(n_bits + 8, np.int64)
    residue = 1
    for power in range(len(residues)):
        residues[power] = residue
        residue = residue << 1 ^ 0x1_04C1_1DB7 * (residue >> 31)
    assert [bool(np.isin(residues[1:count], residues[1:count] ^ 1).any())
            for count in (n_bits, n_bits + 8)] == [False, True]


def test_the_widest_code_of_a_dense_network_has_room():
    assert frame.MAX_INPUT >= frame.n_bytes(MAX_WIDTH)
