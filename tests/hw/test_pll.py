"""PLL settings against the data sheet's formula and limits."""

import pytest

from hw.pll import ICE40PLL


@pytest.mark.parametrize("asked, divf, divq, made", [
    (96e6, 63, 3, 96e6), (100e6, 65, 3, 99e6), (100.5e6, 66, 3, 100.5e6), (133e6, 87, 3, 132e6)])
def test_the_nearest_that_is_not_above(asked, divf, divq, made):
    pll = ICE40PLL.at_most(12e6, asked)
    assert (pll.divf, pll.divq, pll.output) == (divf, divq, made)


def test_every_setting_keeps_the_limits():
    for megahertz in range(10, 275):
        pll = ICE40PLL.at_most(12e6, megahertz * 1e6)
        assert pll.output <= megahertz * 1e6
        assert 533e6 <= 12e6 * (pll.divf + 1) <= 1066e6 and 0 <= pll.divf <= 127


def test_refuses_what_is_too_slow():
    with pytest.raises(ValueError, match=(
            r"^An iCE40 PLL makes 8\.4375 MHz or more from 12 MHz, not 5 MHz$")):
        ICE40PLL.at_most(12e6, 5e6)
