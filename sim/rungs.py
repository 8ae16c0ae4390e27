"""The rungs of the ladder from the trained model to the bits in the bitstream.

Each is an equality with :mod:`sw.golden`, so each is equal to every other.
"""

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from hw.flow.built import Built
from hw.flow.tools import toolchain, verilog
from sim import formal as prover
from sim import netlist, pysim, simulator
from sim.ask import DRIVER, Classes, Driven, Subject, Unequal
from sim.simulator import SimulatorNotFound
from sim.target import Target
from sw.golden import bits, fast, forward
from sw.golden.bits import Bits
from sw.golden.errors import UserError
from sw.golden.network import Network, random_network
from sw.golden.qonnx import executor, reader, writer
from sw.golden.qonnx.executor import ExecutorNotFound
from sw.golden.stages import Dense, Signature
from sw.terminal import runs

__all__ = ["RUNGS", "Climb", "Rung", "RungFailed", "Skipped", "Unequal"]

FEW = 2_000    # Bits of all codes up to which Icarus, which compiles fast, goes first for a board.
ANSWER = 1_000         # Bits of the wire that an answer may take beside the work.
# Codes, and cycles of images of stages, that one of Verilator's drivers is worth starting for.
PER_PROCESS = 1_000
CYCLES = 8_000_000

# Widths at the edges: one input, one neuron, one class, all 256 classes, no hidden layer, three;
# a power of two and one beside it.
EDGES = [(1, 1, 1), (1, 2), (8, 256), (9, 3), (17, 1, 5), (33, 31, 7, 2), (16, 16, 16, 16, 16),
         (64, 3, 1)]
# One bit, one pixel, one channel; strides, borders and pools that leave some out.
EDGES_OF_MAPS = [*map(Signature.parse, ["1-2", "1x1x1:8-c3k1-2", "5x5x1-3p-d4-3",
                                        "5x4x2:2-5s3b2p-3"])]
N_EDGE_CODES = 6


class Skipped(Exception):
    """A rung cannot be climbed here; the message says why in one sentence."""


class RungFailed(UserError):
    """What a rung needs could not be made; the message says why in one sentence."""


@dataclass(frozen=True)
class Climb:
    """What a rung is climbed with.

    Attributes
    ----------
    argument : Path
        Run folder or network file.
    codes : Bits
        To ask for.
    indices : sequence of int
        Of the codes, among all there are.
    target : :class:`~sim.target.Target`
        The accelerator that is looked at.
    waves : Path or None
        File for the waves of the simulation, if they are wanted; a suffix is added.
    say : callable
        Is told what goes on, in a few words.
    progress : callable
        Is told how many vectors were done since it was told last.
    """

    argument: Path
    network: Network
    codes: Bits
    indices: Sequence[int]
    target: Target
    waves: Path | None = None
    say: Callable[[str], object] = field(default=lambda text: None)
    progress: Callable[[int], object] = field(default=lambda count: None)

    @property
    def file(self) -> Path:
        return runs.network_file(self.argument)

    def compare(self, classes: Classes, side: str) -> int:
        """Raise :exc:`Unequal` at the first class that is not golden's; else count them."""
        golden = fast.classify_all(self.network, self.codes)
        for index, code, klass, right in zip(self.indices, self.codes, classes, golden,
                                             strict=True):
            if klass != right:
                raise Unequal(describe(self.network, index, code, klass, side), index)
        return len(classes)


def describe(network: Network, index: int, code: Bits, klass: int | None, side: str) -> str:
    """Say all that golden knows of a code, and what class was seen."""
    *given, scores = forward.trace(network, code)
    taken = [forward.elements(network.input, code), *given]
    lines, layers = [f"code {index}: {bits.to_bytes(code).hex()}"], iter(network.layers)
    for number, (stage, x, y) in enumerate(zip(network.signature.stages, taken, given)):
        layer = next(layers) if stage.has_weights else None
        if layer and isinstance(stage, Dense):    # What a convolution counts is too much to read.
            counts = forward.counts(layer.weights, x.reshape(-1), layer.bits)
            lines.append(f"  golden's counts of layer {number}: {' '.join(map(str, counts))}")
        lines.append(f"  golden's bits of layer {number}: {bits.to_bytes(y.reshape(-1)).hex()}")
    seen = "does not answer" if klass is None else f"says {klass}"
    return "\n".join([*lines, f"  golden's scores: {' '.join(map(str, scores))}",
                      f"  golden says {int(np.argmax(scores))}, the {side} {seen}"])


