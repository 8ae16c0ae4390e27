"""A second reference, written from the documents alone: bytes of files and frames, whole numbers.

Nothing of :mod:`sw.golden` is used here, so that a mistake in it does not hide one in hardware.
"""

import json
import zlib

__all__ = ["answer", "classify", "read", "request"]


def read(file: bytes) -> tuple[list[tuple[list[int], list[int]]], list[int]]:
    """Read a network file: for each layer, and last the readout, weights and thresholds or offsets.

    Weights of a neuron are one integer, input 0 the least significant. Returned with the widths.
    """
    n_header = int.from_bytes(file[:8], "little")
    header, data = json.loads(file[8:8 + n_header]), file[8 + n_header:]
    description = json.loads(header.pop("__metadata__")["hybnn"])
    assert description["format"] == "hybnn-network-1"
    widths = [int(word) for word in description["shape"].split("-")]

    def tensor(name):
        begin, end = header[name]["data_offsets"]
        return data[begin:end]

    def integers(name):
        raw = tensor(name)
        return [int.from_bytes(raw[at:at + 4], "little", signed=True)
                for at in range(0, len(raw), 4)]

    blocks = []
    for number, n_in in enumerate(widths[:-1]):
        is_last = number == len(widths) - 2
        name = "readout" if is_last else f"layer.{number}"
        raw, row = tensor(f"{name}.weights"), (n_in + 7) // 8
        weights = [int.from_bytes(raw[at:at + row], "little") for at in range(0, len(raw), row)]
        assert len(weights) == widths[number + 1]
        blocks.append((weights, integers(f"{name}.{'offsets' if is_last else 'thresholds'}")))
    return blocks, widths


def classify(file: bytes, code: int) -> int:
    """Return the class of a code, input 0 the least significant bit, by a network file's bytes."""
    blocks, widths = read(file)
    x = code
    for (weights, thresholds), n_in in zip(blocks[:-1], widths):
        fires = [n_in - (row ^ x).bit_count() >= threshold
                 for row, threshold in zip(weights, thresholds)]
        x = sum(bit << place for place, bit in enumerate(fires))
    scores = [widths[-2] - (row ^ x).bit_count() + offset for row, offset in zip(*blocks[-1])]
    return scores.index(max(scores))


def request(sequence: int, code: int, n_in: int) -> bytes:
    """Make the frame that asks for the class of a code."""
    content = bytes([sequence]) + code.to_bytes((n_in + 7) // 8, "little")
    return _framed(content + zlib.crc32(content).to_bytes(4, "little"))


def answer(sequence: int, klass: int) -> bytes:
    """Make the frame of its answer."""
    content, register = bytes([sequence, klass]), 0xFFFF
    for place in range(16):    # CRC-16/X-25, bit by bit.
        bit = content[place // 8] >> place % 8 & 1
        register = register >> 1 ^ (0x8408 if (register ^ bit) & 1 else 0)
    return _framed(content + (register ^ 0xFFFF).to_bytes(2, "little"))


def _framed(content: bytes) -> bytes:
    body = content.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")
    return b"\x7e" + body + b"\x7e"
