"""PLL settings against the data sheets' formulas and limits."""

import pytest

from hw.blocks.pll import ECP5PLL, ICE40PLL, GowinPLL


@pytest.mark.parametrize("kind, reference, asked, made", [
    (ICE40PLL, 12e6, 96e6, 96e6), (ICE40PLL, 12e6, 100e6, 99e6), (ICE40PLL, 12e6, 100.5e6, 100.5e6),
    (ICE40PLL, 12e6, 133e6, 132e6), (ECP5PLL, 25e6, 100e6, 100e6), (ECP5PLL, 25e6, 90e6, 87.5e6),
    (ECP5PLL, 100e6, 125e6, 125e6), (GowinPLL, 27e6, 54e6, 54e6), (GowinPLL, 27e6, 100e6, 99e6),
    # More than any can make: the most that the data sheets allow.
    (ICE40PLL, 12e6, 9999e6, 270e6), (ECP5PLL, 25e6, 9999e6, 400e6),
    (ECP5PLL, 100e6, 9999e6, 400e6), (GowinPLL, 27e6, 9999e6, 594e6)])
def test_the_nearest_that_is_not_above(kind, reference, asked, made):
    assert kind.at_most(reference, asked).output == made


def test_every_setting_keeps_the_limits():
    for megahertz in range(13, 275):
        pll = ICE40PLL.at_most(12e6, megahertz * 1e6)
        assert pll.output <= megahertz * 1e6
        assert 533e6 <= 12e6 * (pll.divf + 1) <= 1066e6 and 0 <= pll.divf <= 127
        pll = ECP5PLL.at_most(25e6, megahertz * 1e6)
        assert pll.output <= megahertz * 1e6 and 400e6 <= pll.output * pll.post <= 800e6
        assert 25e6 / pll.divider >= 10e6 and pll.feedback <= 80 and pll.post <= 128
        pll = GowinPLL.at_most(27e6, megahertz * 1e6)
        assert pll.output <= megahertz * 1e6 and 400e6 <= pll.output * pll.odiv <= 1200e6
        assert 27e6 / (pll.idiv + 1) >= 3e6 and pll.fbdiv <= 63


@pytest.mark.parametrize("kind, reference, least", [
    (ICE40PLL, 12e6, "8.4375 MHz or more from 12"), (ECP5PLL, 25e6, "12.5 MHz or more from 25"),
    (GowinPLL, 27e6, "3.375 MHz or more from 27")])
def test_refuses_what_is_too_slow(kind, reference, least):
    with pytest.raises(ValueError, match=rf"^The PLL makes {least} MHz, not 2 MHz$"):
        kind.at_most(reference, 2e6)