def _command(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run one of our commands in a process of its own."""
    return subprocess.run([sys.executable, "-m", module, *map(str, arguments)],
                          capture_output=True, text=True, check=False)


def _reason(result: subprocess.CompletedProcess[str]) -> str:
    """Return what one of our commands says of its failure."""
    return toolchain.last_line(result.stderr).removeprefix("error: ")


def model(climb: Climb) -> int:
    """Compare the trained model with golden, in a process of its own: torch is not needed here."""
    if importlib.util.find_spec("torch") is None:
        raise Skipped("PyTorch is not installed")
    if not (climb.file.parent / "checkpoint.safetensors").exists():
        raise Skipped(f"{climb.file.parent} has no checkpoint.safetensors with the trained model")
    result = _command("sw.export.check", "--network", climb.file.parent)
    if result.returncode:
        raise (Unequal if result.returncode == 1 else Skipped)(_reason(result))
    counted = json.loads(result.stdout)
    climb.say(f"every sum of every neuron, {counted['sums']:,}, and the classes of all codes")
    return counted["codes"] + counted["sums"]


def amaranth(climb: Climb) -> int:
    """Compare Amaranth's simulator with golden: networks at the edges, then this one."""
    done = 0
    for seed, shape in enumerate(EDGES_OF_MAPS if climb.target.plan.is_serial else EDGES):
        network = random_network(shape, seed)
        codes = np.random.default_rng(seed).integers(0, 2, (N_EDGE_CODES, network.n_in), np.uint8)
        codes[0], codes[1] = 0, 1
        try:
            done += _in_amaranth(Climb(climb.argument, network, codes, range(len(codes)),
                                       climb.target.like(network)))
        except Unequal as where:
            # Without its index: nobody can ask for this code alone.
            raise Unequal(f"random_network of {network}, seed {seed}: {where}") from None
    return done + _in_amaranth(climb)


def _in_amaranth(climb: Climb) -> int:
    design = climb.target.accelerator(climb.network)
    return climb.compare(pysim.classify(design, climb.codes, climb.progress,
                                        climb.target.patience(climb.network)), "simulator")


def verilator(climb: Climb) -> int:
    """Compare the generated Verilog under Verilator, one code after the other without a wait."""
    found = simulator.find("verilator")
    climb.say("compiling")
    model = found.build(accelerator_verilog(climb.network, climb.target), "accelerator",
                        bool(climb.waves), DRIVER)
    climb.say("simulating")
    each = max(1, min(PER_PROCESS, CYCLES // climb.target.cycles(climb.network)))
    subject = Driven(model, "", each, silence=climb.target.patience(climb.network))
    return climb.compare(subject.classify(climb.codes, climb.progress, climb.waves), "Verilog")


def icarus(climb: Climb) -> int:
    """Compare the generated Verilog under Icarus."""
    found = simulator.find("icarus")
    climb.say("compiling")
    model = found.build(accelerator_verilog(climb.network, climb.target), "accelerator",
                        bool(climb.waves))
    climb.say("simulating")
    subject = Subject(model, "sim.benches.verify", 10,
                      {"PATIENCE": str(climb.target.patience(climb.network))})
    return climb.compare(subject.classify(climb.codes, climb.progress, climb.waves), "Verilog")


def accelerator_verilog(network: Network, target: Target) -> str:
    """Generate the Verilog of rungs 3 and 4."""
    return verilog.convert(target.accelerator(network), "accelerator")


def synthesised(climb: Climb) -> int:
    """Compare the netlist that Yosys made for the board, driven through its pins."""
    return climb.compare(ask_board(climb, netlist.synthesised), "netlist")


def bitstream(climb: Climb) -> int:
    """Compare what lies in the board's bitstream, driven through its pins."""
    return climb.compare(ask_board(climb, netlist.bitstream), "bitstream")


def ask_board(climb: Climb, read: Callable[[Path, str, str, str], str]) -> Classes:
    """Simulate what ``read`` finds in the build for the board."""
    made = built(climb)
    if made.report.patched:
        raise Skipped(f"{made.folder} was patched, and has no netlist of these weights: build it "
                      "with python -m hw.build")
    board = made.board
    platform = board.platform()
    try:
        text = read(made.folder, board.family, f"{platform.default_clk}_0__io", board.link)
    except netlist.NoDecompiler as reason:
        raise Skipped(str(reason)) from None
    climb.say("compiling")
    chosen = _simulator(climb.codes.size)
    patience = climb.target.patience(climb.network) / climb.target.clock + ANSWER / board.baud
    subject = Subject(chosen.build(text, "board", bool(climb.waves)), "sim.benches.board",
                      2 if chosen.name == "icarus" else 10,
                      {"LINK": board.link, "BAUD": str(board.baud), "PATIENCE": str(patience),
                       "OSCILLATOR": str(platform.default_clk_frequency)})
    climb.say("simulating")
    return subject.classify(climb.codes, climb.progress, climb.waves)


def _simulator(n_bits: int) -> simulator.Simulator:
    """Choose who is done first. Verilator compiles for half a minute, then is ten times as fast."""
    first, second = ("icarus", "verilator") if n_bits <= FEW else ("verilator", "icarus")
    try:
        return simulator.find(first)
    except SimulatorNotFound:
        return simulator.find(second)


def built(climb: Climb) -> Built:
    """Return the board's build; make it where it is another's, or missing."""
    target = climb.target
    if not (found := target.built(climb.network)):
        climb.say(f"building for {target}")
        result = _command("hw.build", "--board", target.board.name, "--network", climb.file,
                          "--fold", target.plan, *["--reloadable"] * target.reloadable,
                          "--clock", repr(target.clock / 1e6), *_link(target),
                          "--out", target.folder)
        if result.returncode:
            raise RungFailed(_reason(result))
        if not (found := target.built(climb.network)):
            raise RungFailed(f"what hw.build made in {target.folder} is not {climb.network} as "
                             f"{target}")
    return found


def _link(target: Target) -> list[object]:
    """Return the flags of ``hw.build`` for the link of a target's board."""
    return ["--link", "spi"] if target.board.link == "spi" else ["--baud", target.board.baud]


def formal(climb: Climb) -> int:
    """Run the proofs of :mod:`sim.formal`, which hold for every input there is."""
    try:
        proofs = prover.prove(climb.say)
    except prover.SolverNotFound as missing:
        raise Skipped(str(missing)) from None
    for proof in proofs:
        if not proof.proven:
            raise Unequal(f"{proof.name} is not proven: {proof.said}")
    return len(proofs)


def interchange(climb: Climb) -> int:
    """Compare what another program makes of an ONNX file: the network's own, or one written for it.

    The network's own is asked for inputs of the whole range that its graph takes, one for each
    index: what the importer believes of them is part of what is compared.
    """
    try:
        if climb.file.suffix == ".onnx":
            inputs = reader.load(climb.file).inputs
            values = np.concatenate([inputs.draw(1, seed=index) for index in climb.indices])
            return replace(climb, codes=inputs.codes(values)).compare(
                executor.classify(climb.file, values, climb.progress), "executor")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "network.onnx")
            writer.save(climb.network, file, min(len(climb.codes), executor.BATCH))
            values = reader.load(file).inputs.values(climb.codes)
            return climb.compare(executor.classify(file, values, climb.progress), "executor")
    except (ExecutorNotFound, ModuleNotFoundError) as missing:
        raise Skipped(str(missing)) from None


@dataclass(frozen=True)
class Rung:
    """One equality.

    Attributes
    ----------
    sample : int or None
        How many codes are asked for unless the command says; None for all.
    cycles : int or None
        Of inferences that are longer than that, together, as many as are not, but one at least.
    climb : callable
        Counts the vectors that were equal; raises :exc:`Unequal` or :exc:`Skipped`.
    unit : str
        What it counts.
    """

    number: int
    left: str
    right: str
    sample: int | None
    climb: Callable[[Climb], int]
    unit: str = "codes"
    needs_board: bool = False
    has_waves: bool = True
    cycles: int | None = None

    def of(self, cycles: int) -> int | None:
        """Return how many codes are asked for, where one takes so many cycles."""
        if self.cycles is None:
            return self.sample
        most = max(1, self.cycles // cycles)
        return most if self.sample is None else min(self.sample, most)


RUNGS = (
    Rung(1, "trained model, PyTorch", "golden", None, model, "sums and codes", has_waves=False),
    Rung(2, "golden", "Amaranth's simulator", 5, amaranth, has_waves=False, cycles=200_000),
    Rung(3, "golden", "generated Verilog, Verilator", None, verilator, cycles=3_000_000_000),
    Rung(4, "golden", "generated Verilog, Icarus", 20, icarus, cycles=500_000),
    Rung(5, "golden", "netlist after synthesis", 40, synthesised, needs_board=True,
         cycles=1_000_000),
    Rung(6, "golden", "bitstream", 100, bitstream, needs_board=True, cycles=2_000_000),
    Rung(7, "properties", "all inputs, by proof", 0, formal, "proofs", has_waves=False),
    Rung(8, "golden", "QONNX in its executor", None, interchange, has_waves=False),
)
