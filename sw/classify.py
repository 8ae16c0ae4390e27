"""Ask a board for the classes of images: ``python -m sw.classify --port /dev/ttyUSB1 IMAGE...``

Without images: the run's test codes.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .golden import forward, networks
from .golden.bits import Bits, unpack
from .golden.codes import load_codes
from .golden.errors import UserError
from .golden.network import Network
from .golden.qonnx import executor
from .host.answers import Inputs, measure, show
from .host.board import Board
from .host.certainty import Certainty
from .host.ports import list_boards
from .terminal import runs
from .terminal.command import Parser, command

if TYPE_CHECKING:
    from torch import Tensor

FIRST = 10          # Test images that are shown one by one, without --all.
N_RANDOM = 500      # Codes of a self test, besides the run's own.


class ClassifyError(UserError):
    """What was asked for cannot be done; the message says what to do."""


def _sure(network: Network, file: Path, share: float | None) -> int | None:
    """Return the margin below which no answer is given, and say what it comes to; None if a
    ``share`` was not asked for."""
    if share is None:
        return None
    found = Certainty.of(network, *codes_beside(network, file), share)
    print(found)
    return found.margin


def golden_vectors(network: Network, file: Path) -> Inputs:
    """Return codes for a self test: no bit, all bits, random and test codes beside ``file``."""
    n_in = network.n_in
    parts = [np.zeros((1, n_in), np.uint8), np.ones((1, n_in), np.uint8),
             np.random.default_rng(0).integers(0, 2, (N_RANDOM, n_in), np.uint8)]
    if runs.codes_file(file).exists():
        parts.append(codes_beside(network, file)[0])
    return Inputs(np.concatenate(parts), ())


def codes_beside(network: Network, file: Path) -> tuple[Bits, np.ndarray]:
    """Read the codes and labels that lie beside a network file, and fit it."""
    return load_codes(runs.codes_file(file), network.n_in)


def test_codes(network: Network, file: Path) -> Inputs:
    """Return the test codes of the run with this network file. Needs no torch."""
    from .training.asked.configs import names_of

    codes, labels = codes_beside(network, file)
    try:
        classes = names_of(file.parent)
    except (UserError, OSError):    # A network file alone has numbers for its classes.
        classes = ()
    return Inputs(codes, [f"test code {number}" for number in range(len(codes))], labels, classes)


def pixels(run: Path, network: Network, files: Sequence[Path]) -> Inputs:
    """Return what a network on the chip takes of pictures. Needs no torch."""
    from .images import picture
    from .images.names import DataError
    from .training.asked.configs import describe, names_of, own_images
    from .training.asked.effort import RunError

    try:
        described, own = describe(run), own_images(run)
        raw = np.stack([
            picture.square(file, own.side, colour=own.colour) if own
            else np.rint(255 * picture.read(file, described.data)).astype(np.uint8)[:, :, None]
            for file in files])
    except (DataError, picture.PictureError, RunError) as error:
        raise ClassifyError(str(error)) from None
    return Inputs(_of_pixels(network, raw), [file.name for file in files], None,
                  names_of(run))


def _of_pixels(network: Network, raw: Bits) -> Bits:
    """Return input bits ``(n, n_in)`` for bytes ``(n, height, width, channels)``."""
    if raw.shape[1:] != network.input.shape:
        shape = "x".join(map(str, raw.shape[1:]))
        raise ClassifyError(f"The images are {shape} pixels, but the network takes {network.input}")
    return forward.bits_of(network.input, network.quantise(raw))


def rows(run: Path, network: Network, file: Path) -> Inputs:
    """Return the bits of a table's rows, with labels if the file has them. Needs no torch."""
    from .images import table
    from .images.names import DataError

    if not (run / "encoding.json").exists():
        raise ClassifyError(f"{run / 'encoding.json'} is not there: --table is for the run of a "
                            "table")
    try:
        encoding = table.Encoding.load(run / "encoding.json")
        found = table.read(file, None)
        if table.has_labels(found, encoding.label):
            found = table.labelled(found, encoding.label)
        codes = encoding.encode(found)
        labels = encoding.targets(found) if found.labels else None
    except DataError as error:
        raise ClassifyError(str(error)) from None
    if codes.shape[1] != network.n_in:
        raise ClassifyError(f"A row has {codes.shape[1]} bits, but the network takes "
                            f"{network.n_in}")
    return Inputs(codes, [f"row {number}" for number in range(1, len(codes) + 1)], labels,
                  encoding.classes)


