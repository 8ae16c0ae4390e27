"""The encoder as plain ONNX, for a host without PyTorch, and ONNX Runtime to run it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from .autoencoder import Encoder
from .binary import DynamicShift
from .golden.tensors import atomic_write

__all__ = ["load_encoder", "write_encoder"]

OPSET, IR = 13, 7    # Of 2020: all that is in use reads them.
SIDE = 28            # Of an image.


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
    channels = next(part for part in encoder.modules() if isinstance(part, nn.Conv2d)).in_channels
    images: list[str | int | None] = ["batch", channels, SIDE, SIDE]
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
    """Read an encoder's ONNX file; give a function from images to logits, both float32.

    ``(n, channels, 28, 28)`` -> ``(n, n_bits)``, by ONNX Runtime on the CPU.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(images: np.ndarray) -> np.ndarray:
        logits: np.ndarray = session.run(["logits"], {"images": images})[0]
        return logits

    return run


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
        """Append what a module does with the value ``x``; give its output."""
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
