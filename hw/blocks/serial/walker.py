"""The loops of all stages, one after the other: which word is next, and what ends with it."""

from enum import IntEnum

from amaranth import Array, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.plan.serial import SerialLayout
from hw.plan.walk import CHUNK, COLUMN, KERNEL_ROW, LOOPS, POOL_ROW, ROW

__all__ = ["EVENT", "LEVEL", "Event", "Pointer", "Walker", "per_stage"]

EVENT = 3                          # Bits of an event.
LEVEL = len(LOOPS).bit_length()    # Bits of a level.


class Event(IntEnum):
    """What ends with a word; each but IDLE includes those before it."""

    NOTHING = 0
    IDLE = 1       # There is no word.
    WINDOW = 2
    CHUNK = 3      # All windows of a pool: some neurons are known.
    WORD = 4       # As many neurons as fill a word.
    POSITION = 5   # All neurons.
    ROW = 6
    STAGE = 7


class Walker(wiring.Component):
    """Walk through all stages for each image, a word a cycle, and rest a while after each.

    Parameters
    ----------
    layout : :class:`~hw.plan.serial.SerialLayout`
        Loops, and how long it rests.

    Members
    -------
    image : ``In(1)``
        One is there. The first stage waits for it.
    free : ``Out(1)``
        Its first stage is done with it.
    home : ``Out(1)``
        All stages are done: pointers return.
    stage : ``Out(range(n_stages))``
        Which stage all words belong to until the engine has forgotten them.
    event : ``Out(3)``
        What ends with this word, see :class:`Event`.
    level : ``Out(LEVEL)``
        Which of :data:`~hw.plan.walk.LOOPS` advances after it; their number where the stage ends.
    """

    def __init__(self, layout: SerialLayout):
        self.layout = layout
        super().__init__({
            "image": In(1), "free": Out(1), "home": Out(1),
            "stage": Out(range(len(layout.walks))),
            "event": Out(EVENT, init=Event.IDLE), "level": Out(LEVEL)})

    def elaborate(self, platform):
        m = Module()
        running, ended = Signal(), Signal(init=1)
        ends, word_ends = self._count(m, running, ended)
        self._tell(m, running, ends, word_ends)
        self._rest(m, running, ended, ends)
        return m

    def _count(self, m, running, ended):
        """Count all loops down; return what ends now, and whether a word of the map does."""
        ends, word_ends = [running], Const(1)
        for loop in range(len(LOOPS)):
            limits = [walk.counts[loop] - 1 for walk in self.layout.walks]
            if not any(limits):    # In no stage is there such a loop.
                ends.append(ends[-1])
                continue
            count = Signal(range(max(limits) + 1), name=LOOPS[loop], init=limits[0])
            last = ends[-1] & (count == 0)
            m.d.sync += count.eq(Mux(last | ended, per_stage(self.stage, limits),
                                     count - ends[-1]))
            if loop == CHUNK:
                word_ends = count[:(self.layout.words[-1].per_word - 1).bit_length()] == 0
            ends.append(last)
        return ends[1:], word_ends

    def _tell(self, m, running, ends, word_ends):
        """Say, a cycle later, which loop advances, and what ends."""
        m.d.sync += [self.level.eq(0), self.event.eq(Event.NOTHING)]
        for loop, end in enumerate(ends):
            with m.If(end):
                m.d.sync += self.level.eq(loop + 1)
        named = [(ends[KERNEL_ROW], Event.WINDOW), (ends[POOL_ROW], Event.CHUNK),
                 (ends[POOL_ROW] & word_ends, Event.WORD), (ends[CHUNK], Event.POSITION),
                 (ends[COLUMN], Event.ROW), (ends[ROW], Event.STAGE), (~running, Event.IDLE)]
        for end, event in named:
            with m.If(end):
                m.d.sync += self.event.eq(event)

    def _rest(self, m, running, ended, ends):
        """Rest after a stage, and where scores are looked at one by one after each chunk."""
        n_stages = len(self.layout.walks)
        gap = Signal(range(self.layout.gap))
        rests = ends[ROW]
        if self.layout.plan.pe > 1:
            rests = rests | (ends[POOL_ROW] & (self.stage == n_stages - 1))
        changes = ended & (gap == 1)
        m.d.comb += [self.free.eq(changes & (self.stage == 0)),
                     self.home.eq(changes & (self.stage == n_stages - 1))]
        with m.If(changes):
            m.d.sync += self.stage.eq(Mux(self.stage == n_stages - 1, 0, self.stage + 1))
        with m.If(running):
            with m.If(rests):
                m.d.sync += [running.eq(0), ended.eq(ends[ROW]), gap.eq(self.layout.gap - 1)]
        with m.Elif(gap != 0):
            m.d.sync += gap.eq(gap - 1)
        with m.Elif(~ended | (self.stage != 0) | self.image):
            m.d.sync += [running.eq(1), ended.eq(0)]


class Pointer(wiring.Component):
    """An address that moves by a step for each key of each stage.

    Parameters
    ----------
    size : int
        How many addresses there are.
    steps : list of dict
        For each stage, by key; any other key moves nothing.
    keys : int
        Bits of a key.
    registered : bool
        The step is looked up in the cycle before.

    Members
    -------
    stage, key : ``In(...)``
    enable : ``In(1)``
    home : ``In(1)``
        It returns to where it began.
    address : ``Out(range(size))``
        It moves in the cycle after ``key``, or where registered two after it.
    """

    def __init__(self, size: int, steps: list[dict[int, int]], keys: int, *,
                 init: int = 0, registered: bool = False):
        self.steps = steps
        self.registered = registered
        super().__init__({"stage": In(range(len(steps))), "key": In(keys), "enable": In(1),
                          "home": In(1), "address": Out(range(size), init=init)})

    def elaborate(self, platform):
        m = Module()
        step = Signal.like(self.address, init=0, reset_less=True)
        domain = m.d.sync if self.registered else m.d.comb
        domain += step.eq(0)
        with m.If(self.enable), m.Switch(self.stage):
            for stage, steps in enumerate(self.steps):
                with m.Case(stage), m.Switch(self.key):
                    for key, by in steps.items():
                        with m.Case(key):
                            domain += step.eq(by % (1 << len(step)))
        m.d.sync += self.address.eq(Mux(self.home, self.address.init, self.address + step))
        return m


def per_stage(stage, values):
    """Return the value of a stage."""
    if len(set(values)) == 1:
        return Const(values[0])
    return Array(Const(value, range(max(values) + 1)) for value in values)[stage]
