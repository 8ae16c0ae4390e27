"""A run of ``python -m sw.mixbin``: search, train, and write what comes of it."""

import copy
import sys
from pathlib import Path

import torch

from ..golden.tensors import atomic_write
from ..images.data import DataSet
from ..models.autoencoder import Encoder
from ..terminal import markdown
from ..terminal.figures import page
from ..training import task
from ..training.asked.config import encoder_plan
from ..training.encoder import load_encoder, train_encoder
from ..training.run import Phases
from ..training.task import Recipe
from . import run as runs
from .job import Job
from .mask import LAYERS, Mask, MaskError, Shape
from .search import BATCH, N_HELD, RATE, Held, Search
from .stack import Stack, loss

__all__ = ["begin", "learn", "resume"]

Point = dict[str, object]    # A mask's digits, its cost, and the held-out accuracy, in per cent.


def learn(run: Phases, job: Job, inputs: DataSet) -> dict[str, object]:
    """Search, train, and write all that a run leaves; return what ``metrics.json`` says."""
    torch.set_num_threads(1)
    held, shape = runs.held_out(inputs), Shape(classes=len(inputs.classes))
    encoder = _encoder(run, job, inputs)
    chosen = job.chosen()
    _check(chosen, shape)

    grows = chosen is None and job.settings.direction == "grow"
    begin = Mask.of(shape, LAYERS if grows else job.keep, job.groups)
    stack = run.train("start", lambda: _begun(begin, encoder), loss, Recipe(1, BATCH, RATE),
                      lambda _: held.rows(job.images)).cpu()
    run.save()
    curve = [] if chosen is not None else _search(run, job, stack, held)
    mask = chosen or stack.mask

    def final() -> Stack:
        ready = _begun(mask, encoder) if job.anew else copy.deepcopy(stack)
        ready.choose(mask)
        return ready

    trained = run.train("final", final, loss, Recipe(job.epochs, BATCH, RATE),
                        lambda _: held.rows()).cpu()
    run.save()
    curve.append(_point(trained, held))
    split = runs.write_parts(run, trained, inputs, job)
    _draw(run.folder, curve, job)
    metrics = {"accuracy": {"stack": round(task.test(trained, inputs.test_images,
                                                     inputs.test_labels), 2)},
               "data": job.data, "seed": job.seed, "cost": mask.cost(job.settings.divisor),
               "divisor": job.settings.divisor, "mask": str(mask), "curve": curve,
               "board_layers": mask.suffix(), "board_share": split.share() if split else 0.0,
               "seconds": run.seconds}
    run.write_json("metrics.json", metrics)
    (run.folder / "search.safetensors").unlink(missing_ok=True)
    return metrics


def _encoder(run: Phases, job: Job, inputs: DataSet) -> Encoder:
    """Read the encoder to begin with, which is trained first if there is none, without labels."""
    path = run.folder / "start.safetensors"
    if not path.exists():
        images = inputs.train_images
        train_encoder(run, encoder_plan(job.data), lambda _: [images]).save(path)
        run.save()
    return Encoder.load(path)


def _begun(mask: Mask, encoder: Encoder) -> Stack:
    stack = Stack(mask)
    stack.begin_with(encoder)
    return stack


def _search(run: Phases, job: Job, stack: Stack, held: Held) -> list[Point]:
    """Search from where it stands; return a point for the start and for each round."""
    kept = runs.resumed_search(run.folder, stack)
    fixed = {unit for unit in stack.mask.units(True) if unit[0] in job.keep}
    search = Search(stack, held.first(job.images, N_HELD), job.settings, job.seed, fixed)
    curve: list[Point] = [_point(stack, held)] if kept is None else kept["curve"]
    if kept is not None:
        search.number = kept["round"]
        search.scores = {(name, int(number)): score for name, number, score in kept["scores"]}
    for mask in search.rounds():
        curve.append(_point(stack, held))
        print(f"round {search.number}: cost {mask.cost(job.settings.divisor):.1%}, "
              f"{curve[-1]['accuracy']:.2f} % of the held-out images", file=sys.stderr)
        runs.keep_search(run.folder, stack, {
            "round": search.number, "curve": curve,
            "scores": [[*unit, score] for unit, score in search.scores.items()]})
    return curve


def _point(stack: Stack, held: Held) -> Point:
    return {"mask": str(stack.mask), "cost": stack.mask.cost(),
            "accuracy": round(task.test(stack, held.held_images, held.held_labels), 2)}


def _draw(folder: Path, curve: list[Point], job: Job) -> None:
    """Write ``curve.md`` and draw it: from the start to the last training."""
    steps = ["start", *(f"round {number}" for number in range(1, len(curve) - 1)), "trained"]
    steps = steps[-len(curve):]
    rows = [[step, f"{point['cost']:.2%}", f"{point['accuracy']:.2f}", f"`{point['mask']}`"]
            for step, point in zip(steps, curve)]
    table = markdown.table(["", "cost", "held-out accuracy, %", "binary groups"], rows)
    atomic_write(folder / "curve.md", (table + "\n").encode())
    with page(folder, "curve") as axes:
        costs, accuracies = ([point[key] for point in curve] for key in ("cost", "accuracy"))
        axes.plot(costs[:-1], accuracies[:-1], "o-", label="after each round of the search")
        axes.plot(costs[-1:], accuracies[-1:], "s", label="after the last training")
        axes.axvline(job.settings.budget, color="grey", linestyle=":", label="budget")
        axes.set_xlabel(f"cost, (FLOPs + BOPs / {job.settings.divisor}) / FLOPs of the stack")
        axes.set_ylabel("held-out accuracy, %")
        axes.xaxis.set_major_formatter("{x:.0%}")
        axes.legend(frameon=False)


def begin(job: Job, out: Path | None, encoder: Path | None) -> tuple[Phases, Job, DataSet]:
    """Begin a run; a mistake leaves no folder behind."""
    inputs = runs.load(job)
    shape = Shape(classes=len(inputs.classes))
    _check(job.chosen(), shape)
    given = load_encoder(encoder) if encoder else None
    if given is not None:
        Stack(Mask.of(shape)).begin_with(given)    # It has the widths.
    return runs.create(out, job, given), job, inputs


def resume(folder: Path) -> tuple[Phases, Job, DataSet]:
    """Go on with a run."""
    run, job = runs.reopen(folder)
    return run, job, runs.load(job)


def _check(chosen: Mask | None, shape: Shape) -> None:
    if chosen is not None and chosen.shape != shape:
        raise MaskError(f"The mask must be of a stack of {shape}, not {chosen.shape}")
