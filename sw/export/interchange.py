"""A run for other programs: the encoder as plain ONNX, the network as QONNX, and what they give.

ONNX Runtime rounds the encoder's sums in another way than PyTorch, so a logit that is almost zero
can have another sign. :func:`hand_over` looks for such bits in all test images.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ..golden import bits, fast, forward, networks
from ..golden.codes import load_codes
from ..golden.network import Network
from ..golden.qonnx import reader, writer
from ..golden.tensors import atomic_write
from ..images import data
from ..images.names import DataError
from ..images.table import Encoding
from ..models.autoencoder import Encoder
from ..models.binary import DynamicShift
from ..models.encoding import BATCH, extract
from ..training.asked.columns import TableConfig
from ..training.asked.config import Config
from ..training.asked.configs import asked, describe, names_of
from ..training.asked.effort import RunError
from . import microcontroller

__all__ = ["Difference", "Handed", "hand_over", "load_encoder", "write_encoder"]

OPSET, IR = 13, 7    # Of 2020: all that is in use reads them.
N_VECTORS = 100


def write_encoder(encoder: Encoder, path: Path) -> None:
    """Write an encoder as an ONNX file: float ``images`` to float ``logits`` and uint8 ``bits``.

    Shapes are the encoder's, for any batch. A bit is 1 where its logit is zero or more. Layers
    stay apart as in PyTorch; who runs the file may fold the batch norms.
    """
    graph = _Graph()
    graph.node("Identity", [graph.module("encoder", encoder.eval().cpu(), "images")], "logits")
    graph.node("GreaterOrEqual", ["logits", graph.constant("zero", np.zeros((), np.float32))],
               "least")
    graph.node("Cast", ["least"], "bits", to=TensorProto.UINT8)
    side = encoder.shape.side
    images: list[str | int | None] = ["batch", encoder.shape.channels, side, side]
    logits: list[str | int | None] = ["batch", encoder.n_bits]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes, "encoder",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, images)],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, logits),
             helper.make_tensor_value_info("bits", TensorProto.UINT8, logits)], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="hybnn")
    onnx.checker.check_model(model, full_check=True)
    atomic_write(path, model.SerializeToString(deterministic=True))


def load_encoder(path: Path, threads: int = 1) -> Callable[[np.ndarray], np.ndarray]:
    """Read an encoder's ONNX file; return a function from images to logits, both float32.

    ``(n, channels, 28, 28)`` -> ``(n, n_bits)``, by ONNX Runtime on the CPU.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(images: np.ndarray) -> np.ndarray:
        logits: np.ndarray = session.run(["logits"], {"images": images})[0]
        return logits

    return run


@dataclass(frozen=True)
class Difference:
    """A bit that is another in ONNX Runtime than in PyTorch, with its two logits."""

    image: int
    bit: int
    torch: float
    onnx: float


@dataclass(frozen=True)
class Handed:
    """What was written and compared.

    Attributes
    ----------
    n_images : int
        Test images, or rows.
    kind : str
        What the vectors are: ``codes`` of an encoder, ``images``, or ``rows`` of a table.
    n_bits : int
        Bits of a code, of a run with an encoder; else 0.
    differences : list of Difference
    n_classes_changed : int
        Images whose class is another with the bits of ONNX Runtime.
    """

    network: Network
    n_images: int
    kind: str
    n_bits: int = 0
    differences: Sequence[Difference] = ()
    n_classes_changed: int = 0


@torch.no_grad()
def hand_over(run: Path, to: Path, data_dir: Path | None = None) -> Handed:
    """Write ``network.onnx`` and ``vectors.json`` of a run into a folder, what a microcontroller
    needs, and ``encoder.onnx`` if the host keeps one.

    The vectors are the first test codes, or test images of a network on the chip, packed as in
    :mod:`sw.golden.bits`, with the scores and the class of each.

    Raises
    ------
    RunError
        There is no such run, or its files do not belong together.
    """
    if not (run / "config.json").is_file():
        raise RunError(f"{run} is not the folder of a run: it has no config.json")
    described = describe(run)
    network = networks.load(run / "network.safetensors")
    codes, _ = load_codes(run / "codes.safetensors", network.n_in)
    folder = data_dir or (Path(described.data_dir) if described.data_dir else None)
    config = asked(run)
    has_encoder = isinstance(config, Config) or (run / "encoder.safetensors").exists()
    hybrid = (None if not has_encoder
              else _Hybrid.of(run, data.select(data.load(described.data, folder), described.task)
                              .test_images, codes))
    to.mkdir(parents=True, exist_ok=True)
    # Goes first and comes last: nobody finds the vectors of one network beside another.
    (to / "vectors.json").unlink(missing_ok=True)
    if hybrid:
        write_encoder(hybrid.encoder, to / "encoder.onnx")
    classes = _write_network(network, codes, to / "network.onnx")
    encoding = Encoding.load(run / "encoding.json") if isinstance(config, TableConfig) else None
    microcontroller.write(network, _names(run, network), encoding, to)
    _write_vectors(network, codes[:N_VECTORS], to / "vectors.json")
    if not hybrid:
        kind = "rows" if isinstance(config, TableConfig) else "images"
        return Handed(network, len(codes), kind)
    return hybrid.compare(network, codes, classes, to / "encoder.onnx")


