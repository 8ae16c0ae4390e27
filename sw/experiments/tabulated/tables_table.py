"""The table of tables: what binary networks and random forests get right, of all splits."""

import csv
import io
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.ensemble import RandomForestClassifier

from ...golden import regular
from ...golden.network import atomic_write
from ...images import table
from ...terminal import markdown
from ...training import tabular
from ...training.asked.columns import HIDDEN, TableConfig
from ..trained import vibration
from .publishing import publish, spread
from .resumed import resumed

__all__ = ["SEEDS", "TABLES", "study", "tabulate"]

TABLES = ("iris", "wine", "breast_cancer", "vibration")
SEEDS = (0, 1, 2, 3, 4)    # Each tests on other rows.
LABEL = "class"
WINDOWS = 800              # Of the machine's vibrations.
HEADING = ["table", "rows", "columns", "classes", "network", "splits", "binary network, %",
           "random forest, %", "training, seconds"]


def study(name: str, page: Path, arguments: Namespace) -> int:
    """Train what is not trained yet, and write the table; see the command."""
    tables, seeds = (TABLES[:1], SEEDS[:2]) if arguments.small else (TABLES, SEEDS)
    (arguments.out / "tables").mkdir(parents=True, exist_ok=True)
    for each in tables:
        _write(each, _file(arguments.out, each))
    for seed in seeds:
        for each in tables:
            _train(arguments, each, seed)
    publish(tabulate(arguments.out, tables), arguments.out / "tables.md", name, page, arguments)
    return 0


def _write(name: str, path: Path) -> None:
    """Write one of the tables as a CSV file, always the same."""
    if name == "vibration":
        x, states = vibration.draw(WINDOWS, seed=0)
        names, labels = vibration.COLUMNS, [vibration.STATES[state] for state in states]
    else:
        bundled = getattr(datasets, f"load_{name}")()
        x, names = bundled.data, tuple(bundled.feature_names)
        labels = [str(bundled.target_names[klass]) for klass in bundled.target]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([[*names, LABEL], *([*map(repr, row), label]
                                         for row, label in zip(x.tolist(), labels))])
    atomic_write(path, text.getvalue().encode())


def _train(arguments: Namespace, name: str, seed: int) -> None:
    """Train a network and a forest on the same rows of a table, unless that is done."""
    file, folder = _file(arguments.out, name), _folder(arguments.out, name, seed)
    config = tabular.decide(
        file, LABEL, levels=None, hidden=HIDDEN, binarizer="sign", seed=seed,
        device=arguments.device, epochs=2 if arguments.small else None)
    begun = resumed(folder, config, lambda found: isinstance(found, TableConfig) and replace(
        found, device=config.device) == config)
    if begun:
        tabular.train(begun, *tabular.load(config))
    if not (folder / "forest.json").exists():
        atomic_write(folder / "forest.json", f"{_forest(file, seed):.2f}\n".encode())


def _forest(file: Path, seed: int) -> float:
    """Return the per cent of the rows to test on that a forest gets right, as it comes."""
    found = table.read(file, LABEL)
    train, test = table.divide(found, seed)
    x, y = np.array(found.rows, np.float64), np.array(found.labels)
    forest = RandomForestClassifier(random_state=seed).fit(x[train], y[train])
    return 100 * float(forest.score(x[test], y[test]))


def tabulate(out: Path, tables: tuple[str, ...]) -> str:
    """Return the table of what is trained so far; accuracies as mean ± standard deviation."""
    return markdown.table(HEADING, [*_rows(out, tables)])


def _rows(out: Path, tables: tuple[str, ...]) -> Iterator[list[str]]:
    for name in tables:
        folders = [folder for seed in SEEDS
                   if ((folder := _folder(out, name, seed)) / "forest.json").exists()]
        if not folders:
            continue
        found: list[dict[str, Any]] = [regular.read_json(each / "metrics.json")
                                       for each in folders]
        given = table.read(_file(out, name), LABEL)
        yield [name.replace("_", " "), f"{len(given.rows):,}", str(len(given.names)),
               str(len({*given.labels})), found[0]["network"]["shape"], str(len(folders)),
               spread([each["accuracy"]["table"] for each in found]),
               spread([regular.read_json(each / "forest.json") for each in folders]),
               f"{mean(sum(each['seconds'].values()) for each in found):.0f}"]


def _file(out: Path, name: str) -> Path:
    return out / "tables" / f"{name}.csv"


def _folder(out: Path, name: str, seed: int) -> Path:
    return out / "tables" / f"{name}-{seed}"
