"""What is no file, or too large a one, is refused before a byte of it is read."""

import os
import re
import socket
import threading
from functools import partial

import pytest

from sw.golden import regular
from sw.golden.regular import FileRefused


def _pipe(path):
    os.mkfifo(path)


def _socket(path):
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(path))


def _sparse(path, size=1 << 40):
    with path.open("wb") as file:
        file.truncate(size)


READERS = [partial(regular.open_file, budget=9), partial(regular.read_bytes, budget=9),
           partial(regular.read_text, budget=9), regular.read_json]


@pytest.mark.parametrize("read", READERS, ids=["open", "bytes", "text", "json"])
@pytest.mark.parametrize("make, error, said", [
    (_pipe, FileRefused, "{} must be a file, not a named pipe: write into one what it gives"),
    (_socket, FileRefused, "{} must be a file, not a socket: write into one what it gives"),
    (lambda path: path.symlink_to("/dev/zero"), FileRefused,
     "{} must be a file, not a device: write into one what it gives"),
    (_sparse, FileRefused,
     r"{} must have at most [\d,]+ bytes, not 1,099,511,627,776: is it the right file\?"),
    (lambda path: path.mkdir(), IsADirectoryError, r"\[Errno 21\] Is a directory: '{}'"),
    (lambda path: path.symlink_to(path), OSError, r"\[Errno 40\] .*: '{}'"),
    (lambda path: None, FileNotFoundError, r"\[Errno 2\] No such file or directory: '{}'"),
], ids=["pipe", "socket", "device", "sparse", "folder", "loop", "nothing"])
def test_what_is_no_file_is_refused(tmp_path, monkeypatch, read, make, error, said):
    monkeypatch.chdir(tmp_path)    # The name of a socket is short.
    make(path := tmp_path / "a")
    opened = []
    monkeypatch.setattr("builtins.open", lambda *args, **kwargs: opened.append(args))
    with pytest.raises(error, match=f"^{said.format(re.escape(str(path)))}$"):
        read(path)
    assert opened == []


def test_a_file_that_becomes_a_pipe_is_not_waited_for(tmp_path, monkeypatch):
    file, pipe = tmp_path / "file", tmp_path / "pipe"
    file.write_bytes(b"x")
    os.mkfifo(pipe)
    found = file.stat()
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", lambda path: found)
        refused = threading.Thread(target=partial(pytest.raises, FileRefused, regular.read_bytes,
                                                  pipe, 9), daemon=True)
        refused.start()
        refused.join(10)
    assert not refused.is_alive()


@pytest.mark.parametrize("size", [0, 1, 9])
def test_what_is_within_the_budget_is_read(tmp_path, size):
    (tmp_path / "a").write_bytes(b"x" * size)
    assert regular.read_bytes(tmp_path / "a", 9) == b"x" * size
    with regular.open_file(tmp_path / "a", 9) as file:
        assert file.read() == b"x" * size
    (tmp_path / "a").write_bytes(b"x" * 10)
    with pytest.raises(FileRefused, match="must have at most 9 bytes, not 10: "):
        regular.read_bytes(tmp_path / "a", 9)


@pytest.mark.skipif(not os.path.exists("/proc/self/cmdline"), reason="needs Linux's /proc")
def test_a_file_that_does_not_say_its_size_is_read_within_the_budget():
    assert os.stat("/proc/self/cmdline").st_size == 0
    assert regular.read_bytes("/proc/self/cmdline", 1 << 20).endswith(b"\0")
    with pytest.raises(FileRefused, match=r"^/proc/self/cmdline grows while it is read: "):
        regular.read_bytes("/proc/self/cmdline", 3)


@pytest.mark.parametrize("content, error", [
    (b"", ValueError), (b"{", ValueError), (b"\xff\xff", ValueError),
    (b"[" * 100_000, ValueError)])
def test_what_is_no_json(tmp_path, content, error):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(error):
        regular.read_json(tmp_path / "a.json")
