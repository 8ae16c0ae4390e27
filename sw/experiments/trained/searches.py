"""MixBin-style searches and their rivals, trained alike, on the same few images."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ...mixbin.job import PRESETS, Settings
from ...mixbin.mask import LAYERS, Mask, Shape
from ...mixbin.run import held_out
from ...mixbin.search import N_HELD, Held, Search, train
from ...mixbin.stack import Stack
from ...models.autoencoder import Encoder
from ...training import task
from ..effort import Study
from . import rival_masks

__all__ = [
    "BUDGET",
    "MASKS",
    "RANDOM",
    "SEARCHES",
    "SUBSETS",
    "WHOLE",
    "Maker",
    "Way",
    "final",
    "longer",
    "search",
    "subsets",
    "train_mask",
    "transfer",
]

Maker = Callable[[Study], Mask]

BUDGET = 0.15
GROUPS = 8
RANDOM = 10
SUBSETS = 8             # Pieces that the 64 subsets are done in.
IMAGES = 10_000         # To search and to compare masks with.
FEW = 2_000             # To compare all subsets with.
EPOCHS = 3
JUDGED = 5_000          # Held-out images that a choice may look at; in the search's course fewer.
GLANCE = 2_000


@dataclass(frozen=True)
class Way:
    """A search: where from, at what grain, to which budget, on which images."""

    direction: str = "shrink"
    groups: int = GROUPS
    budget: float = BUDGET
    data: str = "mnist"
    drops: bool = False


SEARCHES = {
    "shrink": Way(),
    "grow": Way("grow"),
    "fashion": Way(data="fashion-mnist"),
    "layers": Way(groups=1, budget=0.02),
    "pruned": Way(drops=True),
    "to 5 %": Way(budget=0.05),
}
# All choices of whole layers within the budget: the truth that a search over them can come to.
WHOLE = tuple(mask for mask in rival_masks.all_subsets(Shape()) if mask.cost() <= BUDGET)


def search(study: Study, name: str) -> dict[str, Any]:
    """Search; then train what was found, on from where it stands and anew."""
    way, held = SEARCHES[name], _held(study, SEARCHES[name].data)
    grows = way.direction == "grow"
    begin = Mask.of(Shape(), LAYERS if grows else (), way.groups, way.drops)
    stack = _begun(study, begin, way.data)
    _train(study, stack, held, 1, "start")
    found = Search(stack, held.first(IMAGES, N_HELD), _settings(way), study.seed)
    path = [_point(stack, held, GLANCE)]
    for _ in found.rounds():
        path.append(_point(stack, held, GLANCE))
    if not way.drops:
        mask_path(study, name).parent.mkdir(exist_ok=True)
        stack.mask.save(mask_path(study, name))
    result: dict[str, Any] = {"path": path, "rounds": found.number}
    if name not in ("layers", "fashion"):
        _train(study, stack, held, EPOCHS, "last")
        result["on"] = _judge(study, stack, held, way.data)
    if name in ("shrink", "grow", "fashion"):
        result["anew"] = _anew(study, stack.mask, way.data)
    return result


def train_mask(study: Study, make: Maker) -> dict[str, Any]:
    """Train a mask that was not searched for."""
    return _anew(study, make(study))


def longer(study: Study) -> dict[str, Any]:
    """Train a random mask on as many images as a search and its last training saw."""
    rounds = round((1 - BUDGET) / Settings().step)
    more = 1 + rounds * Settings().fine_tuning / IMAGES
    return _anew(study, drawn(study, 0), epochs=EPOCHS + round(more))


def subsets(study: Study, part: int) -> dict[str, Any]:
    """Train some of all choices of whole layers, briefly: per cent of the held-out images."""
    held, points = _held(study, "mnist"), []
    for mask in list(rival_masks.all_subsets(Shape()))[part::SUBSETS]:
        stack = _begun(study, mask, "mnist")
        train(stack, held.rows(FEW), 2, "subset", study.seed)
        points.append(_point(stack, held))
    return {"points": points}


def transfer(study: Study) -> dict[str, Any]:
    """Train MNIST's mask on Fashion-MNIST."""
    return _anew(study, Mask.load(mask_path(study, "shrink")), "fashion-mnist")


