"""Whether a run's trained model and its network file are equal.

Each neuron is asked about every sum it can have, and the whole model about every test code.
"""

from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from ..golden import bits, forward, networks
from ..golden.codes import load_codes
from ..golden.network import Network
from ..models import onchip
from ..models.binarizer import BINARIZERS
from ..models.binary import BinaryLinear, Signs
from ..models.checkpoint import load_checkpoint
from ..models.classifier import BinaryClassifier
from ..models.encoding import unpack_signs
from ..models.exact import ExportError, check_equal, export_readout, verify_layer
from ..models.onchip import OnChip
from ..training import task
from ..training.asked.configs import describe
from ..training.asked.effort import RunError

__all__ = ["check", "compare", "load_model"]


def load_model(folder: Path, network: Network) -> BinaryClassifier | OnChip:
    """Read the model that became ``network`` from the checkpoint of a run, evaluating."""
    described, is_dense = describe(folder), network.signature.widths is not None
    states = load_checkpoint(folder / "checkpoint.safetensors")
    state = states.get("hybrid" if is_dense else "on_chip", {})
    if state.get("epoch") != described.epochs:
        raise RunError(f"The checkpoint in {folder} does not hold the trained classifier")
    binarizer = BINARIZERS[described.binarizer]
    model = (BinaryClassifier(network.n_in, network.shape[1:-1], network.n_classes, binarizer)
             if is_dense else OnChip(network.signature, binarizer))
    try:
        model.load_state_dict(state["model"])
    except (KeyError, RuntimeError):
        raise RunError(f"The checkpoint in {folder} is of another shape than its network"
                       ) from None
    return model.eval()


def compare(model: BinaryClassifier | OnChip, network: Network, codes: bits.Bits) -> dict[str, int]:
    """Compare an evaluating model with a network; count what was compared.

    Raises
    ------
    ExportError
        They differ: one sentence says where.
    """
    n_sums = (onchip.verify(network, model) if isinstance(model, OnChip)
              else _compare_layers(model, network))
    readout = export_readout(model.readout)
    if not (np.array_equal(readout.weights, network.readout.weights)
            and np.array_equal(readout.offsets, network.readout.offsets)):
        raise ExportError("The readout has other weights or offsets than the model's")
    check_equal(network, task.classify(model, _inputs(model, network, codes)), codes)
    return {"codes": len(codes), "sums": n_sums}


def _compare_layers(model: BinaryClassifier, network: Network) -> int:
    n_sums = 0
    for number, (linear, norm, sign, layer) in enumerate(
            zip(model.linears, model.norms, model.signs, network.layers, strict=True)):
        try:
            verify_layer(layer, cast(BinaryLinear, linear), cast(nn.BatchNorm1d, norm),
                         cast(Signs, sign))
        except ExportError as error:
            raise ExportError(f"Layer {number}: {error}") from None
        n_sums += layer.n_out * (layer.n_in + 1)
    return n_sums


def _inputs(model: nn.Module, network: Network, codes: bits.Bits) -> Tensor:
    """Return what the model takes of the bits ``(n, n_in)`` that the network takes."""
    if not isinstance(model, OnChip):
        return unpack_signs(bits.pack(codes), network.n_in)
    return torch.from_numpy(forward.elements(network.input, codes))


def check(folder: Path) -> dict[str, int]:
    """Compare the model in a run's folder with the network and the codes beside it."""
    torch.set_num_threads(1)    # As in training; the sums are small.
    if not (folder / "config.json").is_file():
        raise RunError(f"{folder} is not the folder of a run: it has no config.json")
    network = networks.load(folder / "network.safetensors")
    codes, _ = load_codes(folder / "codes.safetensors", network.n_in)
    return compare(load_model(folder, network), network, codes)
