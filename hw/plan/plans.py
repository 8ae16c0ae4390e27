"""The plan of any engine: rows of a folded one, logic, or words of a serial one.

Folded and hard-wired engines are for fully connected networks of bits, and their plans are asked
about widths. A serial engine takes any network, and its plan is asked about a signature. Here all
are asked alike. Numbers only: nothing here makes hardware.
"""

from collections.abc import Sequence

from hw.plan import folding, serial_cost
from hw.plan.cost import FABRICS, Cost
from hw.plan.folding import Folding, Hardwired
from hw.plan.serial import Serial
from sw.golden.network import Network
from sw.golden.stages import Signature

__all__ = ["Plan", "check", "cycles", "default", "parse", "period", "price"]

Plan = Folding | Hardwired | Serial


def parse(text: str, signature: Signature) -> Plan:
    """Read the text of a plan; :exc:`ValueError` if it is none for such a network.

    >>> parse("1x200", Signature.parse("200-128-10"))
    Folding(layers=[Fold(pe=1, simd=200)], readout_simd=13)
    >>> parse("serial 1x16", Signature.parse("28x28x1:8-16s2-10"))
    Serial(pe=1, simd=16)
    """
    if not text.startswith("serial"):
        return folding.parse(text, _widths(signature, text))
    plan = Serial.parse(text)
    plan.check(signature)
    return plan


def default(signature: Signature) -> Plan:
    """Return a plan for no board: a neuron at a time, of stages four."""
    return folding.default(signature.widths) if signature.widths else Serial(4, 32)


def check(plan: Plan, signature: Signature) -> None:
    """Raise :exc:`ValueError` if a plan is of another kind than a network, or makes no engine."""
    if plan.is_serial:
        plan.check(signature)
    else:
        _widths(signature, str(plan))


def cycles(plan: Plan, signature: Signature) -> tuple[int, ...]:
    """Count the cycles of each part of an engine."""
    return plan.cycles(_asked(plan, signature))


def period(plan: Plan, signature: Signature) -> int:
    """Count the cycles from one inference to the next."""
    return plan.period(_asked(plan, signature))


def price(plan: Plan, network: Network, family: str, *, reloadable: bool = False) -> Cost:
    """Predict what an accelerator takes of a part of this family."""
    if plan.is_serial:
        return serial_cost.price(network.signature, plan, family, reloadable=reloadable)
    return FABRICS[family].price(network, plan, reloadable=reloadable)


def _asked(plan: Plan, signature: Signature):
    return signature if plan.is_serial else _widths(signature, str(plan))


def _widths(signature: Signature, text: str) -> Sequence[int]:
    if signature.widths is None:
        raise ValueError(f"{signature} is not fully connected on bits: its engine must be like "
                         f"'serial 1x16', not {text!r:.40}")
    return signature.widths
