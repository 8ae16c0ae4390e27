"""Where finished training runs lie, and what lies in them.

A run is a folder with ``network.safetensors``, ``codes.safetensors`` and, written last,
``metrics.json``: a folder without the latter is unfinished.
"""

from pathlib import Path

from ..golden.errors import UserError

__all__ = ["NoRun", "codes_file", "encoder_file", "is_finished", "network_file", "newest"]


class NoRun(UserError):
    """There is no finished run; the message says what to do."""


def newest(folder: Path = Path("runs")) -> Path:
    """Find the run in ``folder`` that was finished last; :exc:`NoRun` if there is none.

    A run that trained something else than a network for hardware does not count.
    """
    finished = [metrics for metrics in folder.glob("*/metrics.json")
                if (metrics.parent / "network.safetensors").is_file()]
    if not finished:
        raise NoRun(f"No finished run in {folder}/: train one first with python -m sw.train")
    return max(finished, key=lambda metrics: metrics.stat().st_mtime).parent


def is_finished(run: Path) -> bool:
    return (run / "metrics.json").is_file()


def network_file(argument: Path | None) -> Path:
    """Return the network file that a run's folder holds or that ``argument`` is.

    Without an argument that of the newest run; :exc:`NoRun` if there is none, no folder
    ``argument``, or no network in it.
    """
    argument = argument or newest()
    if argument.suffix not in (".safetensors", ".onnx") and not argument.exists():
        there = sorted(str(run.parent) for run in argument.parent.glob("*/network.safetensors"))
        raise NoRun(f"{argument} is not there: give the folder of a finished run or a network file"
                    + (f", such as {', '.join(there[-3:])}" if there else
                       ", or train one first with python -m sw.train"))
    if not argument.is_dir():
        return argument
    file = argument / "network.safetensors"
    if not file.exists():
        raise NoRun(f"{argument} holds no {file.name}: give the folder of a finished run; one that "
                    "was broken off goes on with python -m sw.train --resume")
    return file


def codes_file(argument: Path) -> Path:
    """Return the file of test codes that lies in a run's folder or beside a network file.

    >>> codes_file(Path("sim/data/digits.network.safetensors")).as_posix()
    'sim/data/digits.codes.safetensors'
    >>> codes_file(Path("model.onnx")).as_posix()
    'model.codes.safetensors'
    """
    network = network_file(argument)
    name = network.name.removesuffix(network.suffix)
    name = name.replace("network", "codes") if "network" in name else f"{name}.codes"
    return network.with_name(f"{name}.safetensors")


def encoder_file(argument: Path) -> Path:
    """Return the encoder's file that a run's folder holds or that ``argument`` is."""
    return argument / "encoder.safetensors" if argument.is_dir() else argument
