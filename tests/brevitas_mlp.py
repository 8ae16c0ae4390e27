"""Train a 1-bit perceptron in Brevitas and export it: ``python tests/brevitas_mlp.py FILE.onnx``.

It made ``tests/data/brevitas.onnx``, from the 8x8 digits of scikit-learn. Brevitas is not installed
with HyBNN: ``pip install brevitas onnx onnxoptimizer scikit-learn`` in an environment of its own.
"""

import sys
from itertools import pairwise


def model(widths):
    """Return signs of ``2 x - 1``, then binary layers, then one scale for all scores."""
    from brevitas import nn as qnn
    from brevitas.quant import SignedBinaryActPerTensorConst as Signs
    from brevitas.quant import SignedBinaryWeightPerTensorConst as Weights
    from torch import nn

    class Perceptron(nn.Module):
        def __init__(self):
            super().__init__()
            layers = [qnn.QuantIdentity(act_quant=Signs)]
            for n_in, n_out in pairwise(widths):
                layers += [qnn.QuantLinear(n_in, n_out, bias=False, weight_quant=Weights,
                                           weight_scaling_const=1.0),
                           nn.BatchNorm1d(n_out), qnn.QuantIdentity(act_quant=Signs)]
            self.layers = nn.Sequential(*layers[:-2])    # The last layer gives its sums.

        def forward(self, x):
            return self.layers(2 * x - 1) * 0.1

    return Perceptron()


def main(path):
    import torch
    from brevitas.export import export_qonnx
    from sklearn.datasets import load_digits
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images, labels = load_digits(return_X_y=True)
    images, labels = torch.tensor(images / 16).float(), torch.tensor(labels)
    train, test = slice(0, 1347), slice(1347, None)    # As in HyBNN.
    perceptron = model([64, 64, 32, 10])
    optimizer = torch.optim.Adam(perceptron.parameters(), 0.01)
    for _ in range(15):
        for batch in torch.randperm(1347).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(perceptron(images[train][batch]),
                                              labels[train][batch]).backward()
            optimizer.step()
    perceptron.eval()
    right = perceptron(images[test]).argmax(1) == labels[test]
    print(f"test accuracy {100 * right.float().mean():.2f} %")
    export_qonnx(perceptron, args=images[:1], export_path=path, dynamo=False,
                 input_names=["image"], output_names=["scores"], opset_version=13,
                 dynamic_axes={"image": {0: "batch"}, "scores": {0: "batch"}})


if __name__ == "__main__":
    main(sys.argv[1])
