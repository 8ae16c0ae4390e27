"""Build the accelerator for a board: ``python -m hw.build --board icestick``."""

import argparse
import json
import math
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from amaranth.build import ResourceError

import boards
from hw import accelerator
from hw.accelerator import Accelerator, waits
from hw.blocks import uart
from hw.blocks.hardwired import HardwiredEngine
from hw.flow import plots as plot
from hw.flow import steps as stages
from hw.flow import toolchain
from hw.flow.built import REPORT, find_board, has_build, making
from hw.flow.family import FAMILIES, PLACED
from hw.flow.pll import PLL
from hw.flow.toolchain import ToolFailed
from hw.plan import choice, folding
from hw.plan.choice import DoesNotFit
from hw.plan.cost import FABRICS, Cost
from hw.plan.folding import Hardwired, Plan
from hw.top import Top
from sw.golden import networks
from sw.golden.bits import n_bytes
from sw.golden.errors import UserError
from sw.golden.frame import N_FCS16, N_FCS32
from sw.golden.network import Network, atomic_write
from sw.golden.qonnx import executor, reader
from sw.golden.split import Split
from sw.terminal import runs
from sw.terminal.command import Parser, command

__all__ = ["BuildError", "build", "choose", "default_clock", "main", "resources"]

# A part that is filled beyond this share is rarely placed.
FILL = 0.97
# What is predicted to need so many times what there is, is not tried: no prediction was so wrong.
HOPELESS = 1.5
NO_BOARD = 3                      # Exit code: built, but not programmed.
FAILED = "failed.log"             # What the tools said of a build that failed.
PLACEMENT = "top.report.json"     # What nextpnr counted and timed.
PATIENCE = 300.0                  # Seconds that a programmer may take.
KEPT = "still holds the build it had"
LONGEST = 300                     # Characters of what a programmer said.


class BuildError(UserError):
    """A build failed; the message says in one sentence why."""


def build(network: Network, board: boards.Board, plan: Plan, directory: Path, *, clock: float,
          seed: int, reloadable: bool = False, split: Split | None = None,
          must_meet: bool = True, show: stages.Show = lambda stage: None) -> dict:
    """Make the bitstream in ``directory`` and return its report, with the ``split`` in it.

    A build that lies there stays as it was until this one is done, and for good if it fails; what
    the tools said then lies in ``failed.log``. ``show`` is told the stage, several times a second.
    Unless it ``must_meet`` its clock, what misses it is reported all the same, without a bitstream.

    Raises
    ------
    BuildError
        The network does not fit the board, the tools fail, or the bitstream misses its clock.
    BuiltError
        Another build is at work in ``directory``, or it cannot take one.
    ToolNotFound
        A program of the toolchain is missing.
    """
    start, family = time.monotonic(), FAMILIES[board.family]
    _check_size(network, board, plan, reloadable)
    pll, divisor = _clocks(board, clock)
    for tool in family.tools:
        toolchain.find(tool)

    with _keeping(directory), making(directory) as new:
        show("elaboration")
        design = Accelerator(network, plan, reloadable=reloadable, clock=pll.output,
                             baud=board.baud)
        top = Top(design, pll=pll, divisor=divisor, clock_is_beside_pll=board.clock_is_beside_pll)
        try:
            _run_tools(top, board, new, seed, show)
            placed = resources(new, board)
        except ToolFailed as error:
            raise BuildError(_reason(board, new, str(error)) + _keep_log(new, directory)) from None
        network.save(new / "network.safetensors")
        report = {
            "board": board.name,
            "network": str(network),
            "network_sha256": sha256((new / "network.safetensors").read_bytes()).hexdigest(),
            "folding": str(plan),
            "reloadable": reloadable,
            "identity": design.identity.to_bytes().hex(),
            "split": asdict(split) if split else None,
            "seed": seed,
            "versions": {tool: toolchain.version(tool) for tool in family.tools},
            "overrides": {tool: toolchain.find(tool) for tool in family.tools
                          if toolchain.is_override(tool)},
            **placed,
            **_rates(network, board, plan, pll.output),
            "bitstream": family.bitstream,
            "bitstream_sha256": sha256((new / family.bitstream).read_bytes()).hexdigest(),
            "seconds": round(time.monotonic() - start, 1),
        }
        if report["fmax_mhz"] < report["clock_mhz"]:
            if must_meet:
                raise BuildError(
                    f"timing is not met: the design runs at {report['fmax_mhz']:.1f} MHz and the "
                    f"clock is {report['clock_mhz']:g} MHz. Try a lower --clock or another --seed"
                    + _keep_log(new, directory))
            (new / family.bitstream).unlink()
        # What has a report is a whole build.
        atomic_write(new / REPORT, json.dumps(report, indent=2).encode())
    (directory / FAILED).unlink(missing_ok=True)
    return report


