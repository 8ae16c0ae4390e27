"""No schedule of delays, losses and repetitions makes an old answer believed, over many calls."""

import random

import pytest

from sw.golden import asking
from sw.golden.asking import CODES, Asking, NoAnswer
from tests.schedules import (
    CUT,
    FAIR,
    HOLD,
    IN_ORDER,
    OVERTAKE,
    TWICE,
    Wire,
    by_chance,
    calls,
    processes,
    requests,
    search,
)


@pytest.fixture(params=[1, 3])
def attempts(request, monkeypatch):
    monkeypatch.setattr(asking, "ATTEMPTS", request.param)
    return request.param


@pytest.mark.parametrize("numbers, sizes", [(2, [1, 2, 2, 1]), (4, [4, 4, 4])])
def test_every_schedule_of_a_small_line(attempts, numbers, sizes):
    n_schedules, believed, wrong, failed = search(4, range(numbers), sizes)
    assert wrong == 0 and n_schedules > 500 and believed > 0 and failed > 0


def test_steps_of_which_copies_are_on_their_way(monkeypatch):
    """Deeper, with what it takes to have the answer to an old step."""
    monkeypatch.setattr(asking, "ATTEMPTS", 1)
    n_schedules, believed, wrong, failed = search(6, range(2), [1] * 5, [FAIR, HOLD, TWICE])
    assert wrong == 0 and n_schedules > 500 and believed > 0 and failed > 0


class OneStep(Asking):
    """Always with the same question."""

    _steps = property(lambda self: [*asking.STEPS], lambda self, value: None)


class Believing(Asking):
    """As it was: numbers run on over calls, and nothing else."""

    _is_in_step = property(lambda self: True, lambda self, value: None)


@pytest.mark.parametrize("what, depth, attempts, numbers, sizes, can, at_once", [
    (Believing, 4, 1, 2, [1, 1, 1], IN_ORDER, None),
    (OneStep, 6, 1, 2, [1] * 4, [FAIR, HOLD, TWICE], None),
    (Asking, 4, 2, 2, [4], IN_ORDER, 2),
    (Asking, 4, 2, 2, [4], [FAIR, HOLD, OVERTAKE], None)],
    ids=["without steps", "steps that do not take turns", "a window of all numbers",
         "an answer overtakes"])
def test_the_search_finds_what_there_is(monkeypatch, what, depth, attempts, numbers, sizes, can,
                                        at_once):
    monkeypatch.setattr(asking, "ATTEMPTS", attempts)
    monkeypatch.setattr("tests.schedules.Asking", what)
    assert search(depth, range(numbers), sizes, can, at_once)[2] > 0


@pytest.mark.parametrize("seed", range(6))
def test_long_schedules_of_the_real_numbers(seed):
    draw = random.Random(seed)
    sizes = [draw.choice([1, 10, 64, 150]) for _ in range(30)]
    believed, wrong, failed = calls(Asking(Wire(by_chance(draw)), CODES), sizes)
    assert wrong == 0 and believed > 200 and failed > 1


@pytest.mark.parametrize("seed", range(6))
def test_processes_that_follow_each_other(seed):
    draw = random.Random(seed)
    believed, wrong, failed = processes(Wire(by_chance(draw)), CODES, [[64, 64]] * 30)
    assert wrong == 0 and believed > 200 and failed > 1


@pytest.mark.parametrize("size", [1, 64, 128, 200])
@pytest.mark.parametrize("n_failed", range(5))
def test_a_board_that_had_stalled_answers_everything(n_failed, size):
    said = [HOLD]
    exchange = Asking(Wire(lambda can: said[0]), CODES)
    for number in range(n_failed):
        assert calls(exchange, [size], first=100 * number) == (0, 0, 1)
    said[0] = FAIR
    assert calls(exchange, [size, size], first=77) == (2 * size, 0, 0)


def test_a_call_that_is_left_is_one_that_broke_off():
    said = [FAIR]
    wire = Wire(lambda can: said[0])
    exchange = Asking(wire, range(4))
    left = exchange.ask(requests(range(9)))
    assert next(left) == 0 and wire.coming
    assert calls(exchange, [9], first=50) == (9, 0, 0)


def test_what_the_host_holds_of_a_frame_is_old_too(monkeypatch):
    """The next flag would end it, and make an answer of it."""
    monkeypatch.setattr(asking, "ATTEMPTS", 1)
    script = iter([CUT, HOLD])
    exchange = Asking(Wire(lambda can: next(script, FAIR)), range(2))
    assert calls(exchange, [1]) == (0, 0, 1)
    assert calls(exchange, [2], first=9) == (2, 0, 0)


def test_no_step_is_taken_for_nothing():
    exchange = Asking(Wire(lambda can: HOLD), CODES)
    with pytest.raises(NoAnswer):
        list(exchange.ask(requests([1])))
    assert list(exchange.ask([])) == []
