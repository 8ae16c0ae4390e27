"""The same network on one core of this computer's processor, by a program for AVX2."""

import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from hw.flow.tools import toolchain
from sw.golden import bits, fast
from sw.golden.errors import UserError
from sw.golden.network import Network

__all__ = ["ProcessorError", "inference", "name"]

PROGRAM = Path(__file__).parents[1] / "templates" / "avx2.c"
COUNT = 100_000    # Codes, some milliseconds of work.
REGISTER = 256     # Bits.
COMPILER = "gcc"
PATIENCE = 300     # Seconds.


class ProcessorError(UserError):
    """Nothing was measured; the message says why."""


def inference(network: Network) -> float:
    """Return the seconds that a core takes for one inference, where many follow each other.

    Of some runs the best counts, in time of this thread: others may be at work.

    Raises
    ------
    ProcessorError
        The network is none that the program can have, there is no compiler, no AVX2, or a class is
        not golden's.
    """
    if (len(network.shape) != 3 or network.n_in > REGISTER or network.shape[1] % 4):
        raise ProcessorError(f"The program must have one hidden layer of a multiple of 4 neurons, "
                             f"and at most {REGISTER} inputs, not {network}")
    if not re.search(r"^flags\b.* avx2\b", _about(), re.MULTILINE):
        raise ProcessorError(f"The program needs AVX2, which {name()} does not have: take an x86 "
                             "processor of the last ten years")
    codes = np.random.default_rng(1).integers(0, 2, (COUNT, network.n_in), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        program, made, asked, said = (Path(folder, each) for each in
                                      ("program", "network", "codes", "classes"))
        made.write_bytes(_words(network))
        asked.write_bytes(_padded(codes, REGISTER).tobytes())
        _run(COMPILER, "-O3", "-mavx2", "-mpopcnt", f"-DHIDDEN={network.shape[1]}",
             f"-DCLASSES_N={network.n_classes}", f"-DCOUNT={COUNT}", "-o", program, PROGRAM)
        seconds = float(_run(program, made, asked, said))
        if said.read_bytes() != fast.classify_all(network, codes).astype(np.uint8).tobytes():
            raise ProcessorError(f"A class of {PROGRAM.name} is not golden's")
    return seconds


def _words(network: Network) -> bytes:
    """Return what the program reads of a network. Bits that fill up are alike on both sides."""
    hidden, readout = network.layers[0], network.readout
    limits = hidden.n_in - hidden.thresholds + 1    # So many unlike are too many.
    width = -(-readout.n_in // 64) * 64
    return b"".join([_padded(hidden.weights, REGISTER).tobytes(),
                     limits.astype("<i8").tobytes(),
                     _padded(readout.weights, width).tobytes(),
                     readout.offsets.astype("<i8").tobytes()])


def _padded(rows: np.ndarray, width: int) -> np.ndarray:
    """Pack rows of bits, with zeros behind, to ``width`` bits."""
    return bits.pack(np.pad(rows, ((0, 0), (0, width - rows.shape[1]))))


def _run(*command: str | Path) -> str:
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False,
                                timeout=PATIENCE)
    except FileNotFoundError:
        raise ProcessorError(f"{command[0]} was not found on PATH. "
                             f"Try: apt install {COMPILER}") from None
    except subprocess.TimeoutExpired:
        raise ProcessorError(f"{Path(command[0]).name} did not end in {PATIENCE} seconds: try on a "
                             "computer with less work") from None
    if result.returncode:
        raise ProcessorError(f"{Path(command[0]).name} failed: "
                             f"{toolchain.reason(result.stderr, result.returncode)}")
    return result.stdout


def name() -> str:
    """Return what this computer's processor calls itself."""
    found = re.search(r"^model name\s*: (.+)$", _about(), re.MULTILINE)
    return found[1] if found else "this processor"


def _about() -> str:
    """Return what Linux says of the processor; nothing elsewhere."""
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""
