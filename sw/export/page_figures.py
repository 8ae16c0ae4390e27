"""What the page of a run shows of its test images and its training, drawn."""

import base64
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from matplotlib import ticker
from matplotlib.figure import Figure
from torch import Tensor

from ..golden import bits, forward
from ..golden.network import Network
from ..golden.stages import Signature
from ..models.autoencoder import decoder
from ..models.checkpoint import CheckpointError
from ..models.encoding import unpack_signs

__all__ = ["Section", "Shown", "confusion", "curves", "pictures", "reconstructions", "wrong"]

WRONG = 40    # Misclassified images shown, at the most.


@dataclass(frozen=True)
class Section:
    """A part of the page: text, a table whose first row is its heading, a picture as base64."""

    heading: str
    text: str = ""
    rows: list[list[str]] = field(default_factory=list)
    picture: str = ""


@dataclass(frozen=True)
class Shown:
    """What a run's files say of its test images, which are those of its task, in their order.

    Attributes
    ----------
    images : float array of shape ``(n, side, side)``, or ``(n, side, side, 3)`` in colour
    codes : uint8 array of shape ``(n, n_bits)``
    labels, classes : int64 arrays of shape ``(n,)``
        The true ones, and golden's.
    names : tuple of str
        Of the classes.
    """

    images: np.ndarray
    codes: bits.Bits
    labels: np.ndarray
    classes: np.ndarray
    names: tuple[str, ...]
    network: Network

    @property
    def first_of_each(self) -> list[int]:
        """The first test image of each class that has one: of large images, few are in a file."""
        _, first = np.unique(self.labels, return_index=True)
        return [int(at) for at in first]


def curves(states: dict[str, Any]) -> Iterator[Section]:
    """Draw the loss of each phase against its epochs."""
    curves = {phase: state["losses"].tolist() for phase, state in states.items()
              if "losses" in state}
    if not curves:
        return
    figure = Figure(figsize=(10, 2.4), layout="constrained")
    for axes, (phase, losses) in zip(figure.subplots(1, len(curves), squeeze=False)[0],
                                     curves.items(), strict=True):
        axes.plot(range(1, len(losses) + 1), losses)
        axes.set_title(phase.replace("_", " "), fontsize=9)
        axes.set_xlabel("epoch", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.xaxis.set_major_locator(ticker.MaxNLocator(4, integer=True))
        axes.spines[["top", "right"]].set_visible(False)
    yield Section("Training", "Mean loss of each epoch, on what the phase was trained on.",
                  picture=_png(figure))


def confusion(shown: Shown) -> Section:
    n = len(shown.names)
    counts = np.zeros((n, n), int)
    np.add.at(counts, (shown.labels, shown.classes), 1)
    figure = Figure(figsize=(min(10, 2 + 0.55 * n), min(9, 1.6 + 0.45 * n)), layout="constrained")
    axes = figure.subplots()
    wrong = np.where(np.eye(n, dtype=bool), 0, counts)
    axes.imshow(wrong, cmap="Oranges", vmin=0, vmax=max(1, wrong.max() * 1.5))
    for at, count in np.ndenumerate(counts):
        if count:
            axes.text(at[1], at[0], str(count), ha="center", va="center", fontsize=8)
    axes.set_xticks(range(n), shown.names, fontsize=8, rotation=0 if n < 12 else 90)
    axes.set_yticks(range(n), shown.names, fontsize=8)
    axes.set_xlabel("class chosen")
    axes.set_ylabel("true class")
    return Section("Confusion", f"{int(wrong.sum())} of {len(shown.labels)} test images are "
                                "wrong, by golden's arithmetic.", picture=_png(figure))


def reconstructions(shown: Shown, states: dict[str, Any]) -> Iterator[Section]:
    """Draw what the decoder makes of codes, where the run has trained one."""
    state = states.get("autoencoder", {}).get("model", {})
    prefix = "decoder."
    try:
        weights = {name.removeprefix(prefix): tensor for name, tensor in state.items()
                   if name.startswith(prefix)}
        if not weights:
            return
        draw = decoder(shown.codes.shape[1])
        draw.load_state_dict(weights)
    except (AttributeError, TypeError, RuntimeError):
        raise CheckpointError("The checkpoint's decoder is none for codes of "
                              f"{shown.codes.shape[1]} bits") from None
    chosen = shown.first_of_each
    with torch.no_grad():
        signs: Tensor = unpack_signs(bits.pack(shown.codes[chosen]), shown.codes.shape[1])
        drawn = draw.eval()(signs).sigmoid()[:, 0].numpy()
    figure = Figure(figsize=(10, 2.2), layout="constrained")
    _gallery(figure, [*shown.images[chosen], *drawn], [
        *(shown.names[shown.labels[at]] for at in chosen), *[""] * len(chosen)],
             len(chosen))
    yield Section(f"Drawn from {shown.codes.shape[1]} bits",
                  "Above, a test image of each class; below, what the decoder makes of its code. "
                  "No label had a part in this.", picture=_png(figure))


def pictures(shown: Shown) -> Section:
    """Draw the way of one image of each class: its code, what each stage gives, the scores."""
    chosen, signature = shown.first_of_each, shown.network.signature
    codes = [] if signature.widths is None else ["code"]    # Else the image itself goes in.
    titles = ["image", *codes, *_titles(signature), "scores"]
    figure = Figure(figsize=(10, 1.15 * len(chosen)), layout="constrained")
    grid = figure.subplots(len(chosen), len(titles), squeeze=False)
    for row, at in zip(grid, chosen, strict=True):
        *hidden, scores = forward.trace(shown.network, shown.codes[at])
        row[0].imshow(shown.images[at], cmap="gray_r")
        for axes, x in zip(row[1:], [*[shown.codes[at]] * len(codes), *hidden]):
            _bits(axes, x) if x.ndim == 1 else _map(axes, x)
        best = int(shown.classes[at])
        row[-1].bar(range(len(scores)), scores - scores.min() + 1,
                    color=["tab:orange" if klass == best else "tab:gray"
                           for klass in range(len(scores))])
        row[-1].set_xticks(range(len(scores)), shown.names, fontsize=6)
        row[-1].set_yticks([])
        row[-1].spines[["top", "right", "left"]].set_visible(False)
        for axes in row[:-1]:
            axes.set_axis_off()
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=9)
    return Section("From image to class", "A black square is a bit of 1, that is +1; in a layer, a "
                   "neuron that fired, and in a map a channel at one place: each small square is a "
                   "channel. The class with the highest score is orange.",
                   picture=_png(figure))


