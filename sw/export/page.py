"""A finished run on one page, ``report.html`` in its folder.

The page is a single file that needs nothing but a browser.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from matplotlib import rc_context

from ..golden import fast, forward, networks, regular
from ..golden.codes import load_codes
from ..golden.network import MAX_BYTES
from ..golden.tensors import atomic_write
from ..images import data
from ..training.asked.columns import TableConfig
from ..training.asked.config import Description
from ..training.asked.configs import asked, describe, names_of
from ..training.asked.effort import RunError
from ..training.asked.labels import LABELS
from ..training.asked.stages import OnChipConfig
from ..training.run import load_states
from . import page_figures as drawn
from .page_figures import Section, Shown

__all__ = ["report"]

TEMPLATE = Path(__file__).with_suffix(".html.jinja")


def report(folder: Path, data_dir: Path | None) -> Path:
    """Write the page of a finished run; return its path.

    Raises
    ------
    RunError
        The folder is not that of a finished run.
    """
    if not (folder / "metrics.json").is_file():
        raise RunError(f"{folder} is not the folder of a finished run: it has no metrics.json")
    described = describe(folder)
    accuracies = _accuracies(folder / "metrics.json")
    shown = _look(folder, described, data_dir)
    _check(folder, shown)
    states: dict[str, Any] = {}
    if (folder / "checkpoint.safetensors").exists():
        states = load_states(folder / "checkpoint.safetensors")
    # An encoder that was split between host and board has learnt on: its decoder knows other codes.
    decoders = {} if (folder / "split.json").exists() else states
    with rc_context({"text.parse_math": False}):    # A class may be called $a$.
        sections = [
            accuracies, *drawn.curves(states), drawn.confusion(shown),
            *drawn.reconstructions(shown, decoders), drawn.pictures(shown), *drawn.wrong(shown),
            *_builds(folder), *_rungs(folder)]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(TEMPLATE.read_text()).render(
        title=f"{shown.network} on {described.data}, task {described.task}",
        subtitle=f"{folder.name}, seed {described.seed}, binarizer {described.binarizer}",
        sections=sections)
    path = folder / "report.html"
    atomic_write(path, page.encode(errors="replace"))
    return path


def _look(folder: Path, described: Description, data_dir: Path | None) -> Shown:
    network = networks.load(folder / "network.safetensors")
    test_codes, labels = load_codes(folder / "codes.safetensors", network.n_in)
    classes = fast.classify_all(network, test_codes)
    found = asked(folder)
    if isinstance(found, TableConfig):
        side = math.isqrt(test_codes.shape[1] - 1) + 1
        squares = np.zeros((len(test_codes), side * side), np.float32)
        squares[:, :test_codes.shape[1]] = test_codes
        return Shown(squares.reshape(-1, side, side), test_codes, labels, classes,
                     names_of(folder), network)
    if isinstance(found, OnChipConfig):    # Its codes are the images.
        pixels = forward.elements(network.input, test_codes) / np.float32(network.input.top)
        return Shown(pixels[..., 0] if network.input.channels == 1 else pixels, test_codes,
                     labels, classes, names_of(folder), network)
    where = data_dir or (Path(described.data_dir) if described.data_dir else None)
    chosen = data.select(data.load(described.data, where), described.task)
    if not np.array_equal(chosen.test_labels.numpy(), labels):
        raise RunError(f"{folder} was made of other test images than {described.data} has now")
    return Shown(chosen.test_images[:, 0].numpy(), test_codes, labels, classes, chosen.classes,
                 network)


def _check(folder: Path, shown: Shown) -> None:
    """Raise :exc:`RunError` unless labels and names are those of the network's classes."""
    n_classes = shown.network.n_classes
    if len(shown.names) != n_classes:
        raise RunError(f"{folder} must have names of the network's {n_classes} classes, not of "
                       f"{len(shown.names)}: its files do not belong together")
    if not len(shown.labels) or shown.labels.max() >= n_classes:
        raise RunError(f"{folder / 'codes.safetensors'} must have codes with labels below "
                       f"{n_classes}: take the file that the run wrote")


def _accuracies(path: Path) -> Section:
    rows = [["", "test images, %"]]
    with _reading(path, "the accuracies of a run") as content:
        for name, value in content["accuracy"].items():
            if type(value) not in (int, float) or not 0 <= value <= 100:
                raise ValueError
            rows.append([LABELS.get(name, name), f"{value:.2f}"])
    return Section("Accuracy", rows=rows)


@contextmanager
def _reading(path: Path, what: str) -> Iterator[Any]:
    """Return what a JSON file holds; say that it does not hold ``what`` if it turns out so."""
    try:
        yield regular.read_json(path)
    except (ValueError, TypeError, LookupError, AttributeError):
        raise RunError(f"{path} does not hold {what}") from None


def _builds(folder: Path) -> Iterator[Section]:
    """Line up the bitstreams of the run."""
    rows = [["board", "folding", "logic cells", "block RAMs", "Fmax, MHz", "clock, MHz",
             "cycles", "inferences/s, layers", "inferences/s, link"]]
    for path in sorted(folder.glob("build/*/report.json")):
        with _reading(path, "the report of a build") as build:
            rows.append([
                build["board"], build["folding"],
                *("{:,} of {:,}".format(*build[key]) for key in ("logic_cells", "block_rams")),
                f"{build['fmax_mhz']:.1f}", f"{build['clock_mhz']:g}",
                str(build["cycles_per_inference"]),
                *(f"{build[f'inferences_per_second_{of}']:,}" for of in ("layers", "link"))])
    if rows[1:]:
        yield Section("Bitstreams", rows=rows)


def _rungs(folder: Path) -> Iterator[Section]:
    """Line up what ``sim.verify`` found of this network, as of which plan."""
    path = folder / "verify.json"
    if path.exists():
        rows = [["rung", "compared", "vectors", "result"]]
        with _reading(path, "what sim.verify found") as found:
            of_network = found.get("network_sha256")
            if of_network is not None and of_network != _sha256(folder / "network.safetensors"):
                return    # Found of the network that was here before.
            rows += [[str(rung["rung"]), f"{rung['left']} = {rung['right']}",
                      f"{rung['vectors']:,} {rung['unit']}", rung["result"]]
                     for rung in found["rungs"]]
            plan = found.get("plan") or {}
            of = [str(plan[name]) for name in ("board", "folding") if plan.get(name)]
            title = ", ".join(["Bit for bit", *of, *["reloadable"] * bool(plan.get("reloadable"))])
        yield Section(title, rows=rows)


def _sha256(path: Path) -> str:
    return sha256(regular.read_bytes(path, MAX_BYTES)).hexdigest()
