"""What a board says of itself, asked byte by byte: a small table that lies in its logic.

The bytes are, integers least significant byte first:

* 1: how many widths follow, with bit 6 for ``waits`` and bit 7 for ``reloadable``;
* 2 for each width of the network, from inputs to classes;
* 3: the clock in kHz, rounded; 0 where it is simulated;
* 4: the build hash.

A board with a word-serial engine, which takes any network, says that 0 widths follow. In their
place it has

* 3: bits of an input;
* 2: classes;
* 8: the first of the SHA-256 of the text of the network's signature.

A board that is patched or loaded with another network says the same as before.
"""

from dataclasses import dataclass
from hashlib import sha256

from .stages import Signature

__all__ = ["MAX_WIDTHS", "N_HASH", "Digest", "Identity", "length"]

N_IDENTITIES = 64    # Bytes that can be asked for.
N_CLOCK, N_HASH = 3, 4
N_INPUT, N_CLASSES, N_SIGNATURE = 3, 2, 8
N_DIGEST = N_INPUT + N_CLASSES + N_SIGNATURE
MAX_WIDTHS = (N_IDENTITIES - 1 - N_CLOCK - N_HASH) // 2
COUNT, WAITS, RELOADABLE = (1 << 6) - 1, 1 << 6, 1 << 7    # Bits of the first byte.


@dataclass(frozen=True)
class Digest:
    """What a board tells of a network whose signature is too long to tell.

    Attributes
    ----------
    n_in : int
        Bits of an input.
    n_classes : int
    signature : bytes
        The first of the SHA-256 of its text.
    """

    n_in: int
    n_classes: int
    signature: bytes

    @classmethod
    def of(cls, signature: Signature) -> "Digest":
        """Return that of a signature."""
        hashed = sha256(str(signature).encode()).digest()[:N_SIGNATURE]
        return cls(signature.input.n_bits, signature.n_classes, hashed)

    def to_bytes(self) -> bytes:
        """Return what a board says in place of widths."""
        return (self.n_in.to_bytes(N_INPUT, "little") + self.n_classes.to_bytes(N_CLASSES, "little")
                + self.signature)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Digest":
        """Read what :meth:`to_bytes` gave; :exc:`ValueError` if it is of no network."""
        n_in, n_classes = (int.from_bytes(each, "little")
                           for each in (data[:N_INPUT], data[N_INPUT:-N_SIGNATURE]))
        if 0 in (n_in, n_classes):
            raise ValueError(f"An identity tells of inputs and classes, not of {n_in} bits and "
                             f"{n_classes} classes")
        return cls(n_in, n_classes, data[-N_SIGNATURE:])

    def __str__(self) -> str:
        return (f"{self.n_in:,} bits to {self.n_classes} classes with signature "
                f"{self.signature.hex()}")


@dataclass(frozen=True)
class Identity:
    """What a board says of itself.

    Attributes
    ----------
    shape : tuple of int, or :class:`Digest`
        Widths of its network from inputs to classes, at most :data:`MAX_WIDTHS`; of a word-serial
        engine a digest.
    reloadable : bool
        It takes load requests.
    waits : bool
        A request must not be sent before the one before it is answered.
    clock : int
        Of its engine, in kHz; 0 where it is simulated.
    build : bytes
        Hash of shape, folding and ``reloadable``: of all but the weights.
    """

    shape: tuple[int, ...] | Digest
    reloadable: bool
    waits: bool
    clock: int
    build: bytes

    def to_bytes(self) -> bytes:
        """Return all that a board says.

        >>> Identity((200, 128, 10), False, False, 120_000, bytes(4)).to_bytes().hex(" ")
        '03 c8 00 80 00 0a 00 c0 d4 01 00 00 00 00'
        """
        widths = () if isinstance(self.shape, Digest) else self.shape
        shape = (self.shape.to_bytes() if isinstance(self.shape, Digest) else
                 b"".join(width.to_bytes(2, "little") for width in widths))
        head = len(widths) | WAITS * self.waits | RELOADABLE * self.reloadable
        return bytes([head]) + shape + self.clock.to_bytes(N_CLOCK, "little") + self.build

    @classmethod
    def from_bytes(cls, data: bytes) -> "Identity":
        """Read what :meth:`to_bytes` gave; :exc:`ValueError` if it did not."""
        if not data or len(data) != length(data[0]):
            raise ValueError(f"An identity is not of {len(data)} bytes")
        clock = len(data) - N_HASH - N_CLOCK
        told = data[1:clock]
        shape = _widths(told) if data[0] & COUNT else Digest.from_bytes(told)
        return cls(shape, bool(data[0] & RELOADABLE), bool(data[0] & WAITS),
                   int.from_bytes(data[clock:-N_HASH], "little"), data[-N_HASH:])

    @property
    def n_in(self) -> int:
        """Bits of an input."""
        return self.shape.n_in if isinstance(self.shape, Digest) else self.shape[0]

    @property
    def at_once(self) -> int | None:
        """Requests that may be under way, if that has a bound: a word-serial engine computes one
        and keeps one more."""
        if self.waits:
            return 1
        return 2 if isinstance(self.shape, Digest) else None

    def is_for(self, signature: Signature) -> bool:
        """Return whether a network of this signature may be what the board has."""
        return self.shape in (signature.widths, Digest.of(signature))

    def __str__(self) -> str:
        shape = (str(self.shape) if isinstance(self.shape, Digest) else
                 "-".join(map(str, self.shape)))
        clock = f"{self.clock / 1e3:g} MHz" if self.clock else "simulated"
        return (f"{shape}, {clock}, build {self.build.hex()}"
                f"{', reloadable' if self.reloadable else ''}")


def _widths(data: bytes) -> tuple[int, ...]:
    widths = tuple(int.from_bytes(data[at:at + 2], "little") for at in range(0, len(data), 2))
    if not 2 <= len(widths) <= MAX_WIDTHS or 0 in widths:
        raise ValueError(f"An identity tells 2 to {MAX_WIDTHS} widths of a network, none of them "
                         f"0, not {widths}")
    return widths


def length(first: int) -> int:
    """Return the length of an identity that begins with the byte ``first``."""
    return 1 + (2 * (first & COUNT) or N_DIGEST) + N_CLOCK + N_HASH
