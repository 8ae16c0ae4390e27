"""Every request is answered with its own answer, whatever the line loses, delays or invents."""

import random
from functools import partial

import numpy as np
import pytest

from sw.golden import asking, frame
from sw.golden.asking import CODES, LOADS, Asking, NoAnswer, identify
from sw.golden.identity import Identity

N_CODE = 4    # Bytes.


class Line:
    """A serial port, a wire, and a board that answers a code with the first of its bytes.

    A byte takes one unit of time in each direction; ``latency`` units pass before the host sees
    what came. Time passes only while the host reads, so it is the same on every computer.
    """

    timeout = write_timeout = None

    def __init__(self, lose=lambda: False, latency=0, identity=b"", waits=0):
        self.lose, self.latency, self.identity, self.waits = lose, latency, identity, waits
        self.now, self.free, self.idle, self.idle_since = 0, 0, 0, None
        self.coming = []    # When a byte can be seen, and the byte.
        self.unwrapper = frame.Unwrapper(frame.fcs32)
        self.n_under_way = self.most_under_way = self.n_silences = 0

    def write(self, data):
        begin = max(self.now, self.free)
        if self.free:
            self.idle += begin - self.free
        self.free = begin + len(data)
        for at, byte in enumerate(data):
            for content in self.unwrapper.feed(bytes([byte])):
                self.n_under_way += 1
                self.most_under_way = max(self.most_under_way, self.n_under_way)
                if len(content) == 1 + N_CODE and not self.lose():
                    self._answer(content, begin + at)
        return len(data)

    def _answer(self, content, when):
        value = ((self.identity + bytes(64))[content[0] & 63] if content[0] >= frame.QUESTIONS
                 else content[1])
        for byte in frame.answer(content[0], value):
            if not self.lose():
                last = self.coming[-1][0] - self.latency if self.coming else 0
                self.coming.append((max(when, last) + 1 + self.latency, byte))

    @property
    def in_waiting(self):
        return sum(when <= self.now for when, _ in self.coming)

    def read(self, size=1):
        if not self.in_waiting:
            if not self.coming:
                self.n_silences += 1
                self.now += 10_000    # Nothing, for as long as the host's patience.
                return b""
            self.now = self.coming[0][0]
        count = min(size, self.in_waiting)
        received = bytes(byte for _, byte in self.coming[:count])
        del self.coming[:count]
        self.n_under_way -= received.count(frame.FLAG) / 2
        return received


def requests(values):
    return [partial(frame.request, code=np.unpackbits(
        np.array([value, 1, 2, 3], np.uint8), bitorder="little")) for value in values]


def losing(share, seed):
    draw = random.Random(seed)
    return lambda: draw.random() < share


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("share", [0, 0.001, 0.03])
def test_every_value_comes_in_its_turn(share, seed):
    values = np.random.default_rng(seed).integers(0, 256, 500).tolist()
    exchange = Asking(Line(losing(share, seed), latency=seed), CODES)
    assert list(exchange.ask(requests(values[:300]))) == values[:300]
    assert list(exchange.ask(requests(values[300:]))) == values[300:]


def test_a_line_that_loses_nothing_is_sent_nothing_twice():
    exchange = Asking(Line(), CODES)
    assert len(list(exchange.ask(requests(range(256))))) == 256
    assert exchange.repeated == 0


def test_one_lost_request_is_sent_again_alone():
    lost = iter([False] * 7 * 20 + [True])    # An answer is six bytes.
    line = Line(lambda: next(lost, False))
    exchange = Asking(line, CODES)
    assert list(exchange.ask(requests(range(200)))) == list(range(200))
    # A later answer tells it: nobody has waited in vain.
    assert (exchange.repeated, line.n_silences) == (1, 0)


@pytest.mark.parametrize("latency, least", [(0, 1.0), (200, 0.98), (400, 0.97)])
def test_the_wire_is_kept_busy(latency, least):
    """With a latency of a third of what can be under way the wire is never idle but at the end."""
    line = Line(latency=latency)
    list(Asking(line, CODES).ask(requests(np.arange(2000) % 256)))
    assert (line.free - line.idle) / line.free >= least


@pytest.mark.parametrize("at_once", [1, 2, 64])
def test_no_more_are_under_way_than_allowed(at_once):
    line = Line(latency=100)
    list(Asking(line, CODES, at_once=at_once).ask(requests(range(200))))
    assert line.most_under_way <= at_once


def test_who_never_answers_is_asked_five_times():
    line = Line(lambda: True)
    exchange = Asking(line, CODES, at_once=3)
    with pytest.raises(NoAnswer, match=r"^A request was sent 5 times and not answered$"):
        list(exchange.ask(requests(range(9))))
    assert exchange.repeated == 5 * 3 and line.most_under_way == 5 * 3


