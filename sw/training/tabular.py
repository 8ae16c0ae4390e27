"""A run of ``sw.train --table``: a binary network on the bits of a table's rows."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from ..golden.bits import pack
from ..golden.network import Network
from ..golden.stages import Signature
from ..images import table
from ..images.table import Encoding, Table
from ..models.binarizer import BINARIZERS
from ..models.classifier import BinaryClassifier
from ..models.encoding import CodeSet
from . import hybrid, task
from .asked.columns import BATCH, TableConfig, epochs_for, levels_for
from .asked.config import check_seed
from .asked.effort import RunError
from .run import Run
from .task import Recipe

__all__ = ["ENCODING", "Inputs", "decide", "load", "train"]

ENCODING = "encoding.json"


@dataclass(frozen=True)
class Inputs:
    """A table's rows as bits, divided, and how they become bits."""

    encoding: Encoding
    codes: CodeSet

    def signature(self, hidden: tuple[int, ...]) -> Signature:
        """Return the shape of the network with these hidden widths."""
        return Signature.dense(self.encoding.n_bits, *hidden, len(self.encoding.classes))


def decide(path: Path, label: str, *, levels: int | None, hidden: tuple[int, ...], binarizer: str,
           seed: int, device: str, epochs: int | None) -> TableConfig:
    """Settle what was left open by how many rows and columns there are."""
    check_seed(seed)    # Rows are divided by it before there is a configuration.
    found = table.read(path, label)
    rows, _ = table.divide(found, seed)
    return TableConfig(str(path), label, levels_for(len(found.names)) if levels is None else levels,
                       hidden, binarizer, seed, device,
                       epochs_for(len(rows)) if epochs is None else epochs,
                       min(BATCH, len(rows)), found.fingerprint)


def load(config: TableConfig) -> tuple[Inputs]:
    """Return the rows of a run's table; :exc:`RunError` if they are others than when it began."""
    found = table.read(Path(config.table), config.label)
    if found.fingerprint != config.fingerprint:
        raise RunError(f"{config.table} holds other rows than when the run was begun")
    return (inputs_of(found, config),)


def inputs_of(found: Table, config: TableConfig) -> Inputs:
    """Divide a table and make bits of it."""
    train, test = table.divide(found, config.seed)
    encoding = table.fit(found, train, config.label, config.levels)
    codes, labels = encoding.encode(found), torch.from_numpy(encoding.targets(found))
    return Inputs(encoding, CodeSet(pack(codes[train])[None], labels[train], pack(codes[test]),
                                    labels[test], encoding.n_bits))


def train(run: Run[TableConfig], inputs: Inputs) -> dict[str, float]:
    """Train, test and export; return the accuracy in per cent of the test rows."""
    torch.set_num_threads(1)    # As for a hybrid network.
    config, codes = run.config, inputs.codes
    loss, rate = task.METHODS[BinaryClassifier]
    make = partial(BinaryClassifier, codes.n_bits, config.hidden, len(inputs.encoding.classes),
                   BINARIZERS[config.binarizer])
    model = run.train("hybrid", make, loss, Recipe(config.epochs, config.batch, rate),
                      lambda number: [each.to(run.device) for each in codes.epoch(number)]).cpu()
    run.save()
    inputs.encoding.save(run.folder / ENCODING)
    network = hybrid.write_network(run.folder, model, codes)
    accuracy = {"table": round(task.test(model, *codes.test()), 2)}
    run.write_json("metrics.json", _metrics(run, inputs, network, accuracy))
    return accuracy


def _metrics(run: Run[TableConfig], inputs: Inputs, network: Network,
             accuracy: dict[str, float]) -> dict[str, object]:
    codes = inputs.codes
    return {
        "accuracy": accuracy, "data": run.config.name, "classes": inputs.encoding.classes,
        "binarizer": run.config.binarizer, "seed": run.config.seed,
        "rows": {"train": len(codes.train_labels), "test": len(codes.test_labels)},
        "network": {"shape": str(network), "weight_bits": network.n_weights,
                    "thresholds": sum(layer.n_out for layer in network.layers),
                    "offsets": network.n_classes},
        "losses": run.losses("hybrid"), "seconds": run.seconds, "versions": run.versions(),
    }
