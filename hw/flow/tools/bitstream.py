"""Block RAMs in the files that bitstreams are packed from: what they hold, and how to change it."""

import json
import re
from typing import Protocol

import numpy as np

__all__ = ["FORMATS", "Asc", "Config", "Contents", "Routed"]


class Contents(Protocol):
    """A file with block RAMs in it.

    Attributes
    ----------
    rams : array of uint8, shape ``(n_rams, n_bits)``
        What each RAM holds: at its widest, bit ``b`` of word ``a`` is element ``a * width + b``,
        and of narrower words likewise. May be changed.
    """

    rams: np.ndarray

    def __init__(self, text: str): ...

    def text(self) -> str:
        """Return the file with the RAMs as they are now."""


class Asc:
    """An iCE40's bitstream as icepack reads it: 16 lines of 64 hexadecimal digits a RAM."""

    # Of each 16-bit word the hardware reverses the number of a bit, so that narrower words are
    # also those of successive bits (Yosys, techlibs/ice40/brams_map.v).
    _ORDER = np.array([256 * line + 16 * word + int(f"{bit:04b}"[::-1], 2)
                       for line in range(16) for word in range(16) for bit in range(16)])

    def __init__(self, text: str):
        self._lines = text.split("\n")
        self._starts = [at + 1 for at, line in enumerate(self._lines)
                        if line.startswith(".ram_data ")]
        self.rams = np.array([self._read(start) for start in self._starts], np.uint8)

    def _read(self, start: int) -> np.ndarray:
        lines = [bytes.fromhex(line)[::-1] for line in self._lines[start:start + 16]]
        return np.unpackbits(np.frombuffer(b"".join(lines), np.uint8),
                             bitorder="little")[self._ORDER]

    def text(self) -> str:
        for start, ram in zip(self._starts, self.rams):
            physical = np.empty_like(ram)
            physical[self._ORDER] = ram
            data = np.packbits(physical, bitorder="little").tobytes()
            self._lines[start:start + 16] = [data[at:at + 32][::-1].hex()
                                             for at in range(0, len(data), 32)]
        return "\n".join(self._lines)


class Config:
    """An ECP5's bitstream as ecppack reads it: 2048 words of 9 bits a RAM."""

    _RAM = re.compile(r"(?<=\.bram_init )(\d+)\n((?:[0-9a-f ]+\n)+)")

    def __init__(self, text: str):
        self._text = text
        words = [[int(word, 16) for word in match[2].split()] for match in self._RAM.finditer(text)]
        self.rams = (np.array(words)[:, :, None] >> np.arange(9) & 1).astype(np.uint8).reshape(
            len(words), -1)

    def text(self) -> str:
        words = iter((self.rams.reshape(len(self.rams), -1, 9) << np.arange(9)).sum(2).tolist())
        return self._RAM.sub(lambda match: f"{match[1]}\n{self._lines(next(words))}", self._text)

    @staticmethod
    def _lines(words: list[int]) -> str:
        return "".join(" ".join(f"{word:03x}" for word in words[at:at + 8]) + "\n"
                       for at in range(0, len(words), 8))


class Routed:
    """A Gowin's routed netlist as gowin_pack reads it: a cell with 64 strings of bits a RAM.

    A string has 32 bytes of nine bits, or of eight where the ninth is not used.
    """

    _NAMES = tuple(f"INIT_RAM_{number:02X}" for number in range(64))

    def __init__(self, text: str):
        self._netlist = json.loads(text)
        self._cells = [cell["parameters"] for module in self._netlist["modules"].values()
                       for cell in module["cells"].values()
                       if "INIT_RAM_00" in cell["parameters"]]
        self.rams = np.zeros((len(self._cells), 64 * 32, 9), np.uint8)
        for ram, cell in zip(self.rams, self._cells):
            ones = [bit == "1" for name in self._NAMES for bit in cell[name][::-1]]
            ram[:, :self._per_byte(cell)] = np.reshape(ones, (64 * 32, -1))
        self.rams = self.rams.reshape(len(self._cells), -1)

    def text(self) -> str:
        for cell, ram in zip(self._cells, self.rams):
            used = ram.reshape(64, 32, 9)[:, :, :self._per_byte(cell)]
            for name, bits in zip(self._NAMES, used.reshape(64, -1)):
                cell[name] = "".join(map(str, bits[::-1]))
        return json.dumps(self._netlist)

    def _per_byte(self, cell: dict[str, str]) -> int:
        return len(cell[self._NAMES[0]]) // 32


FORMATS: dict[str, type[Contents]] = {"ice40": Asc, "ecp5": Config, "gowin": Routed}
