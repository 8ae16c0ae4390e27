"""Which engine computes a plan: layer by layer, all stages in turn, or logic."""

from amaranth.lib.memory import Memory

from hw import engine, serial
from hw.blocks.hardwired import HardwiredEngine
from hw.engine import Engine
from hw.plan.plans import Plan
from hw.serial import SerialEngine
from sw.golden.network import Network

__all__ = ["make", "memories"]


def make(network: Network, plan: Plan, *, reloadable: bool = False,
         scores: bool = False) -> Engine | SerialEngine | HardwiredEngine:
    """Return the engine of a plan; one that is logic takes no other network, ``reloadable`` or not.
    """
    if plan.is_logic:
        return HardwiredEngine(network, scores=scores)
    kind = SerialEngine if plan.is_serial else Engine
    return kind(network, plan, reloadable=reloadable, scores=scores)


def memories(network: Network, plan: Plan, *, reloadable: bool) -> dict[str, Memory]:
    """Return what the memories of its engine begin with."""
    return (serial if plan.is_serial else engine).memories(network, plan, reloadable=reloadable)
