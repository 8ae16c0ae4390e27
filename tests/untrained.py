"""A run's folder without training: an encoder and a network of random numbers."""

import json
from dataclasses import asdict

import numpy as np
import torch
from torch.nn import functional as F

from sw.golden.codes import save_codes
from sw.golden.network import random_network
from sw.models.autoencoder import Encoder
from sw.training.asked.config import Config

SHAPE = (200, 16, 10)    # That of sim/test_board.py, so that it is compiled once.


def make_run(folder):
    """Write what sw.classify and sw.demo read of a run."""
    torch.manual_seed(0)
    encoder, network = Encoder(SHAPE[0], 4).eval(), random_network(SHAPE)
    blots = F.interpolate((torch.rand(256, 1, 5, 5) > 0.7).float(), 28, mode="bilinear")
    with torch.no_grad():    # Else most bits are the same for all pictures.
        encoder.logits.bias -= encoder(blots).mean(0)
    codes = np.random.default_rng(0).integers(0, 256, (50, SHAPE[0] // 8), np.uint8)
    (folder / "config.json").write_text(json.dumps(asdict(Config(data="mnist"))))
    encoder.save(folder / "encoder.safetensors")
    network.save(folder / "network.safetensors")
    save_codes(folder / "codes.safetensors", codes, np.arange(50) % 10, SHAPE[0])
    (folder / "metrics.json").write_text("{}")
    return folder
