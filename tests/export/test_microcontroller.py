"""C for a microcontroller: it makes a row's bits as the host does, and asks as the host does."""

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sw.export import microcontroller
from sw.golden import fast, frame
from sw.golden.bits import to_bytes
from sw.golden.identity import Identity
from sw.golden.network import random_network
from sw.images.names import DataError
from sw.images.table import Column, Encoding, Table
from tests.line import golden_line, stranger

NAMES = ('a "b"\\', "über ??/", "*/ c")
WORDS = ("iron", "oak", "tin")
ENCODING = Encoding("class", NAMES, (
    Column("x */", (-1.5, 0.1, 2.0, 1e300), (), True), Column("kind", (), WORDS, True),
    Column("same", (), (), False), Column("y", tuple(map(float, range(9))), (), False)))
NETWORK = random_network((ENCODING.n_bits, 12, 3))
IDENTITY = Identity(NETWORK.shape, False, False, 0, b"abcd")
GCC = ["gcc", "-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror", "-pedantic",
       "-Os", "-fsanitize=address,undefined"]

PLAIN = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
LANGUAGES = {"c": ["gcc", "-std=c99", *PLAIN], "cc": ["g++", "-std=c++11", *PLAIN]}
DOCS = Path(__file__).parents[2] / "docs" / "commands.md"

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no C compiler")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("c")
    microcontroller.write(NETWORK, NAMES, ENCODING, folder)
    shutil.copy(Path(__file__).with_name("ask.c"), folder)
    subprocess.run([*GCC, "ask.c", "hybnn.c", "-o", "ask"], cwd=folder, check=True, timeout=120)
    return folder / "ask"


def rows(n):
    """Return rows as text for the host, and as numbers for C: values that are missing, and ties."""
    rng = np.random.default_rng(0)
    x = [str(rng.choice(["", "0.1", "-1.5", "2", "1e300", "-7", "0.09999"])) for _ in range(n)]
    kinds = [str(rng.choice(["", *WORDS])) for _ in range(n)]
    y = [str(each) for each in rng.integers(-2, 11, n)]
    texts = [list(row) for row in zip(x, kinds, ["3"] * n, y)]
    numbers = [[a or "nan", str(WORDS.index(kind)) if kind else "nan", "3", b]
               for a, kind, _, b in texts]
    return (ENCODING.encode(Table(Path("t.csv"), ("x */", "kind", "same", "y"), texts, [])),
            "\n".join(map(" ".join, numbers)))


def ask(program, text, *port):
    done = subprocess.run([program, *port], input=text, text=True, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split(" ", 1) for line in done.stdout.splitlines()]


def test_rows_become_the_bits_that_the_host_makes(program):
    codes, text = rows(300)
    assert [code for code, _ in ask(program, text)] == [to_bytes(code).hex() for code in codes]


@pytest.mark.parametrize("lost, before", [
    ((), b""), ((0, 3, 4, 9, 10, 11), b""), ((), b"\x7e\x00\x01\x00\x00\x7e\x7d\x7e\x00\x01"),
    ((), bytes(range(256)) * 4), ((), b"".join(frame.answer(0, klass) for klass in range(3)))],
    ids=["clean", "lost", "noise", "more noise", "late answers"])
def test_a_board_is_asked_until_it_answers(program, lost, before):
    codes, text = rows(300)    # More than there are sequence numbers.
    with golden_line(NETWORK, IDENTITY, frozenset(lost), before=before) as port:
        told = [name for _, name in ask(program, text, port)]
    assert told == [NAMES[klass] for klass in fast.classify_all(NETWORK, codes)]


@pytest.mark.parametrize("says", [b"", b"\x7e\x01\x02", b"T:20.1 B:20.3\r\n"],
                         ids=["silent", "flags", "printer"])
def test_who_is_no_board_gives_no_answer(program, says):
    _, text = rows(1)
    with stranger(says) as port:
        assert [name for _, name in ask(program, text, port)] == ["no answer"]


def run(folder, program):
    """Compile a program with ``hybnn.c`` in a folder; return what it says."""
    (folder / "main.c").write_text(f'#include <stdio.h>\n#include "network.h"\n{program}')
    subprocess.run([*GCC, "main.c", "hybnn.c", "-o", "main"], cwd=folder, check=True, timeout=120)
    done = subprocess.run([folder / "main"], capture_output=True, timeout=20)
    assert done.stderr == b""
    return done.stdout


def test_no_byte_behind_the_code_is_written(tmp_path):
    microcontroller.write(NETWORK, NAMES, ENCODING, tmp_path)
    assert run(tmp_path, """int main(void) {
        double row[HYBNN_COLUMNS] = {7, 0, 0, 9};
        uint8_t code[1];    /* Of the three that it has. */
        hybnn_encode(hybnn_columns, HYBNN_COLUMNS, row, code, sizeof code);
        printf("%d", code[0]);
    }""") == b"39"


