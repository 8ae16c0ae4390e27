import json
import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from sw.golden import tensors
from sw.models.autoencoder import BinaryAutoencoder, Encoder, EncoderFileError, disagreement
from sw.models.encoding import extract, pack_signs


def test_folded_encoder_gives_the_code_that_the_decoder_sees():
    torch.manual_seed(0)
    model, images = BinaryAutoencoder(24, 2), torch.rand(50, 1, 28, 28)
    for _ in range(20):
        model(images)    # Moves the running means and variances.
    logits = model.eval().encode(images)
    assert (logits - model.fold()(images)).abs().max() < 1e-4
    assert extract(model.fold(), images).tolist() == pack_signs(logits.detach()).tolist()


def test_two_views_that_agree_are_better_than_two_that_do_not():
    torch.manual_seed(0)
    logits = torch.randn(30, 24)
    losses = [float(disagreement(logits, others)) for others in (
        logits, logits + torch.randn(30, 24), torch.randn(30, 24), -logits)]
    assert losses == sorted(losses)


def test_extraction_does_not_depend_on_the_mode_it_finds():
    encoder, images = Encoder(24, 2), torch.rand(7, 1, 28, 28)
    assert (extract(encoder.train(), images) == extract(encoder.eval(), images)).all()


def test_macs_of_the_published_encoder():
    assert Encoder(200, 32).macs == 2_548_864    # BinPlay's, as counted in its code.


@pytest.mark.parametrize("channels, side, shape", [
    (1, 28, "28x28-2-24"), (3, 32, "32x32x3-2-24"), (3, 9, "9x9x3-2-24"), (1, 64, "64x64-2-24")])
def test_encoder_comes_back(tmp_path, channels, side, shape):
    encoder = Encoder(24, 2, channels=channels, side=side)
    images = torch.rand(7, channels, side, side)
    encoder(images)    # Moves the running mean and variance.
    encoder.save(tmp_path / "encoder")
    description, _ = tensors.read(tmp_path / "encoder", {"hybnn-encoder-1": ["shape"]}, 1 << 30)
    assert description["shape"] == shape
    assert (extract(Encoder.load(tmp_path / "encoder"), images) == extract(encoder, images)).all()


def test_the_same_encoder_is_the_same_file(tmp_path):
    encoder = Encoder(24, 2)
    encoder.save(tmp_path / "one")
    encoder.save(tmp_path / "other")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


@pytest.mark.parametrize("metadata, changes, reason", [
    ({"format": "pt"}, {}, "its format is 'pt', not 'hybnn-encoder-1'"),
    ({"shape": "28x28-2"}, {}, "its shape must be like '28x28-16-200' or, in colour, "
                               "'32x32x3-16-200', not '28x28-2'"),
    ({"shape": "28x29-2-24"}, {}, "its shape must be like '28x28-16-200' or, in colour, "
                                  "'32x32x3-16-200', not '28x29-2-24'"),
    ({}, {"logits.bias": torch.zeros(24, dtype=torch.float64)},
     "'logits.bias' must be torch.float32, not torch.float64"),
    ({}, {"logits.bias": torch.full((24,), torch.nan)}, "'logits.bias' must be finite"),
])
def test_what_is_no_encoder_is_refused(tmp_path, metadata, changes, reason):
    path = tmp_path / "encoder"
    Encoder(24, 2).save(path)
    description = {"format": "hybnn-encoder-1", "shape": "28x28-2-24", **metadata}
    save_file(load_file(path) | changes, path, {"hybnn": json.dumps(description)})
    with pytest.raises(EncoderFileError,
                       match=f"^{re.escape(f'{path} is not an encoder file: {reason}')}$"):
        Encoder.load(path)


def test_a_shape_that_is_not_that_of_the_tensors_is_refused(tmp_path):
    Encoder(24, 2).save(tmp_path / "encoder")
    save_file(load_file(tmp_path / "encoder"), tmp_path / "encoder",
              {"hybnn": json.dumps({"format": "hybnn-encoder-1", "shape": "28x28-2-99999"})})
    with pytest.raises(EncoderFileError, match=r"^.* is not an encoder file: .*size mismatch for "
                                               r"logits\.weight: .*$"):
        Encoder.load(tmp_path / "encoder")
