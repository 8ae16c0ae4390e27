"""What an image costs: multiply-accumulates, bytes, and seconds of one CPU core."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ...models.autoencoder import Encoder
from ...models.classifier import BinaryClassifier
from ...models.encoding import BATCH, extract, pack_signs
from ...models.exact import export
from ...training.asked.effort import RunError
from ..effort import HIDDEN, Study

__all__ = ["cost"]

REPEATS = 30


def cost(study: Study, name: str) -> dict[str, Any]:
    """Count and measure the encoder of codes ``name`` and the binary network that HyBNN puts on it.

    The accelerator takes ``cycles`` from code to code with one neuron's synapses a cycle.
    """
    try:
        from ...export.interchange import load_encoder, write_encoder
    except ImportError as error:
        raise RunError(f"What an image costs needs {error.name}: pip install '.[onnx]'") from None
    encoder = Encoder.load(study.folder / "encoders" / f"{name}-{study.seed}.safetensors")
    network = export(BinaryClassifier(encoder.n_bits, [HIDDEN], 2).eval())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "encoder.onnx")
        write_encoder(encoder, file)
        other = load_encoder(file)
    ways: dict[str, Callable[[torch.Tensor], object]] = {
        "torch": lambda images: extract(encoder, images),
        "onnxruntime": lambda images: pack_signs(torch.from_numpy(other(images.numpy())))}
    n_real = sum(parameter.numel() for parameter in encoder.parameters())
    return {
        "encoder_macs": encoder.macs, "encoder_bytes": 4 * n_real,
        "binary_macs": network.n_weights, "binary_bytes": network.n_weights // 8,
        "twin_bytes": 4 * network.n_weights, "code_bytes": -(-encoder.n_bits // 8),
        "cycles": HIDDEN,
        "milliseconds": {name: {str(n_images): 1000 * _seconds(way, n_images)
                                for n_images in (1, BATCH)} for name, way in ways.items()},
    }


def _seconds(way: Callable[[torch.Tensor], object], n_images: int) -> float:
    """Return the median time of making codes of so many images, per image, bits packed."""
    images, times = torch.rand(n_images, 1, 28, 28), []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        way(images)
        times.append(time.perf_counter() - begun)
    return statistics.median(times) / n_images