@pytest.mark.parametrize("n_in", [ENCODING.n_bits - 1, ENCODING.n_bits + 1])
def test_an_encoding_of_another_network_is_refused(tmp_path, n_in):
    with pytest.raises(DataError) as refused:
        microcontroller.write(random_network((n_in, 4, 3)), NAMES, ENCODING, tmp_path)
    assert list(tmp_path.iterdir()) == [] and str(refused.value) == (
        f"The encoding of the table must make {n_in} bits of a row, as the network takes, not "
        f"{ENCODING.n_bits}: they must be of one run")


def test_without_a_table_there_are_bytes_and_names(tmp_path):
    microcontroller.write(NETWORK, NAMES, None, tmp_path)
    said = run(tmp_path, 'int main(void) { printf("%d %d %s", HYBNN_BYTES, HYBNN_CLASSES, '
                         'hybnn_classes[1]); }')
    assert said == f"3 3 {NAMES[1]}".encode()


PROGRAM = """{include}
static void put(void *port, uint8_t byte) {{ *(uint8_t *)port = byte; }}
static int get(void *port) {{ return *(uint8_t *)port; }}
static uint32_t millis(void) {{ static uint32_t now; return now++; }}
int main(void) {{
    uint8_t uart;
    double row[HYBNN_COLUMNS] = {{0}};
    {body}
    return klass + 1 || !hybnn_classes[0] || !hybnn_names[0] || !hybnn_words_1[0];
}}
"""


@pytest.mark.parametrize("language", [pytest.param(each, marks=pytest.mark.skipif(
    shutil.which(LANGUAGES[each][0]) is None, reason="there is no such compiler"))
    for each in LANGUAGES])
def test_what_the_documentation_shows_is_a_program(tmp_path, language):
    shown, = re.findall(r"```c\n(#include .*?)\n(.*?)```", DOCS.read_text(), re.DOTALL)
    microcontroller.write(NETWORK, NAMES, ENCODING, tmp_path)
    (tmp_path / f"main.{language}").write_text(PROGRAM.format(include=shown[0], body=shown[1]))
    for command in ([*LANGUAGES["c"], "-c", "hybnn.c"],
                    [*LANGUAGES[language], f"main.{language}", "hybnn.o", "-o", "main"],
                    ["./main"]):
        subprocess.run(command, cwd=tmp_path, check=True, timeout=120)


class Bus:
    """A board on SPI that has an image done in some milliseconds, and time that its bytes make.

    ``lost`` requests, by their place, are not heard.
    """

    def __init__(self, clock, milliseconds, lost):
        self.byte, self.work = 8000 / clock, milliseconds    # Both in milliseconds.
        self.now, self.lost = 2 ** 32 - 100, lost
        self.unwrapper, self.n_heard = frame.Unwrapper(frame.fcs32), 0
        self.due, self.saying = [], b""

    def exchange(self, byte):
        self.now += self.byte
        for content in self.unwrapper.feed(bytes([byte])):
            if self.n_heard not in self.lost:
                self.due.append((self.now + self.work, frame.answer(content[0], 2)))
            self.n_heard += 1
        if not self.saying and self.due and self.now >= self.due[0][0]:
            self.saying = self.due.pop(0)[1]
        told, self.saying = self.saying[:1] or bytes([frame.FLAG]), self.saying[1:]
        return told[0]


PUT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint8)
GET = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
MILLIS = ctypes.CFUNCTYPE(ctypes.c_uint32)


class Link(ctypes.Structure):
    _fields_ = (("put", PUT), ("get", GET), ("millis", MILLIS), ("port", ctypes.c_void_p),
                ("sequence", ctypes.c_uint8))

    @classmethod
    def of(cls, bus):
        return cls(PUT(lambda _, byte: bus.exchange(byte) and None),
                   GET(lambda _: bus.exchange(frame.FLAG)), MILLIS(lambda: int(bus.now) % 2 ** 32))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    microcontroller.write(NETWORK, NAMES, None, folder)
    subprocess.run([*LANGUAGES["c"], "-O1", "-fPIC", "-shared", "hybnn.c", "-o", "hybnn.so"],
                   cwd=folder, check=True, timeout=120)
    return ctypes.CDLL(str(folder / "hybnn.so"))


@pytest.mark.parametrize("clock, milliseconds, lost, klass, tries", [
    (24e6, 2.7, (), 2, 1), (1e6, 240, (), 2, 1), (1e6, 0, (0, 1, 2), 2, 4),
    (1e6, 0, range(4), -1, 4), (1e6, 260, (), -1, 4)],
    ids=["on the chip", "slow", "lost but the last", "all lost", "too late"])
def test_on_spi_it_waits_for_time_and_not_for_bytes(library, clock, milliseconds, lost, klass,
                                                    tries):
    bus = Bus(clock, milliseconds, lost)
    link = Link.of(bus)
    code = bytes(3)
    assert (library.hybnn_classify(ctypes.byref(link), code, ctypes.c_size_t(len(code))),
            bus.n_heard) == (klass, tries)


def test_it_begins_after_what_is_late(library):
    bus = Bus(1e6, 0, ())
    bus.due.append((bus.now + 200, frame.answer(0, 1)))    # To a question from before a reset.
    link = Link.of(bus)
    library.hybnn_begin(ctypes.byref(link))
    assert library.hybnn_classify(ctypes.byref(link), bytes(3), ctypes.c_size_t(3)) == 2