def _titles(signature: Signature) -> list[str]:
    """Say what each stage before the readout is, as in the signature, and which map it gives.

    >>> _titles(Signature.parse("28x28x1:8-16s2p-d64-10"))
    ['16s2: 14x14x16', 'p: 7x7x16', 'd64: 64']
    >>> _titles(Signature.parse("200-64-10"))
    ['layer 0']
    """
    if signature.widths:
        return [f"layer {number}" for number in range(len(signature.stages) - 1)]
    return [f"{stage.text(after_map=True)}: {gives}"
            for stage, gives in zip(signature.stages[:-1], signature.maps[1:])]


def _map(axes: Any, x: np.ndarray) -> None:
    """Draw a map ``(height, width, channels)`` as small squares, one a channel, in rows."""
    height, width, channels = x.shape
    columns = math.ceil(math.sqrt(channels * height / width))
    rows = math.ceil(channels / columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for channel in range(channels):
        top, left = channel // columns * (height + 1), channel % columns * (width + 1)
        sheet[top:top + height, left:left + width] = x[:, :, channel]
    axes.imshow(sheet, cmap="Greys", vmin=-0.12, vmax=1)


def _bits(axes: Any, x: bits.Bits) -> None:
    """Draw bits as squares, two rows to one, from left to right and down."""
    rows = max(1, int((len(x) / 2) ** 0.5))
    columns = -(-len(x) // rows)
    padded = np.full(rows * columns, np.nan)
    padded[:len(x)] = x
    axes.imshow(padded.reshape(rows, columns), cmap="Greys", vmin=-0.08, vmax=1)


def wrong(shown: Shown) -> Iterator[Section]:
    wrong = np.flatnonzero(shown.classes != shown.labels)[:WRONG]
    if not len(wrong):
        return
    figure = Figure(figsize=(10, 1.3 * -(-len(wrong) // 10)), layout="constrained")
    _gallery(figure, list(shown.images[wrong]),
             [f"{shown.names[shown.labels[at]]} → {shown.names[shown.classes[at]]}"
              for at in wrong], 10)
    yield Section("Misclassified", f"The first {len(wrong)} of them: true class → class chosen.",
                  picture=_png(figure))


def _gallery(figure: Figure, images: list[np.ndarray], titles: list[str], columns: int) -> None:
    grid = figure.subplots(-(-len(images) // columns), columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, image, title in zip(grid.flat, images, titles):
        axes.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        axes.set_title(title, fontsize=8)


def _png(figure: Figure) -> str:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return base64.b64encode(file.getvalue()).decode()