@contextmanager
def _keeping(directory: Path) -> Iterator[None]:
    """Say with what went wrong that the build before is still there."""
    try:
        yield
    except (BuildError, OSError) as error:
        if not has_build(directory):
            raise
        raise BuildError(f"{error}; {directory} {KEPT}") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(*[f"{directory} {KEPT}"] * has_build(directory)) from None


def _keep_log(new: Path, directory: Path) -> str:
    """Save what the tools said of a build that failed; say where it is."""
    try:
        shutil.copyfile(new / stages.LOG, directory / FAILED)
    except OSError:
        return ""    # The disk may be full, which was said.
    return f" (all that the tools said is in {directory / FAILED})"


def _check_size(network: Network, board: boards.Board, plan: Plan, reloadable: bool) -> None:
    """Refuse what no error of the prediction lets fit; the tools would search for long."""
    price = FABRICS[board.family].price(network, plan, reloadable=reloadable)
    if not price.fits(int(HOPELESS * board.logic_cells), int(HOPELESS * board.block_rams)):
        raise BuildError(
            f"{network} folded {plan} does not fit {board.name}: it needs about "
            f"{price.logic_cells} logic cells and {price.block_rams} block RAMs; there are "
            f"{board.logic_cells} and {board.block_rams}. Choose a smaller --fold, see --dry-run")


def _clocks(board: boards.Board, clock: float) -> tuple[PLL, int]:
    """Return the PLL's settings for at most ``clock`` hertz, and the divisor that makes the baud.

    Raises :exc:`BuildError` where there are none.
    """
    try:
        pll = FAMILIES[board.family].pll.at_most(board.platform().default_clk_frequency, clock)
        return pll, uart.divisor(pll.output, board.baud)
    except ValueError as error:
        raise BuildError(f"{error}. Choose another --clock") from None


def choose(network: Network, board: boards.Board, folds: str | None, *,
           reloadable: bool = False) -> Plan:
    """Take the plan asked for, or the fastest that is predicted to fit.

    Raises
    ------
    BuildError
        The board has no room for it, or the network is none that can be built so.
    """
    fabric = FABRICS[board.family]
    try:
        if folds is not None:
            plan: Plan = folding.parse(folds, network.shape)
        elif not reloadable and fabric.routes(network, board.logic_cells):
            plan = Hardwired()
        else:
            plan = choice.choose(network.shape, fabric, int(FILL * board.logic_cells),
                                 board.block_rams, reloadable=reloadable)
        accelerator.check(network, plan, reloadable=reloadable)
        return plan
    except DoesNotFit as error:
        raise BuildError(f"{network} does not fit {board.name}: it {error} that can be filled. "
                         "Train a smaller network or take a larger board") from None
    except ValueError as error:
        raise BuildError(str(error)) from None


def default_clock(board: boards.Board, plan: Plan) -> float:
    """Return the clock of an engine on a board, in hertz, where nobody asks for another."""
    return board.hardwired_clock or board.clock if isinstance(plan, Hardwired) else board.clock


def forecast(network: Network, board: boards.Board, plan: Plan, *,
             reloadable: bool = False) -> list[tuple[Plan, Cost]]:
    """List the plans worth a choice with what they would cost, ``plan`` among them."""
    fabric = FABRICS[board.family]
    choices = choice.front(network.shape, fabric, reloadable=reloadable)
    if not reloadable and fabric.routable:
        choices.append((Hardwired(), fabric.price(network, Hardwired())))
    if plan not in [each for each, _ in choices]:
        choices.append((plan, fabric.price(network, plan, reloadable=reloadable)))
    return sorted(choices, key=lambda each: each[0].period(network.shape))


