"""What a command line of ``sw.train`` asks for: which network, of which data, and is it possible.

What does not go together is refused here, as far as can be before data are read.
"""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..images.names import SIDE, OwnImages, class_names
from .asked import ways
from .asked.columns import HIDDEN
from .asked.config import HYBRID, PRECISIONS, Config, DeepConfig
from .asked.effort import DEEP, RunError, effort_for

if TYPE_CHECKING:
    from .asked.columns import TableConfig
    from .asked.configs import Asked
    from .asked.stages import OnChipConfig
    from .onchip import Inputs

__all__ = ["config_of", "phases", "settle"]


def settle(arguments: argparse.Namespace) -> "tuple[Asked, Any]":
    """Return what is asked for, and the images; a flag that the model does not have is refused."""
    is_table = arguments.table is not None or arguments.label is not None
    if arguments.levels is not None and not is_table:
        raise RunError("--levels is for the columns of a table, see --table")
    if is_table and (arguments.images is not None or arguments.on_chip is not None):
        raise RunError("A run is of images or of a table: --images and --on-chip do not go with "
                       "--table and --label")
    way, spec = _choose(arguments, "table" if is_table else
                        "images" if arguments.images is not None else "data")
    if way == "on-chip":
        chosen, inputs = _on_chip(arguments, spec)
        print(f"trains {chosen.epochs} epochs of batches of {chosen.batch} images, changed by "
              f"--augment {chosen.augment}; another number: --epochs", flush=True)
        return chosen, inputs
    if (arguments.pixels, arguments.augment, arguments.threads) != (8, None, 2):
        raise RunError("--pixels, --augment and --threads are for a network on the chip, see "
                       "--on-chip")
    if arguments.side is not None or arguments.colour:
        raise RunError("--side and --colour are for your own images, see --images")
    if is_table:
        of_table, inputs = _table_of(arguments)
        print(f"trains {of_table.epochs} epochs of batches of {of_table.batch} rows; another "
              "number: --epochs", flush=True)
        return of_table, inputs
    config = config_of(arguments)
    return config, phases(config).load(config)


def phases(config: "Asked") -> Any:
    """Return the module that does the phases of such a run."""
    # Imported here: who only asks for --help need not wait for torch.
    from . import deep, hybrid, onchip, tabular
    return {"Config": hybrid, "DeepConfig": deep, "OnChipConfig": onchip,
            "TableConfig": tabular}[type(config).__name__]


def _choose(arguments: argparse.Namespace, given: str) -> tuple[str, str]:
    """Return the way to learn, and the stages of a network on the chip; say why, if nobody said."""
    way, board, spec = ways.way(arguments.way, given, arguments.on_chip), arguments.board, "medium"
    if arguments.model != HYBRID and (arguments.way or board) and way == "hybrid":
        raise RunError(f"--model {arguments.model} does not become hardware: it takes no --as and "
                       "no --board")
    tries = arguments.way == ways.AUTO and arguments.on_chip is None
    if (board or tries) and given != "table":
        chosen, asked = ways.fitting(board, _candidates(arguments, given, way))
        fit = [each for each, room in asked if room or not board]
        right = _try(arguments, fit) if tries and len(fit) > 1 else {}
        chosen = ways.best(fit, right) if right else chosen
        print(ways.lined_up(board, chosen, asked, right), flush=True)
        return chosen.way, chosen.name
    if arguments.way == ways.AUTO or (given == "images" and arguments.on_chip is None):
        print(f"learns as {way}{f', {spec}' * (way == 'on-chip')}: {ways.reason(given)}")
    return way, arguments.on_chip or spec


def _candidates(arguments: argparse.Namespace, given: str, way: str) -> list[ways.Candidate]:
    """List what could be trained on images, the best of it first."""
    from ..images import labelled

    names = (class_names(arguments.data, arguments.task) if given == "data"
             else labelled.names(arguments.images))
    hybrid = ways.hybrid(arguments.bits, arguments.hidden or Config.hidden, len(names))
    of_hybrid = (arguments.encoder, arguments.loss, arguments.hidden, arguments.bits) != (
        None, None, None, Config.bits)
    if way == "hybrid" and (arguments.way == "hybrid" or of_hybrid):
        return [hybrid]
    found = ways.on_chip(arguments.on_chip, *_size(arguments), arguments.pixels, len(names))
    of_chip = (arguments.pixels, arguments.augment, arguments.threads) != (8, None, 2)
    return [*found, hybrid] if way == "hybrid" and not of_chip else found


def _try(arguments: argparse.Namespace, candidates: list[ways.Candidate]) -> dict[str, float]:
    """Train candidates briefly on some of the images to train on; return what each got right."""
    from . import trial
    from .asked.stages import augment_for

    # What would be refused in the end is refused now.
    config = config_of(arguments) if any(each.host for each in candidates) else None
    _refuse_on_chip(arguments, candidates[0].name)
    some = (trial.LEARNT + trial.HELD) // candidates[0].signature.n_classes + 1
    return trial.draw(_inputs(arguments, some), arguments.seed).right(
        candidates, config if isinstance(config, Config) else None, binarizer=arguments.binarizer,
        augment=arguments.augment or augment_for(
            arguments.data if arguments.images is None else ""),
        seed=arguments.seed, device=arguments.device, threads=arguments.threads)


