"""Command lines that say what is wrong in one line."""

import argparse
import io
import os
import select
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, NoReturn, ParamSpec

from ..golden.errors import UserError
from . import extras

__all__ = ["INTERRUPTED", "UNREAD", "Described", "Parser", "called_as", "command", "describing",
           "fail"]

INTERRUPTED = 130    # Exit code after Ctrl-C, as shells have it.
UNREAD = 141    # And where nobody reads what is printed: SIGPIPE.
LONGEST = 1000    # Characters of a message, so that the log of a tool does not flood a terminal.

P = ParamSpec("P")

_name = ContextVar("_name", default="")    # By which a command was called, if not by its module's.
_describing = ContextVar("_describing", default=False)


class Described(Exception):
    """A command was to be described, and this is its parser."""

    def __init__(self, parser: "Parser") -> None:
        super().__init__(parser.prog)
        self.parser = parser


@contextmanager
def called_as(name: str) -> Iterator[None]:
    """Let parsers made in this context show ``name`` in their lines of usage."""
    token = _name.set(name)
    try:
        yield
    finally:
        _name.reset(token)


@contextmanager
def describing() -> Iterator[None]:
    """Let commands called in this context raise :exc:`Described` where they would parse."""
    token = _describing.set(True)
    try:
        yield
    finally:
        _describing.reset(token)


class Parser(argparse.ArgumentParser):
    """Without the lines of usage before the error: ``--help`` has them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prog = _name.get() or self.prog

    def parse_args(  # type: ignore[override]
            self, args: Sequence[str] | None = None, namespace: None = None) -> argparse.Namespace:
        if _describing.get():
            raise Described(self)
        return super().parse_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {one_line(message)} (see --help)\n")


def one_line(message: str) -> str:
    """Join the lines of a message, without what a terminal would obey; cut what is too long of it.

    The start says what failed and the end of a log why, so it is cut in between.

    >>> one_line("yosys failed:\\n  no such module\\n")
    'yosys failed: no such module'
    >>> one_line("two reasons\\nat once")
    'two reasons; at once'
    """
    lines = ("".join(c if c.isprintable() else " " for c in line).strip()
             for line in message.splitlines())
    text = "; ".join(filter(None, lines)).replace(":; ", ": ")
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half].rstrip()} ... {text[-half:].lstrip()}"


def fail(error: BaseException, code: int = 2) -> int:
    """Print in one line what ``error`` says; return the exit code for it.

    >>> fail(LookupError("Unknown board 'icestik'"))
    2
    """
    _say(f"error: {one_line(str(error)) or repr(error)}")
    return code


def command(interrupted: str = "") -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Let a ``main``, which returns its exit code, end in one way whatever a user does.

    :exc:`UserError`, :exc:`OSError` and :exc:`MemoryError` are one line on stderr and exit code 2,
    and so is a package that is missing and that an extra brings (see :mod:`.extras`).
    Ctrl-C is one line and :data:`INTERRUPTED`: ``interrupted`` says what is lost, or else the
    message of a :exc:`KeyboardInterrupt` how to go on. Where nobody reads what is printed, nothing
    more is said and the code is :data:`UNREAD`. What stdout's encoding lacks is printed as an
    escape. Any other exception is a mistake of ours, and leaves its traceback.
    """
    def decorate(main: Callable[P, int]) -> Callable[P, int]:
        @wraps(main)
        def ending(*args: P.args, **kwargs: P.kwargs) -> int:
            _open()
            try:
                try:
                    return main(*args, **kwargs)
                finally:
                    if isinstance(sys.exception(), SystemExit | None):
                        sys.stdout.flush()    # What cannot be written must be known here.
            except KeyboardInterrupt as error:
                consequence = f", {interrupted}" if interrupted else ""
                _say(f"interrupted; {error}" if error.args else f"error: interrupted{consequence}")
                return INTERRUPTED
            except MemoryError:
                return fail(MemoryError("there is not enough memory for this"))
            except BrokenPipeError as error:
                return UNREAD if _is_unread() else fail(error)
            except ModuleNotFoundError as error:
                if _describing.get() or not (said := extras.missing(error)):
                    raise
                return fail(UserError(said))
            except (UserError, OSError) as error:
                return fail(error)
            finally:
                _settle()
        return ending
    return decorate


def _open() -> None:
    """Let stdout and stderr take any text, even where a shell closed them."""
    for name in "stdout", "stderr":
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(line: str) -> None:
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:    # Nobody can be told.
        pass


def _is_unread() -> bool:
    """Return whether what reads stdout has gone: it is not the only pipe that can break."""
    try:
        watch = select.poll()
        watch.register(sys.stdout.fileno(), 0)
        return bool(watch.poll(0))
    except (AttributeError, OSError):    # Neither of every system, nor of every stream.
        return False


def _settle() -> None:
    """Flush stdout; if that fails, let it take the rest, which Python would try to write again."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
