"""A second reference for networks of any stages, written from the documents alone.

Nothing of :mod:`sw.golden` is used here. Sums are those of signs times values, as a text book has
them, and not the counts of matches that hardware has.
"""

import json
import re
from dataclasses import dataclass

__all__ = ["classify"]


@dataclass
class Grid:
    """Values of ``rows`` x ``columns`` x ``channels`` from 0 to ``top``, in that order."""

    values: list[int]
    rows: int
    columns: int
    channels: int
    top: int = 1

    def at(self, row, column):
        """Return all channels of a position; those outside are 0."""
        if not (0 <= row < self.rows and 0 <= column < self.columns):
            return [0] * self.channels
        start = (row * self.columns + column) * self.channels
        return self.values[start:start + self.channels]


def classify(file: bytes, image: bytes) -> int:
    """Return the class of an image, its bits packed, by the bytes of a network file."""
    n_header = int.from_bytes(file[:8], "little")
    header, data = json.loads(file[8:8 + n_header]), file[8 + n_header:]
    text = json.loads(header["__metadata__"]["hybnn"])
    first, *stages, classes = text.get("signature", text.get("shape")).split("-")

    def tensor(name):
        return data[slice(*header[name]["data_offsets"])]

    grid, after_map = _input(first, image), "x" in first
    for layer, stage in enumerate(stages):
        parts = re.findall(r"^[cd]?\d+(?:[ksb]\d+)*|p\d*", stage)
        is_conv = parts[0][0] == "c" or (after_map and parts[0][0] != "d")
        after_map = after_map and is_conv
        grid = _fired(grid, parts[0], is_conv, tensor(f"layer.{layer}.weights"),
                      tensor(f"layer.{layer}.thresholds"))
        for pool in parts[1:]:
            grid = _pooled(grid, int(pool[1:] or 2))
    signs = _signs(tensor("readout.weights"), len(grid.values), int(classes))
    scores = [_total(row, grid.values, 1) + 2 * offset
              for row, offset in zip(signs, _integers(tensor("readout.offsets")))]
    return scores.index(max(scores))


def _input(word, image):
    sides, _, depth = word.partition(":")
    *sides, channels = [int(side) for side in sides.split("x")]
    rows, columns = sides or (1, 1)
    bits, whole = int(depth or 1), int.from_bytes(image, "little")
    top = (1 << bits) - 1
    return Grid([whole >> bits * at & top for at in range(rows * columns * channels)],
                rows, columns, channels, top)


def _fired(grid, stage, is_conv, weights, thresholds):
    n_out = int(re.match(r"[cd]?(\d+)", stage)[1])
    window = {name: int(number) for name, number in re.findall(r"([ksb])(\d+)", stage)}
    kernel = window.get("k", 3)
    high, wide = (kernel, kernel) if is_conv else (grid.rows, grid.columns)
    stride, border = ((window.get("s", 1), window.get("b", kernel // 2)) if is_conv else (1, 0))
    n_in = high * wide * grid.channels
    signs, limits = _signs(weights, n_in, n_out), _integers(thresholds)
    rows = (grid.rows + 2 * border - high) // stride + 1
    columns = (grid.columns + 2 * border - wide) // stride + 1
    given = []
    for row in range(rows):
        for column in range(columns):
            seen = [value for down in range(high) for right in range(wide)
                    for value in grid.at(row * stride + down - border,
                                         column * stride + right - border)]
            # A count is half of the sum and of what it is at the most.
            given += [int(_total(each, seen, grid.top) + n_in * grid.top >= 2 * limit)
                      for each, limit in zip(signs, limits)]
    return Grid(given, rows, columns, n_out)


def _pooled(grid, size):
    rows, columns = grid.rows // size, grid.columns // size
    values = []
    for row in range(rows):
        for column in range(columns):
            square = [grid.at(row * size + down, column * size + right)
                      for down in range(size) for right in range(size)]
            values += [max(channel) for channel in zip(*square)]
    return Grid(values, rows, columns, grid.channels)


def _total(signs, values, top):
    return sum(sign * (2 * value - top) for sign, value in zip(signs, values))


def _signs(raw, n_in, n_out):
    """Read rows of weights."""
    size = (n_in + 7) // 8
    return [[1 if raw[row * size + at // 8] >> at % 8 & 1 else -1 for at in range(n_in)]
            for row in range(n_out)]


def _integers(raw):
    return [int.from_bytes(raw[at:at + 4], "little", signed=True) for at in range(0, len(raw), 4)]
