"""What a federation sends, as bytes: a header, then a body in a codec.

The header, least significant byte first: the magic ``HF``, a version, the kind of the body, the
round (2 bytes), the number of training images behind it (4), how many images were held out and how
many of these the network asked about got right (4 each), the CRC-32 of all that follows it and of
all before (4), the number of widths and each of them (1 and 2 bytes).

``float32``
    Every parameter and statistic of the model, 4 bytes each: federated averaging as in HyBNN.
``onebit``
    Steps, see :mod:`sw.federated.steps`: towards a client all that it was not told yet, towards the
    server its own. Of each step, for every hidden layer: its size, 4 bytes; its thresholds, of one
    byte where they fit, else two; and in the end one bit for each weight of all layers.
``score``
    Nothing: an answer that says only what its header does.

Who receives trusts nothing: what is malformed, of another shape, of another round or not finite is
refused with one sentence.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor

from ..golden import bits
from ..golden.errors import UserError
from ..golden.stages import Signature
from ..models.classifier import BinaryClassifier
from .steps import MOST, Step, layers

__all__ = ["CODECS", "CodecError", "Content", "State", "Steps", "Update", "decode", "encode",
           "layout"]

MAGIC, VERSION = b"HF", 3
HEADER = struct.Struct("<2sBBHIIIIB")
FLOAT32, STEPS, SCORE = range(3)    # Kinds of bodies.
CODECS = {"float32": FLOAT32, "onebit": STEPS}
KINDS = {**CODECS, "score": SCORE}    # What must come for each codec, and as a score.

State = dict[str, Tensor]           # What a model's state_dict has, without its counters.
Steps = tuple[Step, ...]
Content = Steps | State


class CodecError(UserError):
    """Bytes are refused; the message says why in one sentence."""


@dataclass(frozen=True, eq=False)
class Update:
    """What one message says.

    Attributes
    ----------
    round : int
        From 1; an answer has that of its question.
    examples : int
        Training images behind it; 0 from the server.
    content : Steps or State
        An empty state in a message of the codec ``score``.
    held, right : int
        Images that the client holds out, and how many of them the network that it was sent gets
        right; 0 from the server.
    """

    round: int
    examples: int
    content: Content
    held: int = 0
    right: int = 0


def layout(shape: Sequence[int]) -> dict[str, torch.Size]:
    """Return the names and shapes of all floats in the state of a classifier of these widths."""
    with torch.device("meta"):
        state = BinaryClassifier(shape[0], shape[1:-1], shape[-1]).state_dict()
    return {name: tensor.shape for name, tensor in state.items() if tensor.is_floating_point()}


def encode(update: Update, shape: Sequence[int]) -> bytes:
    """Write a message."""
    if isinstance(update.content, tuple):
        kind, body = STEPS, b"".join(map(_from_step, update.content))
    elif not update.content:
        kind, body = SCORE, b""
    else:
        kind, body = FLOAT32, _from_state(update.content, shape)
    widths = struct.pack(f"<{len(shape)}H", *shape)
    start = (MAGIC, VERSION, kind, update.round, update.examples, update.held, update.right)
    crc = zlib.crc32(HEADER.pack(*start, 0, len(shape)) + widths + body)
    return HEADER.pack(*start, crc, len(shape)) + widths + body


def decode(data: bytes, codec: str, shape: Sequence[int], round: int, most: int | None = None
           ) -> Update:
    """Read a message that must be of this codec, shape and round, and of so many steps at most,
    which are as many as there can be if nothing is said.

    Raises
    ------
    CodecError
        It is not: one sentence says what is wrong.
    """
    if len(data) < HEADER.size or data[:2] != MAGIC:
        raise CodecError("It is no message of this federation: it does not begin with its header")
    _, version, kind, of_round, examples, held, right, crc, n_widths = HEADER.unpack_from(data)
    if version != VERSION:
        raise CodecError(f"Its version is {version}, not {VERSION}")
    start = HEADER.size + 2 * n_widths
    without = HEADER.pack(MAGIC, version, kind, of_round, examples, held, right, 0, n_widths)
    if len(data) < start or zlib.crc32(without + data[HEADER.size:]) != crc:
        raise CodecError("It was cut or changed on its way: its check is wrong")
    if kind != KINDS[codec]:
        raise CodecError(f"It must be of the codec {codec}, not of kind {kind}")
    widths = struct.unpack_from(f"<{n_widths}H", data, HEADER.size)
    if widths != tuple(shape):
        raise CodecError(f"Its shape is {'-'.join(map(str, widths))}, not "
                         f"{Signature.dense(*shape)}")
    if of_round != round:
        raise CodecError(f"It is of round {of_round}, not {round}")
    if right > held:
        raise CodecError(f"It says that {right} of {held} images are right")
    content = _content(data[start:], kind, shape, round if most is None else most)
    return Update(round, examples, content, held, right)


def _content(body: bytes, kind: int, shape: Sequence[int], most: int) -> Content:
    if kind == SCORE:
        _check_size(body, 0)
        return {}
    if kind == FLOAT32:
        return _to_state(body, shape)
    return _to_steps(body, shape, most)


def _from_state(state: State, shape: Sequence[int]) -> bytes:
    return b"".join(state[name].detach().cpu().numpy().astype("<f4").tobytes()
                    for name in layout(shape))


def _to_state(body: bytes, shape: Sequence[int]) -> State:
    names = layout(shape)
    _check_size(body, 4 * sum(map(prod, names.values())))
    numbers = np.frombuffer(body, "<f4").astype(np.float32)
    if not np.isfinite(numbers).all():
        raise CodecError(f"It holds {numbers[~np.isfinite(numbers)][0]}, which is not finite")
    parts = torch.from_numpy(numbers).split([prod(size) for size in names.values()])
    state = {name: part.reshape(size) for part, (name, size) in zip(parts, names.items())}
    if any((state[name] < 0).any() for name in names if name.endswith("running_var")):
        raise CodecError("It holds a variance that is negative")
    return state


def _from_step(step: Step) -> bytes:
    numbers = b"".join(
        struct.pack("<f", size) + thresholds.astype(_integer(up.shape[1])).tobytes()
        for size, thresholds, up in zip(step.sizes, step.thresholds, step.ups, strict=True))
    return numbers + bits.to_bytes(np.concatenate([up.ravel() for up in step.ups]))


def _to_steps(body: bytes, shape: Sequence[int], most: int) -> Steps:
    ends = layers(shape)
    n_weights = sum(map(prod, ends))
    n_numbers = sum(4 + n_out * _integer(n_in).itemsize for n_out, n_in in ends)
    size = n_numbers + bits.n_bytes(n_weights)
    if len(body) % size:
        raise CodecError(f"Its body must have {size} bytes for each step, not {len(body)}")
    if len(body) > most * size:
        raise CodecError(f"It holds {len(body) // size} steps, and {most} are the most")
    return tuple(_to_step(body[place:place + size], ends, n_weights, n_numbers)
                 for place in range(0, len(body), size))


def _to_step(body: bytes, ends: Sequence[tuple[int, int]], n_weights: int, n_numbers: int
             ) -> Step:
    ups = bits.from_bytes(body[n_numbers:], n_weights)
    if bits.to_bytes(ups) != body[n_numbers:]:
        raise CodecError(f"It has bits beyond its {n_weights} weights")
    parts = np.split(ups, np.cumsum(list(map(prod, ends)))[:-1])
    sizes, thresholds, place = [], [], 0
    for n_out, n_in in ends:
        sizes.append(struct.unpack_from("<f", body, place)[0])
        dtype = _integer(n_in)
        thresholds.append(np.frombuffer(body, dtype, n_out, place + 4).astype(np.int64))
        place += 4 + n_out * dtype.itemsize
        if not 0 <= sizes[-1] <= MOST:
            raise CodecError(f"A step must be 0 to {MOST} long, not {sizes[-1]}")
        if thresholds[-1].max() > n_in + 1:
            raise CodecError(f"A threshold must be 0 to {n_in + 1}, not {thresholds[-1].max()}")
    return Step(tuple(part.reshape(each) for part, each in zip(parts, ends)), tuple(sizes),
                tuple(thresholds))


def _integer(max_count: int) -> np.dtype[np.unsignedinteger]:
    """Return the type of a threshold, which is 0 to ``max_count + 1``."""
    return np.dtype("u1" if max_count < 255 else "<u2")


def _check_size(body: bytes, size: int) -> None:
    if len(body) != size:
        raise CodecError(f"Its body must have {size} bytes, not {len(body)}")
