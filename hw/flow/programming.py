"""A bitstream to a board, with the board's own programmer."""

import subprocess
import sys
from pathlib import Path

import boards
from hw.flow.tools import toolchain
from hw.flow.tools.family import FAMILIES

__all__ = ["program"]

NO_BOARD = 3          # Exit code: built, but not programmed.
PATIENCE = 300.0      # Seconds that a programmer may take.
LONGEST = 300         # Characters of what a programmer said.


def program(board: boards.Board, directory: Path) -> int:
    """Load the bitstream with the board's own programmer; return an exit code."""
    name, *options = board.programmer
    # Absolute, since what begins with a dash would be taken for an option.
    file = (directory / FAMILIES[board.family].bitstream).absolute()
    try:
        result = toolchain.call([name, *options, str(file)], PATIENCE)
    except FileNotFoundError:
        return _not_programmed(f"{name} was not found on PATH, so the board was not programmed. "
                               f"Try: {board.programmer_from}")
    except OSError as error:
        return _not_programmed(f"{name} is on PATH but cannot be started, so the board was not "
                               f"programmed: {error.strerror}. Try: {board.programmer_from}")
    except subprocess.TimeoutExpired:
        return _not_programmed(f"{name} was not done after {PATIENCE:g} s and was stopped: the "
                               "board may be half programmed. Unplug it, plug it in, try again")
    if result.returncode:
        said = "; ".join(toolchain.printable(result.stdout))[-LONGEST:]
        return _not_programmed(f"{name} could not program the board: "
                               f"{said or toolchain.reason('', result.returncode)}")
    print(f"programmed {board.name}")
    return 0


def _not_programmed(why: str) -> int:
    print(f"error: {why}", file=sys.stderr)
    return NO_BOARD
