"""Export of batch norms at the edges of what a float holds, ties everywhere, constant codes.

Lost is a network that differs from its model in any neuron or class, or an error that is not
:exc:`~sw.models.exact.ExportError` in one line.
"""

import numpy as np
import torch
from torch import nn

from sw.golden import bits, forward
from sw.models.binary import BinaryLinear, Signs, binarize
from sw.models.classifier import BinaryClassifier, predict
from sw.models.exact import ExportError, export, export_layer

from . import Row, share

__all__ = ["run"]

LAYERS, MODELS = 4_000, 1_000    # Of a soak.
N_IN, N_OUT = 16, 32
EDGES = [0.0, -0.0, 1e-45, -1e-45, 1e-38, -1e-38, 1e-6, -1e-6, 1 / 3, -1 / 3, 1.0, -1.0, 2.0, -2.0,
         16.0, -16.0, 17.0, -17.0, 99.0, -99.0, 1e20, -1e20, 1e38, -1e38]
VARIANCES = [0.0, 1e-45, 1e-12, 0.5, 1.0, 2.0, 1e9, 1e38]


def _norm(n_out: int, rng: np.random.Generator) -> nn.BatchNorm1d:
    """Draw a batch norm; half of its neurons have the threshold at a sum, where it is a tie."""
    def draw(values: list[float]) -> torch.Tensor:
        return torch.tensor(rng.choice(values, n_out), dtype=torch.float32)

    norm = nn.BatchNorm1d(n_out).eval()
    norm.weight.data, norm.bias.data = draw(EDGES), draw(EDGES)
    norm.running_mean, norm.running_var = draw(EDGES), draw(VARIANCES)
    tied = torch.from_numpy(rng.random(n_out) < 0.5)
    norm.bias.data[tied] = 0.0
    norm.running_mean[tied] = torch.from_numpy(2.0 * rng.integers(-9, 10, n_out)).float()[tied]
    return norm


def _layer_agrees(rng: np.random.Generator) -> bool:
    """Compare a layer with its module on all-equal, all-unequal and random signs."""
    linear, norm, signs = BinaryLinear(N_IN, N_OUT), _norm(N_OUT, rng), Signs(N_OUT)
    rows = binarize(linear.weight).detach()
    random = torch.from_numpy(rng.choice([-1.0, 1.0], (40, N_IN))).float()
    ones = torch.ones(1, N_IN)
    x = torch.cat([random, rows, -rows, ones, -ones])
    try:
        layer = export_layer(linear, norm, signs)
    except ExportError as error:
        return "\n" not in str(error)
    fired = bits.to_bits(binarize(norm(linear(x))).detach().numpy())
    given = np.array([forward.hidden(layer, row) for row in bits.to_bits(x.numpy())])
    return bool((given == fired).all())


def _model_agrees(rng: np.random.Generator) -> bool:
    """Compare whole networks: few weights and offsets, so that most scores are ties."""
    hidden = [(), (1,), (5,), (7, 3)][rng.integers(4)]
    model = BinaryClassifier(N_IN, hidden, int(rng.integers(2, 6))).eval()
    for number, norm in enumerate(model.norms):
        model.norms[number] = _norm(norm.num_features, rng)
    weight = model.readout.linear.weight.data
    weight[:] = torch.from_numpy(rng.choice([-1.0, 0.0, -0.0, 1.0], (1, weight.shape[1])))
    model.readout.offset.data[:] = torch.from_numpy(rng.choice([0.0, 0.4, 2.0], weight.shape[0]))
    codes = rng.integers(0, 2, (20, N_IN), np.uint8)
    codes[0], codes[1] = 0, 1
    try:
        network = export(model)
    except ExportError as error:
        return "\n" not in str(error)
    with torch.no_grad():
        classes = predict(model(torch.from_numpy(bits.to_signs(codes)).float()))
    return bool((forward.classify_all(network, codes) == classes.numpy()).all())


def run(scale: float) -> list[Row]:
    """Export what no training should make."""
    rng = np.random.default_rng(round(1e6 * scale))
    torch.manual_seed(round(1e6 * scale))
    rows = []
    for what, count, agrees in (("export: odd batch norms", LAYERS, _layer_agrees),
                                ("export: ties, constant codes", MODELS, _model_agrees)):
        tried = share(count, scale, 20)
        lost = sum(not agrees(rng) for _ in range(tried))
        said = f"{N_OUT * tried:,} neurons" if agrees is _layer_agrees else f"{20 * tried:,} codes"
        rows.append(Row(what, tried, lost, said))
    return rows