def _names(run: Path, network: Network) -> tuple[str, ...]:
    """Return the names of a network's classes; their numbers, where the run has no names."""
    with suppress(DataError):
        if len(names := names_of(run)) == network.n_classes:
            return names
    return tuple(map(str, range(network.n_classes)))


def _write_network(network: Network, codes: bits.Bits, path: Path) -> bits.Integers:
    """Write the network and read it again; return the classes of all codes, which are the same."""
    writer.save(network, path)
    classes = fast.classify_all(network, codes)
    if not np.array_equal(fast.classify_all(reader.load(path).network, codes), classes):
        raise RunError(f"{path} does not give the classes of the network")
    return classes


@dataclass(frozen=True)
class _Hybrid:
    """What the host of a run does: its encoder, and the test images."""

    encoder: Encoder
    images: Tensor

    @classmethod
    def of(cls, run: Path, images: Tensor, codes: bits.Bits) -> "_Hybrid":
        """Read a run's encoder, which must give the run's codes."""
        encoder = Encoder.load(run / "encoder.safetensors")
        if not np.array_equal(bits.unpack(extract(encoder, images), encoder.n_bits), codes):
            raise RunError(f"The codes in {run} are not those of its encoder and test images")
        return cls(encoder, images)

    def compare(self, network: Network, codes: bits.Bits, classes: bits.Integers,
                path: Path) -> Handed:
        """Compare the encoder's file, in ONNX Runtime, with the encoder."""
        run, n_bits = load_encoder(path), self.encoder.n_bits
        logits = np.concatenate([run(batch.numpy()) for batch in self.images.split(BATCH)])
        wrong = np.argwhere((logits >= 0) != codes)
        changed = np.unique(wrong[:, 0])
        return Handed(network, len(self.images), "codes", n_bits, [
            Difference(image, bit, float(self.encoder(self.images[image:image + 1])[0, bit]),
                       float(logits[image, bit])) for image, bit in wrong.tolist()],
            int((fast.classify_all(network, (logits[changed] >= 0).astype(np.uint8))
                 != classes[changed]).sum()))


def _write_vectors(network: Network, codes: bits.Bits, path: Path) -> None:
    vectors = []
    for code in codes:
        scores = forward.trace(network, code)[-1]
        vectors.append({"code": bits.to_bytes(code).hex(), "scores": scores.tolist(),
                        "class": int(scores.argmax())})
    content = {"network": str(network), "code": "hexadecimal; element 0 is bit 0 of byte 0",
               "vectors": vectors}
    text = json.dumps(content).replace('{"code": ', '\n{"code": ')    # A line for each.
    atomic_write(path, (text + "\n").encode())


class _Graph:
    """Nodes and constants under construction. A value is its name, and a node its output's."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, array: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def module(self, name: str, module: nn.Module, x: str) -> str:
        """Append what a module does with the value ``x``; return its output."""
        def constants(*tensors: Tensor | None) -> list[str]:
            return [self.constant(f"{name}.{number}", tensor.detach().numpy())
                    for number, tensor in enumerate(tensors) if tensor is not None]

        match module:
            case nn.Sequential():
                for child, part in module.named_children():
                    x = self.module(f"{name}.{child}", part, x)
                return x
            case nn.Conv2d():
                # torch pads as many before as behind.
                return self.node("Conv", [x, *constants(module.weight, module.bias)], name,
                                 strides=module.stride, pads=2 * tuple(module.padding))
            case nn.BatchNorm2d():
                return self.node("BatchNormalization",
                                 [x, *constants(module.weight, module.bias, module.running_mean,
                                                module.running_var)], name, epsilon=module.eps)
            case nn.LeakyReLU():
                return self.node("LeakyRelu", [x], name, alpha=module.negative_slope)
            case nn.Flatten():
                return self.node("Flatten", [x], name)
            case nn.Linear():
                return self.node("Gemm", [x, *constants(module.weight, module.bias)], name,
                                 transB=1)
            case DynamicShift():
                narrow = self.module(f"{name}.squeeze", module.squeeze, x)
                relu = self.node("Relu", [narrow], f"{name}.relu")
                wide = self.module(f"{name}.spread", module.spread, relu)
                shift = self.node("Sigmoid", [wide], f"{name}.sigmoid")
                return self.node("Add", [x, shift], name)
        raise TypeError(f"An encoder has no {type(module).__name__}")
