"""The accelerator's Verilog, compiled by Verilator, behind a pseudo-terminal."""

import json
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hw.accelerator import Accelerator
from hw.flow.tools import verilog
from hw.plan import plans
from hw.plan.plans import Plan
from sim import simulator
from sim.simulator import SimulationFailed
from sw.golden.network import Network

__all__ = ["BYTE", "VirtualBoard", "virtual_board"]

YEAR = 365 * 24 * 3600.0    # A board has no deadline.
REST = 20_000    # Cycles without a byte, and beside the engine's, after which nothing will come.
BYTE = 120    # Cycles that a byte is on the wire: ten bits at 3 MBd, clocked with 36 MHz.
FAST = 12     # The same for a serial engine, whose images are long: the wire of a simulation.


@dataclass
class VirtualBoard:
    """A virtual board at work.

    Attributes
    ----------
    terminal : Path
        What answers.
    byte : int
        Cycles that a byte is on the wire.
    tally : dict
        When it has ended: what :mod:`sim.benches.virtual` counted.
    """

    terminal: Path
    simulation: threading.Thread
    byte: int
    tally: dict[str, int] = field(default_factory=dict)

    @property
    def is_alive(self) -> bool:
        return self.simulation.is_alive() and self.terminal.is_symlink()

    @property
    def busy(self) -> float:
        """Share of its time, from the first code to the last, in which bytes came to the board."""
        return self.tally["bytes"] * self.byte / max(1, self.tally["cycles"])


@contextmanager
def virtual_board(network: Network, plan: Plan, *, reloadable: bool,
                  terminal: Path | None = None) -> Iterator[VirtualBoard]:
    """Return a board that answers at a terminal until the context is left; then the terminal's link
    is gone.

    Raises
    ------
    SimulationFailed
        The simulator did not start, or stopped by itself; this is raised when the context is left.
    """
    source = verilog.convert(Accelerator(network, plan, reloadable=reloadable), "accelerator")
    model = simulator.find("verilator").build(source, "accelerator")
    byte = FAST if plan.is_serial else BYTE
    rest = REST + sum(plans.cycles(plan, network.signature))
    failures: list[Exception] = []
    with tempfile.TemporaryDirectory() as folder:
        link = (terminal or Path(folder, "tty")).absolute()
        tally = Path(folder, "tally.json").absolute()

        def serve() -> None:
            try:
                model.run("sim.benches.virtual", Path(folder), deadline=YEAR, BYTE=str(byte),
                          TERMINAL=str(link), TALLY=str(tally), REST=str(rest))
            except Exception as error:    # Of whatever kind: the other thread must know.
                failures.append(error)

        virtual = VirtualBoard(link, threading.Thread(target=serve), byte)
        try:
            virtual.simulation.start()
            while not link.is_symlink() and virtual.simulation.is_alive():
                time.sleep(0.05)
            if not failures:
                yield virtual
        finally:
            # Again and again: one that has just begun makes its link yet.
            while virtual.simulation.is_alive():
                link.unlink(missing_ok=True)
                virtual.simulation.join(0.2)
            link.unlink(missing_ok=True)
            if tally.exists():
                virtual.tally = json.loads(tally.read_text())
        if failures:
            raise SimulationFailed(f"The simulator of the virtual board at {link} has ended by "
                                   f"itself{_reason(failures[0])}: start python -m sim.board again")


def _reason(failure: Exception) -> str:
    """Return what an exception in the bench said last, if there was one."""
    said = re.findall(r"\w*Error: .*", str(failure))
    return f" ({said[-1]})" if said else ""
