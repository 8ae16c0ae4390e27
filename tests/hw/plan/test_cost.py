"""What is predicted of a plan, where nothing else asks."""

import pytest

from hw.plan.cost import FABRICS
from hw.plan.folding import Hardwired, default
from sw.golden.network import random_network


@pytest.mark.parametrize("family, shape, cells, routes", [
    ("ecp5", (20, 8, 3), 24_288, True), ("ecp5", (64, 64, 10), 3400, False),
    ("ecp5", (784, 512, 10), 24_288, False), ("ice40", (20, 8, 3), 7680, False)])
def test_a_hardwired_network_that_routes_is_small(family, shape, cells, routes):
    network = random_network(shape)
    assert FABRICS[family].routes(network, cells) == routes
    if routes:
        price = FABRICS[family].price(network, Hardwired())
        assert price.block_rams == 0 and price.fits(cells // 2, 0)


@pytest.mark.parametrize("family", FABRICS)
def test_what_can_be_loaded_takes_more(family):
    network = random_network((200, 128, 10))
    plain, reloadable = (FABRICS[family].price(network, default(network.shape), reloadable=each)
                         for each in (False, True))
    assert reloadable.logic_cells > plain.logic_cells + 80
    assert reloadable.block_rams >= plain.block_rams
