import re

import numpy as np
import pytest
import torch

from sw.golden import fast
from sw.golden.network import Layer, Network
from sw.golden.stages import Signature
from sw.models import onchip
from sw.models.binarizer import SD, Binarizer
from sw.models.exact import ExportError
from sw.models.onchip import OnChip

SPECS = ["28x28x1:8-8s2-16p-10", "7x5x3:3-4k5s2b0-3", "7-c3-d4-2", "8x8x2-6p-5k2p3-d7-3",
         "5:4-3-2", "6x6x4-p-2", "1x1x1:1-c1k1b0-2", "11x13x1-5k3s3b2p-3", "3x3x1:8-2k3b0-2",
         "4x4x3:2-2k4s4b3p-2", "9x1x2:2-5b0k1-2", "8x8x1:8-3pp-4-d5-2"]
EDGES = [0.0, 1e-3, -1e-3, 1.0, -1.0, 30.0, -30.0]    # Scales and biases that fire never or always.


def trained(text, binarizer=SD, seed=0):
    """Return a model with odd batch norms, evaluating."""
    torch.manual_seed(seed)
    model = OnChip(Signature.parse(text), binarizer)
    size = model.signature.input
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for block in model.blocks:
            for number in block.norm.weight, block.norm.bias:
                number.copy_(torch.from_numpy(rng.choice(EDGES, len(number))))
            model.train()(torch.randint(0, size.top + 1, (16, *size.shape)).float())
    return model.eval()


def inputs(network, n=30, seed=1):
    """Return random elements (n, height, width, channels), and their bits."""
    size = network.input
    x = np.random.default_rng(seed).integers(0, size.top + 1, (n, *size.shape), np.uint8)
    x[0], x[1] = 0, size.top
    planes = x[..., None] >> np.arange(size.bits, dtype=np.uint8) & 1
    return torch.from_numpy(x).float(), planes.reshape(n, -1)


@pytest.mark.parametrize("binarizer", [Binarizer(), SD], ids=["sign", "sd"])
@pytest.mark.parametrize("text", SPECS)
def test_a_model_and_its_network_give_the_same_scores(text, binarizer):
    model = trained(text, binarizer)
    network = onchip.to_network(model)
    assert onchip.verify(network, model) == sum(layer.n_out * (layer.max_count + 1)
                                                for layer in network.layers)
    x, bits = inputs(network)
    with torch.no_grad():
        sums = model(x).numpy().astype(int)
    scores = fast.trace_all(network, bits)[-1]
    # A sum is twice the count less n_in; golden's offsets begin at 0.
    assert np.array_equal(sums - sums[:, :1], 2 * (scores - scores[:, :1]))


def test_a_changed_threshold_is_noticed():
    model = trained(SPECS[0])
    network = onchip.to_network(model)
    layer = network.layers[0]
    other = np.where(np.arange(layer.n_out) == 3, (layer.thresholds + 1) % 5, layer.thresholds)
    changed = Network([Layer(layer.weights, other, 8), *network.layers[1:]], network.readout,
                      network.signature)
    with pytest.raises(ExportError, match=r"^Layer 0: Neuron 3 is not a threshold on its count$"):
        onchip.verify(changed, model)


@pytest.mark.parametrize("spoil, reason", [
    (lambda model: model.train(),
     "Layer 0: Call eval() before export: batch norm is still in training mode"),
    (lambda model: model.blocks[1].norm.bias.data.fill_(torch.nan),
     "Layer 1: The numbers of a batch norm must be finite"),
    (lambda model: model.blocks[0].weights.weight.data.fill_(torch.inf),
     "Layer 0: Weights must be finite"),
])
def test_what_cannot_be_exported_is_refused(spoil, reason):
    model = trained(SPECS[0])
    spoil(model)
    with pytest.raises(ExportError, match=f"^{re.escape(reason)}$"):
        onchip.to_network(model)


def test_fifty_random_lists_of_stages():
    rng = np.random.default_rng(5)
    for number in range(50):
        text = random_spec(rng)
        model = trained(text, seed=number)
        network = onchip.to_network(model)
        x, bits = inputs(network, 4)
        with torch.no_grad():
            sums = model(x).numpy().astype(int)
        scores = fast.trace_all(network, bits)[-1]
        assert np.array_equal(sums - sums[:, :1], 2 * (scores - scores[:, :1])), text


def random_spec(rng):
    """Write a signature of odd sizes: maps of 1 x 1, primes, strides, borders, 1 to 8 bits."""
    while True:
        height, width, channels = rng.choice([1, 2, 3, 5, 7, 11], 3)
        words = [f"{height}x{width}x{channels}:{rng.integers(1, 9)}"]
        for _ in range(rng.integers(1, 4)):
            kernel = rng.integers(1, 6)
            words.append(f"c{rng.choice([1, 2, 3, 7])}k{kernel}s{rng.integers(1, 4)}"
                         f"b{rng.integers(0, kernel)}{'p' * rng.integers(0, 2)}")
        if rng.random() < 0.3:
            words.append(f"d{rng.choice([1, 3, 5])}")
        try:
            return str(Signature.parse("-".join([*words, str(rng.integers(2, 5))])))
        except ValueError:
            continue