def config_of(arguments: argparse.Namespace) -> Config | DeepConfig:
    """Return what is asked for of a hybrid network, or of one of SD-BNN's."""
    if arguments.model != HYBRID:
        return _deep_config(arguments)
    if (arguments.precision, arguments.limit) != (PRECISIONS[0], None):
        raise RunError("--precision and --limit are for SD-BNN's networks, see --model")
    effort, epochs = effort_for(arguments.data), arguments.epochs
    if epochs is not None:
        if epochs < 1:
            raise RunError(f"Epochs must be at least 1, not {epochs}")
        effort = replace(effort, autoencoder_epochs=epochs, classifier_epochs=epochs)
    return Config(arguments.data, arguments.data_dir, arguments.task,
                  arguments.hidden or Config.hidden,
                  arguments.binarizer, arguments.seed, arguments.device, effort,
                  arguments.encoder, arguments.bits, arguments.loss)


def _deep_config(arguments: argparse.Namespace) -> DeepConfig:
    model, epochs, limit = arguments.model, arguments.epochs, arguments.limit
    if arguments.data != "cifar10" or arguments.encoder:
        raise RunError(f"--model {model} needs --data cifar10, and takes no encoder")
    if (arguments.bits, arguments.loss, arguments.hidden) != (Config.bits, None, None):
        raise RunError("--bits, --loss and --hidden are for a hybrid network, see --model")
    epochs = DEEP[model].epochs if epochs is None else epochs
    if epochs < 1 or (limit is not None and limit < 1):
        raise RunError(f"Epochs and images must be at least 1, not {epochs} and {limit}")
    return DeepConfig(model, arguments.data_dir, arguments.binarizer, arguments.seed,
                      arguments.device, epochs, precision=arguments.precision, images=limit)


def _table_of(arguments: argparse.Namespace) -> "tuple[TableConfig, Any]":
    from . import tabular

    if arguments.table is None or arguments.label is None:
        raise RunError("--table and --label belong together: a CSV file, and its column of classes")
    usual = Config()
    if (arguments.data, arguments.task, arguments.encoder, arguments.model) != (
            usual.data, usual.task, None, HYBRID):
        raise RunError("--table brings data and classes: it takes no --data, --task, --encoder or "
                       "--model")
    if (arguments.bits, arguments.loss, arguments.precision, arguments.limit) != (
            usual.bits, None, PRECISIONS[0], None):
        raise RunError("--table takes no --bits, --loss, --precision or --limit")
    config = tabular.decide(
        arguments.table, arguments.label, levels=arguments.levels,
        hidden=arguments.hidden or HIDDEN,
        binarizer=arguments.binarizer, seed=arguments.seed, device=arguments.device,
        epochs=arguments.epochs)
    inputs, = tabular.load(config)
    if arguments.board:
        network = ways.Candidate("table", "table", inputs.signature(config.hidden))
        print(ways.lined_up(arguments.board, *ways.fitting(arguments.board, [network])), flush=True)
    return config, (inputs,)


def _on_chip(arguments: argparse.Namespace, spec: str) -> "tuple[OnChipConfig, Any]":
    from . import onchip

    asked, folder = _refuse_on_chip(arguments, spec), arguments.images
    inputs = _inputs(arguments)
    name, task = (arguments.data, arguments.task) if folder is None else (
        folder.resolve().name, "all")
    return onchip.decide(spec, inputs, name, arguments.data_dir, task, **asked), (inputs,)


def _refuse_on_chip(arguments: argparse.Namespace, spec: str) -> dict[str, Any]:
    """Refuse what no images make right; return what is asked for, whatever the images are."""
    from . import onchip

    usual = Config()
    if arguments.model != HYBRID or arguments.encoder or (
            arguments.bits, arguments.loss, arguments.hidden,
            arguments.precision) != (usual.bits, None, None, PRECISIONS[0]):
        raise RunError("A network on the chip has no encoder and real numbers nowhere: it takes no "
                       "--model, --encoder, --bits, --loss, --hidden or --precision")
    side, channels = _size(arguments)
    if arguments.images is None:
        if arguments.side is not None or arguments.colour or arguments.limit is not None:
            raise RunError("--side, --colour and --limit are for your own images, see --images")
    else:
        if (arguments.data, arguments.task) != (usual.data, usual.task):
            raise RunError("--images brings data and classes: it takes no --data and no --task")
        OwnImages(str(arguments.images), side, arguments.colour, arguments.limit, (), "")
    asked: dict[str, Any] = {each: getattr(arguments, each) for each in (
        "pixels", "binarizer", "seed", "device", "epochs", "augment", "threads")}
    onchip.refuse(spec, side, channels, **asked)
    return asked


def _inputs(arguments: argparse.Namespace, some: int | None = None) -> "Inputs":
    """Read the images that a network on the chip learns from: ``some`` of each class, or all."""
    from . import onchip

    if arguments.images is None:
        return onchip.of_data_set(arguments.data, arguments.data_dir, arguments.task)
    limit = min(filter(None, (arguments.limit, some)), default=None)
    return onchip.of_folder(str(arguments.images), _size(arguments)[0], colour=arguments.colour,
                            limit=limit, tells=some is None)


def _size(arguments: argparse.Namespace) -> tuple[int, int]:
    """Return the side of an image and its channels."""
    return SIDE if arguments.side is None else arguments.side, 3 if arguments.colour else 1
