"""The folder of a core: one Verilog file, what it is, its testbench and how to use it."""

import json
import tempfile
from hashlib import sha256
from keyword import iskeyword
from pathlib import Path
from string import Template

import numpy as np

from hw import axi_core
from hw.axi_core import AxiCore, AxiPorts
from hw.flow.tools import portable
from hw.flow.tools.keywords import KEYWORDS
from hw.plan import plans
from hw.plan.plans import Plan
from hw.plan.serial import Serial
from hw.wishbone import WishbonePorts
from sw.golden import bits, fast, regular
from sw.golden.bits import Bits
from sw.golden.codes import CodesFileError, load_codes
from sw.golden.errors import UserError
from sw.golden.network import Network

__all__ = ["CoreError", "choose", "vectors", "write"]

FORMAT = "hybnn-core-1"
WIDEST = 1024        # Synapses that a neuron takes at once where nobody asks for more.
CYCLES = 100_000     # That the testbench may take, so that it is over in seconds.
MOST, LEAST = 24, 3
NAME = 60            # Characters.
TEMPLATES = Path(__file__).with_name("templates")
QUIET = "// verilator lint_off UNUSEDSIGNAL\n\n"
BUILT = "build"      # What the Makefile leaves.
FILLED = {"{}_tb.sv": "tb.sv", "Makefile": "Makefile", "{}.core": "fusesoc.core",
          "{}_example.v": "example.v", "{}_amaranth.py": "amaranth.py",
          "{}_litex.py": "litex.py", "{}.h": "c.h"}    # Of which template.
FILES = ("{}.json", "{}.sv", "{}_wishbone.sv", "{}_tb_in.mem", "{}_tb_out.mem", *FILLED)


class CoreError(UserError):
    """There is no such core, or it cannot be put there; the message says why."""


class _Filled(Template):
    delimiter = "%%"


def choose(network: Network, folds: str | None) -> Plan:
    """Return the plan asked for; else one neuron at a time, or a serial engine where they are wide
    or it is no network of fully connected layers."""
    signature = network.signature
    try:
        if folds is not None:
            return plans.parse(folds, signature)
        is_narrow = signature.widths and max(signature.widths[:-1]) <= WIDEST
        return plans.default(signature) if is_narrow else Serial(4, 32)
    except ValueError as error:
        raise CoreError(str(error)) from None


