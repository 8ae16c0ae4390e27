"""All that a line may do to an exchange, chosen step by step, and a search through it.

What the host's code sends goes to a board that answers in order; what the line then does with the
next answer is a choice of whoever writes the schedule. A lost request looks to the host like a lost
answer, and a repeated one like a repeated answer, so the answers are enough.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from sw.golden import asking, frame
from sw.golden.asking import Asking, NoAnswer, identify
from sw.golden.identity import Identity

# What the line does with the next answer. It is held back, lost, brought twice, brought without its
# last byte, or brought with all that follow.
FAIR, HOLD, LOSE, TWICE, CUT, ALL = "fair", "hold", "lose", "twice", "cut", "all"
IN_ORDER = FAIR, HOLD, LOSE, TWICE, CUT, ALL
OVERTAKE = "overtake"    # The one after it comes first. No wire does that.
IDENTITY = Identity((16, 8, 3), False, False, 0, b"abcd")
N_CODE = 3

Choose = Callable[[Sequence[str]], str]


class Wire:
    """A serial port to a board that answers a code with its first byte, by way of a schedule."""

    timeout = write_timeout = None

    def __init__(self, choose: Choose, can: Sequence[str] = IN_ORDER):
        self.choose, self.can = choose, can
        self.coming: deque[bytes] = deque()

    def write(self, data):
        for content in frame.Unwrapper(frame.fcs32).feed(data):
            value = (content[1] if content[0] < frame.QUESTIONS
                     else (IDENTITY.to_bytes() + bytes(64))[content[0] & 63])
            self.coming.append(frame.answer(content[0], value))
        return len(data)

    @property
    def in_waiting(self):
        return sum(map(len, self.coming))

    def read(self, size=1):
        while self.coming:
            match self.choose(self.can):
                case "fair":
                    return self.coming.popleft()
                case "hold":
                    return b""
                case "lose":
                    self.coming.popleft()
                case "twice":
                    return self.coming[0]
                case "cut":
                    whole = self.coming[0]
                    self.coming[0] = whole[-1:]
                    return whole[:-1]
                case "all":
                    whole = b"".join(self.coming)
                    self.coming.clear()
                    return whole
                case "overtake":
                    self.coming.rotate(-1)
        return b""


def requests(values: Sequence[int]) -> list[asking.Request]:
    """Return requests for these values."""
    return [partial(frame.load, address=value, words=[], n_in=8 * N_CODE) for value in values]


def calls(exchange: Asking, sizes: Sequence[int], first: int = 0) -> tuple[int, int, int]:
    """Ask in several calls of so many requests each; count values, those that are wrong, and calls
    that broke off. Each request has another value, as far as a byte can tell."""
    believed = wrong = failed = 0
    for size in sizes:
        values = [(first + number) % 256 for number in range(size)]
        first += size
        try:
            for value, expected in zip(exchange.ask(requests(values)), values, strict=True):
                believed += 1
                wrong += value != expected
        except NoAnswer:
            failed += 1
    return believed, wrong, failed


def processes(wire: Wire, sequences: range, sizes: Sequence[Sequence[int]]) -> tuple[int, int, int]:
    """The same for processes, one after the other, each of which asks first what is there."""
    total = (0, 0, 0)
    for number, each in enumerate(sizes):
        try:
            found = identify(wire, [N_CODE])
        except NoAnswer:
            total = (*total[:2], total[2] + 1)
            continue
        counts = calls(Asking(wire, sequences), each, first=100 * number)
        total = tuple(a + b for a, b in zip((total[0], total[1] + (found != IDENTITY), total[2]),
                                            counts))
    return total


def all_schedules(depth: int) -> Iterator[Choose]:
    """Return every schedule whose first ``depth`` choices are free and the others fair.

    One is given after the one before was used.
    """
    scripts: list[list[str]] = [[]]
    while scripts:
        script = scripts.pop()
        taken: list[str] = []

        def choose(can, script=script, taken=taken):
            at = len(taken)
            if at >= depth:
                return FAIR
            if at >= len(script):
                scripts.extend([*taken, each] for each in can if each != FAIR)
            taken.append(script[at] if at < len(script) else FAIR)
            return taken[-1]

        yield choose


def search(depth: int, sequences: range, sizes: Sequence[int], can: Sequence[str] = IN_ORDER,
           at_once: int | None = None) -> tuple[int, int, int, int]:
    """Count schedules, values, those that are wrong, and calls that broke off."""
    total = [0, 0, 0, 0]
    for choose in all_schedules(depth):
        exchange = Asking(Wire(choose, can), sequences, at_once=at_once)
        for at, count in enumerate((1, *calls(exchange, sizes))):
            total[at] += count
    return tuple(total)


def by_chance(draw: random.Random, stall: float = 0.01, fault: float = 0.01) -> Choose:
    """Choose a schedule that stalls now and then, for some readings, and has faults at times."""
    held = 0

    def choose(can: Sequence[str]) -> str:
        nonlocal held
        if held == 0 and draw.random() < stall:
            held = draw.randrange(1, 12)
        held = max(0, held - 1)
        if held:
            return HOLD
        return draw.choice(can) if draw.random() < fault else FAIR

    return choose