def final(study: Study, name: str) -> dict[str, Any]:
    """Train a mask with all images but those held out."""
    held = _held(study, "mnist")
    stack = _begun(study, Mask.of(Shape()), "mnist")
    _train(study, stack, held, 1, "start")
    stack.choose(Mask.load(mask_path(study, name)) if name in SEARCHES
                 else Mask.of(Shape(), PRESETS[name]))
    train(stack, held.rows(), 2 if study.plan.images is None else 1, "final", study.seed)
    return _judge(study, stack, held, "mnist")


def mask_path(study: Study, name: str) -> Path:
    """Return the file of the mask that a search found."""
    return study.folder / "masks" / f"{name.replace(' ', '-')}-{study.seed}.json"


def _settings(way: Way) -> Settings:
    settings = Settings(way.direction, budget=way.budget,
                        trial=500 if way.direction == "grow" else 0)
    # Of whole layers one at a time.
    return settings if way.groups > 1 else replace(settings, step=1e-6)


def drawn(study: Study, number: int) -> Mask:
    """Draw a mask at random."""
    return rival_masks.random_mask(Shape(), GROUPS, BUDGET, 100 * study.seed + number)


def whole(study: Study, number: int) -> Mask:
    """Return one of all choices of whole layers within the budget."""
    return WHOLE[number]


def preset(study: Study, name: str) -> Mask:
    """Return a mask that has a name."""
    return Mask.of(Shape(), PRESETS[name])


def leading(study: Study) -> Mask:
    """Keep the first layers in full precision."""
    return rival_masks.leading(Shape(), GROUPS, BUDGET)


def sensitive(study: Study) -> Mask:
    """Rank all groups once."""
    stack, held = _begun(study, Mask.of(Shape(), groups=GROUPS), "mnist"), _held(study, "mnist")
    _train(study, stack, held, 1, "start")
    return rival_masks.sensitive(stack, held.first(IMAGES, N_HELD), Settings(), study.seed)


# Trained as they are, beside what was found and what is drawn.
MASKS: dict[str, Maker] = {**{name: partial(preset, name=name) for name in PRESETS},
                           "leading": leading, "sensitive": sensitive}


def _held(study: Study, data: str) -> Held:
    return held_out(study.data(data))


def _begun(study: Study, mask: Mask, data: str) -> Stack:
    """Return a stack that begins with the encoder of a data set, trained without labels."""
    task.reseed(study.seed, "mixbin, initial weights")
    name = "fashion" if data == "fashion-mnist" else "ours"
    stack = Stack(mask)
    stack.begin_with(Encoder.load(study.folder / "encoders" / f"{name}-{study.seed}.safetensors"))
    return stack


def _train(study: Study, stack: Stack, held: Held, epochs: int, phase: str) -> None:
    train(stack, held.rows(IMAGES), epochs if study.plan.images is None else 1, phase, study.seed)


def _anew(study: Study, mask: Mask, data: str = "mnist", epochs: int = EPOCHS) -> dict[str, Any]:
    """Train a mask from the encoder on."""
    held, stack = _held(study, data), _begun(study, mask, data)
    _train(study, stack, held, epochs, "mask")
    return _judge(study, stack, held, data)


def _point(stack: Stack, held: Held, n: int = JUDGED) -> dict[str, Any]:
    return {"mask": str(stack.mask), "cost": stack.mask.cost(),
            "held": task.test(stack, held.held_images[:n], held.held_labels[:n])}


def _judge(study: Study, stack: Stack, held: Held, data: str) -> dict[str, Any]:
    """Tell what a trained stack costs, and its per cent of held-out and of test images."""
    images = study.data(data)
    host = sum(flops + bops / 64 for name, flops, bops in stack.mask.operations()
               if name not in stack.mask.suffix()) / stack.mask.shape.macs
    return {**_point(stack, held), "host": host, "board": stack.mask.suffix(),
            "test": task.test(stack, images.test_images, images.test_labels)}
