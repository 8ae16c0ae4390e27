"""Damaged files: an error of the reader's own, in one line, or a right result; nothing else.

Hypothesis damages valid files: bits, bytes, length, order, and the values in JSON, headers of
safetensors among them. Lost is another exception, more than :data:`PATIENCE` seconds, more than
:data:`ROOM` of memory, or the execution of anything.
"""

import contextlib
import gzip
import hashlib
import io
import json
import math
import resource
import shutil
import signal
import struct
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning
from PIL import Image

from hw.flow.built import Built, BuiltError
from sw import pretrain, train
from sw.export import equality, page
from sw.federated.federation import Federation
from sw.federated.settings import Settings
from sw.golden import bits, fast, forward, frame, networks
from sw.golden.codes import CodesFileError, load_codes, save_codes
from sw.golden.network import Network, NetworkFileError, random_network
from sw.golden.qonnx import writer as qonnx
from sw.golden.split import Split, SplitFileError
from sw.golden.stages import Signature
from sw.images import cifar, data
from sw.images.data import DataError
from sw.images.folder import ImageFolder
from sw.mixbin.job import Job
from sw.mixbin.mask import Mask, MaskError, Shape
from sw.mixbin.run import reopen, split_of
from sw.models.autoencoder import Encoder, EncoderFileError
from sw.models.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from sw.models.exact import ExportError
from sw.training import from_folder, hybrid
from sw.training import run as runs
from sw.training.asked.config import Config
from sw.training.asked.effort import Effort, RunError
from sw.training.asked.pretraining import CONFIG, Pretraining
from tests import cifar_files

from . import Row, share

__all__ = ["Target", "run", "simple_targets", "targets"]

INPUTS = 60_000            # Of a soak, over all files.
PATIENCE = 20.0            # Seconds for one input, on a busy machine.
ROOM = 1 << 30             # Bytes beyond what the process has.
SHAPE = (20, 9, 3)
BREVITAS = Path(__file__).parents[1] / "data" / "brevitas.onnx"
OPERATORS = ("Reshape", "Transpose", "Concat", "Expand", "Tile", "Pad", "Constant", "Cast", "Pow",
             "Div", "TopK", "ArgMax", "Gemm", "MatMul", "Loop", "Quant", "MultiThreshold", "Sign")

# JSON may be in any of these; Python reads the modules for them when it meets one.
for _encoding in "utf-8-sig", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be":
    json.loads("[]".encode(_encoding))

# Python says so when it executes what is not there yet. Modules are read beforehand.
EXECUTES = {"exec", "compile", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen",
            "pickle.find_class", "socket.connect", "marshal.loads"}
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-2, 300), st.just(1 << 70),
                   st.sampled_from([-1, 0.5, math.inf, math.nan, 1e300, "", "0", "nan", "ä",
                                    "x" * 999, [], {}, [[]], {"a": 1}, "200-128-10", "digits",
                                    "../.."]))


@dataclass(frozen=True)
class Target:
    """A reader and a file that it reads.

    Attributes
    ----------
    read : callable
        Reads the file at a path, and uses what it says.
    refuses : tuple of exceptions
        With which it may refuse it.
    weight : float
        Share of the inputs.
    """

    name: str
    path: Path
    read: Callable[[Path], object]
    refuses: tuple[type[Exception], ...]
    weight: float = 1.0


class Broken(Exception):
    """A reader did what none may."""


def _network(path: Path) -> None:
    network = Network.load(path)
    forward.classify(network, np.zeros(network.n_in, np.uint8))
    network.save(path)
    assert str(Network.load(path)) == str(network)


def _network_of_maps(path: Path) -> None:
    """As :func:`_network`, of maps that may be large."""
    network = Network.load(path)
    fast.classify_all(network, np.zeros((1, network.n_in), np.uint8))
    network.save(path)
    assert str(Network.load(path)) == str(network)


def _codes(path: Path) -> None:
    codes, labels = load_codes(path)
    assert len(codes) == len(labels) and codes.max(initial=0) <= 1


