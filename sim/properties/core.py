"""A core's packets: what comes in is told apart, what goes out stays until it is taken."""

from amaranth import Array, Cat, Const, Mux, Signal

from hw.axi_core import AxiCore
from hw.blocks.wire.axi import PacketReceiver, PacketSender
from hw.blocks.wire.registers import ANSWER, CONTROL, DATA, STATUS, Registers
from hw.plan import plans
from sim.properties.circuit import Bench
from sw.golden import bits, forward
from sw.golden.network import random_network

__all__ = ["answers", "classes", "packets", "registers"]


def packets(n_in: int) -> Bench:
    """Each packet of the right length is accepted, each other one aborted once."""
    bench = Bench()
    m = bench.module
    m.submodules.design = design = PacketReceiver(n_in)
    size = bits.n_bytes(n_in)
    valid, data, last = bench.any("valid", 1), bench.any("data", 8), bench.any("last", 1)
    room, ready = bench.any("room", 1), bench.any("ready", 1)
    m.d.comb += [design.packets.valid.eq(valid), design.packets.payload.data.eq(data),
                 design.packets.payload.last.eq(last), design.room.eq(room),
                 design.image.ready.eq(ready)]
    # Bytes of this packet before this one, or all that there should be.
    count = Signal(range(size + 1))
    may = (count < size - 1) | ((count == size - 1) & room)
    moves = valid & Mux(count == size, 1, may & ready)
    with m.If(moves):
        m.d.sync += count.eq(Mux(last, 0, Mux(count == size, size, count + 1)))
    ends_right = moves & last & (count == size - 1)
    is_known_bad = moves & Mux(last, count < size - 1, count == size - 1)
    used = Mux(count == size - 1, 0xFF >> -n_in % 8, 0xFF)
    bench.claims = {
        "bytes of an input go on, the last when there is room":
            design.image.valid == (valid & may),
        "what is left of a bad packet is dropped at once":
            design.packets.ready == Mux(count == size, 1, may & ready),
        "bits beyond an input are 0": design.image.payload == (data & used)[:8],
        "the first byte is told": design.first == (count == 0),
        "a packet of the right length is accepted": design.accept == bench.delayed(ends_right, 1),
        "and takes room": design.takes == ends_right,
        "another is aborted once": design.abort == bench.delayed(is_known_bad, 1),
        "the specification stays within its bounds": count <= size,
    }
    bench.hints = [*count]
    return bench


def answers(size: int, depth: int) -> Bench:
    """Answers are sent whole, in their order, without a pause, and wait for who takes them."""
    bench = Bench()
    m = bench.module
    m.submodules.design = design = PacketSender(size, depth)
    room = Signal(range(depth + 1), init=depth)
    given, answer = bench.any("given", 1) & (room != 0), bench.any("answer", 8 * size)
    m.d.comb += [design.answer.valid.eq(given), design.answer.payload.eq(answer)]
    m.d.sync += room.eq(room - given + design.frees)
    bench.claims = _sent(bench, design.packets, given, answer, size, latency=3)
    return bench


def classes(fold: str) -> Bench:
    """A core answers each good packet with the class of golden, and nothing is lost."""
    network = random_network((2, 2, 2), seed=1)
    bench = Bench()
    m = bench.module
    core = AxiCore(network, plans.parse(fold, network.signature))
    m.submodules.design = core
    beat = bench.any("data", 8)
    m.d.comb += [core.packets.payload.data.eq(beat), core.packets.valid.eq(bench.any("valid", 1)),
                 core.packets.payload.last.eq(bench.any("last", 1))]
    # An input is one byte. A good packet is the byte with which one begins and ends.
    begins = Signal(init=1)
    moves = core.packets.valid & core.packets.ready
    with m.If(moves):
        m.d.sync += begins.eq(core.packets.payload.last)
    good = moves & begins & core.packets.payload.last
    table = Array(Const(forward.classify(network, bits.from_int(code, 2)), 8) for code in range(4))
    bench.claims = _sent(bench, core.answers, good, table[beat[:2]], 1)
    return bench


