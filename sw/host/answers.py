"""A board's answers beside golden's: one after the other, or all, with accuracy and speed."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from ..golden import fast, forward
from ..golden.bits import Bits
from ..golden.network import Network
from .board import Board
from .certainty import margins

__all__ = ["EXIT_DIFFERENT", "Inputs", "measure", "show"]

EXIT_DIFFERENT = 1
NOT_SURE = "not sure"


@dataclass(frozen=True)
class Inputs:
    """Codes, or images, to classify: bits ``(n, n_in)``, a name for each, their labels and the
    classes' names, as far as these are known."""

    codes: Bits
    names: Sequence[str]
    labels: npt.NDArray[np.int64] | None = None
    classes: Sequence[str] = ()

    def name(self, klass: int) -> str:
        return self.classes[klass] if klass < len(self.classes) else str(klass)

    def first(self, count: int) -> "Inputs":
        labels = None if self.labels is None else self.labels[:count]
        return Inputs(self.codes[:count], self.names[:count], labels, self.classes)


def show(board: Board, network: Network, inputs: Inputs, margin: int | None = None) -> int:
    """Classify one after the other and print each; return an exit code.

    Of less than a ``margin`` between golden's best scores, the answer is that it is not sure.
    """
    width = max(map(len, ["image", *inputs.names]))
    print(f"{'image':<{width}}  {'label':>12}  {'board':>12}  {'golden':>12}  latency")
    wrong = 0
    for number, (name, code) in enumerate(zip(inputs.names, inputs.codes)):
        begun = time.perf_counter()
        klass = int(board.classify(code[None])[0])
        latency = time.perf_counter() - begun
        scores = forward.trace(network, code)[-1]
        golden = int(scores.argmax())
        sure = margin is None or int(margins(scores[None])[0]) >= margin
        label = "-" if inputs.labels is None else inputs.name(int(inputs.labels[number]))
        answers = (inputs.name(each) if sure else NOT_SURE for each in (klass, golden))
        print(f"{name:<{width}}  {label:>12}  {'  '.join(f'{each:>12}' for each in answers)}  "
              f"{1e3 * latency:.2f} ms")
        wrong += klass != golden
    return _verdict(wrong, len(inputs.codes))


def measure(board: Board, network: Network, inputs: Inputs, margin: int | None = None) -> int:
    """Classify all, one right after the other; print how well and how fast; return an exit code.

    With a ``margin``, it also prints how many have it, and how well these are classified.
    """
    count, kind = len(inputs.codes), "codes" if network.signature.widths else "images"
    with tqdm(total=count, unit=f" {kind}", disable=None, leave=False) as bar:
        begun = time.perf_counter()
        classes = board.classify(inputs.codes, bar.update)
        seconds = time.perf_counter() - begun
    wrong = int((classes != fast.classify_all(network, inputs.codes)).sum())
    rows = {kind: f"{count:,}, equal to golden: {count - wrong:,}"}
    if inputs.labels is not None:
        rows["accuracy"] = f"{(classes == inputs.labels).mean():.2%}"
    if margin is not None:
        sure = margins(fast.scores_all(network, inputs.codes)) >= margin
        rows["sure of"] = f"{sure.sum():,}"
        if inputs.labels is not None and sure.any():
            rows["sure of"] += f", right: {(classes == inputs.labels)[sure].mean():.2%}"
    rows["throughput"] = f"{count / seconds:,.0f} {kind}/s"
    if board.identity.clock:
        rows["the wire"] = (f"{board.codes_per_second:,.0f} {kind}/s at {board.speed}, of which "
                            f"that is {count / seconds / board.codes_per_second:.1%}")
    rows["sent again"] = f"{board.repeated:,} requests"
    print("\n".join(f"  {name:<12} {value}" for name, value in rows.items()))
    return _verdict(wrong, count)


def _verdict(wrong: int, count: int) -> int:
    if wrong:
        print(f"error: board and golden differ on {wrong} of {count} codes: does the board hold "
              "this network?", file=sys.stderr)
    return EXIT_DIFFERENT if wrong else 0
