"""Layers, what lies between them, and the readout, for every vector that may come."""

from dataclasses import dataclass
from itertools import combinations, count

import numpy as np
from amaranth import Array, Cat, Mux, Signal, Value
from amaranth.lib import stream

from hw.blocks.gather import Gather
from hw.blocks.layer import BinaryLayer, Prefetch
from hw.blocks.readout import ArgmaxReadout
from hw.plan.folding import Fold
from sim.properties.circuit import Bench
from sw.golden import bits, forward
from sw.golden.network import Layer, OutputLayer

__all__ = ["classes", "fires", "rows", "some_layer", "some_readout", "words"]

def _any_stream(bench: Bench, sink: stream.Interface, width: int) -> Value:
    """Send anything at any pace, each held until it is taken; say when it is."""
    m = bench.module
    valid, payload = Signal(name="held"), Signal(width, name="holds")
    taken = valid & sink.ready
    with m.If(~valid | taken):
        m.d.sync += [valid.eq(bench.any("come", 1)), payload.eq(bench.any("next", width))]
    m.d.comb += [Value.cast(sink.payload)[:width].eq(payload), sink.valid.eq(valid)]
    return taken


def rows(contents: list[int], width: int) -> Bench:
    """A prefetch gives row after row, round and round, each until it was used."""
    bench = Bench()
    m = bench.module
    m.submodules.design = design = Prefetch(contents, width=width)
    m.d.comb += design.enable.eq(bench.any("enable", 1) & design.ready)
    row, ready = Signal(range(len(contents))), bench.delayed(1, 1)
    last = row == len(contents) - 1
    following = Mux(last, 0, row + 1)
    with m.If(design.enable):
        m.d.sync += row.eq(following)
    bench.claims = {
        "a row is there from the second cycle on": design.ready == ready,
        "rows come in their order": ~ready | (design.data == Array(contents)[row]),
        "the last row is told": ~ready | (design.is_last == last),
        "the specification stays within its bounds": (row < len(contents)) & (ready | (row == 0)),
    }
    bench.hints = [*Mux(ready, following, 0), ready, ready & last,
                   *(Array(contents)[row] & ready.replicate(width))]
    return bench


def words(chunk: int, per_word: int) -> Bench:
    """A gather gives each vector's words, whose chunks are at the significant end."""
    bench = Bench()
    m = bench.module
    m.submodules.design = design = Gather(chunk=chunk, per_word=per_word)
    new, last, comes = bench.any("new", chunk), bench.any("last", 1), bench.any("comes", 1)
    count, chunks = Signal(range(per_word)), Signal(chunk * per_word)
    word = Cat(chunks[chunk:], new)
    waits, held = Signal(), Signal(chunk * per_word)
    completes = (count == per_word - 1) | last
    # A word must be taken before the next is complete.
    take = bench.any("take", 1) | (comes & completes)
    m.d.comb += [design.x.payload.bits.eq(new), design.x.payload.last.eq(last),
                 design.x.valid.eq(comes), design.y.ready.eq(take)]
    with m.If(take):
        m.d.sync += waits.eq(0)
    with m.If(comes):
        m.d.sync += [count.eq(Mux(completes, 0, count + 1)),
                     chunks.eq(Mux(completes, 0, word))]
        with m.If(completes):
            m.d.sync += [waits.eq(1), held.eq(word)]
    bench.claims = {
        "a word is valid from its last chunk until it is taken": design.y.valid == waits,
        "a word is its chunks, in their order, above zeros": ~waits | (design.y.payload == held),
        "the specification stays within its bounds": count < per_word,
    }
    bench.hints = [*count, *chunks, waits, *held]
    return bench


def fires(layer: Layer, fold: Fold) -> Bench:
    """A layer's output bit is 1 where its count is at least its threshold."""
    bench = Bench()
    m = bench.module
    m.submodules.design = design = BinaryLayer(layer, fold)
    taken = _any_stream(bench, design.x, layer.n_in)
    m.d.comb += design.unlike.eq(sum(design.x.payload[at:at + 2].xor()
                                     for at in range(0, layer.n_in, 2)))
    outputs = Cat(_matches(weights, design.x.payload) >= int(limit)
                  for weights, limit in zip(layer.weights, layer.thresholds))
    # The first chunks appear while the vector is still in use, the last ``latency`` after.
    chunks = [Cat(outputs[at:at + fold.pe], Value.cast(0).replicate(
        max(0, at + fold.pe - layer.n_out)), at + fold.pe >= layer.n_out)
        for at in range(0, layer.n_out, fold.pe)]
    expected = bench.delayed(Cat(*chunks), design.latency)
    due = bench.delayed(taken, design.latency)
    came = _collected(bench, design.y.valid, Value.cast(design.y.payload), due, len(chunks))
    bench.claims = {
        "each vector has its chunks, the last of them a fixed time after it was taken":
            came.count == Mux(due, len(chunks), came.count),
        "no chunk comes twice": came.count <= len(chunks),
        "an output bit is 1 where the count is at least the threshold":
            ~due | (came.everything == expected),
    }
    return bench


