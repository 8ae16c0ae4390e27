"""What a federation sends, as bytes: a header, then a body in a codec.

The header, least significant byte first: the magic ``HF``, a version, the kind of the body, the
round (2 bytes), the number of training images behind it (4), how many images were held out and how
many of these the network asked about got right (4 each), the CRC-32 of all that follows it and of
all before (4), the number of widths and each of them (1 and 2 bytes).

``float32``
    Every parameter and statistic of the model, 4 bytes each: federated averaging as in HyBNN.
``onebit``
    The network as hardware has it: one bit a weight, then integers, of one byte where they fit:
    thresholds, then the offsets of the classes, two bytes each. Towards the server the bits are
    those that differ from what the server sent, which are few, deflated where that is shorter.
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
from ..golden.bits import Bits
from ..golden.errors import UserError
from ..golden.network import Layer, Network, OutputLayer
from ..golden.stages import Signature
from ..models.classifier import BinaryClassifier

__all__ = ["CODECS", "CodecError", "Content", "State", "Update", "decode", "encode", "layout"]

MAGIC, VERSION = b"HF", 2
HEADER = struct.Struct("<2sBBHIIIIB")
FLOAT32, WHOLE, FLIPS, SCORE = range(4)    # Kinds of bodies.
CODECS = {"float32": (FLOAT32,), "onebit": (WHOLE, FLIPS)}
KINDS = {**CODECS, "score": (SCORE,)}    # What may come for each codec, and as a score.

State = dict[str, Tensor]           # What a model's state_dict has, without its counters.
Content = Network | State


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
    content : Network or State
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


def encode(update: Update, shape: Sequence[int], base: Network | None = None) -> bytes:
    """Write a message; a network as what differs from ``base``, if there is one and it pays."""
    if isinstance(update.content, Network):
        kind, body = _from_network(update.content, base)
    elif not update.content:
        kind, body = SCORE, b""
    else:
        kind, body = FLOAT32, _from_state(update.content, shape)
    widths = struct.pack(f"<{len(shape)}H", *shape)
    start = (MAGIC, VERSION, kind, update.round, update.examples, update.held, update.right)
    crc = zlib.crc32(HEADER.pack(*start, 0, len(shape)) + widths + body)
    return HEADER.pack(*start, crc, len(shape)) + widths + body


def decode(data: bytes, codec: str, shape: Sequence[int], round: int,
           base: Network | None = None) -> Update:
    """Read a message that must be of this codec, shape and round.

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
    if kind not in KINDS[codec]:
        raise CodecError(f"It must be of the codec {codec}, not of kind {kind}")
    widths = struct.unpack_from(f"<{n_widths}H", data, HEADER.size)
    if widths != tuple(shape):
        raise CodecError(f"Its shape is {'-'.join(map(str, widths))}, not "
                         f"{Signature.dense(*shape)}")
    if of_round != round:
        raise CodecError(f"It is of round {of_round}, not {round}")
    if right > held:
        raise CodecError(f"It says that {right} of {held} images are right")
    return Update(round, examples, _content(data[start:], kind, shape, base), held, right)


def _content(body: bytes, kind: int, shape: Sequence[int], base: Network | None) -> Content:
    if kind == SCORE:
        _check_size(body, 0)
        return {}
    if kind == FLOAT32:
        return _to_state(body, shape)
    return _to_network(body, Signature.dense(*shape), base, kind)


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


def _from_network(network: Network, base: Network | None) -> tuple[int, bytes]:
    whole = _weights(network)
    rest = b"".join(layer.thresholds.astype(_integer(layer.max_count)).tobytes()
                    for layer in network.layers)
    rest += network.readout.offsets.astype("<u2").tobytes()
    if base is not None:
        flips = zlib.compress(bits.to_bytes(whole ^ _weights(base)), 9)
        if len(flips) < bits.n_bytes(len(whole)):
            return FLIPS, rest + flips
    return WHOLE, rest + bits.to_bytes(whole)


def _to_network(body: bytes, signature: Signature, base: Network | None, kind: int) -> Network:
    n_weights = signature.n_weights
    n_rest = 2 * signature.n_classes + sum(
        gives.channels * _integer(takes.top * stage.fan_in(takes)).itemsize
        for stage, takes, gives in list(signature.layers())[:-1])
    if kind == FLIPS:
        body = body[:n_rest] + _inflate(body[n_rest:], bits.n_bytes(n_weights))
    _check_size(body, n_rest + bits.n_bytes(n_weights))
    weights = bits.from_bytes(body[n_rest:], n_weights)
    if bits.to_bytes(weights) != body[n_rest:]:
        raise CodecError(f"It has bits beyond its {n_weights} weights")
    if kind == FLIPS:
        if base is None:
            raise CodecError("It holds what differs from a network that is not known here")
        weights ^= _weights(base)
    return _assemble(weights, body[:n_rest], signature)


def _assemble(weights: Bits, rest: bytes, signature: Signature) -> Network:
    stages = list(signature.layers())
    sizes = [(gives.channels, stage.fan_in(takes)) for stage, takes, gives in stages]
    *matrices, last = (part.reshape(size) for part, size in
                       zip(np.split(weights, np.cumsum([prod(size) for size in sizes])), sizes))
    layers, place = [], 0
    try:
        for matrix, (_, takes, _) in zip(matrices, stages):
            dtype = _integer(takes.top * matrix.shape[1])
            thresholds = np.frombuffer(rest, dtype, len(matrix), place).astype(np.int64)
            layers.append(Layer(matrix, thresholds, takes.bits))
            place += len(matrix) * dtype.itemsize
        offsets = np.frombuffer(rest, "<u2", offset=place).astype(np.int64)
        return Network(layers, OutputLayer(last, offsets), signature)
    except ValueError as error:
        raise CodecError(f"It is no network: {error}") from None


def _weights(network: Network) -> Bits:
    """Return all weight bits of a network, one after the other."""
    parts = [*(layer.weights for layer in network.layers), network.readout.weights]
    return np.concatenate([part.ravel() for part in parts])


def _integer(max_count: int) -> np.dtype[np.unsignedinteger]:
    """Return the type of a threshold, which is 0 to ``max_count + 1``."""
    return np.dtype("u1" if max_count < 255 else "<u2")


def _inflate(data: bytes, size: int) -> bytes:
    """Inflate to ``size`` bytes, never more, whatever the data promise."""
    stream = zlib.decompressobj()
    try:
        inflated = stream.decompress(data, size + 1)
    except zlib.error:
        raise CodecError("Its bits cannot be inflated") from None
    if len(inflated) != size or not stream.eof or stream.unused_data:
        raise CodecError(f"Its bits must inflate to {size} bytes and nothing more")
    return inflated


def _check_size(body: bytes, size: int) -> None:
    if len(body) != size:
        raise CodecError(f"Its body must have {size} bytes, not {len(body)}")
