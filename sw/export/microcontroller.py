"""A run for a microcontroller that asks a board: C99 that is always the same, and a header.

The header says how many bytes an input has, what the classes are called, and, for the run of a
table, how its columns become bits.
"""

from collections.abc import Iterator
from pathlib import Path

from ..golden.bits import n_bytes
from ..golden.network import Network
from ..golden.tensors import atomic_write
from ..images.names import DataError
from ..images.table import Encoding

__all__ = ["header", "write"]

SOURCES = Path(__file__).with_name("c")
FILES = ("hybnn.h", "hybnn.c")


def write(network: Network, names: tuple[str, ...], encoding: Encoding | None, to: Path) -> None:
    """Write ``hybnn.c``, ``hybnn.h`` and ``network.h`` into a folder; raise as :func:`header`."""
    text = header(network, names, encoding)
    for name in FILES:
        atomic_write(to / name, (SOURCES / name).read_bytes())
    atomic_write(to / "network.h", text.encode())


def header(network: Network, names: tuple[str, ...], encoding: Encoding | None) -> str:
    """Return the text of ``network.h``, in ASCII: names are UTF-8 in escapes.

    Raises
    ------
    DataError
        The encoding does not make as many bits as the network takes.
    """
    if encoding is not None and encoding.n_bits != network.n_in:
        raise DataError(f"The encoding of the table must make {network.n_in:,} bits of a row, as "
                        f"the network takes, not {encoding.n_bits:,}: they must be of one run")
    lines = ["/* Written by python -m sw.export. */", "#ifndef HYBNN_NETWORK_H",
             "#define HYBNN_NETWORK_H", "", '#include "hybnn.h"', "",
             f"enum {{ HYBNN_BYTES = {n_bytes(network.n_in)}, HYBNN_CLASSES = {len(names)} }};", "",
             f"static const char *const hybnn_classes[] = {{{', '.join(map(_quoted, names))}}};"]
    return "\n".join([*lines, *([] if encoding is None else _columns(encoding)), "", "#endif", ""])


def _columns(encoding: Encoding) -> Iterator[str]:
    yield ""
    for number, column in enumerate(encoding.columns):
        if column.thresholds:
            yield (f"static const double hybnn_thresholds_{number}[] = "
                   f"{{{', '.join(map(repr, column.thresholds))}}};")
    yield f"enum {{ HYBNN_COLUMNS = {len(encoding.columns)} }};"
    yield "static const char *const hybnn_names[] = {"
    for column in encoding.columns:
        yield f"    {_quoted(column.name)},"
    yield "};\nstatic const struct hybnn_column hybnn_columns[] = {"
    for number, column in enumerate(encoding.columns):
        thresholds = f"hybnn_thresholds_{number}" if column.thresholds else "NULL"
        yield (f"    {{{thresholds}, {len(column.thresholds)}, {len(column.values)}, "
               f"{int(column.missing)}}},")
    yield "};"
    for number, column in enumerate(encoding.columns):
        if column.values:
            yield (f"static const char *const hybnn_words_{number}[] = "
                   f"{{{', '.join(map(_quoted, column.values))}}};")


def _quoted(text: str) -> str:
    r"""Return a literal of C: what is not a letter, a digit or a plain sign is an escape.

    >>> print(_quoted('a"b?\u00e9'))
    "a\042b\077\303\251"
    """
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-.,()"
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03o}"
                         for byte in text.encode(errors="surrogateescape")) + '"'