def forecast_table(network: Network, board: boards.Board, choices: list[tuple[Plan, Cost]],
                   plan: Plan, clock: float) -> str:
    """Line up the plans worth a choice, and mark the one that would be built."""
    lines = [f"{network} on {board.name}, which has {board.logic_cells} logic cells and "
             f"{board.block_rams} block RAMs, at {clock / 1e6:g} MHz; predicted:",
             "    cycles  inferences/s  logic cells  block RAMs  folding (PE x SIMD)"]
    for each, price in choices:
        fits = price.fits(int(FILL * board.logic_cells), board.block_rams)
        period = each.period(network.shape)
        mark = ">" if each == plan else " "
        lines.append(f"  {mark} {period:6}  {clock / period:12,.0f}  {price.logic_cells:11,}  "
                     f"{price.block_rams:10}  {each}{'' if fits else '  (does not fit)'}")
    return "\n".join(lines)


def _run_tools(top: Top, board: boards.Board, directory: Path, seed: int, show: stages.Show):
    """Run the commands of the platform's build script."""
    family = FAMILIES[board.family]
    routing = family.routing if isinstance(top.accelerator.engine, HardwiredEngine) else ""
    # Gowin's is written anyway: the bitstream is packed from it.
    write = "" if family.packed_from == PLACED else f"--write {PLACED}"
    try:
        plan = board.platform().prepare(
            top, "top", debug_verilog=False,
            script_after_read=_never_both(top.accelerator),
            synth_opts=family.synthesis,
            # The frequency is for a clock that nextpnr does not derive itself: that of Gowin's PLL.
            nextpnr_opts=f"--seed {seed} --freq {top.pll.output / 1e6} --report {PLACEMENT} "
                         f"--timing-allow-fail {write} {routing}")
    except ResourceError as error:
        raise BuildError(str(error)) from None
    plan.extract(directory)
    commands = json.loads((directory / f"{plan.script}.json").read_text())["commands"]
    products = {family.place: family.packed_from, family.pack: family.bitstream}
    stages.run([(command, products.get(command[0], "")) for command in commands], directory, show)


def _never_both(accelerator: Accelerator) -> str:
    """Tell Yosys what it cannot know: no memory is read where it is written in the same cycle."""
    if isinstance(accelerator.engine, HardwiredEngine):
        return ""
    modules = "engine.*" if accelerator.reloadable else "engine.readout"
    return f"setparam -set COLLISION_X_MASK 1'1 top.accelerator.{modules}/t:$memrd_v2"


def _reason(board: boards.Board, directory: Path, said: str) -> str:
    """Say why the tools failed: what does not fit, if nextpnr counted more than there is, or what
    they said."""
    log = directory / stages.TIM
    counts = re.findall(r"(\w+):\s+(\d+)/\s*\d+",
                        log.read_text(errors="replace")) if log.exists() else []
    cells, rams = _used(board, {kind: int(count) for kind, count in counts}).values()
    if cells[0] > cells[1] or rams[0] > rams[1]:
        return (f"the design cannot be placed: it needs {cells[0]} of {cells[1]} logic cells and "
                f"{rams[0]} of {rams[1]} block RAMs")
    return f"the tools failed: {said}"


def _used(board: boards.Board, counts: dict[str, int]) -> dict[str, list[int]]:
    """Return how many of each the design takes and the part has, from what nextpnr counted."""
    family = FAMILIES[board.family]
    return {
        "logic_cells": [sum(counts.get(kind, 0) for kind in family.logic_cells), board.logic_cells],
        "block_rams": [sum(counts.get(kind, 0) for kind in family.block_rams), board.block_rams],
    }


def resources(directory: Path, board: boards.Board) -> dict:
    """Read what nextpnr says of a design: cells and RAMs, used and there, and its Fmax in MHz.

    Raises :exc:`ToolFailed` if it left nothing that says so.
    """
    try:
        placed = json.loads((directory / PLACEMENT).read_text())
        counts = {kind: count["used"] for kind, count in placed["utilization"].items()}
        # The oscillator's clock, far slower, drives nothing but the wait after power-up.
        engine = max(placed["fmax"].values(), key=lambda clock: clock["constraint"])
        return _used(board, counts) | {"fmax_mhz": round(engine["achieved"], 2)}
    except (FileNotFoundError, ValueError, LookupError, TypeError, AttributeError):
        raise ToolFailed(f"{FAMILIES[board.family].place} left no report of cells and Fmax in "
                         f"{PLACEMENT}") from None