def _encoder(path: Path) -> None:
    encoder = Encoder.load(path)
    assert encoder(torch.zeros(1, 1, 28, 28)).shape == (1, encoder.n_bits)


def _requests(path: Path) -> None:
    content = path.read_bytes()
    for fcs in frame.fcs16, frame.fcs32:
        for good in frame.Unwrapper(fcs).feed(content):
            frame.parse_answer(good)
            frame.parse_request(good, SHAPE[0])
            assert [*frame.Unwrapper(fcs).feed(frame.wrap(good + fcs(good)))] == [good]


def _resume(path: Path) -> None:
    """Resume the run, up to where it would train on."""
    said = io.StringIO()
    with (mock.patch.object(runs.Training, "run_epoch", side_effect=KeyboardInterrupt),
          contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO())):
        code = train.main(["--resume", str(path.parent)])
    (path.parent / "metrics.json").unlink(missing_ok=True)
    assert code in (0, 2, 130) and said.getvalue().count("\n") == (code != 0)


def _idx(path: Path) -> None:
    assert data.read_idx(path, (5, 5)).ndim == 3


def _cifar(path: Path) -> None:
    """Read a batch as if it had the MD5 that is asked for."""
    images, labels = cifar._read(path, hashlib.md5(path.read_bytes()).hexdigest())
    assert len(images) == len(labels)


def _built(path: Path) -> None:
    Built.load(path.parent)


def _federation(path: Path) -> None:
    folder = path.parent
    settings = Settings.load(folder)
    if settings.hidden == "9":
        Federation(settings, SHAPE, folder / "federation.safetensors")


def _write_run(folder: Path) -> None:
    """Leave what training leaves, of a model that learnt nothing to speak of."""
    effort = Effort(1, 400, 1, 400, 1)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        config = Config(hidden=(4,), effort=effort, device="cpu", task="0v1")
        hybrid.train(runs.create(folder, config), *hybrid.load(config))


