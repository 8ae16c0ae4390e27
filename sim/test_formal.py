"""Every claim is proven, and each broken design is found out: what cannot fail says nothing."""

import sys
from functools import partial

import pytest

from hw.blocks.gather import Gather
from hw.blocks.layer import Prefetch
from hw.blocks.popcount import PairCount
from hw.blocks.wire.axi import PacketReceiver, PacketSender
from hw.blocks.wire.image_link import Turns
from hw.blocks.wire.link import AnswerSender
from hw.blocks.wire.receiver import ImageReceiver, RequestReceiver
from hw.blocks.wire.registers import Registers
from hw.blocks.wire.uart import Transmitter
from hw.flow.tools import toolchain
from hw.plan.folding import Fold
from sim import formal
from sim.properties import core, engine, link, popcount, uart
from sim.properties.broken import (
    broken,
    names_the_highest_of_equals,
    never_fires_on_equality,
    replaced,
    swapped,
)
from sim.properties.solver import Logic, SolverNotFound
from sw.golden.frame import ESCAPE, FLAG, FLIP


@pytest.fixture(autouse=True)
def tools():
    """What a proof needs; without it the test is skipped and says so."""
    try:
        Logic()
        toolchain.find("yosys")
    except (SolverNotFound, toolchain.ToolNotFound) as missing:
        pytest.skip(str(missing))


QUESTIONS = dict(formal.questions())


@pytest.mark.parametrize("name", QUESTIONS)
def test_is_proven(name):
    proof = formal.ask(name, QUESTIONS[name])
    assert proof.proven, proof.said


count_7 = partial(popcount.counts_matches, 7)
count_64 = partial(popcount.counts_matches, 64)
requests = partial(formal.always, partial(link.requests, 8))
images = partial(formal.always, partial(link.images, 13))
loads = partial(formal.always, partial(link.images, 40, reloadable=True))
turns = partial(formal.always, partial(link.in_turn, reloadable=True))
answers = partial(formal.always, link.answers)
packets = partial(formal.always, partial(core.packets, 13))
before = partial(formal.always, partial(core.registers, 6))
sent = partial(formal.at_first, 16, partial(core.answers, 2, 2))
sends = partial(formal.always, partial(uart.frames, 4))
gathers = partial(formal.always, partial(engine.words, 2, 3))
prefetches = partial(formal.always, partial(engine.rows, [5, 9, 2], 4))
fires = partial(formal.at_first, 24, partial(engine.fires, engine.some_layer(5), Fold(2, 5)))
names = partial(formal.at_first, 24, partial(
    engine.classes, engine.some_readout(6, 3), 1, 3))

BROKEN = [
    ("the highest bit is lost", popcount, "PairCount", broken(PairCount, count=lambda n: n[:-1]),
     count_64),
    ("one count is wrong", popcount, "PairCount", broken(PairCount, count=swapped(20, 21)),
     count_64),
    ("all four pairs of seven count three", popcount, "PairCount",
     broken(PairCount, count=replaced(4, 3)), count_7),
    ("a count that equals the threshold does not fire", engine, "BinaryLayer",
     never_fires_on_equality, fires),
    ("the highest of equal classes wins", engine, "ArgmaxReadout", names_the_highest_of_equals,
     names),
    ("an escape is a byte", link, "RequestReceiver",
     broken(RequestReceiver, bytes__payload=replaced(ESCAPE, 0)), requests),
    ("a bit of one code is wrong", link, "RequestReceiver",
     broken(RequestReceiver, request__payload=swapped(0x12, 0x13)), requests),
    ("a request is valid while it is not", link, "RequestReceiver",
     broken(RequestReceiver, request__valid=lambda _: 1), requests),
    ("a byte of one image is wrong", link, "ImageReceiver",
     broken(ImageReceiver, image__payload=swapped(0x12, 0x13)), images),
    ("bits beyond the image are not cleared", link, "ImageReceiver",
     lambda n_in, **options: ImageReceiver(16, **options), images),
    ("an image waits for no room", link, "ImageReceiver",
     broken(ImageReceiver, image__ready=lambda _: 1), images),
    ("a bad image is accepted", link, "ImageReceiver",
     broken(ImageReceiver, accept=lambda _: 1), images),
    ("a bit of one word is wrong", link, "ImageReceiver",
     broken(ImageReceiver, tail=lambda word: word ^ 1), loads),
    ("a class is told late", link, "Turns", broken(Turns, klass__valid=lambda told: 0), turns),
    ("a request does not wait for its turn", link, "Turns",
     broken(Turns, request__ready=lambda _: 1), turns),
    ("a word is loaded twice", link, "Turns", broken(Turns, loads=lambda _: 1), turns),
    ("a flag inside is not escaped", link, "AnswerSender",
     broken(AnswerSender, bytes__payload=swapped(FLAG ^ FLIP, FLAG)), answers),
    ("an answer is taken twice", link, "AnswerSender",
     broken(AnswerSender, answer__ready=lambda _: 1), answers),
    ("bits beyond an input are not cleared", core, "PacketReceiver",
     lambda n_in: PacketReceiver(16), packets),
    ("the last byte does not wait for room", core, "PacketReceiver",
     broken(PacketReceiver, room=lambda _: 1), packets),
    ("a bad packet is accepted", core, "PacketReceiver",
     broken(PacketReceiver, packets__payload=lambda beat: beat | 0x100), packets),
    ("answers change while they wait", core, "PacketSender",
     broken(PacketSender, packets__ready=lambda _: 1), sent),
    ("there is room for fewer answers than is said", core, "PacketSender",
     lambda size, depth: PacketSender(size, depth - 2), sent),
    ("an answer is lost when its register is written", core, "Registers",
     broken(Registers, we=lambda _: 0), before),
    ("an input is a byte longer", core, "Registers", lambda in_bytes: Registers(7), before),
    ("the most significant bit is sent first", uart, "Transmitter",
     broken(Transmitter, bytes__payload=lambda byte: byte[::-1]), sends),
    ("a row is wrong", engine, "Prefetch", broken(Prefetch, data=swapped(9, 8)), prefetches),
    ("chunks are turned around", engine, "Gather",
     broken(Gather, y__payload=lambda word: word.rotate_left(2)), gathers),
]


@pytest.mark.parametrize("module, name, design, question", [row[1:] for row in BROKEN],
                         ids=[row[0] for row in BROKEN])
def test_a_broken_design_is_found_out(monkeypatch, module, name, design, question):
    monkeypatch.setattr(module, name, design)
    proof = formal.ask(name, question)
    assert not proof.proven
    # Refuted, not just unproven: the claim and when it is wrong, or the position that does not add.
    assert proof.said.startswith(("not so in cycle ", "position "))


def test_a_clock_that_is_far_off_is_found_out():
    proof = formal.ask("drift", partial(formal.at_first, 864, partial(uart.received, 36, 0.07)))
    assert not proof.proven
    assert proof.said.startswith("not so in cycle ")


def test_without_a_solver_it_says_how_to_get_one(monkeypatch):
    monkeypatch.setitem(sys.modules, "pysat.solvers", None)
    with pytest.raises(SolverNotFound, match=r"^python-sat was not found\. Try: pip install "):
        formal.prove(lambda name: None)
