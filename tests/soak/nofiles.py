"""What is no file, or no end of one, where a command expects a file: one line, in time, in memory.

Named pipes that nobody writes, ``/dev/zero``, sparse files of a terabyte, and for data sets what
unpacks to gigabytes, in the place of each file that each command reads. Lost is more than
:data:`PATIENCE` seconds, more than :data:`ROOM` of memory, or anything but one line and exit code 2
where the command cannot do without the file.
"""

import contextlib
import io
import itertools
import json
import multiprocessing
import os
import resource
import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
from PIL import Image

from sw.federated.settings import Settings
from sw.golden.network import Network
from sw.images import cifar
from sw.mixbin.job import Job
from sw.mixbin.mask import Mask, Shape
from sw.models.checkpoint import save_checkpoint
from tests.untrained import make_run

from . import Row, share

__all__ = ["COMMANDS", "run"]

PATIENCE = 60.0     # Seconds, on a busy machine; those of a pipe are endless.
ROOM = 1 << 30       # Bytes beyond what the process has.


@dataclass(frozen=True)
class Command:
    """A command and one of the files that it reads.

    Attributes
    ----------
    module, argv : str
        ``{}`` stands for the folder.
    file : str
        In the folder, which is taken away and replaced.
    """

    module: str
    argv: str
    file: str


RUN = ("config.json", "network.safetensors", "codes.safetensors", "metrics.json",
       "checkpoint.safetensors")
IDX = [f"{part}-{kind}-ubyte" for part in ("train", "t10k")
       for kind in ("images-idx3", "labels-idx1")]
DRY = "--board icestick --dry-run --network"
COMMANDS = [
    *(Command("hw.build", f"{DRY} {{}}/{file}", file) for file in
      ("network.safetensors", "model.onnx")),
    *(Command("hw.patch", "{}/built --network {}", file) for file in
      ("built/report.json", "built/network.safetensors", "network.safetensors",
       "built/top.asc")),
    *(Command("hw.load", "{}/built --port nowhere --network {}", file) for file in
      ("built/report.json", "built/network.safetensors", "network.safetensors")),
    *(Command("hw.floorplan", "{}/built", file) for file in
      ("built/report.json", "built/top.pnr.json")),
    Command("sim.board", "--network {} --port {}/board", "network.safetensors"),
    *(Command("sim.verify", "--network {} --rungs 1", file) for file in
      ("network.safetensors", "codes.safetensors")),
    *(Command("sw.classify", "--port nowhere --network {} {}/3.png", file) for file in
      ("config.json", "encoder.safetensors", "network.safetensors", "3.png")),
    *(Command("sw.classify", f"--port nowhere --network {{}} {flags}", "codes.safetensors")
      for flags in ("", "--selftest")),
    Command("sw.classify", "--port nowhere --network {}/model.onnx --selftest", "model.onnx"),
    *(Command("sw.demo", "--network {} --port nowhere", file) for file in
      ("config.json", "encoder.safetensors", "network.safetensors")),
    *(Command("sw.train", "--resume {}/begun", file) for file in
      ("begun/config.json", "begun/checkpoint.safetensors")),
    *(Command("sw.train", "--data mnist --data-dir {}/mnist --out {}/out", f"mnist/{file}")
      for file in IDX),
    Command("sw.train", "--model vgg-small --data cifar10 --data-dir {}/cifar10 --out {}/out",
            "cifar10/data_batch_1"),
    Command("sw.train", "--data digits --encoder {}/encoder.safetensors --out {}/out",
            "encoder.safetensors"),
    Command("sw.pretrain", "--resume {}/large", "large/pretraining.json"),
    Command("sw.pretrain", "--images {}/pictures --out {}/out", "pictures/1.png"),
    *(Command("sw.report", "{} --data-dir {}", file) for file in RUN),
    *(Command("sw.export.check", "--network {}", file) for file in
      ("config.json", "network.safetensors", "codes.safetensors", "checkpoint.safetensors")),
    *(Command("sw.export", "{} --to {}/out", file) for file in
      ("config.json", "network.safetensors", "encoder.safetensors")),
    Command("sw.mixbin", "--mask {}/mask.json --out {}/out", "mask.json"),
    Command("sw.mixbin", "--encoder {}/encoder.safetensors --out {}/out", "encoder.safetensors"),
    Command("sw.mixbin", "--resume {}/mixed", "mixed/mixbin.json"),
    Command("sw.federated", "--encoder {}/encoder.safetensors --out {}/out",
            "encoder.safetensors"),
    Command("sw.federated", "--resume {}/together", "together/federation.json"),
    Command("sw.experiments.paper", "--out {}/results", "results/plan.json"),
]

