"""Choose which parts of encoder and head are binary, under a budget: ``python -m sw.mixbin``.

A MixBin-style search (see sw.mixbin.search: a reconstruction), a mask file, and a stack trained
with labels from end to end. It begins with an encoder that was trained without labels; from then on
the encoder is neither frozen nor without labels.
"""

import argparse
import copy
import os
import sys
from pathlib import Path

import torch

from ..experiments.figures import page
from ..golden.network import atomic_write
from ..images import data
from ..images.data import DataSet
from ..models.autoencoder import Encoder
from ..terminal import markdown
from ..terminal.command import Parser, command
from ..train import load_encoder, train_encoder
from ..training import task
from ..training.run import Run, add_flags
from ..training.task import Recipe
from . import run as folders
from .mask import LAYERS, Mask, MaskError, Shape
from .run import PRESETS, Job
from .search import BATCH, CRITERIA, DIRECTIONS, N_HELD, RATE, Held, Search, Settings
from .stack import Stack, loss

Point = dict[str, object]    # A mask's digits, its cost, and the held-out accuracy, in per cent.


def learn(run: Run, job: Job, inputs: DataSet) -> dict[str, object]:
    """Search, train, and write all that a run leaves; return what ``metrics.json`` says."""
    torch.set_num_threads(1)
    held, shape = folders.held_out(inputs), Shape(classes=len(inputs.classes))
    encoder = _encoder(run, inputs)
    chosen = job.chosen()
    if chosen is not None and chosen.shape != shape:
        raise MaskError(f"The mask must be of a stack of {shape}, not {chosen.shape}")

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
    split = folders.write_parts(run, trained, inputs, job)
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


def _encoder(run: Run, inputs: DataSet) -> Encoder:
    """Read the encoder to begin with, which is trained first if there is none, without labels."""
    path = run.folder / "start.safetensors"
    if not path.exists():
        train_encoder(run, inputs.train_images).save(path)
        run.save()
    return Encoder.load(path)


def _begun(mask: Mask, encoder: Encoder) -> Stack:
    stack = Stack(mask)
    stack.begin_with(encoder)
    return stack


def _search(run: Run, job: Job, stack: Stack, held: Held) -> list[Point]:
    """Search from where it stands; return a point for the start and for each round."""
    kept = folders.resumed_search(run.folder, stack)
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
        folders.keep_search(run.folder, stack, {
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


def _parser() -> argparse.ArgumentParser:
    job, settings = Job(), Settings()
    parser = Parser(prog="python -m sw.mixbin", description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", metavar="NAME", default=job.data,
        help=f"data set, one of: {', '.join(data.NAMES)} (default: %(default)s)")
    add("--data-dir", metavar="DIR", default=os.environ.get("HYBNN_DATA"),
        help="look for IDX files in DIR or DIR/NAME (default: $HYBNN_DATA, then download)")
    add("--encoder", metavar="FILE", type=Path,
        help="encoder to begin with, or the run it lies in (default: train one, without labels)")
    add("--budget", metavar="SHARE", type=float, default=settings.budget,
        help="cost to come to, of that of the stack in full precision (default: %(default)s)")
    add("--divisor", metavar="N", type=int, default=settings.divisor,
        help="operations on bits that cost as much as one on floats (default: %(default)s)")
    add("--direction", choices=DIRECTIONS, default=settings.direction,
        help="shrink: from full precision; grow: from binary, shorter at small budgets "
             "(default: %(default)s)")
    add("--criterion", choices=CRITERIA, default=settings.criterion,
        help="harm for each operation saved, or harm alone (default: %(default)s)")
    add("--groups", metavar="N", type=int, default=job.groups,
        help="groups of output channels of a layer, 1 for whole layers (default: %(default)s)")
    add("--keep", metavar="LAYERS", type=lambda text: tuple(text.split(",")), default=job.keep,
        help=f"layers that stay binary, such as hidden,readout; of {', '.join(LAYERS)}")
    add("--step", metavar="SHARE", type=float, default=settings.step,
        help="part of the cost that changes in a round (default: %(default)s)")
    add("--trial", metavar="N", type=int,
        help="images in a trial's training (default: 0, if it grows 500)")
    add("--fine-tuning", metavar="N", type=int, default=settings.fine_tuning,
        help="images that the stack is trained on after a round (default: %(default)s)")
    add("--images", metavar="N", type=int, default=job.images,
        help="images to search with (default: %(default)s)")
    add("--epochs", metavar="N", type=int,
        help="of the last training, on all images (default: 4, for digits 40)")
    add("--anew", action="store_true",
        help="begin the last training with the encoder, not with what the search left")
    add("--mask", metavar="MASK", default=job.mask,
        help=f"train this mask instead of searching: a mask file, or {', '.join(PRESETS)}")
    add_flags(parser)
    add("--resume", metavar="RUN", type=Path,
        help="go on with the run in folder RUN, whose flags then count")
    return parser


def _job(arguments: argparse.Namespace) -> Job:
    trial, epochs = arguments.trial, arguments.epochs
    if trial is None:
        trial = 500 if arguments.direction == "grow" else 0
    if epochs is None:
        epochs = 40 if arguments.data == "digits" else 4
    settings = Settings(arguments.direction, arguments.criterion, arguments.budget,
                        arguments.divisor, arguments.step, trial, arguments.fine_tuning)
    given = vars(arguments)
    rest = {name: given[name] for name in ("data", "data_dir", "mask", "groups", "keep", "images",
                                           "anew", "seed")}
    return Job(settings=settings, epochs=epochs, **rest)


def _prepare(arguments: argparse.Namespace) -> tuple[Run, Job, DataSet]:
    """Begin a run, or go on with one; a mistake leaves no folder behind."""
    if arguments.resume is not None:
        run, job = folders.reopen(arguments.resume)
        return run, job, job.load()
    job = _job(arguments)
    chosen, inputs = job.chosen(), job.load()
    shape = Shape(classes=len(inputs.classes))
    if chosen is not None and chosen.shape != shape:
        raise MaskError(f"The mask must be of a stack of {shape}, not {chosen.shape}")
    encoder = load_encoder(arguments.encoder) if arguments.encoder else None
    if encoder is not None:
        Stack(Mask.of(shape)).begin_with(encoder)    # It has the widths.
    return folders.create(arguments.out, job, encoder), job, inputs


def _table(metrics: dict[str, object]) -> str:
    layers = metrics["board_layers"]
    return "\n".join([
        f"  test accuracy   {metrics['accuracy']['stack']:.2f} %",  # type: ignore[index]
        f"  cost            {metrics['cost']:.2%} of the stack in full precision",
        f"  binary groups   {metrics['mask']}",
        f"  for a board     {', '.join(layers) or 'nothing'}"])  # type: ignore[arg-type]


@command()
def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    run = None
    try:
        run, job, inputs = _prepare(_parser().parse_args(argv))
        metrics = learn(run, job, inputs)
    except KeyboardInterrupt:
        if run is None:
            raise
        run.save()
        raise KeyboardInterrupt(f"go on with: python -m sw.mixbin --resume {run.folder}") from None
    print(_table(metrics))
    print(f"\nrun folder: {run.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
