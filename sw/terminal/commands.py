"""Every command: its name under hybnn, its module, what it does."""

import difflib
from collections.abc import Sequence
from importlib import import_module

from ..golden.errors import UserError
from .command import called_as

__all__ = ["COMMANDS", "UnknownCommand", "run"]

# The module of each command, which has a ``main(argv)``, and what it does.
COMMANDS = {
    "train": ("sw.train", "train a network for hardware, hybrid or on the chip, and export it"),
    "pretrain": ("sw.pretrain", "train an encoder on a folder of image files"),
    "runs": ("sw.listing", "list the runs of a folder"),
    "report": ("sw.report", "show a run on one page"),
    "mixbin": ("sw.mixbin.__main__", "choose what is binary under a budget"),
    "federated": ("sw.federated.__main__", "learn a network on several clients"),
    "import": ("sw.importing", "make a network file of plain arrays of weights"),
    "export": ("sw.export.__main__", "write ONNX, QONNX and test vectors"),
    "check": ("sw.export.check", "compare a trained model with its network file"),
    "verify": ("sim.verify", "climb from the trained model to the bitstream"),
    "build": ("hw.build", "make a bitstream for a board, and load it"),
    "core": ("hw.core", "write a core for your own design, with AXI4-Stream"),
    "patch": ("hw.patch", "put other weights into a bitstream"),
    "load": ("hw.load", "put other weights into a running board"),
    "floorplan": ("hw.floorplan", "draw where a build's cells lie"),
    "bench": ("hw.bench", "build many designs and compare them"),
    "board": ("sim.board", "run a virtual board"),
    "wires": ("sim.wires", "measure how many codes a board's wires carry"),
    "core-check": ("sim.core", "put every test code or image through a core"),
    "soc": ("sim.soc", "classify codes by a program in a simulated SoC of LiteX"),
    "classify": ("sw.classify", "ask a board for the classes of images"),
    "demo": ("sw.demo.__main__", "draw a character and see its class"),
    "paper": ("sw.experiments.paper", "reproduce the paper's claims"),
    "together": ("sw.experiments.together", "compare federated with central training"),
    "ablation": ("sw.experiments.ablation", "show what each part of SD-BNN adds"),
    "onchip": ("sw.experiments.onchip", "train networks on the chip of three sizes, and compare"),
    "cifar": ("sw.experiments.cifar", "train SD-BNN's ResNet-20 on CIFAR-10, and the plain sign"),
    "tables": ("sw.experiments.tables", "train on four tables, beside a random forest"),
    "shapes": ("sw.experiments.shapes", "train on drawn shapes, as on your own images"),
    "trees": ("sw.experiments.trees", "boost decision trees that fit an icestick"),
    "searches": ("sw.experiments.mixbin", "compare the search for masks with its rivals"),
    "completion": ("sw.terminal.completion", "print what makes a shell complete all this"),
}


class UnknownCommand(UserError):
    """There is no such command; the message names the nearest."""


def run(name: str, argv: Sequence[str]) -> int:
    """Import a command and run it; return its exit code."""
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        raise UnknownCommand(f"There is no command {name!r}: "
                             + (f"did you mean {near[0]}?" if near else "hybnn --help lists them"))
    with called_as(f"hybnn {name}"):
        code: int = import_module(COMMANDS[name][0]).main(list(argv))
    return code
