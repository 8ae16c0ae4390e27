"""Networks that could be trained on images, trained briefly: ``--as auto`` asks which is best.

Some of the images to train on are held out, and say it. Those to test on have no part in it.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ..golden.stages import Signature
from ..models import encoding
from ..models.binarizer import BINARIZERS
from ..models.classifier import BinaryClassifier
from ..models.onchip import OnChip
from . import onchip, task
from .asked.config import Config
from .asked.effort import RunError
from .asked.ways import Candidate
from .device import Engine
from .encoder import load_encoder, train_encoder
from .run import Phases, choose_device
from .task import BINARY_RATE, Recipe

__all__ = ["LEARNT", "Trial", "draw"]

LEARNT, HELD = 2000, 1000    # Images, at the most.
LEAST = 20                   # Fewer say nothing.
EPOCHS, BATCH = 10, 50       # Of a network on the chip, and of an encoder.
HEAD = Recipe(40, BATCH, BINARY_RATE)    # Behind an encoder, where an epoch is short.


@dataclass(frozen=True)
class Trial:
    """Bytes ``(n, height, width, channels)`` and labels: to learn from, and held out."""

    learnt: Tensor
    learnt_labels: Tensor
    held: Tensor
    held_labels: Tensor
    n_classes: int

    def right(self, candidates: Sequence[Candidate], hybrid: Config | None, *, binarizer: str,
              augment: str, seed: int, device: str, threads: int) -> dict[str, float]:
        """Train each candidate; return by its name the per cent of those held out it gets right.

        ``hybrid`` says how the one behind an encoder is made, if it is among them.
        """
        found = {}
        for each in candidates:
            with tempfile.TemporaryDirectory() as folder:
                phases = Phases(Path(folder), seed, {}, Engine(choose_device(device)))
                if hybrid and each.way == "hybrid":
                    torch.set_num_threads(1)
                    found[each.name] = self._hybrid(phases, hybrid)
                else:
                    torch.set_num_threads(threads)
                    found[each.name] = self._on_chip(phases, each, binarizer, augment)
        return found

    def _on_chip(self, phases: Phases, candidate: Candidate, binarizer: str,
                 augment: str) -> float:
        rows = [self.learnt.to(phases.device), self.learnt_labels.to(phases.device)]
        shape: Signature = candidate.signature
        model = phases.train(f"try {candidate.name}", partial(OnChip, shape, BINARIZERS[binarizer]),
                             partial(onchip.loss, augment, None),
                             Recipe(EPOCHS, BATCH, BINARY_RATE), lambda _: rows).cpu()
        return task.test(model, onchip.elements(self.held, shape.input), self.held_labels)

    def _hybrid(self, phases: Phases, config: Config) -> float:
        learnt, held = (part.permute(0, 3, 1, 2) / 255 for part in (self.learnt, self.held))
        if config.encoder:
            encoder = load_encoder(Path(config.encoder))
        else:
            plan = replace(config.encoder_plan(), epochs=EPOCHS, batch=BATCH)
            images = learnt.to(phases.device)
            encoder = train_encoder(phases, plan, lambda _: [images])
        learnt, held = (encoding.unpack_signs(encoding.extract(encoder, part), encoder.n_bits)
                        for part in (learnt, held))
        rows = [learnt.to(phases.device), self.learnt_labels.to(phases.device)]
        make = partial(BinaryClassifier, encoder.n_bits, config.hidden, self.n_classes,
                       BINARIZERS[config.binarizer])
        model = phases.train("try hybrid", make, task.binary_loss, HEAD, lambda _: rows).cpu()
        return task.test(model, held, self.held_labels)


def draw(inputs: onchip.Inputs, seed: int) -> Trial:
    """Draw from images to train on; :exc:`RunError` if there are too few of them."""
    n = len(inputs.train)
    if n < LEAST:
        raise RunError(f"--as auto holds images out, and needs {LEAST} of them to train on, not "
                       f"{n}: say --as on-chip, or give more")
    rows = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    held, learnt = rows.split([min(HELD, n // 4), n - min(HELD, n // 4)])
    learnt = learnt[:LEARNT]
    return Trial(inputs.train[learnt], inputs.train_labels[learnt], inputs.train[held],
                 inputs.train_labels[held], inputs.n_classes)
