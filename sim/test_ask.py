"""Verilator's driver ends whatever the design does, and says what it did."""

import numpy as np
import pytest

from sim.ask import DRIVER, Driven, Unequal, first_other
from sim.simulator import SimulationFailed, SimulatorNotFound, find
from sw.golden import fast, frame
from sw.golden.network import random_network

ANSWER = frame.answer(0, 5) + frame.answer(1, 6)
# Whatever request comes first, its code says what the design does from then on.
SILENT, DEAF, BABBLING, ALTERNATING, RIGHT, TOO_MUCH = range(6)
DESIGN = f"""
module accelerator(input clk, input rst, input [7:0] rx__payload, input rx__valid,
                   output rx__ready, output [7:0] tx__payload, output tx__valid, input tx__ready);
    reg [1:0] count = 0;
    reg [7:0] kind = {SILENT}, at = 0;
    wire [{8 * len(ANSWER) - 1}:0] answers = {8 * len(ANSWER)}'h{ANSWER[::-1].hex()};
    wire loop = kind == {ALTERNATING} & ~loop;
    wire [7:0] end_ = kind == {RIGHT} ? {len(frame.answer(0, 5))} : {len(ANSWER)};
    assign rx__ready = kind != {DEAF};
    assign tx__payload = answers[8 * at[3:0] +: 8] ^ loop;
    assign tx__valid = kind == {BABBLING} | (kind >= {RIGHT} & at < end_);
    always @(posedge clk) begin
        if (rx__valid & rx__ready & count != 3) begin
            count <= count + 1;
            if (count == 2) kind <= rx__payload;
        end
        if (tx__valid & tx__ready) at <= at == 11 & kind == {BABBLING} ? 0 : at + 1;
    end
endmodule
"""


@pytest.fixture(scope="module")
def driven():
    try:
        verilator = find("verilator")
    except SimulatorNotFound as missing:
        pytest.skip(str(missing))
    return Driven(verilator.build(DESIGN, "accelerator", driver=DRIVER), "", 2, silence=500)


def codes(*kinds):
    return np.array([[kind >> bit & 1 for bit in range(8)] for kind in kinds], np.uint8)


@pytest.mark.parametrize("kinds, classes", [
    ([SILENT], [None]), ([SILENT, SILENT, SILENT], [None] * 3), ([DEAF, RIGHT], [None, None]),
    ([RIGHT], [5]), ([RIGHT, RIGHT], [5, None]), ([TOO_MUCH, RIGHT], [5, 6]),
    # A process for every two codes, each of which begins anew.
    ([TOO_MUCH, RIGHT, SILENT, RIGHT, RIGHT], [5, 6, None, None, 5])])
def test_a_class_for_each_code_that_is_answered(driven, kinds, classes):
    told = []
    assert driven.classify(codes(*kinds), told.append) == classes
    assert sum(told) == len([klass for klass in classes if klass is not None])


@pytest.mark.parametrize("kind", [TOO_MUCH, BABBLING])
def test_more_answers_than_requests_are_unequal(driven, kind):
    with pytest.raises(Unequal, match=r"^there are \d+ answers to 1 requests$"):
        driven.classify(codes(kind), lambda count: None)


def test_a_design_that_never_settles_says_so(driven):
    with pytest.raises(SimulationFailed, match=r"^the simulation of accelerator failed: %Error.*"
                                               r"did not converge"):
        driven.classify(codes(ALTERNATING), lambda count: None)


@pytest.mark.parametrize("change, at", [
    (lambda classes: classes, None), (lambda classes: [1 - classes[0], *classes[1:]], 0),
    (lambda classes: [*classes[:-1], 9], 4), (lambda classes: classes[:-1], 4),
    (lambda classes: [*classes, 0], 5), (lambda classes: [], 0)],
    ids=["golden's", "the first", "the last", "one missing", "one more", "none"])
def test_the_first_that_is_not_goldens_is_found(change, at):
    network = random_network((9, 5, 2))
    given = np.random.default_rng(0).integers(0, 2, (5, 9), np.uint8)
    classes = fast.classify_all(network, given).tolist()
    assert first_other(network, given, change(classes)) == at
