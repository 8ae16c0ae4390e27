"""A run for other programs: the encoder under ONNX Runtime against PyTorch, and the command."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from sw.models.autoencoder import Encoder
from sw.models.binary import DynamicShift

pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")
pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install '.[onnx]'")

import onnx
import onnxruntime

from sw import train
from sw.export import __main__ as export
from sw.export import interchange
from sw.export.interchange import Difference, Handed, hand_over, load_encoder, write_encoder
from sw.golden import bits
from sw.golden import forward as golden
from sw.golden.codes import load_codes, save_codes
from sw.golden.network import Network, random_network
from sw.images import data
from sw.models.encoding import extract
from sw.training.asked.config import Config


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


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run, as training leaves it, of models that learnt nothing."""
    folder = tmp_path_factory.mktemp("run")
    encoder = encoder_like_trained(False)
    images = data.load("digits", None).test_images
    encoder.logits.bias.data -= encoder(images).detach().mean(dim=0)
    encoder.save(folder / "encoder.safetensors")
    network = random_network((24, 8, 10))
    network.save(folder / "network.safetensors")
    save_codes(folder / "codes.safetensors", extract(encoder, images), np.zeros(450, int), 24)
    (folder / "config.json").write_text(json.dumps(asdict(Config())))
    return folder


def test_a_run_is_written_for_other_programs(finished, tmp_path, capsys):
    to = tmp_path / "out"
    assert export.main([str(finished), "--to", str(to)]) == 0
    said = capsys.readouterr().out
    assert said.endswith(f"\n{to}/network.onnx: 24-8-10, equal on all 450 test codes\n"
                         f"{to}/vectors.json: test codes with their scores and classes\n"
                         f"{to}/hybnn.c: asks a board from a microcontroller, with network.h\n")
    assert '{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}' in (to / "network.h").read_text()
    network, (codes, _) = (Network.load(finished / "network.safetensors"),
                           load_codes(finished / "codes.safetensors"))
    vectors = json.loads((to / "vectors.json").read_text())["vectors"]
    assert len(vectors) == 100
    for vector, code in zip(vectors, codes):
        assert bits.from_bytes(bytes.fromhex(vector["code"]), 24).tolist() == code.tolist()
        assert vector["class"] == golden.classify(network, code)
        assert vector["scores"].index(max(vector["scores"])) == vector["class"]
    logits = load_encoder(to / "encoder.onnx")(data.load("digits", None).test_images.numpy())
    differ = (logits >= 0) != codes
    assert np.abs(logits[differ]).max(initial=0) < 1e-6 < 0.1 < codes.mean() < 0.9
    assert said.startswith(f"{to}/encoder.onnx: in ONNX Runtime {differ.sum()} of 10,800 bits of "
                           "the test images differ\n")
    assert said.count("logit") == differ.sum()


def test_each_bit_that_differs_is_listed():
    handed = Handed(random_network((24, 8, 10)), 450, "codes", 24,
                    [Difference(7, 3, 1.25e-7, -2e-8)], 1)
    assert export.table(handed, Path("out")).splitlines()[:3] == [
        "out/encoder.onnx: in ONNX Runtime 1 of 10,800 bits of the test images differ",
        "  image 7, bit 3: logit 1.2e-07 in PyTorch, -2.0e-08 in ONNX Runtime",
        "  the class of 1 of these images is another"]


def test_a_bit_of_another_sign_is_found(finished, tmp_path, monkeypatch):
    """With an encoder whose biases are a little lower in the file than in PyTorch."""
    def lower(encoder, path):
        other = Encoder.load(finished / "encoder.safetensors")
        other.logits.bias.data -= 0.01
        write_encoder(other, path)

    monkeypatch.setattr(interchange, "write_encoder", lower)
    differences = hand_over(finished, tmp_path).differences
    assert differences and all(each.onnx < 0 <= each.torch < 0.0101 for each in differences)


def test_vectors_of_before_are_not_beside_another_network(finished, tmp_path, monkeypatch):
    hand_over(finished, tmp_path)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(interchange, "write_encoder", full)
    assert (tmp_path / "vectors.json").exists()
    assert export.main([str(finished), "--to", str(tmp_path)]) == 2
    assert not (tmp_path / "vectors.json").exists()


@pytest.mark.parametrize("spoil, said", [
    (lambda folder: (folder / "config.json").unlink(),
     "error: {} is not the folder of a run: it has no config.json\n"),
    (lambda folder: encoder_like_trained(False).save(folder / "encoder.safetensors"),
     "error: The codes in {} are not those of its encoder and test images\n"),
])
def test_mistakes_get_one_line(finished, tmp_path, capsys, spoil, said):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    spoil(folder)
    assert export.main([str(folder), "--to", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == said.format(folder)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("stages, pixels", [("4s4p-d8", "8"), ("5k5s3b0", "1"), ("d16", "3")])
def test_a_network_on_the_chip_is_handed_over_without_an_encoder(tmp_path, capsys, stages, pixels):
    run, to = tmp_path / "run", tmp_path / "to"
    assert train.main(["--on-chip", stages, "--pixels", pixels, "--epochs", "1", "--device", "cpu",
                       "--out", str(run)]) == 0
    capsys.readouterr()
    assert export.main([str(run), "--to", str(to)]) == 0
    network = Network.load(run / "network.safetensors")
    assert capsys.readouterr().out.splitlines() == [
        f"{to}/network.onnx: {network}, equal on all 450 test images",
        f"{to}/vectors.json: test images with their scores and classes",
        f"{to}/hybnn.c: asks a board from a microcontroller, with network.h"]
    assert sorted(path.name for path in to.iterdir()) == [
        "hybnn.c", "hybnn.h", "network.h", "network.onnx", "vectors.json"]
    first = json.loads((to / "vectors.json").read_text())["vectors"][0]
    code = bits.from_bytes(bytes.fromhex(first["code"]), network.n_in)
    assert first["scores"] == golden.trace(network, code)[-1].tolist()
