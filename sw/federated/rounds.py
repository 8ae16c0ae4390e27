"""A round: clients learn from their own images, and what they learnt becomes one.

Knows no Flower and no files. What travels is a :data:`~sw.federated.codec.Content`. A ``State`` is
averaged: HyBNN's federation. A ``Network``, that is bits and integers, is voted on, weight by
weight and threshold by threshold, and clients keep what their bits were rounded from. A majority of
signs taken as the new latent weights does not work in general: it is so far from 0 that an epoch
cannot bring it back (shared/papers.md, 5.2).
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from ..golden.bits import to_signs
from ..golden.network import Layer, Network, OutputLayer
from ..models.binary import BinaryLinear
from ..models.classifier import BinaryClassifier, BinaryReadout
from ..models.exact import export
from ..training import task
from ..training.task import Recipe, Training
from .codec import Content, State, layout
from .settings import Settings

__all__ = ["adopt", "aggregate", "begin", "first", "give", "learn", "model_of", "recipe",
           "right"]

LEAST_LATENT = 1e-6    # What stands for a latent weight of 0 that was outvoted.


def first(codec: str, shape: Sequence[int], seed: int) -> Content:
    """Make what a federation begins with."""
    return give(_beginning(shape, seed).eval(), codec)


def recipe(settings: Settings) -> Recipe:
    """Return how a client trains: one epoch a round, as if all were one training."""
    _, rate = task.METHODS[BinaryClassifier]
    return Recipe(settings.rounds, settings.effort.classifier_batch, rate)


def begin(codec: str, shape: Sequence[int], recipe: Recipe, seed: int, client: int) -> Training:
    """Make a client's training. All begin with the same latent weights, so that a few steps bring
    the same few of them across zero, and a majority with them.

    With bits, a neuron's threshold says all of its batch norm but the scale, which stays 1.
    """
    model = _beginning(shape, seed)
    if codec == "onebit":
        for norm in model.norms:
            cast(nn.BatchNorm1d, norm).weight.requires_grad_(False)
    loss, _ = task.METHODS[BinaryClassifier]
    return Training(model, loss, recipe, f"federated, client {client}", seed)


def learn(training: Training, content: Content, round: int, rows: Sequence[Tensor]) -> None:
    """Take over what the server sent, then train for one epoch: that of the round, from 1.

    Parameters
    ----------
    rows : sequence of Tensor
        The client's signs and labels.
    """
    model = cast(BinaryClassifier, training.model)
    if isinstance(content, Network):
        adopt(model, content, rows[0])
    else:
        model.load_state_dict(content, strict=False)    # All but the counters of batches.
    training.epoch = round - 1
    training.run_epoch(rows, lambda: None)
    model.eval()


def give(model: BinaryClassifier, codec: str) -> Content:
    """Return what a client sends of its model, evaluating."""
    if codec == "onebit":
        return export(model)
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()
            if name in layout(model.shape)}


@torch.no_grad()
def adopt(model: BinaryClassifier, network: Network, signs: Tensor) -> None:
    """Make a model compute what a network does, at the least change.

    A latent weight keeps its size, and its sign too where the network has the same. The statistics
    of batch norm become those of ``signs`` ``(n, n_in)``, which are the client's own; an offset of
    it stays where it rounds to the network's threshold already, and so does one of the readout.
    """
    for linear, norm, layer in zip(model.linears, model.norms, network.layers, strict=True):
        _turn(cast(BinaryLinear, linear), layer.weights)
        sums = linear(signs)                                            # (n, n_out)
        least = 2 * torch.from_numpy(layer.thresholds) - layer.n_in     # Sums that fire, from here.
        _shift(cast(nn.BatchNorm1d, norm), sums, least)
        signs = torch.where(sums >= least, 1.0, -1.0)
    _turn(model.readout.linear, network.readout.weights)
    _settle(model.readout, network.readout)


def _turn(linear: BinaryLinear, weights: np.ndarray) -> None:
    """Return the latent weights the signs of these bits."""
    signs = torch.from_numpy(to_signs(weights)).float()
    sizes = linear.weight.abs()
    wrong = linear.signs() != signs
    turned = signs * torch.where(sizes == 0, LEAST_LATENT, sizes)
    linear.weight.copy_(torch.where(wrong, turned, linear.weight))


def _shift(norm: nn.BatchNorm1d, sums: Tensor, least: Tensor) -> None:
    """Let a batch norm of scale 1 be 0 or more at sums of ``least`` and more, by its offset."""
    mean, variance = sums.mean(0), sums.var(0, correction=0)
    deviation = (variance + norm.eps).sqrt()
    at = mean - norm.bias * deviation              # It is 0 here.
    # Sums are two apart; in the middle no rounding can tip it.
    agrees = (at <= least) & (at > least - 2)
    norm.bias.copy_(torch.where(agrees, norm.bias, (mean - (least - 1)) / deviation))
    cast(Tensor, norm.running_mean).copy_(mean)
    cast(Tensor, norm.running_var).copy_(variance)


def _settle(readout: BinaryReadout, network: OutputLayer) -> None:
    rounded = readout.offsets()
    offsets = torch.from_numpy(network.offsets).float() + rounded.min()
    readout.offset.copy_(torch.where(rounded == offsets, readout.offset, offsets))


def aggregate(contents: Sequence[Content], weights: Sequence[float], before: Content) -> Content:
    """Make one of what several clients sent.

    Networks are voted on, each client with its weight. A weight bit is what the majority says, and
    on a tie what it was ``before``; a threshold and an offset are the weighted median. So no
    clients that are together less than half decide a bit on which the others agree, nor bring an
    integer beyond what the others say. States are averaged, which has no such bound; see
    :func:`median`.
    """
    share = np.array(weights, float) / sum(weights)
    if isinstance(before, Network):
        return _vote(cast(Sequence[Network], contents), share, before)
    states = cast(Sequence[State], contents)
    return {name: sum((float(weight) * state[name].double()
                       for weight, state in zip(share, states, strict=True)),
                      torch.zeros(()).double()).float() for name in before}


def median(states: Sequence[State]) -> State:
    """Make one state of several by the median of each number, so that no minority decides one."""
    return {name: torch.from_numpy(np.median(np.stack([state[name].numpy() for state in states]),
                                             axis=0)).float() for name in states[0]}


def _vote(networks: Sequence[Network], share: np.ndarray, before: Network) -> Network:
    def bits(parts: Sequence[Layer | OutputLayer], old: Layer | OutputLayer) -> np.ndarray:
        votes = np.tensordot(share, [to_signs(part.weights) for part in parts], 1)
        tie = np.abs(votes) < 1e-9    # The shares are rounded.
        return np.where(tie, old.weights, votes > 0).astype(np.uint8)

    layers = [Layer(bits(parts, old), _median([part.thresholds for part in parts], share))
              for *parts, old in zip(*(network.layers for network in (*networks, before)),
                                     strict=True)]
    readouts = [network.readout for network in networks]
    offsets = _median([readout.offsets for readout in readouts], share)
    return Network(layers, OutputLayer(bits(readouts, before.readout), offsets - offsets.min()))


def _median(integers: Sequence[np.ndarray], share: np.ndarray) -> np.ndarray:
    """Return, place by place, the least integer that half of all, by weight, do not exceed.

    >>> _median([np.array([5, 1]), np.array([6, 1]), np.array([99, 0])], np.full(3, 1 / 3)).tolist()
    [6, 1]
    """
    rows = np.stack(integers)
    order = np.argsort(rows, axis=0, kind="stable")
    reached = np.cumsum(share[order], axis=0) >= 0.5 - 1e-9
    ranked = np.take_along_axis(rows, order, axis=0)
    found: np.ndarray = np.take_along_axis(ranked, reached.argmax(axis=0)[None], axis=0)[0]
    return found


def right(content: Content, shape: Sequence[int], rows: Sequence[Tensor]) -> int:
    """Count the rows, signs and labels, whose class what was agreed on finds."""
    signs, labels = rows
    if not len(labels):
        return 0
    return int((task.classify(model_of(content, shape), signs) == labels).sum())


@torch.no_grad()
def model_of(content: Content, shape: Sequence[int]) -> BinaryClassifier:
    """Make the evaluating model that computes what was agreed on."""
    model = _classifier(shape)
    if not isinstance(content, Network):
        model.load_state_dict(content, strict=False)
        return model.eval()
    for linear, norm, layer in zip(model.linears, model.norms, content.layers, strict=True):
        cast(BinaryLinear, linear).weight.copy_(torch.from_numpy(to_signs(layer.weights)))
        least = 2 * torch.from_numpy(layer.thresholds) - layer.n_in
        cast(nn.BatchNorm1d, norm).bias.copy_(1 - least)    # Mean 0, variance 1, from the start.
    model.readout.linear.weight.copy_(torch.from_numpy(to_signs(content.readout.weights)))
    model.readout.offset.copy_(torch.from_numpy(content.readout.offsets))
    return model.eval()


def _beginning(shape: Sequence[int], seed: int) -> BinaryClassifier:
    task.reseed(seed, "federated, initial weights")
    return _classifier(shape)


def _classifier(shape: Sequence[int]) -> BinaryClassifier:
    return BinaryClassifier(shape[0], shape[1:-1], shape[-1])