def _rates(network: Network, board: boards.Board, plan: Plan, clock: float) -> dict:
    cycles = plan.cycles(network.shape)
    return {
        "clock_mhz": round(clock / 1e6, 3),
        "cycles": list(cycles),
        "cycles_per_inference": max(cycles),
        "microseconds_per_inference": round(max(cycles) / clock * 1e6, 3),
        "inferences_per_second_layers": round(clock / max(cycles)),
        "baud": board.baud,
        "inferences_per_second_link": round(_link_rate(network, board, plan, clock)),
    }


def _link_rate(network: Network, board: boards.Board, plan: Plan, clock: float) -> float:
    """Say how many requests a second are answered at the most."""
    byte = 10 / board.baud
    request = (2 + 1 + n_bytes(network.n_in) + N_FCS32) * byte
    engine = sum(plan.cycles(network.shape)) / clock
    if waits(network, plan, clock, board.baud):
        return 1 / (request + engine + (2 + 2 + N_FCS16) * byte)
    return 1 / max(request, engine)


def table(report: dict) -> str:
    """Line up what a person wants to know of a build."""
    share = "{0[0]} of {0[1]} ({1:.0%})"
    rows = {
        "network": f"{report['network']} on {report['board']}",
        "folding": report["folding"],
        "logic cells": share.format(report["logic_cells"],
                                    report["logic_cells"][0] / report["logic_cells"][1]),
        "block RAMs": share.format(report["block_rams"],
                                   report["block_rams"][0] / report["block_rams"][1]),
        "Fmax": f"{report['fmax_mhz']:.1f} MHz",
        "clock": f"{report['clock_mhz']:g} MHz",
        "a code every": f"{report['cycles_per_inference']} cycles, "
                        f"{report['microseconds_per_inference']:g} us",
        "layers": f"{report['inferences_per_second_layers']:,} inferences/s",
        "link": f"{report['inferences_per_second_link']:,} inferences/s at "
                f"{report['baud']:,} baud",
    }
    if report["split"]:
        rows |= {side: _work(report["split"][side]) for side in ("host", "board")}
    return "\n".join(f"  {name:<12} {value}" for name, value in rows.items())


def _work(parts: list[dict]) -> str:
    """Name layers, and what they are for an image."""
    flops, bops = (sum(part[kind] for part in parts) for kind in ("flops", "bops"))
    return (f"{', '.join(part['layer'] for part in parts)}: {flops:,} multiply-accumulates, "
            f"{bops:,} on bits")


def find_split(network: Path) -> Split | None:
    """Read what host and board do from the file beside a network's, if there is one."""
    path = network.with_name("split.json")
    return Split.load(path) if path.exists() else None


def program(board: boards.Board, directory: Path) -> int:
    """Load the bitstream with the board's own programmer; return an exit code."""
    name, *options = board.programmer
    # Absolute, since what begins with a dash would be taken for an option.
    file = (directory / FAMILIES[board.family].bitstream).absolute()
    try:
        result = toolchain.call([name, *options, str(file)], PATIENCE)
    except FileNotFoundError:
        return _not_programmed(f"{name} was not found on PATH, so the board was not programmed. "
                               f"Try: {board.programmer_from}")
    except OSError as error:
        return _not_programmed(f"{name} is on PATH but cannot be started, so the board was not "
                               f"programmed: {error.strerror}. Try: {board.programmer_from}")
    except subprocess.TimeoutExpired:
        return _not_programmed(f"{name} was not done after {PATIENCE:g} s and was stopped: the "
                               "board may be half programmed. Unplug it, plug it in, try again")
    if result.returncode:
        said = "; ".join(toolchain.printable(result.stdout))[-LONGEST:]
        return _not_programmed(f"{name} could not program the board: "
                               f"{said or toolchain.reason('', result.returncode)}")
    print(f"programmed {board.name}")
    return 0