# A command is stopped from outside: what waits in another language does not hear a signal.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([
    __name__, "sw.demo.app", "sw.export.equality", "sw.mixbin.__main__", "sw.federated.__main__",
    *{each.module for each in COMMANDS}])


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


def _packed(*shape: int) -> bytes:
    """Pack an IDX file with that header and four gigabytes of zeros, in as many equal pieces."""
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    header = packer.compress(struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape))
    header += packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return header + 4096 * piece


def _bomb(*shape: int) -> Callable[[Path], None]:
    """Make what writes that under the name of the file with .gz, in its place."""
    return partial(_unpacking, shape)


def _unpacking(shape: tuple[int, ...], path: Path) -> None:
    path.with_name(f"{path.name}.gz").write_bytes(_packed(*shape))


KINDS: dict[str, Callable[[Path], None]] = {
    "a named pipe": os.mkfifo,
    "/dev/zero": partial(os.symlink, "/dev/zero"),
    "a sparse terabyte": _sparse,
}
BOMBS = {
    "large images that unpack": _bomb(250_000, 256, 256),
    "images of which there are more": _bomb(20, 28, 28),
    "labels of which there are more": _bomb(20),
}


def _write(folder: Path) -> None:
    """Write what the commands read, as far as they come before they read it."""
    make_run(folder)
    network = Network.load(folder / "network.safetensors")
    (folder / "metrics.json").write_text(json.dumps({"accuracy": {"hybrid": 97.3}}))
    (folder / "model.onnx").write_bytes(b"")
    ink = np.zeros((60, 40), np.uint8)
    ink[10:50, 18:22] = 255
    Image.fromarray(ink).save(folder / "3.png")
    save_checkpoint(folder / "checkpoint.safetensors", {"hybrid": {"epoch": 1}})
    for name in ("built", "begun", "mnist", "cifar10", "large", "pictures", "mixed", "together",
                 "results"):
        (folder / name).mkdir(parents=True)
    network.save(folder / "built/network.safetensors")
    (folder / "built/report.json").write_text(json.dumps(
        {"board": "icestick", "reloadable": True, "folding": "1x200", "identity": ""}))
    shutil.copy(folder / "config.json", folder / "begun")
    for name in cifar.MD5:
        (folder / "cifar10" / name).write_bytes(b"")
    for name in IDX:
        images = "images" in name
        shape = (50, 28, 28) if images else (50,)
        content = bytes(50 * 784) if images else bytes(n % 10 for n in range(50))
        (folder / "mnist" / name).write_bytes(
            struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape) + content)
    Mask.of(Shape(), ("code", "hidden", "readout"), 8).save(folder / "mask.json")
    (folder / "mixed/mixbin.json").write_text(json.dumps(asdict(Job())))
    (folder / "together/federation.json").write_text(json.dumps(Settings().__dict__))


def put_to(command: Command, make: Callable[[Path], None], folder: Path) -> None:
    """Run a command on a folder where one file is none; exit with what is lost, or nothing."""
    try:
        module = import_module(f"{command.module}.__main__")
    except ModuleNotFoundError:
        module = import_module(command.module)
    _write(folder)
    place = folder / command.file
    place.unlink(missing_ok=True)
    make(place)
    argv = command.argv.format(*[folder] * command.argv.count("{}")).split()
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM,) * 2)
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = module.main(argv)
        except SystemExit as left:
            code = int(left.code or 0)
        except BaseException as error:    # Of whatever kind.
            code = f"{type(error).__name__}: {error}"
    text = said.getvalue()
    (folder / "lost").write_text("" if code == 2 and text.count("\n") == 1 and "memory" not in text
                                 else f"{code}: {text!r:.200}")


def lost(command: Command, make: Callable[[Path], None]) -> str:
    """Run a command on what is no file; say what is lost, or nothing."""
    with tempfile.TemporaryDirectory() as name:
        process = PROCESSES.Process(target=put_to, args=(command, make, Path(name)), daemon=True)
        process.start()
        process.join(PATIENCE)
        if process.is_alive():
            process.kill()
            process.join()
            return f"it takes more than {PATIENCE:g} seconds"
        found = Path(name) / "lost"
        return found.read_text() if found.exists() else f"it ended with {process.exitcode}"


def run(scale: float) -> list[Row]:
    """Put each command to each kind; of a part of a soak, to some."""
    wanted = [*itertools.product(COMMANDS, KINDS.items()),
              *itertools.product([each for each in COMMANDS if each.file.startswith("mnist/")],
                                 BOMBS.items())]
    chosen = wanted[::max(1, len(wanted) // share(len(wanted), scale, 8))]
    said = [f"{command.module}, {command.file} is {kind}: {found}"
            for command, (kind, make) in chosen if (found := lost(command, make))]
    return [Row("no files: commands and their files", len(chosen), len(said), "; ".join(said[:3]))]