def vectors(network: Network, count: int, codes: Path) -> Bits:
    """Return inputs ``(count, n_in)``: all 0, all 1, then those of a file of ``codes`` if it has
    any for such a network, then random ones."""
    drawn = np.random.default_rng(0).integers(0, 2, (count, network.n_in), np.uint8)
    drawn[:2] = [[0], [1]]
    try:
        real, _ = load_codes(codes, network.n_in)
    except (OSError, CodesFileError):
        return drawn
    there = real[:(count - 2) // 2]
    drawn[2:2 + len(there)] = there
    return drawn


def write(network: Network, plan: Plan, folder: Path, *, name: str, scores: bool, codes: Path
          ) -> dict[str, object]:
    """Write a core called ``name``, all of it or nothing; return what its JSON file says.

    A core that lies in ``folder`` is replaced, and what its Makefile built stays. Of ``codes`` the
    testbench takes some.

    Raises
    ------
    CoreError
        There is no such core; or ``folder`` holds what is no core's.
    """
    _check_name(name)
    _check_folder(folder)
    try:
        axi_core.check(network, plan)
    except ValueError as error:
        raise CoreError(str(error)) from None
    core = AxiCore(network, plan, scores=scores)
    described = _describe(core, name)
    texts = _files(core, name, described, codes)    # Before anything is made on the disk.
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as beside:
        new = Path(beside, "new")
        new.mkdir()
        for file, text in texts.items():
            (new / file).write_text(text)
        described["files"] = sorted(_names(name))
        (new / f"{name}.json").write_text(json.dumps(described, indent=2) + "\n")
        _check_folder(folder)
        _replace(folder, new, Path(beside, "old"))
    return described


def _replace(folder: Path, new: Path, old: Path) -> None:
    """Move ``folder`` away as ``old`` and ``new`` in its place, with what was built in it; or leave
    it as it was, whatever happens."""
    try:
        if folder.exists():
            folder.rename(old)
            if (old / BUILT).exists():
                (old / BUILT).rename(new / BUILT)
        new.rename(folder)
    except BaseException:    # Both lie where they will be deleted.
        if old.exists() and new.exists():
            if (new / BUILT).exists():
                (new / BUILT).rename(old / BUILT)
            old.rename(folder)
        raise


def _check_name(name: str) -> None:
    is_keyword = name in KEYWORDS or iskeyword(name)    # Amaranth's module is Python.
    if not (name.isascii() and name.isidentifier() and len(name) <= NAME) or is_keyword:
        raise CoreError(f"--name must be that of a Verilog module: up to {NAME} letters, digits "
                        f"and _, no digit first and no keyword, not {name!r:.80}")


def _check_folder(folder: Path) -> None:
    """Refuse a folder with anything but a core in it."""
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir() or folder.is_symlink():
        raise CoreError(f"{folder} must be a folder: choose another --out")
    if Path.cwd().is_relative_to(folder.resolve()):
        raise CoreError(f"{folder} is replaced as a whole, so you must not be in it: call this "
                        "from elsewhere or choose another --out")
    there = {each.name for each in folder.iterdir()}
    if foreign := sorted(there - _listed(folder)):
        raise CoreError(f"{folder} must be empty or hold a core alone, and holds {foreign[0]}: "
                        "choose another --out")


def _listed(folder: Path) -> set[str]:
    """Return the files of the core in a folder, if there is one, and what it may have built.

    What its JSON file says counts only of names that a core of its name has.
    """
    for file in folder.glob("*.json"):
        try:
            said = regular.read_json(file)
            if said["format"] == FORMAT and said["name"] == file.stem:
                return set(said["files"]) & _names(file.stem) | {BUILT}
        except (OSError, ValueError, LookupError, TypeError, RecursionError, UserError):
            continue
    return set()


def _names(name: str) -> set[str]:
    """Return the names of all files of a core."""
    return {each.format(name) for each in FILES}


def _describe(core: AxiCore, name: str) -> dict[str, object]:
    """Return what a JSON file says of a core."""
    network, takes = core.network, core.network.input
    return {
        "format": FORMAT, "name": name, "network": str(network),
        "network_sha256": sha256(network.to_bytes()).hexdigest(), "engine": str(core.plan),
        "clock": "aclk", "reset": "aresetn: synchronous, active low, at any time",
        "input": {
            "stream": "s_axis", "bytes": core.in_bytes, "height": takes.height,
            "width": takes.width, "channels": takes.channels, "bits": takes.bits,
            "order": "row, column, channel; the least significant bit of each element first; the "
                     "first bit is bit 0 of the first byte; bits beyond the last are ignored",
            "tlast": "with the last byte"},
        "output": {
            "stream": "m_axis", "bytes": core.out_bytes, "classes": network.n_classes,
            "score_bytes": core.score_bytes,
            "order": "the class" + ", then the score of each class, signed, least significant byte "
                     "first" * bool(core.score_bytes),
            "tlast": "with the last byte"},
        "error": "one cycle for each packet of another length, which has no answer",
        "cycles": {
            "latency": core.latency, "period": core.period,
            "latency_is": "from the last byte in to the first byte out, if the core is empty",
            "period_is": "from one answer to the next, if inputs wait and answers are taken"},
    }


def _files(core: AxiCore, name: str, described: dict[str, object], codes: Path) -> dict[str, str]:
    """Return the text of each file but the JSON."""
    count = max(LEAST, min(MOST, CYCLES // max(core.period, core.in_bytes)))
    given = vectors(core.network, count, codes)
    # Gaps of both sides, bad packets, a reset: several times what a vector takes, at the worst.
    deadline = 1000 + 20 * (count + 4) * (core.latency + core.period + core.in_bytes
                                          + core.out_bytes)
    text = {"name": name, "network": str(core.network), "vectors": count, "deadline": deadline,
            "in_bytes": core.in_bytes, "out_bytes": core.out_bytes, "NAME": name.upper(),
            "classes": core.network.n_classes, "score_bytes": core.score_bytes}
    answers = np.stack([np.frombuffer(answer, np.uint8) for answer in _answers(core, given)])
    packed = bits.pack(given)
    # What fills up the last byte of an input is of no account: let it be 1.
    packed[:, -1] |= 0xFF & ~(0xFF >> -core.network.n_in % 8)
    return {
        f"{name}.sv": _head(described) + portable.convert(AxiPorts(core), name),
        f"{name}_wishbone.sv": _wishbone(name, core.in_bytes),
        f"{name}_tb_in.mem": _memory(packed), f"{name}_tb_out.mem": _memory(answers),
        **{file.format(name): _Filled((TEMPLATES / f"{template}.template").read_text()
                                      ).substitute(text) for file, template in FILLED.items()}}


def _wishbone(name: str, in_bytes: int) -> str:
    """Return the module with registers around that of the core."""
    about = f"// {name} behind four registers on a Wishbone bus; {name}.h tells a CPU of them.\n"
    return about + QUIET + portable.convert(WishbonePorts(name, in_bytes), f"{name}_wishbone")


def _answers(core: AxiCore, given: Bits) -> list[bytes]:
    """Return golden's answers, as the core gives them."""
    scores = fast.trace_all(core.network, given)[-1]
    size = core.score_bytes
    return [bytes([int(np.argmax(row))]) + b"".join(
        int(score).to_bytes(size, "little", signed=True) for score in row if size)
        for row in scores]


def _memory(rows: np.ndarray) -> str:
    """Write bytes for ``$readmemh``, a row a line."""
    return "".join(" ".join(f"{byte:02x}" for byte in row) + "\n" for row in rows)


def _head(described: dict[str, object]) -> str:
    """Return the same as the JSON as a comment; and what a linter need not say."""
    lines = json.dumps(described, indent=2).replace('"', "").splitlines()[1:-1]
    said = "".join(f"// {line.strip(',')[2:]}\n" for line in lines)
    return (f"{said}//\n// Low bits of some sums do no more than carry into the higher ones.\n"
            f"{QUIET}")