def registers(in_bytes: int) -> Bench:
    """Words of a CPU go on as packets, and it reads what there is, in accesses of any kind."""
    bench = Bench()
    m = bench.module
    m.submodules.design = design = Registers(in_bytes)
    cyc, stb, we = (bench.any(name, 1) for name in ("cyc", "stb", "we"))
    adr, word = bench.any("adr", 2), bench.any("word", 32)
    ready, valid, beat = bench.any("ready", 1), bench.any("valid", 1), bench.any("beat", 9)
    m.d.comb += [design.cyc.eq(cyc), design.stb.eq(stb), design.we.eq(we), design.adr.eq(adr),
                 design.dat_w.eq(word), design.packets.ready.eq(ready),
                 design.answers.valid.eq(valid), design.answers.payload.eq(beat)]
    acked, lost = Signal(), Signal()
    left, count, content = Signal(3), Signal(range(in_bytes)), Signal(32)
    request = cyc & stb & ~acked
    writes, reads = request & we, request & ~we
    forgets = writes & (adr == CONTROL) & word[0]
    loads = writes & (adr == DATA)
    m.d.sync += acked.eq(request)
    with m.If((left != 0) & ready):
        m.d.sync += [left.eq(Mux(count == in_bytes - 1, 0, left - 1)), content.eq(content >> 8),
                     count.eq(Mux(count == in_bytes - 1, 0, count + 1))]
    with m.If(loads & (left == 0)):
        m.d.sync += [left.eq(4), content.eq(word)]
    with m.If(loads & (left != 0)):
        m.d.sync += lost.eq(1)
    with m.If(forgets):
        m.d.sync += [left.eq(0), count.eq(0), lost.eq(0)]
    read = Signal(32)
    with m.If(reads & (adr == STATUS)):
        m.d.comb += read.eq(Cat(left == 0, valid, lost))
    with m.If(reads & (adr == ANSWER) & valid):
        m.d.comb += read.eq(beat[:8])
    sent = design.packets
    bench.claims = {
        "each access is acknowledged in the next cycle": design.ack == acked,
        "what is read is what there is, else 0": design.dat_r == bench.delayed(read, 1),
        "an answer is taken when it is read": design.answers.ready == (reads & (adr == ANSWER)),
        "bytes wait until they are taken": sent.valid == (left != 0),
        "each has its place in its word": ~sent.valid | (sent.payload.data == content[:8]),
        "the last of an input ends its packet":
            ~sent.valid | (sent.payload.last == (count == in_bytes - 1)),
        "a reset is told to the core": design.reset == bench.delayed(forgets, 1),
        "the specification stays within its bounds": (count < in_bytes) & (left <= 4),
    }
    bench.hints = [acked, lost, *left, *count, *content]
    return bench


def _sent(bench: Bench, packets, given, answer, size: int, latency: int = 0) -> dict[str, object]:
    """Return claims about packets of answers, of which any one is followed."""
    m = bench.module
    ready, followed = bench.any("taken", 1), bench.once("followed", 3)
    m.d.comb += packets.ready.eq(ready)
    n_given, n_sent, at = Signal(8), Signal(8), Signal(range(size + 1))
    kept = Signal(8 * size)
    taken, beat = packets.valid & ready, packets.payload
    m.d.sync += n_given.eq(n_given + given)
    with m.If(given & (n_given == followed)):
        m.d.sync += kept.eq(answer)
    with m.If(taken):
        m.d.sync += [at.eq(Mux(at == size - 1, 0, at + 1)), n_sent.eq(n_sent + (at == size - 1))]
    waited = bench.delayed(packets.valid & ~ready, 1)
    claims = {
        "what is offered stays until it is taken": ~waited | packets.valid,
        "and does not change": ~waited | (beat.as_value() == bench.delayed(beat.as_value(), 1)),
        "there is an answer for each that was given, and no other":
            ~packets.valid | (n_sent < n_given),
        "it ends with its last byte": ~packets.valid | (beat.last == (at == size - 1)),
        "it is the one that was given": ~(packets.valid & (n_sent == followed))
            | (beat.data == kept.word_select(at, 8)),
    }
    if latency:
        early = bench.delayed(n_given, latency - 1)
        claims["it does not wait for anybody"] = (early <= n_sent) | packets.valid
    return claims