@dataclass(frozen=True)
class _Collected:
    count: Value
    everything: Value


def _collected(bench: Bench, valid: Value, payload: Value, done: Value, most: int) -> _Collected:
    """Collect payloads until ``done``, that of the cycle itself included."""
    m = bench.module
    before, kept = Signal(range(most + 2)), Signal(len(payload) * most)
    count, everything = Signal.like(before), Signal.like(kept)
    m.d.comb += [count.eq(before + valid),
                 everything.eq(Mux(valid, Cat(kept, payload)[len(payload):], kept))]
    m.d.sync += [before.eq(Mux(done, 0, count)), kept.eq(everything)]
    return _Collected(count, everything)


def _matches(weights, x: Value) -> Value:
    return sum((x[at] if weight else ~x[at] for at, weight in enumerate(weights)),
               start=Value.cast(0))


def classes(readout: OutputLayer, chunk: int, per_word: int) -> Bench:
    """A readout names the lowest of the classes with the highest score."""
    bench = Bench()
    m = bench.module
    m.submodules.design = design = ArgmaxReadout(readout, chunk=chunk, per_word=per_word)
    taken = _any_stream(bench, design.x, design.simd)
    word, vector = Signal(range(design.n_words)), Signal(design.simd * design.n_words)
    everything = Cat(vector, design.x.payload)[design.simd:]
    ends = taken & (word == design.n_words - 1)
    with m.If(taken):
        m.d.sync += [vector.eq(everything), word.eq(Mux(ends, 0, word + 1))]
    # A word that is not full has its chunks at the significant end.
    full = (readout.n_in // design.simd) * design.simd
    below = -(-readout.n_in // chunk) * chunk
    inputs = [everything[at if at < full else at + design.simd * design.n_words - below]
              for at in range(readout.n_in)]
    scores = []
    for weights, offset in zip(readout.weights, readout.offsets):
        score = Signal(range(readout.n_in + int(readout.offsets.max()) + 1), name="score_of")
        m.d.comb += score.eq(_matches(weights, Cat(*inputs)) + int(offset))
        scores.append(score)
    # What is so of a class that is named, said without naming it.
    latency = design.layout.latency
    due = bench.delayed(ends, latency)
    late = [bench.delayed(score, latency) for score in scores]
    named = design.y.payload
    right = Cat((named == at) & Cat(*(score > other for other in late[:at]),
                                    *(score >= other for other in late[at + 1:])).all()
                for at, score in enumerate(late)).any()
    bench.claims = {"a class is named for each vector": design.y.valid == due,
                    "it is the lowest of those with the highest score": ~due | right}
    return bench


def some_layer(n_in: int) -> Layer:
    """A layer with a neuron for each threshold that there is, "always" and "never" included."""
    rng = np.random.default_rng(n_in)
    return Layer(rng.integers(0, 2, (n_in + 2, n_in), np.uint8), np.arange(n_in + 2))


def some_readout(n_in: int, n_classes: int) -> OutputLayer:
    """A readout with offsets of which each two classes share the highest score of some vector."""
    vectors = [bits.from_int(value, n_in) for value in range(2 ** n_in)]
    pairs = set(combinations(range(n_classes), 2))
    for seed in count():    # Soon, as each two rows may differ at an even number of places.
        rng = np.random.default_rng(seed)
        offsets = rng.integers(0, 3, n_classes)
        readout = OutputLayer(rng.integers(0, 2, (n_classes, n_in), np.uint8),
                              offsets - offsets.min())
        best = [np.flatnonzero(score == score.max()).tolist()
                for score in (forward.scores(readout, x) for x in vectors)]
        if pairs <= {pair for ties in best for pair in combinations(ties, 2)}:
            return readout
