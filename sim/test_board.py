# amaranth: UnusedElaboratable=no
"""A virtual board answers at its terminal what golden says, and takes another network there."""

import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import serial

from hw.accelerator import Accelerator, identity
from hw.flow import loading
from hw.flow.tools import verilog
from hw.plan import folding
from hw.plan.serial import Serial
from sim.virtual import virtual_board
from sw.golden import asking, forward, frame
from sw.golden.asking import Asking
from sw.golden.network import random_network
from sw.golden.stages import Signature

SHAPE = (200, 16, 10)
CODES = np.random.default_rng(1).integers(0, 2, (150, SHAPE[0]), np.uint8)


def classes(exchange):
    return list(exchange.ask(partial(frame.request, code=code) for code in CODES))


def children(process):
    """Return the numbers of the processes that a process has started."""
    return [int(pid) for file in Path(f"/proc/{process.pid}/task").glob("*/children")
            for pid in file.read_text().split()]


@pytest.fixture(scope="module")
def source():
    """The board's Verilog, which takes some seconds: made once."""
    return verilog.convert(Accelerator(random_network(SHAPE), folding.default(SHAPE),
                                       reloadable=True), "accelerator")


COMMAND = ("import sys; from sim import board, virtual; text = open(sys.argv[1]).read(); "
           "virtual.verilog.convert = lambda *_: text; sys.exit(board.main(sys.argv[2:]))")


@pytest.fixture
def start(source, tmp_path):
    """Start the command for a link."""
    random_network(SHAPE).save(tmp_path / "network.safetensors")
    (tmp_path / "accelerator.v").write_text(source)
    started = []

    def starts(link):
        arguments = [tmp_path / "accelerator.v", "--network", tmp_path, "--reloadable", "--port"]
        started.append(subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments, link], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.getcwd()}))
        return started[-1]

    yield starts
    for process in started:
        process.kill()
        process.communicate()


ENDED = "error: The simulator of the virtual board at {} has ended by itself: start python -m "


@pytest.mark.parametrize("number, whose, code, said", [
    (signal.SIGKILL, "simulator", 2, ENDED),
    (signal.SIGTERM, "command", 143, "error: SIGTERM has ended the virtual board\n"),
    (signal.SIGHUP, "command", 129, "error: SIGHUP has ended the virtual board\n"),
    (signal.SIGKILL, "command", -9, "")])
def test_it_ends_and_leaves_nothing_behind(start, tmp_path, number, whose, code, said):
    process = start(link := tmp_path / "link")
    process.stdout.readline()
    [simulator] = children(process)
    assert link.is_symlink()
    os.kill(simulator if whose == "simulator" else process.pid, number)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == code
    assert error.startswith(said.format(link)) and error.count("\n") == bool(said)
    end = time.monotonic() + 60
    while (link.is_symlink() or Path(f"/proc/{simulator}").exists()) and time.monotonic() < end:
        time.sleep(0.1)
    assert not link.is_symlink() and not Path(f"/proc/{simulator}").exists()


def test_a_link_that_cannot_be_made_is_said(start, tmp_path):
    process = start(tmp_path / "none" / "link")
    out, error = process.communicate(timeout=120)
    assert (process.returncode, out, error.count("\n")) == (2, "", 1)
    assert re.search(r" \(FileNotFoundError: .*none/link'\): start python -m sim.board ", error)


def test_a_network_is_loaded_through_the_terminal_whose_wire_is_kept_busy():
    before, after = (random_network(SHAPE, seed=seed) for seed in range(2))
    plan = folding.default(SHAPE)
    with (virtual_board(before, plan, reloadable=True) as virtual,
          serial.Serial(str(virtual.terminal)) as port):
        assert asking.identify(port, range(20, 30)) == identity(
            before, plan, reloadable=True, clock=0, baud=0)
        exchange = Asking(port, asking.CODES)
        assert classes(exchange) == forward.classify_all(before, CODES).tolist()
        loading.load(port, after, plan)
        assert classes(exchange) == forward.classify_all(after, CODES).tolist()
    assert virtual.tally["codes"] >= 2 * len(CODES) and virtual.busy >= 0.9


def test_a_network_of_stages_is_asked_and_loaded_like_any_board():
    """Two images at once; then others of another network."""
    before, after = (random_network(Signature.parse("6x5x1:2-5-4"), seed) for seed in range(2))
    plan, images = Serial(1, 4), np.random.default_rng(2).integers(0, 2, (15, 60), np.uint8)
    requests = [partial(frame.request, code=image) for image in images]
    with (virtual_board(before, plan, reloadable=True) as virtual,
          serial.Serial(str(virtual.terminal)) as port):
        said = asking.identify(port, [5], patience=9)
        assert said == identity(before, plan, reloadable=True, clock=0, baud=0)
        exchange = Asking(port, asking.CODES, at_once=said.at_once, patience=9)
        assert list(exchange.ask(requests)) == forward.classify_all(before, images).tolist()
        loading.load(port, after, plan)
        assert list(exchange.ask(requests)) == forward.classify_all(after, images).tolist()
        assert exchange.repeated == 0
    assert virtual.tally["codes"] == 2 * len(images)
