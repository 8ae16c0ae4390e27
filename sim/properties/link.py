"""Frames: the link's two halves against byte-wise specifications, for every stream of bytes.

The specifications know whole bytes, with checks as in :mod:`sw.golden.frame`. While the design
works on the bits of a byte, what it should have by then is a hint, see
:class:`~sim.properties.circuit.Bench`.
"""

from amaranth import Array, Cat, Const, Module, Mux, Signal, Value

from hw.blocks.wire.image_link import Turns
from hw.blocks.wire.link import AnswerSender
from hw.blocks.wire.receiver import ImageReceiver, RequestReceiver
from sim.properties.circuit import Bench
from sw.golden.bits import n_bytes
from sw.golden.frame import ESCAPE, FLAG, FLIP, N_FCS16, N_FCS32, SHORT, n_short

__all__ = ["answers", "images", "in_turn", "requests"]

POLYNOMIALS = {32: 0xEDB88320, 16: 0x8408}    # Reflected, as in sw.golden.frame.


def check_after(m: Module, register: Value, data: Value) -> list[Value]:
    """Return a check register before and after each of the bits of ``data``, in their order."""
    after = [register]
    for bit in data:
        register = Signal(len(after[-1]), name="check_after")
        feedback = (after[-1][0] ^ bit).replicate(len(register))
        m.d.comb += register.eq((after[-1] >> 1) ^ (feedback & POLYNOMIALS[len(register)]))
        after.append(register)
    return after


def requests(n_in: int) -> Bench:
    """A receiver gives the requests that are in good frames, and nothing else."""
    bench = Bench()
    m = bench.module
    m.submodules.design = design = RequestReceiver(n_in)
    n_content = 1 + n_bytes(n_in)
    n_frame = n_content + N_FCS32

    # Bytes of the frame so far, its last byte, how many bits of that the design has not seen; and
    # what was known before that byte: check register, content, whether the check is wrong.
    count, data, left = Signal(range(n_frame + 2)), Signal(8), Signal(range(9))
    register, content, differed = Signal(32, init=0xFFFF_FFFF), Signal(8 * n_content), Signal()
    escaped, waiting = Signal(), Signal()
    unlike = Signal.like(design.unlike)

    # The same with that byte.
    is_content = count <= n_content
    registers = check_after(m, register, data)
    check, whole, differs = Signal(32), Signal(8 * n_content), Signal()
    has_content = is_content & (count != 0)
    expected = Cat(~register, Const(0xFF, 8)).word_select((count - n_content - 1)[:3], 8)
    m.d.comb += [
        check.eq(Mux(has_content, registers[-1], register)),
        whole.eq(Mux(has_content, Cat(content, data)[8:], content)),
        differs.eq(differed | (~is_content & (data != expected))),
    ]

    # Pairs that differ, as far as the design has seen the byte; a sequence number begins anew.
    def unlike_after(n_bits):
        pairs = sum(data[at:at + 2].xor() & (n_bits > at + 1) for at in range(0, 8, 2))
        return Mux(count == 1, Mux(n_bits == 0, unlike, 0),
                   unlike + Mux(has_content, pairs, 0))[:len(unlike)]

    byte, taken = _bytes(bench, design, Mux(count < n_content, bench.any("content", 8), Mux(
        count < n_frame, (~check).word_select((count - n_content)[:2], 8), FLAG)), escaped,
        count < n_frame)
    is_flag, is_escape = byte == FLAG, byte == ESCAPE
    good = taken & is_flag & ~escaped & (count == n_frame) & ~differs

    m.d.sync += left.eq(Mux(left == 0, 0, left - 1))
    with m.If(taken):
        m.d.sync += escaped.eq(is_escape)
        with m.If(is_flag):
            m.d.sync += [count.eq(0), register.eq(0xFFFF_FFFF), content.eq(whole), differed.eq(0),
                         unlike.eq(unlike_after(Const(8)))]
        with m.Elif(~is_escape):
            m.d.sync += [count.eq(Mux(count == n_frame + 1, count, count + 1)), left.eq(8),
                         data.eq(byte ^ Mux(escaped, FLIP, 0)),
                         register.eq(check), content.eq(whole), differed.eq(differs),
                         unlike.eq(unlike_after(Const(8)))]
    with m.If(design.request.ready):
        m.d.sync += waiting.eq(0)
    with m.If(good):
        m.d.sync += waiting.eq(1)

    bench.claims = {
        "a request is valid from the flag that ends a good frame until it is taken":
            design.request.valid == waiting,
        "a request is the sequence number and the code of its frame":
            ~waiting | (Cat(design.sequence, design.request.payload) == whole[:8 + n_in]),
        "the pairs of its code that differ were counted": ~waiting | (design.unlike == unlike),
        "a flag is taken between two bytes, another byte only while no request waits":
            design.bytes.ready == ((left == 0) & (is_flag | ~waiting)),
        "the specification stays within its bounds":
            (left <= 8) & (count <= n_frame + 1) & (~waiting | (count == 0))
            & ((count != 0) | ((left == 0) & (register == 0xFFFF_FFFF) & ~differed))
            & (~is_content | ~differed),
    }
    done = (8 - left)[:4]
    passed = Mux(is_content, 0, (count - n_content)[:4] * 8 - left)
    seen = ((1 << done) - 1)[:8]
    before = (1 << max(3, n_content.bit_length())) - 1 - n_content    # Where the design begins.
    bench.hints = [
        *(count + before), escaped, *left, *(data >> done)[:8], waiting, *unlike_after(done),
        *Mux(has_content, Array(registers)[done], register >> passed[:8])[:32],
        *Mux(has_content, Cat(content, data) >> done, content)[:8 * n_content],
        differed | (~is_content & (((data ^ expected) & seen) != 0))]
    return bench


