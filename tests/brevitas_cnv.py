"""Export Brevitas' own CNV, narrower and untrained: ``python -m tests.brevitas_cnv FILE.onnx``.

It made ``tests/data/brevitas_cnv.onnx``. Brevitas is not installed with HyBNN, as it wants an older
setuptools: ``pip install brevitas onnxoptimizer`` in an environment of its own.
"""

import sys
import warnings
from pathlib import Path

__all__ = ["SHAPE", "SIDE", "export"]

SIDE = 10
SHAPE = "10x10x3:8-4b0p-6b0-d8-5"
CONVOLUTIONS = [(4, True), (6, False)]    # Channels, and whether a pool follows.
DENSE = [(24, 8)]
CLASSES = 5


def model(seed):
    """Return the network of Brevitas' examples, with norms that turn most of its neurons."""
    import torch
    from brevitas_examples.bnn_pynq.models import CNV as parts
    parts.CNV_OUT_CH_POOL, parts.INTERMEDIATE_FC_FEATURES = CONVOLUTIONS, DENSE
    parts.LAST_FC_IN_FEATURES = DENSE[-1][1]
    torch.manual_seed(seed)
    made = parts.CNV(CLASSES, weight_bit_width=1, act_bit_width=1, in_bit_width=8, in_ch=3)
    for each in made.modules():
        if isinstance(each, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            each.weight.data, each.bias.data = torch.randn(2, each.num_features)
            each.momentum = None    # The statistics are those of what follows, not of the past.
    with torch.no_grad():
        made.train()(torch.rand(32, 3, SIDE, SIDE))
    return made.eval()


def export(path, dynamo=False, seed=5):
    """Write the network as one of PyTorch's two exporters does, for any batch or for one."""
    import torch
    from brevitas.export import export_qonnx
    options = {"dynamo": True} if dynamo else {
        "dynamo": False, "opset_version": 13, "input_names": ["image"], "output_names": ["scores"],
        "dynamic_axes": {"image": {0: "batch"}, "scores": {0: "batch"}}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        export_qonnx(model(seed), args=torch.rand(1, 3, SIDE, SIDE), export_path=str(path),
                     **options)
    return path


if __name__ == "__main__":
    export(Path(sys.argv[1]))
