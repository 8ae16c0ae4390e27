"""Trees boosted by scikit-learn, made as small as a block RAM wants them."""

import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from ..golden.bits import Bits
from ..golden.trees import Trees
from ..images.names import SIDE
from ..terminal import markdown
from ..training import onchip
from .effort import write_json
from .tabulated.publishing import publish

__all__ = ["boost", "rounded", "study"]

# An icestick has 16 block RAMs: 10 for so many nodes of 10 bits, 4 for leaves, 1 for images.
NODES = 4096
LEAF_BITS = 4
DEPTHS = (3, 4, 5)
RATE, SHRINKAGE = 0.4, 5.0
PART = 5_000       # Images that choose a depth by training, and as many by a test.
RARE = 0.01        # A pixel that is set in fewer of the images is not asked for.
STEPS = np.geomspace(0.02, 0.5, 12)    # What the last bit of a leaf's number stands for.
HEADING = ["depth", "trees", "held-out images, %"]


def study(name: str, page: Path, arguments: Namespace) -> int:
    """Choose a depth, train, test, and write the trees with what they came to; see the command."""
    folder = arguments.out / ("trees-small" if arguments.small else "trees")
    folder.mkdir(parents=True, exist_ok=True)
    part, nodes = (600, 256) if arguments.small else (PART, NODES)
    inputs = onchip.of_data_set("digits" if arguments.small else "mnist",
                                str(arguments.data_dir) if arguments.data_dir else None, "ten")
    train, test = _bits(inputs.train), _bits(inputs.test)
    labels, test_labels = inputs.train_labels.numpy(), inputs.test_labels.numpy()
    begun = time.monotonic()
    held = [_held_out(train, labels, part, depth, nodes) for depth in DEPTHS]
    depth = DEPTHS[int(np.argmax(held))]
    trees = rounded(*boost(train, labels, depth, nodes), train, labels)
    trees.save(folder / "trees.safetensors")
    accuracy = _accuracy(trees, test, test_labels)
    write_json(folder / "metrics.json", {
        "accuracy": {"trees": round(accuracy, 2)},
        "data": "digits" if arguments.small else "mnist", "trees": str(trees),
        "held_out": dict(zip(map(str, DEPTHS), held)),
        "seconds": round(time.monotonic() - begun, 1)})
    rows = [[str(each), str(_rounds(each, nodes, 10) * 10), f"{value:.2f}"]
            for each, value in zip(DEPTHS, held)]
    text = markdown.table(HEADING, rows)
    publish(f"{text}\n\n{trees}, all images to train on: {accuracy:.2f} % of the test images.",
            arguments.out / "trees.md", name, page, arguments)
    return 0


def _bits(images: Any) -> Bits:
    """Return pixels at 0.5: ``(n, height * width)``."""
    bits: Bits = (images >> 7).reshape(-1, SIDE * SIDE).numpy()
    return bits


def _held_out(x: Bits, labels: np.ndarray, part: int, depth: int, nodes: int) -> float:
    """Return the per cent of images to test on that trees of the first images get right."""
    trees = rounded(*boost(x[:part], labels[:part], depth, nodes), x[:part], labels[:part])
    return _accuracy(trees, x[-part:], labels[-part:])


def _accuracy(trees: Trees, x: Bits, labels: np.ndarray) -> float:
    return 100 * float((trees.classify(x) == labels).mean())


def _rounds(depth: int, nodes: int, n_classes: int) -> int:
    """Return how many trees of each class have room among so many nodes, one unused in a tree."""
    return max(1, (nodes >> depth) // n_classes)


def boost(x: Bits, labels: np.ndarray, depth: int, nodes: int) -> tuple[Any, np.ndarray]:
    """Boost trees on images ``(n, n_in)``; return scikit-learn's model, and which bits it sees."""
    seen = np.flatnonzero(x.mean(axis=0) >= RARE)
    model = HistGradientBoostingClassifier(
        max_iter=_rounds(depth, nodes, len(np.unique(labels))), learning_rate=RATE,
        max_depth=depth, max_leaf_nodes=1 << depth, l2_regularization=SHRINKAGE,
        early_stopping=False, random_state=0)
    return model.fit(x[:, seen], labels), seen


def rounded(model: Any, seen: np.ndarray, x: Bits, labels: np.ndarray) -> Trees:
    """Return the trees of a model, with the leaves' numbers in few bits.

    What a bit stands for is chosen by what images ``(n, n_in)`` the trees get right then.
    """
    numbers, values = _trees(model, 1 << model.max_depth)
    features = seen[numbers].astype(np.uint16)
    features[..., 0] = 0
    ends = Trees(x.shape[1], features, np.zeros(features.shape, np.int8)).ends(x)
    return max((Trees(x.shape[1], features, _in_steps(values, step)) for step in STEPS),
               key=lambda trees: (trees.scores(ends).argmax(axis=1) == labels).mean())


def _in_steps(values: np.ndarray, step: float) -> np.ndarray:
    half = 1 << LEAF_BITS - 1
    numbers: np.ndarray = np.clip(np.rint(values / step), -half, half - 1).astype(np.int8)
    return numbers


def _trees(model: Any, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what each node asks for, and the numbers at the ends, with what a class begins with in
    its first tree."""
    predictors = model._predictors
    shape = len(predictors[0]), len(predictors), nodes
    features, values = np.zeros(shape, int), np.zeros(shape)
    for number, of_classes in enumerate(predictors):
        for klass, predictor in enumerate(of_classes):
            for at, node in _walk(predictor.nodes, 0, 1, nodes):
                if at < nodes:
                    features[klass, number, at] = node["feature_idx"]
                else:
                    values[klass, number, at - nodes] = node["value"]
    values[:, 0] += model._baseline_prediction.reshape(-1, 1)
    return features, values


def _walk(found: np.ndarray, number: int, at: int, nodes: int) -> Iterator[tuple[int, Any]]:
    """Yield the nodes of a tree, each with its number in a full one; what ends early is filled up
    with nodes that ask for what does not matter, and ends that are equal."""
    node = found[number]
    if at >= nodes:
        yield at, node
    elif node["is_leaf"]:
        yield from ((end, node) for end in _ends(at, nodes))
    else:
        yield at, node
        yield from _walk(found, node["left"], 2 * at, nodes)
        yield from _walk(found, node["right"], 2 * at + 1, nodes)


def _ends(at: int, nodes: int) -> range:
    """Return the ends that can be reached from a node of a full tree."""
    below = nodes.bit_length() - at.bit_length()
    return range(at << below, at + 1 << below)