def images(n_in: int, *, reloadable: bool = False) -> Bench:
    """A receiver passes on what may be an image, and says whether it was; it waits for nobody but
    who takes images and requests."""
    bench = Bench()
    m = bench.module
    m.submodules.design = design = ImageReceiver(n_in, reloadable=reloadable)
    room = bench.any("room", 1)
    m.d.comb += design.image.ready.eq(room)

    # As for requests; and the number of the frame, which is known in the cycle after its first.
    count, data, left = Signal(range(n_bytes(n_in) + 7)), Signal(8), Signal(range(9))
    register, content, differed = Signal(32, init=0xFFFF_FFFF), Signal(SHORT), Signal()
    escaped, waiting, sequence = Signal(), Signal(), Signal(8)
    is_first = (count == 0) | ((count == 1) & (left == 8))
    n_content = Signal(range(n_bytes(n_in) + 2))
    m.d.comb += n_content.eq(
        Mux(sequence[7] & ~is_first, 1 + n_short(n_in), 1 + n_bytes(n_in)))

    is_content = count <= n_content
    has_content = is_content & (count != 0)
    registers = check_after(m, register, data)
    check, whole, differs = Signal(32), Signal(SHORT), Signal()
    expected = Cat(~register, Const(0xFF, 8)).word_select((count - n_content - 1)[:3], 8)
    m.d.comb += [
        check.eq(Mux(has_content, registers[-1], register)),
        whole.eq(Mux(has_content, Cat(content, data)[8:], content)),
        differs.eq(differed | (~is_content & (data != expected))),
    ]
    offers = (left == 8) & has_content & ~is_first & ~sequence[7]
    used = Mux(count == 1 + n_bytes(n_in), Const(0xFF >> -n_in % 8, 8), Const(0xFF, 8))
    uses = (left != 0) & (~offers | room)

    byte, taken = _bytes(bench, design, Mux(count < n_content, bench.any("content", 8), Mux(
        count < n_content + N_FCS32, (~check).word_select((count - n_content)[:2], 8), FLAG)),
        escaped, count < n_content + N_FCS32)
    is_flag, is_escape = byte == FLAG, byte == ESCAPE
    good = taken & is_flag & ~escaped & (count == n_content + N_FCS32) & ~differs

    m.d.sync += left.eq(left - uses)
    with m.If((left == 8) & (count == 1)):
        m.d.sync += sequence.eq(data)
    with m.If(taken):
        m.d.sync += escaped.eq(is_escape)
        with m.If(is_flag):
            m.d.sync += [count.eq(0), register.eq(0xFFFF_FFFF), content.eq(whole), differed.eq(0)]
        with m.Elif(~is_escape):
            m.d.sync += [count.eq(Mux(count == n_content + 5, count, count + 1)), left.eq(8),
                         data.eq(byte ^ Mux(escaped, FLIP, 0)),
                         register.eq(check), content.eq(whole), differed.eq(differs)]
    with m.If(design.request.ready):
        m.d.sync += waiting.eq(0)
    with m.If(good):
        m.d.sync += waiting.eq(1)
    is_image = good & ~sequence[7]
    accept, abort = (bench.delayed(each, 1) for each in (is_image, taken & is_flag & ~is_image))

    bench.claims = {
        "a request is valid from the flag that ends a good frame until it is taken":
            design.request.valid == waiting,
        "a request is the sequence number of its frame":
            ~waiting | (design.request.payload == sequence),
        "the bytes of an image go out, each once, as their frame has them":
            (design.image.valid == offers)
            & (~offers | (design.image.payload == data & used)),
        "images are accepted where their frame is good, and dropped where it is not":
            (design.accept == accept) & (design.abort == abort),
        "a flag is taken between two bytes, another byte only while no request waits":
            design.bytes.ready == ((left == 0) & (is_flag | ~waiting)),
        "the specification stays within its bounds":
            (left <= 8) & (count <= n_content + 5) & (~waiting | (count == 0))
            & ((count != 0) | ((left == 0) & (register == 0xFFFF_FFFF) & ~differed))
            & (~is_content | ~differed),
    }
    done = (8 - left)[:4]
    passed = Mux(is_content, 0, (count - n_content)[:4] * 8 - left)
    last = (1 << max(3, (1 + n_bytes(n_in)).bit_length())) - 1    # Where the check begins.
    seen = ((1 << done) - 1)[:8]
    bench.hints = [
        *(count + last - n_content)[:last.bit_length() + 1], escaped, *left, *(data >> done)[:8],
        waiting, *sequence, is_first, accept, abort,
        *Mux(has_content, Array(registers)[done], register >> passed[:8])[:32],
        differed | (~is_content & (((data ^ expected) & seen) != 0))]
    if reloadable:
        bench.claims["the last bytes of a request are there with it"] = (
            ~waiting | (design.tail == whole))
        bench.hints += [*Mux(has_content, Cat(content, data) >> done, content)[:SHORT]]
    return bench


