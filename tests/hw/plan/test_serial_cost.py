"""What a serial engine is predicted to take is what placed designs took; the choice fits."""

import pytest

from hw.plan.choice import DoesNotFit
from hw.plan.serial import Serial
from hw.plan.serial_cost import choose, front, price
from sw.golden.stages import Signature

SMALL, MEDIUM = (Signature.parse(text) for text in ("28x28x1:8-16s2-32p-64p-10",
                                                    "28x28x1:8-32s2-64p-64p-10"))
# FINN's CNV for CIFAR-10.
CNV = Signature.parse("32x32x3:8-64b0-64b0p-128b0-128b0p-256b0-256b0-d512-512-10")
PLACED = [    # By hw.build, seed 1, link included.
    (SMALL, "1x16", "ice40", 902, 15), (SMALL, "2x16", "ice40", 1000, 16),
    (MEDIUM, "2x32", "ice40", 1206, 30), (Signature.dense(784, 64, 10), "1x16", "ice40", 805, 16),
    (Signature.dense(200, 128, 10), "1x8", "ice40", 662, 10), (SMALL, "1x16", "gowin", 974, 5),
    (Signature.dense(784, 64, 10), "1x16", "ecp5", 706, 7)]


@pytest.mark.parametrize("signature, text, family, cells, rams", PLACED, ids=str)
def test_placed_engines(signature, text, family, cells, rams):
    predicted = price(signature, Serial.parse(f"serial {text}"), family)
    assert predicted.block_rams == rams
    assert predicted.logic_cells == pytest.approx(cells, rel=0.1)


@pytest.mark.parametrize("signature, family, cells, rams, chosen", [
    (SMALL, "ice40", 1241, 16, "2x16"), (SMALL, "ice40", 920, 16, "1x16"),
    (MEDIUM, "ice40", 5121, 30, "2x32"), (MEDIUM, "ecp5", 23_559, 56, "32x32"),
    (CNV, "ecp5", 42_532, 108, "32x32"), (CNV, "ecp5", 81_130, 208, "64x64")], ids=str)
def test_the_fastest_that_fits(signature, family, cells, rams, chosen):
    assert str(choose(signature, family, cells, rams)) == f"serial {chosen}"


def test_what_fits_nowhere_says_what_it_needs():
    with pytest.raises(DoesNotFit, match=(
            r"^needs about \d+ logic cells and 25 block RAMs at the least; there are 1241 and "
            r"16$")):
        choose(MEDIUM, "ice40", 1241, 16)


def test_of_those_in_front_none_is_faster_and_smaller():
    plans = list(front(SMALL, "ice40"))
    periods = [plan.period(SMALL) for plan, _ in plans]
    assert periods == sorted(periods)
    assert not any(later.fits(first.logic_cells, first.block_rams)
                   for at, (_, first) in enumerate(plans) for _, later in plans[:at])


def test_reloadable_costs_more():
    cost = price(SMALL, Serial(1, 16), "ice40")
    loaded = price(SMALL, Serial(1, 16), "ice40", reloadable=True)
    assert loaded.logic_cells > cost.logic_cells and loaded.block_rams >= cost.block_rams
