"""Which designs ``hw.bench`` builds: those of the page of boards, and random ones."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import boards
from hw.flow.building import BuildError
from hw.flow.choosing import choose
from hw.plan import folding, plans
from hw.plan.plans import Plan
from hw.plan.serial import Serial
from sw.golden.network import Network, random_network
from sw.golden.stages import Signature

__all__ = ["CLOCKED", "SHAPE", "TRAINED", "Case", "network_of", "of_boards", "of_costs"]

TRAINED = Path(__file__).parents[3] / "sim/data/digits.network.safetensors"
SHAPE = Signature.dense(200, 128, 10)    # Of the trained one.
SHAPES = [SHAPE, *(Signature.dense(*widths) for widths in ((200, 128, 2), (64, 64, 10),
                                                            (200, 64, 32, 10)))]
# Each part once; a large one is for the hard-wired engine, whose routing takes its time.
SMALL = ("icestick", "icebreaker", "ice40_hx8k_b_evn", "tang_nano_9k", "ulx3s_12f")
# On an ECP5 the second routing was not done after 25 minutes.
CLOCKED = SMALL[:4]
LARGE = [("ulx3s_45f", SHAPE), ("ecpix5_45f", SHAPES[2])]
# One of each family. A part that is nearly full is packed more tightly, and so tells less.
COST_BOARDS = ("ice40_hx8k_b_evn", "ulx3s_25f", "tang_nano_9k")
MOST_CELLS = 8000    # Of what a part has; of larger ones placement takes long.
FULL = 0.6


@dataclass(frozen=True)
class Case:
    """One design to build, with every seed."""

    board: str
    signature: Signature
    plan: Plan
    n_seeds: int = 1

    @property
    def folder(self) -> Path:
        return Path(self.board, str(self.signature), str(self.plan))


def network_of(signature: Signature) -> Network:
    """Return the trained network, where there is one of this shape, else a random one."""
    return Network.load(TRAINED) if signature == SHAPE else random_network(signature, seed=1)


def of_boards(n_seeds: int) -> list[Case]:
    """Return the networks of the page of boards, on every board that they fit."""
    cases = []
    for name, shape in [(name, shape) for shape in SHAPES for name in SMALL] + LARGE:
        try:
            plan = choose(network_of(shape), boards.find(name), None)
        except BuildError:
            continue
        cases.append(Case(name, shape, plan, n_seeds))
    return cases


def of_costs(kind: str, number: int) -> list[Case]:
    """Draw random designs on one board of each family, others for each ``kind``, which is
    ``stages`` for serial engines, any other for fully connected layers in rows."""
    drawn = _stages if kind == "stages" else _layers
    cases = []
    for name in COST_BOARDS:
        board = boards.find(name)
        draw = random.Random(f"{kind} {name}")
        chosen: list[Case] = []
        while len(chosen) < number:
            signature, choices = drawn(draw)
            plan = draw.choice(choices)
            price = plans.price(plan, random_network(signature), board.family)
            if price.fits(int(FULL * min(board.logic_cells, MOST_CELLS)), board.block_rams):
                chosen.append(Case(name, signature, plan))
        cases += chosen
    return cases


def _layers(draw: random.Random) -> tuple[Signature, Sequence[Plan]]:
    shape = (*(draw.choice([draw.randint(8, 64), draw.randint(65, 256)])
               for _ in range(draw.choice([2, 2, 2, 3, 4]))), draw.randint(2, 20))
    return Signature.dense(*shape), list(folding.candidates(shape))


def _stages(draw: random.Random) -> tuple[Signature, Sequence[Plan]]:
    """Draw images of 8 to 32 pixels a side, one to four convolutions, some pooled, and sometimes a
    dense stage; and every engine that is not large."""
    while True:
        side = draw.randint(8, 32)
        words = [f"{side}x{side}x{draw.choice([1, 1, 3])}{draw.choice(['', ':8', ':8', ':4'])}"]
        for _ in range(draw.randint(1, 4)):
            words.append(f"{draw.randint(4, 64)}{draw.choice(['', '', 's2'])}"
                         f"{draw.choice(['', 'p'])}")
        words += [f"d{draw.randint(16, 128)}"] * draw.choice([0, 0, 1])
        try:
            signature = Signature.parse("-".join([*words, str(draw.randint(2, 20))]))
        except ValueError:    # Pooled until nothing was left.
            continue
        return signature, [plan for plan in Serial.candidates() if not plan.is_large]