def _bytes(bench: Bench, design, wanted: Value, escaped: Value, inside: Value):
    """Send anything, but often the byte by which a good frame goes on, lest the simulation that
    looks for registers never sees one; give the byte and whether it is taken."""
    escape = ((wanted == FLAG) & inside) | (wanted == ESCAPE)
    next_byte = Mux(escaped, wanted ^ FLIP, Mux(escape, ESCAPE, wanted))
    byte = Mux(bench.any("strange", 6) == 0, bench.any("byte", 8), next_byte)
    bench.module.d.comb += [
        design.bytes.payload.eq(byte),
        design.bytes.valid.eq(bench.any("valid", 1)),
        design.request.ready.eq(bench.any("ready", 1)),
    ]
    return design.bytes.payload, design.bytes.valid & design.bytes.ready


def answers() -> Bench:
    """A sender makes one good frame of each answer, whoever takes its bytes at whatever pace."""
    bench = Bench()
    m = bench.module
    m.submodules.design = design = AnswerSender()
    # An answer is held until it is taken; then the next one comes, or a pause.
    held, content, chosen = Signal(), Signal(16), bench.any("content", 16)
    with m.If(~held | design.answer.ready):
        m.d.sync += [held.eq(bench.any("held", 1)), content.eq(chosen)]
    m.d.comb += [
        design.answer.valid.eq(held),
        Cat(design.sequence, design.answer.payload).eq(content),
        design.bytes.ready.eq(bench.any("ready", 1)),
    ]
    registers = check_after(m, Const(0xFFFF, 16), content)
    check = ~registers[-1]

    # How many bytes of the frame, flags included, went out; whether the next was escaped; how many
    # bits of it the design has.
    n_frame = 2 + N_FCS16 + 2
    sent, escaped, bits = Signal(range(n_frame)), Signal(), Signal(range(9))
    frame = Cat(Const(FLAG, 8), content, check, Const(FLAG, 8))
    inside = (sent != 0) & (sent != n_frame - 1)
    byte = frame.word_select(sent, 8)
    special = inside & ((byte == FLAG) | (byte == ESCAPE)) & ~escaped
    ready = ~inside | (bits == 8)
    taken = design.bytes.valid & design.bytes.ready
    with m.If(inside & (bits != 8)):
        m.d.sync += bits.eq(bits + 1)
    with m.Elif(taken):
        m.d.sync += escaped.eq(special)
        with m.If(~special):
            m.d.sync += [sent.eq(Mux(sent == n_frame - 1, 0, sent + 1)), bits.eq(0)]
    bench.claims = {
        "bytes go out in the order of a frame, a byte nine cycles after the one before it":
            design.bytes.valid == Mux(sent == 0, held, ready),
        "a frame is two flags and between them the content and its check, escaped":
            ~design.bytes.valid | (design.bytes.payload == Mux(
                special, ESCAPE, byte ^ Mux(escaped, FLIP, 0))),
        "an answer is taken with the last flag, once":
            design.answer.ready == (taken & (sent == n_frame - 1)),
        "the specification stays within its bounds":
            (sent < n_frame) & (bits <= 8) & (inside | ((bits == 0) & ~escaped))
            & (~escaped | (bits == 8)) & ((sent == 0) | held),
    }
    # Of content and check, the bits that the design has seen; what it is left with by a frame.
    seen = Mux(inside, (sent - 1)[:3] * 8 + bits, Mux(sent == 0, 0, 32))[:6]
    begins, shifts, sends, ends = (sent == 0, inside & (bits != 8), inside & (bits == 8),
                                   sent == n_frame - 1)
    states = [begins, shifts, sends, ends]
    last, ended, began = Signal(8), bench.delayed(ends, 1), bench.delayed(begins, 1, init=1)
    with m.If(design.answer.ready):
        m.d.sync += last.eq(check[8:])
    passed = [*registers, *(registers[-1] >> at for at in range(1, 17))]
    bench.hints = [
        *Mux(ends & ended, 0, seen), escaped, *(a | b for a in states for b in states),
        *Mux(begins & ~began, 0, Array(Cat(each, Const(0, 16))[:16] for each in passed)[seen]),
        *(Cat(last, content, check) >> seen)[:8]]
    return bench


