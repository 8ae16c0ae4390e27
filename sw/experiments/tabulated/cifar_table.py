"""The study of SD-BNN on CIFAR-10: its arms, and the table of those that are done."""

import json
import math
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...golden import regular
from ...golden.errors import UserError
from ...golden.network import atomic_write
from ...images import cifar
from ...models.binarizer import BINARIZERS
from ...terminal import markdown
from ...training import run
from ..trained import resnets
from ..trained.resnets import MODEL, Arm, Protocol
from .measure import Measure
from .publishing import publish

__all__ = ["ARMS", "ArmError", "arm", "study", "tabulate"]

SEEDS = (0, 1, 2)
ARMS = [Arm(binarizer, seed) for seed in SEEDS for binarizer in BINARIZERS]
KEPT = Path("docs/measured/cifar")    # Of finished arms; these files are committed.
HEADING = ["ResNet-20, CIFAR-10", "seeds", "test images, %", "with static shifts, %",
           "CPU hours of an arm"]


class ArmError(UserError):
    """There is no such arm, or its file is none; the message says so in one sentence."""


def arm(text: str) -> Arm:
    """Return the arm that is called ``BINARIZER:SEED``.

    >>> arm("sd:2")
    Arm(binarizer='sd', seed=2)
    """
    known = {f"{each.binarizer}:{each.seed}": each for each in ARMS}
    if text not in known:
        raise ArmError(f"Unknown arm {text!r:.40}; known are: {', '.join(known)}")
    return known[text]


def study(name: str, page: Path, arguments: Namespace) -> int:
    """Train what is not trained yet, and write the table; see the command."""
    protocol, kept = Protocol(), KEPT
    if arguments.small:
        protocol, kept = Protocol(epochs=2, batch=8, images=16), arguments.out / "measured"
    wanted = [arm(text) for text in arguments.arms or []] or (
        ARMS[:4] if arguments.small else ARMS)
    for folder in arguments.out, kept:
        folder.mkdir(parents=True, exist_ok=True)
    done = _finished(kept, protocol)
    missing = [each for each in wanted if each not in done]
    data = cifar.load(arguments.data_dir) if missing else []
    for each in missing:
        if each not in _finished(kept, protocol):    # By another process, meanwhile.
            found = resnets.train(_folder(arguments.out, each), each, protocol, data)
            atomic_write(kept / f"{each}.json", (json.dumps(found, indent=1) + "\n").encode())
            _publish(name, page, arguments, kept, protocol)
    if not missing:
        _publish(name, page, arguments, kept, protocol)
    return 0


def _publish(name: str, page: Path, arguments: Namespace, kept: Path, protocol: Protocol) -> None:
    text = tabulate(_finished(kept, protocol), [*_begun(arguments.out)])
    publish(text, arguments.out / "cifar.md", name, page, arguments)


def _folder(out: Path, each: Arm) -> Path:
    return out / "cifar" / str(each)


def _finished(kept: Path, protocol: Protocol) -> dict[Arm, dict[str, Any]]:
    """Read what the finished arms came to."""
    return {each: _read(path, each, protocol) for each in ARMS
            for path in [kept / f"{each}.json"] if path.exists()}


def _read(path: Path, each: Arm, protocol: Protocol) -> dict[str, Any]:
    try:
        found = regular.read_json(path)
        expected = {"model": MODEL, **asdict(each), **asdict(protocol)}
        del expected["images"]
        if any(found[key] != value for key, value in expected.items()):
            raise ValueError
        forms = {"dynamic", "static"} if BINARIZERS[each.binarizer].asd else {"dynamic"}
        accuracies, seconds = found["accuracy"], found["seconds"]["cpu"]
        numbers = [(number, 100) for number in accuracies.values()] + [(seconds, 1e9)]
        if accuracies.keys() != forms or not all(
                type(number) in (int, float) and 0 <= number <= most for number, most in numbers):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ArmError(f"{path} must be what the arm {each} came to, of this protocol: remove it "
                       "to train it again") from None
    return dict(found)


def _begun(out: Path) -> Iterator[tuple[Arm, int]]:
    """Find what the checkpoints say of arms, finished or not: the epochs they have trained."""
    for each in ARMS:
        path = _folder(out, each) / "checkpoint.safetensors"
        if path.exists():
            yield each, run.load_states(path).get(MODEL, {}).get("epoch", 0)


def tabulate(done: dict[Arm, dict[str, Any]], begun: list[tuple[Arm, int]]) -> str:
    """Return the table of finished arms, as mean ± standard deviation, and what it comes to."""
    rows = [_row(binarizer, {each.seed: found for each, found in done.items()
                             if each.binarizer == binarizer}) for binarizer in BINARIZERS]
    text = markdown.table(HEADING, [row for row in rows if row])
    accuracies = [Measure([found["accuracy"]["dynamic"] for each, found in done.items()
                           if each.binarizer == binarizer]) for binarizer in BINARIZERS]
    if min(len(each.values) for each in accuracies) > 1:
        text += "\n\n" + verdict(*accuracies)
    going = [f"{each.binarizer} of seed {each.seed} (epochs: {epochs})"
             for each, epochs in begun if each not in done]
    return text + (f"\n\nNot finished, and not in the table: {', '.join(going)}." if going else "")


def _row(binarizer: str, found: dict[int, dict[str, Any]]) -> list[str]:
    if not found:
        return []
    accuracies = {form: Measure([each["accuracy"][form] for each in found.values()])
                  for form in next(iter(found.values()))["accuracy"]}
    hours = Measure([each["seconds"]["cpu"] / 3600 for each in found.values()]).mean
    return [binarizer, ", ".join(map(str, found)), _spread(accuracies["dynamic"]),
            _spread(accuracies["static"]) if "static" in accuracies else "", f"{hours:.1f}"]


def _spread(measure: Measure) -> str:
    return str(measure) if len(measure.values) > 1 else f"{measure.mean:.2f}"


def verdict(sign: Measure, sd: Measure) -> str:
    """Return how much better SD-BNN is than the plain sign, and the standard error of that.

    >>> verdict(Measure([80.0, 82.0]), Measure([80.5, 82.5]))
    'SD-BNN less the plain sign: +0.50 points, with a standard error of 1.41.'
    """
    error = math.sqrt(sum(each.deviation ** 2 / len(each.values) for each in (sign, sd)))
    return (f"SD-BNN less the plain sign: {sd.mean - sign.mean:+.2f} points, with a standard error "
            f"of {error:.2f}.")
