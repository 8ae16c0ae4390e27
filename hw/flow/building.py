"""A network and a plan to a bitstream and its report, by the tools of the board's family."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from amaranth.build import ResourceError

import boards
from hw.accelerator import Accelerator, Attached
from hw.blocks.pll import PLL
from hw.blocks.wire import spi, uart
from hw.flow.built import REPORT, has_build, making
from hw.flow.report import Rates, Report, Resources
from hw.flow.tools import steps, toolchain
from hw.flow.tools.family import FAMILIES, PLACED
from hw.flow.tools.toolchain import ToolFailed
from hw.plan import plans
from hw.plan.plans import Plan
from hw.top import Link, Spi, Top, Uart
from sw.golden.asking import speed
from sw.golden.errors import UserError
from sw.golden.network import Network, atomic_write
from sw.golden.split import Split

__all__ = ["FAILED", "BuildError", "TimingMissed", "build", "clocks", "place", "resources"]

# What is predicted to need so many times what there is, is not tried: a prediction can err, but
# the tools would search for long.
HOPELESS = 1.5
FAILED = "failed.log"             # What the tools said of a build that failed.
PLACEMENT = "top.report.json"     # What nextpnr counted and timed.
KEPT = "still holds the build it had"


class BuildError(UserError):
    """A build failed; the message says in one sentence why."""


class TimingMissed(BuildError):
    """It is placed, and too slow for its clock."""


def build(network: Network, board: boards.Board, plan: Plan, directory: Path, *, clock: float,
          seed: int, reloadable: bool = False, split: Split | None = None,
          must_meet: bool = True, show: steps.Show = lambda step: None) -> Report:
    """Make the bitstream in ``directory`` and return its report, with the ``split`` in it.

    A build that lies there stays as it was until this one is done, and for good if it fails; what
    the tools said then lies in ``failed.log``. ``show`` is told the step, several times a second.
    Unless it ``must_meet`` its clock, what misses it is reported all the same, without a bitstream.

    Raises
    ------
    BuildError
        The network does not fit the board, the tools fail, or, as :exc:`TimingMissed`, the
        bitstream misses its clock.
    BuiltError
        Another build is at work in ``directory``, or it cannot take one.
    ToolNotFound
        A program of the toolchain is missing.
    """
    start = time.monotonic()
    _check_size(network, board, plan, reloadable)
    pll, divisor = clocks(board, clock)
    for tool in FAMILIES[board.family].tools:
        toolchain.find(tool)

    with _keeping(directory), making(directory) as new:
        show("elaboration")
        design = Accelerator(network, plan, reloadable=reloadable, clock=pll.output,
                             baud=board.as_uart, room=board.room)
        # What is spread over the part.
        is_wide = plan.is_logic or (plan.is_serial and plan.is_large)
        routing = FAMILIES[board.family].routing if is_wide else ""
        try:
            placed = place(design, board, new, pll=pll, divisor=divisor, seed=seed, show=show,
                           script=_never_both(design), routing=routing)
        except ToolFailed as error:
            raise BuildError(_reason(board, new, str(error)) + _keep_log(new, directory)) from None
        network.save(new / "network.safetensors")
        report = _report(design, Rates(network, board, plan, pll.output), placed, new, split=split,
                         seed=seed, seconds=round(time.monotonic() - start, 1))
        if not report.meets_clock:
            if must_meet:
                raise TimingMissed(
                    f"timing is not met: the design runs at {report.fmax_mhz:.1f} MHz and the "
                    f"clock is {report.clock_mhz:g} MHz. Try a lower --clock or another --seed"
                    + _keep_log(new, directory))
            (new / report.bitstream).unlink()
        # What has a report is a whole build.
        atomic_write(new / REPORT, report.to_json())
    (directory / FAILED).unlink(missing_ok=True)
    return report


def _report(design: Accelerator, rates: Rates, placed: Resources, folder: Path, *,
            split: Split | None, seed: int, seconds: float) -> Report:
    """Say what lies in ``folder``, which holds bitstream and network."""
    family = FAMILIES[rates.board.family]
    return Report(
        board=rates.board.name, network=str(rates.network),
        network_sha256=sha256((folder / "network.safetensors").read_bytes()).hexdigest(),
        folding=str(rates.plan), reloadable=design.reloadable,
        identity=design.identity.to_bytes().hex(), split=split, seed=seed,
        versions={tool: toolchain.version(tool) for tool in family.tools},
        overrides={tool: toolchain.find(tool) for tool in family.tools
                   if toolchain.is_override(tool)},
        **asdict(placed), **rates.fields(), bitstream=family.bitstream,
        bitstream_sha256=sha256((folder / family.bitstream).read_bytes()).hexdigest(),
        seconds=seconds)


@contextmanager
def _keeping(directory: Path) -> Iterator[None]:
    """Say with what went wrong that the build before is still there."""
    try:
        yield
    except (BuildError, OSError) as error:
        if not has_build(directory):
            raise
        kind = type(error) if isinstance(error, BuildError) else BuildError
        raise kind(f"{error}; {directory} {KEPT}") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(*[f"{directory} {KEPT}"] * has_build(directory)) from None


def _keep_log(new: Path, directory: Path) -> str:
    """Save what the tools said of a build that failed; say where it is."""
    try:
        shutil.copyfile(new / steps.LOG, directory / FAILED)
    except OSError:
        return ""    # The disk may be full, which was said.
    return f" (all that the tools said is in {directory / FAILED})"


def _check_size(network: Network, board: boards.Board, plan: Plan, reloadable: bool) -> None:
    """Refuse what no error of the prediction lets fit; the tools would search for long."""
    price = plans.price(plan, network, board.family, reloadable=reloadable)
    if not price.fits(int(HOPELESS * board.logic_cells), int(HOPELESS * board.block_rams)):
        raise BuildError(
            f"{network} folded {plan} does not fit {board.name}: it needs about "
            f"{price.logic_cells} logic cells and {price.block_rams} block RAMs; there are "
            f"{board.logic_cells} and {board.block_rams}. Choose a smaller --fold, see --dry-run")


def clocks(board: boards.Board, clock: float) -> tuple[PLL, int]:
    """Return the PLL's settings for at most ``clock`` hertz, and the divisor that makes the baud of
    a UART; 0 for SPI, which brings its own clock.

    Raises :exc:`BuildError` where there are none.
    """
    if board.link == "uart" and board.baud > board.max_baud:
        raise BuildError(f"The link of {board.name} does at most {board.max_baud} baud, not "
                         f"{board.baud}: choose a slower --baud")
    try:
        pll = FAMILIES[board.family].pll.at_most(board.platform().default_clk_frequency, clock)
        if board.link == "uart":
            return pll, uart.divisor(pll.output, board.baud)
        if not spi.keeps_up(pll.output, board.baud):
            raise ValueError(f"A clock of {pll.output / 1e6:g} MHz does not keep up with "
                             f"{speed(board.baud, board.link)}")
        return pll, 0
    except ValueError as error:
        raise BuildError(f"{error}. Choose another --clock") from None


def _link(board: boards.Board, divisor: int) -> Link:
    return Spi(board.spi, board.baud, board.room) if board.link == "spi" else Uart(divisor)


def place(design: Attached, board: boards.Board, directory: Path, *, pll: PLL, divisor: int,
          seed: int, show: steps.Show = lambda step: None, script: str = "",
          routing: str = "") -> Resources:
    """Run the commands of the platform's build script in an empty folder; return what a design
    takes.

    Clock and link are as :func:`clocks` says. ``script`` is for Yosys, ``routing`` for nextpnr.

    Raises
    ------
    BuildError
        The board lacks a pin.
    ToolFailed
        One of the tools fails.
    """
    family = FAMILIES[board.family]
    top = Top(design, pll=pll, link=_link(board, divisor),
              clock_is_beside_pll=board.clock_is_beside_pll)
    # Gowin's is written anyway: the bitstream is packed from it.
    write = "" if family.packed_from == PLACED else f"--write {PLACED}"
    try:
        plan = board.platform().prepare(
            top, "top", debug_verilog=False,
            script_after_read=script, synth_opts=family.synthesis,
            # The frequency is for a clock that nextpnr does not derive itself: that of Gowin's PLL.
            nextpnr_opts=f"--seed {seed} --freq {pll.output / 1e6} --report {PLACEMENT} "
                         f"--timing-allow-fail {write} {routing}")
    except ResourceError as error:
        raise BuildError(str(error)) from None
    plan.extract(directory)
    commands = json.loads((directory / f"{plan.script}.json").read_text())["commands"]
    products = {family.place: family.packed_from, family.pack: family.bitstream}
    steps.run([(command, products.get(command[0], "")) for command in commands], directory, show)
    return resources(directory, board)


def _never_both(accelerator: Accelerator) -> str:
    """Tell Yosys what it cannot know: no memory is read where it is written in the same cycle."""
    plan = accelerator.plan
    if plan.is_logic or (plan.is_serial and not accelerator.reloadable):
        return ""
    modules = "engine.*" if accelerator.reloadable else "engine.readout"
    return f"setparam -set COLLISION_X_MASK 1'1 top.accelerator.{modules}/t:$memrd_v2"


def _reason(board: boards.Board, directory: Path, said: str) -> str:
    """Say why the tools failed: what does not fit, if nextpnr counted more than there is, or what
    they said."""
    log = directory / steps.TIM
    counts = re.findall(r"(\w+):\s+(\d+)/\s*\d+",
                        log.read_text(errors="replace")) if log.exists() else []
    cells, rams = _used(board, {kind: int(count) for kind, count in counts})
    if cells[0] > cells[1] or rams[0] > rams[1]:
        return (f"the design cannot be placed: it needs {cells[0]} of {cells[1]} logic cells and "
                f"{rams[0]} of {rams[1]} block RAMs")
    return f"the tools failed: {said}"


def _used(board: boards.Board, counts: dict[str, int]) -> Iterator[list[int]]:
    """Return how many logic cells and block RAMs the design takes and the part has, from what
    nextpnr counted."""
    family = FAMILIES[board.family]
    for kinds, there in [(family.logic_cells, board.logic_cells),
                         (family.block_rams, board.block_rams)]:
        yield [sum(counts.get(kind, 0) for kind in kinds), there]


def resources(directory: Path, board: boards.Board) -> Resources:
    """Read what nextpnr says of a design.

    Raises :exc:`ToolFailed` if it left nothing that says so.
    """
    try:
        placed = json.loads((directory / PLACEMENT).read_text())
        counts = {kind: count["used"] for kind, count in placed["utilization"].items()}
        # The oscillator's clock, far slower, drives nothing but the wait after power-up.
        engine = max(placed["fmax"].values(), key=lambda clock: clock["constraint"])
        return Resources(*_used(board, counts), fmax_mhz=round(engine["achieved"], 2))
    except (FileNotFoundError, ValueError, LookupError, TypeError, AttributeError):
        raise ToolFailed(f"{FAMILIES[board.family].place} left no report of cells and Fmax in "
                         f"{PLACEMENT}") from None