def simple_targets(folder: Path) -> Iterator[Target]:
    """Write valid files into a folder; return the readers that need no run."""
    network = random_network(SHAPE)
    network.save(folder / "network.safetensors")
    yield Target("network", folder / "network.safetensors", _network, (NetworkFileError,), 4)
    maps = random_network(Signature.parse("5x4x2:3-4s2p-d6-3"))
    replace(maps, levels=maps.levels // 2).save(folder / "maps.safetensors")
    yield Target("network of maps", folder / "maps.safetensors", _network_of_maps,
                 (NetworkFileError,), 4)
    codes = np.random.default_rng(1).integers(0, 2, (6, SHAPE[0]), np.uint8)
    save_codes(folder / "codes.safetensors", bits.pack(codes), np.arange(6), SHAPE[0])
    yield Target("codes", folder / "codes.safetensors", _codes, (CodesFileError,), 2)
    Encoder(9, 2).save(folder / "encoder.safetensors")
    yield Target("encoder", folder / "encoder.safetensors", _encoder, (EncoderFileError,), 2)
    save_checkpoint(folder / "checkpoint.safetensors", {"a": {"epoch": 3, "b": torch.ones(2)}})
    yield Target("checkpoint", folder / "checkpoint.safetensors", load_checkpoint,
                 (CheckpointError,), 2)
    (folder / "frames").write_bytes(b"".join(
        frame.request(n, code) + frame.answer(n, 2) for n, code in enumerate(codes)))
    yield Target("link", folder / "frames", _requests, (), 4)

    qonnx.save(random_network((6, 4, 3)), folder / "written.onnx")
    shutil.copyfile(BREVITAS, folder / "brevitas.onnx")
    for name in "written.onnx", "brevitas.onnx":
        yield Target(f"QONNX {name}", folder / name, networks.load, (NetworkFileError,), 2)

    images = struct.pack(">4B3I", 0, 0, 8, 3, 2, 5, 5) + bytes(range(50))
    (folder / "images").write_bytes(images)
    (folder / "images.gz").write_bytes(gzip.compress(images))
    for name in "images", "images.gz":
        yield Target(f"IDX {name}", folder / name, _idx, (DataError,), 2)

    (folder / "batch").write_bytes(cifar_files.batch_of(
        np.arange(2 * cifar.SIZE, dtype=np.uint8).reshape(2, -1), [3, 4]))
    yield Target("CIFAR-10 batch", folder / "batch", _cifar, (DataError,), 2)

    (built := folder / "built").mkdir()
    network.save(built / "network.safetensors")
    (built / "report.json").write_text(json.dumps(
        {"board": "icestick", "reloadable": False, "folding": "1x20", "seed": 1}))
    yield Target("report.json", built / "report.json", _built,
                 (BuiltError, NetworkFileError), 2)

    (together := folder / "together").mkdir()
    settings = Settings(hidden="9", rounds=2)
    (together / "federation.json").write_text(json.dumps(settings.__dict__))
    Federation(settings, SHAPE, together / "federation.safetensors").save()
    for name in "federation.json", "federation.safetensors":
        yield Target(name, together / name, _federation, (RunError, CheckpointError))


def _pretraining(folder: Path) -> Iterator[Target]:
    """Write what ``sw.pretrain`` goes on from; return its reader, up to where it would train on."""
    (folder / "pictures").mkdir(parents=True)
    Image.new("L", (8, 8)).save(folder / "pictures" / "a.png")
    path = folder / CONFIG
    names = ImageFolder(folder / "pictures", 8, False)
    path.write_text(json.dumps(vars(Pretraining(
        str(folder / "pictures"), from_folder.fingerprint(names), 8, False, 8, 2, "sign", False, 1,
        1, 0, "cpu", "32-true"))))

    def resume(path: Path) -> None:
        said = io.StringIO()
        with (mock.patch.object(from_folder, "pretrain", side_effect=KeyboardInterrupt),
              contextlib.redirect_stderr(said)):
            code = pretrain.main(["--resume", str(path.parent)])
        assert code in (2, 130) and said.getvalue().count("\n") == 1
        (path.parent / "checkpoint.safetensors").unlink(missing_ok=True)

    yield Target("pretraining.json", path, resume, ())


def _reported(folder: Path) -> Iterator[Target]:
    """Write what ``sw.report`` reads; return its readers."""
    (built := folder / "build" / "icestick").mkdir(parents=True)
    found = {
        folder / "metrics.json": ({"accuracy": {"hybrid": 97.3, "twin": 99.1}},
                                  lambda path: [page._accuracies(path)]),
        folder / "verify.json": ({"rungs": [{"rung": 3, "left": "golden", "right": "Verilog",
                                             "vectors": 450, "unit": "codes", "result": "equal"}]},
                                 lambda path: [*page._rungs(path.parent)]),
        built / "report.json": ({
            "board": "icestick", "folding": "1x200", "logic_cells": [1044, 1280],
            "block_rams": [16, 16], "fmax_mhz": 146.37, "clock_mhz": 120,
            "cycles_per_inference": 128, "inferences_per_second_layers": 937500,
            "inferences_per_second_link": 9375}, lambda path: [*page._builds(path.parents[2])]),
    }
    for path, (content, read) in found.items():
        path.write_text(json.dumps(content))
        yield Target(f"{path.name}, reported", path, read, (RunError,))


def _budgeted(folder: Path) -> Iterator[Target]:
    """Write what ``sw.mixbin`` writes; return its readers."""
    folder.mkdir()
    mask = Mask.of(Shape(), ("code", "hidden", "readout"), 8)
    mask.save(folder / "mask.json")
    yield Target("mask.json", folder / "mask.json", Mask.load, (MaskError,))
    split_of(mask).save(folder / "split.json")
    yield Target("split.json", folder / "split.json", Split.load, (SplitFileError,))
    (folder / "mixbin.json").write_text(json.dumps(asdict(Job())))
    yield Target("mixbin.json", folder / "mixbin.json", lambda path: reopen(path.parent),
                 (RunError,))


def targets(folder: Path) -> Iterator[Target]:
    """Return all readers: those, and those of a run that was trained."""
    yield from simple_targets(folder)
    yield from _reported(folder / "reported")
    yield from _budgeted(folder / "budgeted")
    yield from _pretraining(folder / "pretraining")
    _write_run(folder / "run")
    (folder / "run" / "metrics.json").unlink()
    for name in ("config.json", "checkpoint.safetensors", "network.safetensors",
                 "codes.safetensors"):
        yield Target(f"run/{name}, checked", folder / "run" / name,
                     lambda path: equality.check(path.parent),
                     (RunError, CheckpointError, NetworkFileError, CodesFileError,
                      ExportError),
                     0.3)
    for name in "config.json", "checkpoint.safetensors":
        yield Target(f"run/{name}, resumed", folder / "run" / name, _resume, (), 0.05)


def _leaves(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Return the paths to all that a JSON value is made of."""
    yield path
    items = value.items() if isinstance(value, dict) else (
        enumerate(value) if isinstance(value, list) else ())
    for key, inner in items:
        yield from _leaves(inner, (*path, key))


def _replaced(value: Any, path: tuple, new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = _replaced(value[path[0]], path[1:], new)
    return copy


@st.composite
def damaged_json(draw, text: bytes) -> bytes:
    """Change values anywhere in JSON, in JSON inside its strings too."""
    value = json.loads(text)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([*_leaves(value)]))
        inner = value
        for key in path:
            inner = inner[key]
        if isinstance(inner, str) and inner.startswith("{") and draw(st.booleans()):
            new: Any = draw(damaged_json(inner.encode())).decode(errors="replace")
        elif isinstance(inner, dict) and inner and draw(st.booleans()):
            new = dict(inner)
            new[draw(st.sampled_from(["x", "", "format", *inner]))] = new.pop(
                draw(st.sampled_from([*inner])))
        else:
            new = draw(VALUES)
        value = _replaced(value, path, new)
    return json.dumps(value).encode()


@st.composite
def damaged_bytes(draw, content: bytes) -> bytes:
    """Flip, cut, double, move and overwrite."""
    found = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, len(found))), draw(st.integers(1, 64))
        match draw(st.integers(0, 5)):
            case 0 if at < len(found):
                found[at] ^= 1 << draw(st.integers(0, 7))
            case 1:
                found[at:at + length] = draw(st.binary(max_size=16))
            case 2:
                del found[at:]
            case 3:
                found[at:at] = found[at:at + length]
            case 4:
                found += draw(st.binary(min_size=1, max_size=9)) * draw(st.sampled_from([1, 5000]))
            case _:
                del found[at:at + length]
    return bytes(found)


@st.composite
def damaged_onnx(draw, content: bytes) -> bytes:
    """Change operators, what they take, and the sizes and kinds of tensors."""
    model = onnx.ModelProto.FromString(content)
    graph = model.graph
    small = st.sampled_from([-(1 << 63), -1, 0, 1, 2, 3, 1 << 31, (1 << 63) - 1])
    for _ in range(draw(st.integers(1, 3))):
        node = draw(st.sampled_from([*graph.node]))
        tensor = draw(st.sampled_from([*graph.initializer]))
        attributes = [*node.attribute]
        match draw(st.integers(0, 6)):
            case 0:
                node.op_type = draw(st.sampled_from([*OPERATORS, *(n.op_type for n in graph.node)]))
            case 1 if node.input:
                names = [name for other in graph.node for name in (*other.input, *other.output)]
                node.input[draw(st.integers(0, len(node.input) - 1))] = draw(st.sampled_from(names))
            case 2 if attributes:
                attribute = draw(st.sampled_from(attributes))
                attribute.i, attribute.f = draw(small), draw(st.sampled_from([0, -1, math.nan]))
                attribute.ints[:] = draw(st.lists(small, max_size=4))
            case 3:
                tensor.dims[:] = draw(st.lists(small, max_size=4))
            case 4:
                tensor.data_type = draw(st.integers(0, 25))
            case 5:
                shape = draw(st.sampled_from([*graph.input, *graph.output])).type.tensor_type.shape
                for size in shape.dim:
                    size.dim_value = draw(small)
            case _:
                try:
                    array = onnx.numpy_helper.to_array(tensor).copy()
                except (ValueError, TypeError):    # Its size or kind was changed already.
                    continue
                if array.size and array.dtype.kind == "f":
                    array.flat[draw(st.integers(0, array.size - 1))] = draw(
                        st.sampled_from([0, -1, 0.3, 1e30, math.nan, math.inf]))
                    tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    return bytes(model.SerializeToString())


@st.composite
def damaged(draw, content: bytes, suffix: str) -> bytes:
    """Damage a file where that goes deepest."""
    if suffix == ".json":
        nested = st.just(b"[" * 3_000)
        return draw(st.one_of(damaged_json(content), damaged_bytes(content), nested))
    if suffix == ".gz" and draw(st.booleans()):
        return gzip.compress(draw(damaged_bytes(gzip.decompress(content))))
    if suffix == ".onnx" and draw(st.booleans()):
        return draw(damaged_onnx(content))
    if suffix == ".safetensors" and draw(st.booleans()):
        size = int.from_bytes(content[:8], "little")
        header = draw(damaged_json(content[8:8 + size]))
        return len(header).to_bytes(8, "little") + header + content[8 + size:]
    return draw(damaged_bytes(content))


class Guard:
    """Watches a reader: time, memory, and what it executes."""

    def __init__(self) -> None:
        self.on = False
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple) -> None:
        if self.on and event in EXECUTES:
            self.on = False
            raise Broken(f"It executes: {event} {arguments!r:.200}")

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        before = resource.getrlimit(resource.RLIMIT_AS)
        room = pages * resource.getpagesize() + ROOM
        handler = signal.signal(signal.SIGALRM, self._late)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        resource.setrlimit(resource.RLIMIT_AS, (room, before[1]))
        self.on = True
        try:
            yield
        finally:
            self.on = False
            resource.setrlimit(resource.RLIMIT_AS, before)
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, handler)

    def _late(self, number: int, place: object) -> None:
        raise Broken(f"It takes more than {PATIENCE:g} seconds")


GUARD = Guard()


def put_to(target: Target, content: bytes) -> None:
    """Let a reader read that; raise what it must not raise."""
    target.path.write_bytes(content)
    with GUARD(), contextlib.suppress(*target.refuses):
        try:
            target.read(target.path)
        except target.refuses as refused:
            if "\n" in str(refused).strip():
                raise Broken(f"More than a line: {refused}") from refused
            raise


def try_all(target: Target, count: int) -> Row:
    """Put a reader to ``count`` damaged files."""
    valid, tried, before = target.path.read_bytes(), [], target.path.with_suffix(".before")
    shutil.copyfile(target.path, before)
    target.read(target.path)    # It is valid, and all modules are there.

    @seed(count)
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck), print_blob=False)
    @given(damaged(valid, target.path.suffix))
    def one(content: bytes) -> None:
        tried.append(len(content))
        put_to(target, content)

    lost, said = 0, ""
    try:
        with warnings.catch_warnings():    # That a file is long to be printed.
            warnings.simplefilter("ignore", HypothesisWarning)
            one()
    except Exception as error:    # Of whatever kind, that is the point.
        lost, said = 1, f"{type(error).__name__}: {error}"[:300].replace("\n", " ")
    finally:
        shutil.copyfile(before, target.path)
    return Row(f"file: {target.name}", len(tried), lost, said)


def run(scale: float) -> list[Row]:
    """Put every reader to damaged files."""
    with tempfile.TemporaryDirectory() as folder, _quick_digits():
        found = [*targets(Path(folder))]
        total = sum(target.weight for target in found)
        return [try_all(target, share(INPUTS, scale * target.weight / total, 5))
                for target in found]


@contextlib.contextmanager
def _quick_digits() -> Iterator[None]:
    digits = data.load("digits")
    with mock.patch.object(data, "_digits", lambda: digits):
        yield
