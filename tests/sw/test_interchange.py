"""The encoder's ONNX file, run by ONNX Runtime, against PyTorch."""

import numpy as np
import pytest
import torch

from sw.autoencoder import Encoder
from sw.binary import DynamicShift

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")
pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install '.[onnx]'")

import onnx
import onnxruntime

from sw.interchange import load_encoder, write_encoder


def encoder_like_trained(moves):
    """Make an encoder in whose batch norms no number is one that could be left out."""
    torch.manual_seed(0)
    encoder = Encoder(24, 2, moves=moves)
    for name, tensor in encoder.state_dict().items():
        if name.endswith(("weight", "bias", "mean", "var")) and tensor.dim() == 1:
            tensor.copy_(0.5 + torch.rand(tensor.shape))
    if moves:
        for part in encoder.modules():
            if isinstance(part, DynamicShift):
                part.squeeze.weight.data *= 30
    return encoder.eval()


@pytest.mark.parametrize("moves", [False, True])
def test_onnx_runtime_gives_the_same_logits(tmp_path, moves):
    encoder, images = encoder_like_trained(moves), torch.rand(50, 1, 28, 28)
    write_encoder(encoder, tmp_path / "encoder.onnx")
    expected = encoder(images).detach().numpy()
    logits = load_encoder(tmp_path / "encoder.onnx")(images.numpy())
    assert np.abs(expected).max() > 0.3
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5)


def test_the_file_gives_bits_too_for_any_batch(tmp_path):
    encoder = encoder_like_trained(False)
    encoder.logits.weight.data[3:5] = 0
    encoder.logits.bias.data[3:5] = torch.tensor([0.0, -1e-38])
    write_encoder(encoder, tmp_path / "encoder.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "encoder.onnx")
    for n in 1, 7:
        images = np.random.default_rng(n).random((n, 1, 28, 28), np.float32)
        logits, found = session.run(["logits", "bits"], {"images": images})
        assert found.dtype == np.uint8 and (found == (logits >= 0)).all()
        assert found[:, 3].all() and not found[:, 4].any()


def test_the_same_encoder_is_the_same_file(tmp_path):
    for name in "one", "other":
        write_encoder(encoder_like_trained(True), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_the_file_is_read_by_old_programs(tmp_path):
    write_encoder(encoder_like_trained(True), tmp_path / "encoder.onnx")
    model = onnx.load(tmp_path / "encoder.onnx")
    assert (model.ir_version, model.opset_import[0].version) == (7, 13)
    onnx.checker.check_model(model, full_check=True)