def in_turn(*, reloadable: bool) -> Bench:
    """Requests are answered in their order, images with their own class, and nothing waits for
    what does not come."""
    bench, width, identity = Bench(), 2, b"\x7e\x00\xff"
    m = bench.module
    m.submodules.design = design = Turns(width, identity, reloadable=reloadable)
    # A request in turn and one that waits, each with the class that its image has and whether the
    # engine has told it.
    turn, number, right, told = Signal(), Signal(8), Signal(width), Signal()
    waits, next_number, next_right, next_told = Signal(), Signal(8), Signal(width), Signal()
    is_image, next_is_image = turn & ~number[7], waits & ~next_number[7]
    first = is_image & ~told
    second = next_is_image & ~next_told & (~is_image | told)
    tells = bench.any("tells", 1) & (first | second)
    takes, ends = waits & ~turn, design.answer.valid & design.answer.ready
    m.d.comb += [
        design.request.valid.eq(waits), design.request.payload.eq(next_number),
        design.klass.valid.eq(tells), design.klass.payload.eq(Mux(first, right, next_right)),
        design.answer.ready.eq(bench.any("sent", 1) & design.answer.valid),
    ]
    is_load = next_number[6:] == 0b10
    m.d.sync += [turn.eq(Mux(turn, ~ends, takes & (reloadable | ~is_load))),
                 told.eq(Mux(takes, next_told | tells, told | (tells & first)))]
    with m.If(~turn):
        m.d.sync += [number.eq(next_number), right.eq(next_right)]
    with m.If(takes | ~waits):
        m.d.sync += [waits.eq(bench.any("comes", 1)), next_number.eq(bench.any("number", 8)),
                     next_right.eq(bench.any("right", width)), next_told.eq(0)]
    with m.Elif(tells & second):
        m.d.sync += next_told.eq(1)

    # What was told, oldest first: the last is there a cycle after it was told, and then moves on.
    had, came, kept, new = Signal(), Signal(), Signal(width), Signal(width)
    moves = came & ~had
    with m.If(tells):
        m.d.sync += new.eq(design.klass.payload)
    with m.If(moves):
        m.d.sync += kept.eq(new)
    m.d.sync += [came.eq(tells | (came & ~moves)), had.eq(moves | (had & ~(ends & is_image)))]
    owner = Mux(is_image & told, right, next_right)
    says = Array([*identity, 0])[number[:2]]
    bench.claims = {
        "a request is taken when the one before it is answered": design.request.ready == ~turn,
        "an answer has the number of its request": ~turn | (design.sequence == number),
        "what is no image is answered at once, an image from two cycles after its class on":
            design.answer.valid == (turn & (number[7] | had)),
        "an image has its own class":
            ~(design.answer.valid & is_image) | (design.answer.payload == right),
        "a question has the byte that it asks for":
            ~(turn & (number[6:] == 0b11)) | (design.answer.payload[:8] == says),
        "words are loaded while no image is under way":
            design.loads == (takes & is_load),
        "no class is lost, and each that was told is there":
            (had + came == (is_image & told) + (next_is_image & next_told)),
        "the specification stays within its bounds":
            (~next_told | (next_is_image & (~is_image | told))) & (~had | (kept == owner))
            & (~came | (new == Mux(had, next_right, owner))),
    }
    bench.hints = [turn, *number, had, came, *kept, *new]
    return bench
