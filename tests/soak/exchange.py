"""The host's half of an exchange: schedules of a line over many calls, and ports of strangers.

Lost is a value that is believed and wrong, or a port at which the host does not come to an end.
"""

import math
import random
from unittest.mock import patch

import pytest

from sw.golden import asking, frame
from sw.golden.asking import CODES, Asking
from sw.host.board import Board, BoardError
from tests.line import stranger, within
from tests.schedules import Wire, by_chance, calls, processes, search

from . import Row, share

__all__ = ["run"]

# Of a soak.
DEPTH = 7
N_LINES, N_CALLS = 600, 60
N_STRANGERS = 300
DEADLINE = 60    # Seconds for one of them; some take ten on a busy computer.
WORDS = [b"ok T:21.3 /0.0 B:20.1 /0.0\r\n", b"$GPGGA,,,,,,0,00,,,M,,M,,*66\r\n", b"\x7e", b"\x7d",
         b"[    0.000000] Linux version 6.1\r\n", b"\0", b"login: ", b"AT+OK\r\n"]


def _every(scale: float) -> Row:
    """Every schedule of a line with 2 and with 4 numbers, as far as the first choices go."""
    depth = max(3, DEPTH + round(math.log(scale, 6)))
    tried = believed = lost = failed = 0
    for attempts, numbers, sizes in [(1, 2, [1, 2, 2, 1]), (3, 4, [4, 4, 4])]:
        with patch.object(asking, "ATTEMPTS", attempts):
            counts = search(depth if attempts == 1 else depth - 1, range(numbers), sizes)
        tried, believed, lost, failed = (a + b for a, b in zip(
            (tried, believed, lost, failed), counts))
    return Row("an exchange: every schedule of a small line, over calls", tried, lost,
               f"{depth} choices; {failed:,} calls broke off")


def _long(what: str, scale: float, asks_anew: bool) -> Row:
    total = (0, 0, 0)
    for seed in range(share(N_LINES, scale, 2)):
        draw = random.Random(f"{scale} {seed}")
        wire = Wire(by_chance(draw, draw.choice([0.001, 0.01, 0.03]),
                              draw.choice([0.001, 0.01, 0.05])))
        sizes = [draw.choice([1, 10, 64, 150]) for _ in range(N_CALLS)]
        counts = (processes(wire, CODES, [[size] * draw.randrange(1, 4) for size in sizes])
                  if asks_anew else calls(Asking(wire, CODES), sizes))
        total = tuple(a + b for a, b in zip(total, counts))
    return Row(what, total[0], total[1], f"{total[2]:,} broke off")


def _noise(draw: random.Random) -> bytes:
    match draw.randrange(4):
        case 0:
            return draw.choice(WORDS)
        case 1:
            return draw.randbytes(draw.randrange(1, 300))
        case 2:
            return frame.answer(draw.randrange(256), draw.randrange(256))
        case _:
            return b"".join(draw.choice(WORDS) for _ in range(draw.randrange(1, 30)))


def _strangers(scale: float) -> Row:
    count, lost = share(N_STRANGERS, scale, 3), 0
    with patch("sw.host.board.PATIENCE", 0.05):
        for seed in range(count):
            draw = random.Random(f"{scale} {seed}")
            try:
                with (stranger(_noise(draw), reads=draw.random() < 0.7,
                               lives=draw.random() < 0.9) as port, within(DEADLINE)):
                    Board(port, draw.choice([None, 40, 200, 2048])).close()
                lost += 1
            except BoardError:
                pass
            except (Exception, pytest.fail.Exception):
                lost += 1
    return Row("ports that talk by themselves, or take nothing", count, lost,
               f"each within {DEADLINE} s")


def run(scale: float) -> list[Row]:
    """Put the host to both."""
    return [_every(scale),
            _long("an exchange: schedules by chance, over calls", scale, asks_anew=False),
            _long("an exchange: schedules by chance, over processes", scale, asks_anew=True),
            _strangers(scale)]
