"""What a user can cause."""

__all__ = ["UserError"]


class UserError(Exception):
    """What a user asked for cannot be done, or a file is not what it must be.

    Base of every exception that a command ends with in one line, without a traceback: see
    :func:`sw.terminal.command.command`. The message says what must be, what was given, and what to
    do.
    """