def _not_programmed(why: str) -> int:
    print(f"error: {why}", file=sys.stderr)
    return NO_BOARD


def megahertz(text: str) -> float:
    """Read a frequency in MHz; return hertz."""
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"must be a positive number of MHz, not {text!r}")
    return value * 1e6


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m hw.build", description=__doc__)
    parser.add_argument("--board", metavar="NAME", required=True,
                        help=f"board to build for, one of: {', '.join(boards.NAMES)}")
    parser.add_argument("--network", metavar="FILE", type=Path,
                        help="network file or run folder (default: the newest run)")
    parser.add_argument("--clock", metavar="MHZ", type=megahertz,
                        help="clock the engine with at most MHZ (default: what the board can do)")
    parser.add_argument("--fold", metavar="PExSIMD,...",
                        help="neurons and synapses a cycle of each layer, like 1x200, or hardwired "
                             "(default: the fastest that fits)")
    parser.add_argument("--reloadable", action="store_true",
                        help="let the host load other networks of this shape: python -m hw.load")
    parser.add_argument("--dry-run", action="store_true",
                        help="predict size and speed of every choice, build nothing")
    parser.add_argument("--plot", metavar="FILE", type=Path,
                        help="with --dry-run: draw the choices too, as .png, .svg or .pdf")
    parser.add_argument("--seed", metavar="N", type=int, default=1,
                        help="placement seed (default: %(default)s)")
    parser.add_argument("--out", metavar="DIR", type=Path,
                        help="folder of the bitstream (default: build/BOARD beside the network)")
    parser.add_argument("--program", action="store_true",
                        help="load the bitstream into the board afterwards")
    args = parser.parse_args(argv)
    if args.plot and not args.dry_run:
        parser.error("--plot draws the choices of --dry-run: give that too")
    if args.program and args.dry_run:
        parser.error("--dry-run builds nothing that --program could load: leave one of them out")
    return args


@command("there is no bitstream")
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    board = find_board(args.board)
    file = runs.network_file(args.network)
    directory = args.out or file.parent / "build" / args.board
    network = networks.load_dense(file, "hw.build")
    inputs = None
    if file.suffix == ".onnx":
        inputs = reader.load(file).inputs
        print(f"{file} is {executor.check(file)}")
    plan = choose(network, board, args.fold, reloadable=args.reloadable)
    clock = default_clock(board, plan) if args.clock is None else args.clock
    if args.dry_run:
        _forecast(network, board, plan, clock, args.reloadable, args.plot)
        return 0
    print(f"building {file} for {board.name} in {directory}", flush=True)
    report = _show_build(network, board, plan, directory, clock=clock, seed=args.seed,
                         reloadable=args.reloadable, split=find_split(file))
    print(table(report))
    if inputs:
        print(f"  input        {inputs}")
    print(f"  bitstream    {directory / report['bitstream']}")
    return program(board, directory) if args.program else 0


def _show_build(*args, **settings) -> dict:
    """Build, and show the stages; say which variables are not heeded."""
    if names := toolchain.ignored():
        print(f"  ignored from the environment: {', '.join(names)}")
    shown = stages.Stages()
    try:
        return build(*args, **settings, show=shown)
    finally:
        shown.close()


def _forecast(network: Network, board: boards.Board, plan: Plan, clock: float, reloadable: bool,
              file: Path | None) -> None:
    """Print what is predicted of the choices, and draw it to ``file``."""
    usual, clock = default_clock(board, plan), _clocks(board, clock)[0].output
    choices = forecast(network, board, plan, reloadable=reloadable)
    print(forecast_table(network, board, choices, plan, clock))
    if clock > usual:
        print(f"{board.name} is known to do {usual / 1e6:g} MHz: whether this engine does "
              f"{clock / 1e6:g} is known when it is placed")
    if file:
        plot.draw_front(
            choices, plan, network.shape, title=f"{network} on {board.name} at {clock / 1e6:g} MHz",
            clock=clock, logic_cells=board.logic_cells, file=file,
            link_rate=_link_rate(network, board, plan, clock))
        print(f"the picture is in {file}")


if __name__ == "__main__":
    sys.exit(main())
