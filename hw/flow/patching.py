"""Other weights into a bitstream, without place and route.

All that a folded engine knows of its network lies in block RAMs. Which RAM holds what is told by
its contents: those of the network that the bitstream was built for are known.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from amaranth.lib.memory import Memory

from hw.engines import memories
from hw.flow.built import REPORT, Built, making
from hw.flow.report import Report
from hw.flow.tools import toolchain
from hw.flow.tools.bitstream import Contents
from hw.plan.cost import FABRICS, Fabric
from sw.golden import bits
from sw.golden.errors import UserError
from sw.golden.network import Network, atomic_write

__all__ = ["PatchError", "patch"]


class PatchError(UserError):
    """A bitstream cannot be patched; the message says why and what to do."""


@dataclass(frozen=True)
class Piece:
    """What one block RAM holds of a memory: at which of its bits, and what, before and after."""

    at: np.ndarray
    old: np.ndarray
    new: np.ndarray


def patch(built: Built, network: Network, out: Path) -> Report:
    """Write the bitstream that was built, with the weights of ``network``, to ``out``.

    Returns the report of the build with what has changed. ``out`` can be patched again.

    Raises
    ------
    PatchError
        The network has another shape, or the bitstream holds its weights in logic.
    BuiltError
        A file of the build is missing or damaged, or another build is at work in ``out``.
    ToolNotFound, ToolFailed
        What packs the bitstream is missing, or does not work.
    """
    if network.signature != built.network.signature:
        raise PatchError(f"{built.folder} holds a {built.network} network and cannot become one of "
                         f"{network}: build it with python -m hw.build")
    if built.plan.is_logic:
        raise PatchError(f"{built.folder} holds its weights in logic: build the other network anew")

    contents, family = built.contents(), built.family
    _replace(contents, built, network)
    with making(out) as made:
        (made / family.packed_from).write_text(contents.text())
        (made / "build_top.sh").write_text(built.script())
        network.save(made / "network.safetensors")
        _pack(made, family.pack)
        report = replace(
            built.report, network=str(network), patched=True,
            network_sha256=_hash(made / "network.safetensors"),
            bitstream_sha256=_hash(made / family.bitstream))
        atomic_write(made / REPORT, report.to_json())
    return report


def _hash(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def _replace(contents: Contents, built: Built, network: Network) -> None:
    """Find each memory of what was built in the RAMs; put that of ``network`` in its place."""
    old, new = (memories(each, built.plan, reloadable=built.report.reloadable)
                for each in (built.network, network))
    free, fabric = np.ones(len(contents.rams), bool), FABRICS[built.board.family]
    # The larger a memory, the less can be mistaken for it.
    for name in sorted(old, key=lambda name: -old[name].depth):
        found = _find(name, _layouts(old[name], new[name], fabric), contents.rams, free)
        for ram, piece in found:
            contents.rams[ram, piece.at] = piece.new
            free[ram] = False


def _layouts(old: Memory, new: Memory, fabric: Fabric) -> Iterator[list[Piece]]:
    """Cut a memory into block RAMs in every way that Yosys might have done it."""
    before, after = _bits(old), _bits(new)
    if before.shape != after.shape:
        raise PatchError("The offsets of the other network's readout need more bits than there "
                         "are: build it with python -m hw.build")
    width, depth = fabric.ram
    while width >= fabric.narrowest:
        yield [_piece(before[top:top + depth, left:left + width],
                      after[top:top + depth, left:left + width], width, fabric)
               for top in range(0, len(before), depth)
               for left in range(0, before.shape[1], width)]
        width, depth = width // 2, depth * 2


def _piece(old: np.ndarray, new: np.ndarray, width: int, fabric: Fabric) -> Piece:
    rows, columns = np.indices(old.shape)
    at = rows * width
    if width < 9 and fabric.ram[0] % 9 == 0:
        at = at // 8 * 9 + at % 8    # Of nine bits, such narrow words leave one.
    return Piece((at + columns).ravel(), old.ravel(), new.ravel())


def _bits(memory: Memory) -> np.ndarray:
    """Return the contents as bits of shape ``(depth, width)``."""
    return np.array([bits.from_int(row, memory.shape) for row in memory.init])


def _find(name: str, layouts: Iterator[list[Piece]], rams: np.ndarray,
          free: np.ndarray) -> list[tuple[int, Piece]]:
    """Return each piece of a memory its RAM, in the first layout in which all are found."""
    for pieces in layouts:
        fits = [np.flatnonzero(free & (rams[:, piece.at] == piece.old).all(1)) for piece in pieces]
        if all(len(each) == 1 for each in fits) and len({each[0] for each in fits}) == len(fits):
            return [(int(each[0]), piece) for each, piece in zip(fits, pieces)]
    raise PatchError(f"The block RAMs that hold {name} are not there or cannot be told from "
                     "others: build the other network with python -m hw.build")


def _pack(folder: Path, packer: str) -> None:
    """Run the last step of the build script, without those before it."""
    toolchain.find(packer)
    script = "\n".join(line for line in (folder / "build_top.sh").read_text().splitlines()
                       if not line.startswith(('"$YOSYS"', '"$NEXTPNR')))
    toolchain.run(["sh", "-c", script], folder, packer)
