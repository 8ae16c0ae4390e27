"""What a board says of itself, asked byte by byte: a small table that lies in its logic.

The bytes are, integers least significant byte first:

* 1: how many widths follow, with bit 6 for ``waits`` and bit 7 for ``reloadable``;
* 2 for each width of the network, from inputs to classes;
* 3: the clock in kHz, rounded; 0 where it is simulated;
* 4: the build hash.

A board that is patched or loaded with another network says the same as before.
"""

from dataclasses import dataclass

__all__ = ["MAX_WIDTHS", "N_HASH", "Identity", "length"]

N_IDENTITIES = 64    # Bytes that can be asked for.
N_CLOCK, N_HASH = 3, 4
MAX_WIDTHS = (N_IDENTITIES - 1 - N_CLOCK - N_HASH) // 2
WAITS, RELOADABLE = 1 << 6, 1 << 7


@dataclass(frozen=True)
class Identity:
    """What a board says of itself.

    Attributes
    ----------
    shape : tuple of int
        Widths of its network from inputs to classes, at most :data:`MAX_WIDTHS`.
    reloadable : bool
        It takes load requests.
    waits : bool
        A request must not be sent before the one before it is answered.
    clock : int
        Of its engine, in kHz; 0 where it is simulated.
    build : bytes
        Hash of shape, folding and ``reloadable``: of all but the weights.
    """

    shape: tuple[int, ...]
    reloadable: bool
    waits: bool
    clock: int
    build: bytes

    def to_bytes(self) -> bytes:
        """Return all that a board says.

        >>> Identity((200, 128, 10), False, False, 120_000, bytes(4)).to_bytes().hex(" ")
        '03 c8 00 80 00 0a 00 c0 d4 01 00 00 00 00'
        """
        head = len(self.shape) | WAITS * self.waits | RELOADABLE * self.reloadable
        return (bytes([head]) + b"".join(width.to_bytes(2, "little") for width in self.shape)
                + self.clock.to_bytes(N_CLOCK, "little") + self.build)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Identity":
        """Read what :meth:`to_bytes` gave; :exc:`ValueError` if it did not."""
        if not data or len(data) != length(data[0]):
            raise ValueError(f"An identity is not of {len(data)} bytes")
        clock = len(data) - N_HASH - N_CLOCK
        shape = tuple(int.from_bytes(data[at:at + 2], "little") for at in range(1, clock, 2))
        if not 2 <= len(shape) <= MAX_WIDTHS or 0 in shape:
            raise ValueError(f"An identity tells 2 to {MAX_WIDTHS} widths of a network, none of "
                             f"them 0, not {shape}")
        return cls(shape, bool(data[0] & RELOADABLE), bool(data[0] & WAITS),
                   int.from_bytes(data[clock:-N_HASH], "little"), data[-N_HASH:])

    def __str__(self) -> str:
        clock = f"{self.clock / 1e3:g} MHz" if self.clock else "simulated"
        return (f"{'-'.join(map(str, self.shape))}, {clock}, build {self.build.hex()}"
                f"{', reloadable' if self.reloadable else ''}")


def length(first: int) -> int:
    """Return the length of an identity that begins with the byte ``first``."""
    return 1 + 2 * (first & (WAITS - 1)) + N_CLOCK + N_HASH
