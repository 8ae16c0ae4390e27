"""What the bench builds: designs that fit, always the same, of the kind that was asked for."""

import pytest

import boards
from hw.flow.compared.cases import COST_BOARDS, FULL, of_costs
from hw.flow.compared.comparison import hits
from hw.plan import plans
from sw.golden.network import random_network

PLACED = {"family": "ice40", "logic_cells": 100, "predicted_cells": 110, "block_rams": 4,
          "predicted_rams": 4}


@pytest.mark.parametrize("kind, is_serial", [("fit", False), ("unseen", False), ("stages", True)])
def test_random_designs(kind, is_serial):
    few, more = of_costs(kind, 1), of_costs(kind, 3)
    assert more[::3] == few and [case.board for case in few] == list(COST_BOARDS)
    assert {case.plan.is_serial for case in more} == {is_serial}
    for case in more:
        board = boards.find(case.board)
        price = plans.price(case.plan, random_network(case.signature), board.family)
        assert price.fits(int(FULL * board.logic_cells), board.block_rams)


@pytest.mark.parametrize("other, said", [
    ({}, "cells within 10 % of 2, block RAMs exact of 2"),
    ({"predicted_cells": 111}, "cells within 10 % of 1, block RAMs exact of 2"),
    ({"predicted_cells": 89}, "cells within 10 % of 1, block RAMs exact of 2"),
    ({"predicted_rams": 3}, "cells within 10 % of 2, block RAMs exact of 1"),
], ids=["hit", "high", "low", "rams"])
def test_hits(other, said):
    measured = [PLACED, PLACED | other, {"board": "icestick", "failed": "no room"}]
    assert hits(measured, "ice40") == f"ice40: of 2 designs, {said}"
