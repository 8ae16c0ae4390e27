"""Designs as Verilog, for simulators and tools that do not know Amaranth."""

from amaranth import Const, Value
from amaranth.back import verilog
from amaranth.lib import wiring

from hw.flow.tools import toolchain
from hw.flow.tools.toolchain import ToolFailed

__all__ = ["convert", "ports"]


def convert(component: wiring.Component, name: str) -> str:
    """Convert a component to a SystemVerilog module; its streams become ``x__payload`` and so on.

    The same component gives the same text, wherever in its source file it stands.
    Raises :exc:`~hw.flow.tools.toolchain.ToolNotFound` where there is no Yosys, and
    :exc:`~hw.flow.tools.toolchain.ToolFailed` where it does not work.
    """
    toolchain.find("yosys")
    try:
        text = verilog.convert(component, name=name, ports=ports(component), emit_src=False,
                               strip_internal_attrs=True)
    except verilog.YosysError as error:
        raise ToolFailed(f"yosys could not convert {name} to Verilog: "
                         f"{toolchain.reason(str(error))}") from None
    except UnicodeDecodeError:
        raise ToolFailed(f"yosys could not convert {name} to Verilog: what it says is not UTF-8"
                         ) from None
    # Yosys' "always @*" waits for a change, so what depends on registers that stay as they were
    # initialised is unknown at first (in Icarus 11). By its definition always_comb begins at once.
    return text.replace("always @* begin", "always_comb begin")


def ports(component: wiring.Component) -> dict[str, tuple[Value, None]]:
    """Name the ports as Amaranth does; it refuses what is constant, like ``ready`` of a stream that
    is always ready, so that is left out."""
    members = {"__".join(map(str, path)): Value.cast(value)
               for path, _, value in component.signature.flatten(component)}
    return {name: (value, None) for name, value in members.items() if not isinstance(value, Const)}