def pictured(run: Path, network: Network, files: Sequence[Path], data_set: str | None,
             data_dir: str | None) -> Inputs:
    """Return what a run's network takes of pictures, or of a data set's test images: what its
    encoder makes of them, or, without one, their pixels."""
    # Imported here: whoever has codes needs no torch.
    import torch

    from .images import data, picture
    from .models.autoencoder import EncoderFileError
    from .training.asked.columns import TableConfig
    from .training.asked.configs import asked, describe, own_images
    from .training.asked.effort import RunError

    try:
        described = describe(run)
        if isinstance(asked(run), TableConfig):
            raise ClassifyError(f"The run in {run} is of a table: give rows of it with --table")
        if own_images(run):
            raise ClassifyError(f"The run in {run} is of images of your own: leave --data out")
        classes = data.class_names(described.data, described.task)
        if data_set is None:
            drawn = np.stack([picture.read(file, described.data) for file in files])
            images, labels = torch.from_numpy(drawn)[:, None], None
            names = [file.name for file in files]
        else:
            chosen = data.select(data.load(data_set, Path(data_dir) if data_dir else None),
                                 described.task)
            images, labels, classes = chosen.test_images, chosen.test_labels, chosen.classes
            names = [f"test image {number}" for number in range(len(images))]
        bits = _bits(run, network, images)
        return Inputs(bits, names, None if labels is None else labels.numpy(), classes)
    except (data.DataError, picture.PictureError, EncoderFileError, RunError) as error:
        raise ClassifyError(str(error)) from None


def _bits(run: Path, network: Network, images: "Tensor") -> Bits:
    """Return the input bits ``(n, n_in)`` for images ``(n, channels, height, width)``, 0 to 1."""
    from .models import encoding as codes
    from .models.autoencoder import Encoder

    if network.signature.widths or (run / "encoder.safetensors").exists():
        encoder = Encoder.load(run / "encoder.safetensors")
        return unpack(codes.extract(encoder, images), encoder.n_bits)
    return _of_pixels(network, (255 * images).round().byte().permute(0, 2, 3, 1).numpy())


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"must be a share from 0 to below 1, not {text!r}")
    return share


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m sw.classify", description=__doc__)
    add = parser.add_argument
    add("images", metavar="IMAGE", type=Path, nargs="*", help="PNG or JPEG file to classify")
    add("--port", metavar="PORT",
        help="serial port of the board, such as /dev/ttyUSB1, or the link of python -m sim.board")
    add("--network", metavar="RUN", type=Path,
        help="folder of the run that the board was built from (default: the newest run)")
    add("--table", metavar="FILE", type=Path,
        help="classify the rows of a CSV, NPZ or Parquet file with a run of sw.train --table")
    add("--data", metavar="NAME", help="take the test images of this data set")
    add("--data-dir", metavar="DIR", help="look for its IDX files in DIR or DIR/NAME")
    add("--all", action="store_true",
        help="classify all test images, without a pause; show accuracy and throughput; with "
             "--list: ask ports that look like no board's, too")
    add("--first", metavar="N", type=int,
        help=f"only the first N test images (default: {FIRST}, with --all all of them)")
    add("--reject", metavar="SHARE", type=_share,
        help="say that it is not sure where scores are too close: so that at most this share of "
             "the answers is wrong, such as 0.01, on the half of the run's test codes where that "
             "is found")
    add("--selftest", action="store_true", help="compare the board with golden on many codes")
    add("--list", action="store_true",
        help="ask the serial ports that look like boards' what is there; --port: only this one")
    args = parser.parse_args(argv)
    if not args.list and args.port is None:
        parser.error("the following arguments are required: --port, or --list to find it")
    if args.images and (args.data or args.all or args.selftest or args.table):
        parser.error("images are classified one by one: leave --data, --table, --all and "
                     "--selftest out")
    if args.table and (args.data or args.selftest):
        parser.error("the rows of --table are classified: leave --data and --selftest out")
    if args.reject is not None and (args.selftest or args.list):
        parser.error("--reject is for what is classified: leave --selftest and --list out")
    return args


def run(args: argparse.Namespace) -> int:
    """Do what the flags say; return the exit code."""
    file = runs.network_file(args.network)
    network = networks.load(file)
    if file.suffix == ".onnx":
        print(f"{file} is {executor.check(file)}")
    if args.selftest:
        inputs = golden_vectors(network, file)
    elif args.table:
        inputs = rows(file.parent, network, args.table)
    elif args.images and network.signature.widths is None:
        inputs = pixels(file.parent, network, args.images)
    elif args.images or args.data:
        inputs = pictured(file.parent, network, args.images, args.data, args.data_dir)
    else:
        inputs = test_codes(network, file)
    margin = _sure(network, file, args.reject)
    with Board(args.port, network.n_in) as board:
        if not board.identity.is_for(network.signature):
            raise ClassifyError(f"The board at {args.port} is {board.identity}, not for {network}: "
                                "flash it with python -m hw.build --program, or give the --network "
                                "that it holds")
        print(f"board {board.identity}")
        if args.selftest:
            return measure(board, network, inputs)
        if not args.images:
            inputs = inputs.first(args.first or (len(inputs.codes) if args.all else FIRST))
        return (measure if args.all else show)(board, network, inputs, margin)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0: as golden says; 1: not; 2: it could not be found out."""
    args = parse_args(argv)
    return list_boards(args.port, strangers=args.all) if args.list else run(args)


if __name__ == "__main__":
    sys.exit(main())