def test_noise_without_end_is_no_answer():
    class Noise(Line):
        def read(self, size=1):
            return b"\x7e\x01"

    with pytest.raises(NoAnswer):
        list(Asking(Noise(), CODES, patience=0.001).ask(requests([1])))


def test_answers_of_another_kind_are_none():
    class Babbling(Line):
        def _answer(self, content, when):
            for number in LOADS:
                self.coming += [(when, byte) for byte in frame.answer(number, 99)]
            super()._answer(content, when)

    assert list(Asking(Babbling(), CODES).ask(requests(range(9)))) == list(range(9))


IDENTITY = Identity((32, 128, 10), True, False, 120_000, b"\x7e\x7d\x00\x01")


@pytest.mark.parametrize("sizes", [[N_CODE], range(1, 257), [200, 100, N_CODE], [*range(50, 250),
                                                                                N_CODE]], ids=len)
@pytest.mark.parametrize("share", [0, 0.01])
def test_a_board_says_what_it_is(sizes, share):
    line = Line(losing(share, 1), identity=IDENTITY.to_bytes())
    assert identify(line, sizes) == IDENTITY


class Listening(Line):
    """Knows in which order it was asked."""

    def __init__(self):
        super().__init__(identity=IDENTITY.to_bytes())
        self.asked = []

    def write(self, data):
        self.asked += [content[0] for content in frame.Unwrapper(frame.fcs32).feed(data)]
        return super().write(data)


def orders(count):
    lines = [Listening() for _ in range(count)]
    assert [identify(line, [N_CODE]) for line in lines] == [IDENTITY] * count
    return [tuple(line.asked) for line in lines]


def test_no_two_processes_ask_in_the_same_order():
    """So what others have asked and died of is not taken for an identity."""
    found = orders(5)
    assert len(set(found)) == 5
    assert {(each[0], *sorted(each)) for each in found} == {
        (192, *range(192, 192 + len(IDENTITY.to_bytes())))}


def test_the_last_question_is_none_that_takes_a_turn(monkeypatch):
    monkeypatch.setattr(asking.random.SystemRandom, "shuffle",
                        lambda self, numbers: numbers.sort(reverse=True))
    [asked] = orders(1)
    assert asked[-1] not in asking.STEPS and set(asking.STEPS) <= {*asked}


@pytest.mark.parametrize("sizes", [[N_CODE + 1], range(N_CODE + 1, 257)])
def test_a_board_for_other_codes_does_not_answer(sizes):
    with pytest.raises(NoAnswer):
        identify(Line(identity=IDENTITY.to_bytes()), sizes)


@pytest.mark.parametrize("said", [bytes([0]), bytes([1, 200, 0]), bytes([2, 32, 0, 0, 0]),
                                  bytes([63]), bytes([28, *[1] * 54])], ids=len)
def test_what_says_what_no_board_says(said):
    with pytest.raises(NoAnswer, match=r"^What answers is no board: An identity "):
        identify(Line(identity=said), [N_CODE])


@pytest.mark.parametrize("sizes", [[N_CODE], range(1, 257)], ids=len)
def test_noise_without_end_is_no_board(sizes):
    class Noise(Line):
        in_waiting = 100

        def read(self, size=1):
            return b"echo: M105 ok\r\n" * 7

    with pytest.raises(NoAnswer):
        identify(Noise(), sizes, patience=0.01)


def test_a_late_answer_to_a_size_is_not_that_to_another():
    """As of a virtual board that is slow: it answers when the sizes of the next batch have come."""
    class Slow(Line):
        is_awake = False

        def write(self, data):
            self.is_awake |= data[1] == frame.QUESTIONS + asking.SIZES_AT_ONCE
            return super().write(data)

        def read(self, size=1):
            return super().read(size) if self.is_awake else b""

    line = Slow(identity=IDENTITY.to_bytes())
    assert asking._size(line, [*range(5, 30), N_CODE, *range(50, 110)], patience=1) == N_CODE


def test_a_port_is_given_pieces_with_a_deadline_each():
    class Port(Line):
        written = ()

        def write(self, data):
            self.written = (*self.written, (len(data), self.write_timeout))
            return super().write(data)

    port = Port()
    list(Asking(port, CODES, patience=7).ask(requests(range(64))))
    assert {timeout for _, timeout in port.written} == {7} and port.timeout == 7
    assert max(length for length, _ in port.written) <= 512 < sum(n for n, _ in port.written)


def test_all_numbers_have_their_kind():
    assert [*CODES, *LOADS, *asking.QUESTIONS] == list(range(256))
