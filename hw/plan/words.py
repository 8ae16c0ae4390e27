"""How a map lies in a memory, word by word. Numbers only: nothing here makes hardware.

Each position of a map, row by row, is one word or some, which hold its channels. A border that the
next stage adds lies around it, as words of its own that nobody writes: so they stay 0.

Elements come into a word in units: of as many channels as are made side by side, or of a byte. The
first word of a position has what does not fill a word, at its upper end, and below it 0. So a word
is complete whenever the number of units that are still to come is a multiple of a word's.
"""

from dataclasses import dataclass

from sw.golden.stages import Map

__all__ = ["Words"]


@dataclass(frozen=True)
class Words:
    """Where the elements of ``map`` are.

    Attributes
    ----------
    map : :class:`~sw.golden.stages.Map`
        What is stored.
    border : int
        Positions on each side.
    unit : int
        Elements that come at a time.
    per_word : int
        Units of a word: a power of two, unless one word holds a position.
    """

    map: Map
    border: int
    unit: int
    per_word: int

    @property
    def width(self) -> int:
        """Bits of a word."""
        return self.per_word * self.unit * self.map.bits

    @property
    def units(self) -> int:
        """Units of a position."""
        return -(-self.map.channels // self.unit)

    @property
    def words(self) -> int:
        """Words of a position."""
        return -(-self.units // self.per_word)

    @property
    def row(self) -> int:
        """Words of a row, border included."""
        return (self.map.width + 2 * self.border) * self.words

    @property
    def size(self) -> int:
        """Words of all rows, border included."""
        return (self.map.height + 2 * self.border) * self.row

    @property
    def first(self) -> int:
        """Words before the first element."""
        return self.border * (self.row + self.words)

    @property
    def last(self) -> int:
        """Words before the last that has an element."""
        return self.size - 1 - self.first

    @property
    def between(self) -> int:
        """Words of the border between two rows."""
        return 2 * self.border * self.words

    def place(self, channel: int) -> tuple[int, int]:
        """Return in which word of its position a channel is, and which of its elements it is."""
        unit, at = divmod(channel, self.unit)
        word, slot = divmod(unit + self.words * self.per_word - self.units, self.per_word)
        return word, slot * self.unit + at
