"""Decision trees beside the networks: one small engine that walks tree after tree."""

from hashlib import sha256

import numpy as np
from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.accelerator import Attached
from hw.blocks.serial.inbox import Inbox
from hw.blocks.serial.rows import Rows
from hw.blocks.wire import link
from hw.blocks.wire.image_link import ImageLink
from hw.plan.serial import BYTE, Serial
from sw.golden.identity import N_HASH, N_SIGNATURE, Digest, Identity
from sw.golden.stages import Signature
from sw.golden.trees import Trees

__all__ = ["TreeAccelerator", "TreeEngine", "check", "cycles_of"]

STEP = 3    # Cycles of a node: read it, read its bit, go on. As many has the end of a tree.


def cycles_of(trees: Trees) -> int:
    """Return the cycles that an image takes."""
    return trees.n_classes * trees.per_class * STEP * (trees.depth + 1)


def check(trees: Trees) -> None:
    """Raise :exc:`ValueError` if there is no accelerator of them."""
    link.check(trees.n_in, trees.n_classes, reloadable=False)


class TreeEngine(wiring.Component):
    """Classify images by trees, whose nodes and leaves lie in block RAM.

    A class comes ``cycles + 2`` cycles after ``accept``, or where images wait ``cycles`` after the
    class before it.

    Parameters
    ----------
    trees : :class:`~sw.golden.trees.Trees`
        What to compute.

    Members
    -------
    bytes, accept, abort, y
        As of :class:`~hw.serial.SerialEngine`.
    """

    def __init__(self, trees: Trees):
        self.trees = trees
        # An image lies as that of a serial engine with words of a byte.
        self.layout = Serial(1, BYTE).layout(Signature.parse(f"{trees.n_in}-{trees.n_classes}"))
        places = np.array([word * BYTE + bit for word, bit in map(
            self.layout.words[0].place, range(trees.n_in))])
        self.nodes = Rows(places[trees.features].flatten().tolist(),
                          width=int(places.max()).bit_length())
        leaves = trees.leaves.flatten().astype(int)
        width = max(int(leaves.max()), -int(leaves.min()) - 1, 0).bit_length() + 1
        self.leaves = Rows((leaves % (1 << width)).tolist(), width=width)
        super().__init__({
            "bytes": In(stream.Signature(BYTE)), "accept": In(1), "abort": In(1),
            "y": Out(stream.Signature(range(trees.n_classes), always_ready=True))})

    @property
    def cycles(self) -> int:
        """Cycles of an image."""
        return cycles_of(self.trees)

    def feed(self, m: Module, link) -> None:
        """Connect what gives the images, :class:`hw.blocks.wire.image_link.ImageLink`."""
        wiring.connect(m, link.image, self.bytes)
        m.d.comb += [self.accept.eq(link.accept), self.abort.eq(link.abort)]

    def elaborate(self, platform):
        m = Module()
        m.submodules.inbox = inbox = Inbox(self.layout)
        m.submodules.nodes, m.submodules.leaves = self.nodes, self.leaves
        wiring.connect(m, wiring.flipped(self.bytes), inbox.bytes)
        m.d.comb += [inbox.accept.eq(self.accept), inbox.abort.eq(self.abort)]

        step = Signal(STEP, init=1)    # One of its bits is set.
        with m.If(inbox.image):
            m.d.sync += step.eq(step.rotate_left(1))
        tree, at = Signal(range(self.trees.leaves[..., 0].size)), Signal(self.trees.depth + 1,
                                                                         init=1)
        address, node = Cat(at[:-1], tree), self.nodes.data
        m.d.comb += [self.nodes.address.eq(address), self.leaves.address.eq(address),
                     inbox.address.eq(node >> 3)]
        ends = step[-1] & at[-1]
        with m.If(step[-1]):
            m.d.sync += at.eq(Mux(at[-1], 1, Cat(inbox.data.bit_select(node[:3], 1), at)))
        last = self._vote(m, ends)
        with m.If(ends):
            m.d.sync += tree.eq(Mux(last, 0, tree + 1))
        m.d.comb += inbox.free.eq(last)
        return m

    def _vote(self, m, ends):
        """Sum up the leaves of each class where a tree ``ends``; return whether the last does."""
        trees = self.trees
        most = int(np.abs(trees.leaves.astype(int)).max(axis=2).sum(axis=1).max())
        left = Signal(range(trees.per_class), init=trees.per_class - 1)
        klass = Signal(range(trees.n_classes))
        total, best = Signal(signed(most.bit_length() + 1)), Signal(signed(most.bit_length() + 1))
        score = (total + self.leaves.data.as_signed())[:len(total)].as_signed()
        is_class, last = ends & (left == 0), Signal()
        m.d.comb += last.eq(is_class & (klass == trees.n_classes - 1))
        m.d.sync += self.y.valid.eq(last)
        with m.If(ends):
            m.d.sync += [left.eq(left - 1), total.eq(score)]
        with m.If(is_class):
            m.d.sync += [left.eq(trees.per_class - 1), total.eq(0),
                         klass.eq(Mux(last, 0, klass + 1))]
            with m.If((klass == 0) | (score > best)):
                m.d.sync += [best.eq(score), self.y.payload.eq(klass)]
        return last


class TreeAccelerator(Attached):
    """Answers each good request with the class of its image.

    Parameters
    ----------
    trees : :class:`~sw.golden.trees.Trees`
        What to compute.
    clock : float
        Hertz that it will have, or 0 where it is simulated; it is told to who asks.

    Members
    -------
    rx, tx
        As of :class:`~hw.accelerator.Accelerator`.
    """

    def __init__(self, trees: Trees, *, clock: float = 0):
        shape = sha256(str(trees).encode()).digest()
        identity = Identity(Digest(trees.n_in, trees.n_classes, shape[:N_SIGNATURE]),
                            reloadable=False, waits=False, clock=round(clock / 1e3),
                            build=shape[-N_HASH:])
        super().__init__(TreeEngine(trees), ImageLink(trees.n_in, trees.n_classes,
                                                      identity=identity.to_bytes()))
