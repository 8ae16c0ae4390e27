"""What a build, or a patch, left in a folder."""

import math
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout

import boards
from hw.flow.report import Report
from hw.flow.tools.bitstream import FORMATS, Contents
from hw.flow.tools.family import FAMILIES, Family
from hw.plan import plans
from hw.plan.cost import FABRICS
from hw.plan.plans import Plan
from sw.golden import regular
from sw.golden.errors import UserError
from sw.golden.identity import Identity
from sw.golden.network import Network

__all__ = ["MAX_TEXT", "REPORT", "Built", "BuiltError", "find_board", "has_build", "making",
           "reading"]

MAX_TEXT = 1 << 28    # Bytes of what the tools wrote of a design; the largest board's is a half.
REPORT = "report.json"    # Who finds it finds a whole build: it is put last, and taken first.
NEW = ".building-"        # Begins the name of a folder in which a build is made.
PATIENCE = 10.0           # Seconds that a reader waits while files are put in place.


class BuiltError(UserError):
    """A folder holds no whole build, or cannot take one; the message says why."""


def find_board(name: str) -> boards.Board:
    """Return the board called ``name``; raise :exc:`UserError` if there is none."""
    try:
        return boards.find(name)
    except boards.UnknownBoard as error:
        raise UserError(str(error)) from None


@dataclass(frozen=True)
class Built:
    """What a build, or a patch, left in a folder."""

    folder: Path
    report: Report
    board: boards.Board
    network: Network
    plan: Plan

    @property
    def family(self) -> Family:
        return FAMILIES[self.board.family]

    @property
    def identity(self) -> Identity:
        """What a board says of itself that runs it."""
        with reading(self.folder / REPORT):
            return Identity.from_bytes(bytes.fromhex(self.report.identity))

    @classmethod
    def load(cls, folder: Path) -> "Built":
        """Read the report of a build and the network it is of; :exc:`BuiltError` without them."""
        if not has_build(folder):
            with suppress(BuiltError, OSError):
                _resume(folder)
        with reading(folder / REPORT) as file:
            report = Report.from_json(regular.read_json(file))
            board = boards.find(report.board)
            board = replace(board, link=report.link, baud=report.baud or board.baud)
        with reading(folder / "network.safetensors") as file:
            network = Network.load(file)
            if report.network_sha256 not in ("", sha256(network.to_bytes()).hexdigest()):
                raise BuiltError(f"{file} is not the network that {folder / REPORT} tells of: "
                                 "build it anew with python -m hw.build")
        with reading(folder / REPORT):
            plan = plans.parse(report.folding, network.signature)
        return cls(folder, report, board, network, plan)

    def contents(self) -> Contents:
        """Read what the bitstream was packed from, of at most 256 MiB."""
        with reading(self.folder / self.family.packed_from) as file:
            contents = FORMATS[self.board.family](regular.read_text(file, MAX_TEXT))
            contents.rams = contents.rams.reshape(-1, math.prod(FABRICS[self.board.family].ram))
            return contents

    def script(self) -> str:
        """Read how it was packed, in at most 256 MiB."""
        with reading(self.folder / "build_top.sh") as file:
            return regular.read_text(file, MAX_TEXT)


@contextmanager
def reading(file: Path) -> Iterator[Path]:
    """Say that a file is missing or damaged, where what reads it comes upon that."""
    try:
        yield file
    except (FileNotFoundError, NotADirectoryError):
        raise BuiltError(f"{file} is missing: give the folder of a build, or make one with "
                         "python -m hw.build") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise BuiltError(f"{file} is damaged: build it anew with python -m hw.build") from None


def has_build(folder: Path) -> bool:
    """Return whether a whole build lies in a folder."""
    return (folder / REPORT).is_file()


@contextmanager
def making(folder: Path) -> Iterator[Path]:
    """Yield a new folder to make a build in, whose files then take the place of the one before.

    Until then the build before stays as it was, and for good where what makes the new one raises or
    is killed. Other files in ``folder`` are not touched. At every moment there is the build before,
    or the new one, or for some milliseconds no report: who is killed then, is finished by the next
    build there or the next :meth:`Built.load`.

    Raises :exc:`BuiltError` while somebody else makes one there, and where ``folder`` is a file or
    has a folder in the place of a file.
    """
    if folder.exists() and not folder.is_dir():
        raise BuiltError(f"{folder} must be a folder, and is a file: choose another --out")
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder, 0):
        _tidy(folder)
        # Inside, and so on the same disk.
        new, is_put = Path(tempfile.mkdtemp(prefix=NEW, dir=folder)), True
        try:
            yield new
            _check(new, folder)
            is_put = False
            _put(new, folder)
            is_put = True
        except KeyboardInterrupt:
            if not is_put:
                _put(new, folder)
                is_put = True
            raise
        finally:
            if is_put:
                shutil.rmtree(new, ignore_errors=True)


@contextmanager
def _alone(folder: Path, patience: float) -> Iterator[None]:
    """Keep others from changing a build, or wait for them."""
    lock = FileLock(folder / ".lock", timeout=patience)
    try:
        lock.acquire()
    except Timeout:
        raise BuiltError(f"another build is at work in {folder}: wait for it, or choose another "
                         "--out") from None
    try:
        yield
    finally:
        # Who has just opened it, and nobody else, may still get it: two builds would take each
        # other's folder away, and neither would be put in place.
        if not has_build(folder):
            with suppress(OSError):
                (folder / ".lock").unlink()
        lock.release()


def _resume(folder: Path) -> None:
    """Wait for who puts files in place, or finish it for who was killed at that."""
    if any(folder.glob(f"{NEW}*/{REPORT}")):
        with _alone(folder, PATIENCE):
            _tidy(folder)


def _tidy(folder: Path) -> None:
    """Put in place what was half put, and remove what was left by those who were killed."""
    for new in folder.glob(f"{NEW}*"):
        # The report is the last that is made, and the first of the build before to go.
        if (new / REPORT).exists() and not has_build(folder):
            _check(new, folder)
            _put(new, folder)
        shutil.rmtree(new, ignore_errors=True)


def _check(new: Path, folder: Path) -> None:
    for file in new.iterdir():
        if (folder / file.name).is_dir():
            raise BuiltError(f"{folder / file.name} is a folder where a file of the build must go: "
                             "choose another --out")


def _put(new: Path, folder: Path) -> None:
    """Let the files of a new build take the place of the one before, the report last."""
    if not (new / REPORT).exists():
        return    # It is there.
    if has_build(folder):
        stale = _bitstream(folder)
        (folder / REPORT).unlink()
        if stale:
            stale.unlink(missing_ok=True)
    for file in sorted(new.iterdir(), key=lambda file: file.name == REPORT):
        file.replace(folder / file.name)


def _bitstream(folder: Path) -> Path | None:
    """Return the bitstream of the build in a folder. That of a new one may have another name."""
    try:
        name = regular.read_json(folder / REPORT)["bitstream"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError, UserError):
        return None
    return folder / name if name in [family.bitstream for family in FAMILIES.values()] else None
