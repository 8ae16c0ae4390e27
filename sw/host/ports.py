"""The serial ports of this computer, and which board is at each."""

from pathlib import Path

from serial.tools import list_ports

from ..golden import regular
from ..golden.identity import Identity
from .board import CHIPS, Board, BoardError, NoBoard

__all__ = ["list_boards"]


def list_boards(only: str | None, *, strangers: bool) -> int:
    """Ask every serial port that looks like a board's, or one, what is there.

    What no board has is not even opened, but with ``strangers``: a byte may start a machine.
    """
    found = {port.device: port for port in ([] if only else list_ports.comports())}
    if not only and not found:
        print("no serial port on this computer: plug a board in, or start python -m sim.board and "
              "ask with --port")
    builds = _builds()
    for name in [only] if only else sorted(found):
        if only or strangers or (found[name].vid, found[name].pid) in CHIPS:
            print(f"{name}  {_what_is_at(name, builds)}", flush=True)
        else:
            print(f"{name}  not asked, as it looks like no board's: {found[name].description}; "
                  "--list --all asks it too")
    return 0


def _what_is_at(port: str, builds: dict[Identity, Path]) -> str:
    try:
        with Board(port) as board:
            known = builds.get(board.identity)
            return f"{board.identity}, {board.speed}" + (f", {known}" if known else "")
    except NoBoard:
        return "no board"
    except BoardError as error:
        return str(error).removeprefix(f"{port} ").partition(": ")[0]


def _builds() -> dict[Identity, Path]:
    """Find the builds of this folder's runs by what they say of themselves."""
    found = {}
    for file in sorted(Path("runs").glob("*/build/*/report.json")):
        try:
            identity = Identity.from_bytes(bytes.fromhex(regular.read_json(file)["identity"]))
            found[identity] = file.parent
        except (ValueError, KeyError, TypeError, OSError):
            continue    # Of an older version, or unfinished.
    return found
