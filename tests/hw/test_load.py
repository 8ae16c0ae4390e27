# amaranth: UnusedElaboratable=no
"""A network arrives whole over a line that loses frames; what cannot be done is one line."""

import json

import pytest
from serial import SerialTimeoutException

from hw import load
from hw.accelerator import identity
from hw.blocks.loader import Layout
from hw.engine import memories
from hw.flow import loading
from hw.plan.folding import parse
from sw.golden import frame
from sw.golden.network import random_network

SHAPE, PLAN = (40, 64, 2), "1x40"    # A word a frame: more frames than sequence numbers.
IDENTITY = identity(random_network(SHAPE), parse(PLAN, SHAPE), reloadable=True, clock=120e6,
                    baud=3_000_000).to_bytes()


class Port:
    """A serial port, and behind it a board that loses the load requests with these numbers."""

    port, timeout = "/dev/ttyUSB7", None

    def __init__(self, lost=(), identity=b""):
        self.lost, self.identity, self.n_frames, self.words = lost, identity, 0, {}
        # Answers to a code and to a question: to no load.
        self.answers = frame.answer(0, 0) + frame.answer(frame.QUESTIONS + 63, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def write(self, data):
        for content in frame.Unwrapper(frame.fcs32).feed(data):
            if content[0] >= frame.QUESTIONS:
                self.answers += frame.answer(content[0], self.identity[content[0] & 63])
                continue
            if self.n_frames not in self.lost:
                address, word = (int.from_bytes(content[low:high], "little")
                                 for low, high in ((1, 4), (4, 6)))
                self.words[address] = word
                self.answers += frame.answer(content[0], 0)
            self.n_frames += 1

    @property
    def in_waiting(self):
        return len(self.answers)

    def read(self, count):
        received, self.answers = self.answers[:count], self.answers[count:]
        return received


@pytest.fixture
def network():
    return random_network(SHAPE)


@pytest.mark.parametrize("lost, repeated", [
    ([], 0), ([0], 1), ([3, 9, 10], 3), ([0, 64, 65], 3), (range(4 * 32), 4 * 32)], ids=str)
def test_every_word_arrives(network, lost, repeated):
    plan, port = parse(PLAN, SHAPE), Port(lost)
    assert loading.load(port, network, plan) == repeated
    words = Layout(memories(network, plan)).words()
    assert port.words == {address: word for address, word in enumerate(words) if word >= 0}
    assert port.n_frames == len(loading.requests(network, plan)) + repeated > 128


@pytest.fixture
def built(network, tmp_path):
    folder = tmp_path / "build"
    folder.mkdir()
    network.save(folder / "network.safetensors")
    (folder / "report.json").write_text(json.dumps(
        {"board": "icestick", "reloadable": True, "folding": PLAN, "identity": IDENTITY.hex()}))
    return folder


def test_the_command_says_what_it_did(built, monkeypatch, capsys):
    monkeypatch.setattr(loading.serial, "Serial", lambda port, baud: Port([7], IDENTITY))
    assert load.main([str(built), "--network", str(built), "--port", "/dev/ttyUSB7"]) == 0
    assert capsys.readouterr().out.startswith(
        "loaded 40-64-2 into the board at /dev/ttyUSB7 in ")


def press(port, baud):
    raise KeyboardInterrupt


def silent(port, baud):
    return Port(range(10_000), IDENTITY)


def deaf(port, baud):
    class Deaf(Port):
        def write(self, data):
            raise SerialTimeoutException("Write timeout")

        def reset_output_buffer(self):
            pass

    return Deaf()


def another(port, baud):
    return Port(identity=IDENTITY[:-4] + b"abcd")


@pytest.mark.parametrize("serial, shape, reloadable, code, said", [
    (None, SHAPE, True, 2, "error: /dev/nowhere cannot be opened, No such file or directory: "
                           "python -m sw.classify --list shows "),
    (None, SHAPE, False, 2, "error: {} holds a bitstream that cannot be loaded: build it with "
                            "python -m hw.build --reloadable\n"),
    (None, (40, 64, 3), True, 2, "error: {} is for 40-64-2 networks, not 40-64-3: build one for "
                                 "this shape with python -m hw.build --reloadable\n"),
    (silent, SHAPE, True, 2, "error: The board at /dev/nowhere does not answer: it must have been "
                             "programmed with a bitstream for this shape\n"),
    (another, SHAPE, True, 2, "error: {} is not what runs at /dev/ttyUSB7, which says that it is "
                              "40-64-2, 120 MHz, build 61626364, reloadable: give the folder of "),
    (deaf, SHAPE, True, 2, "error: /dev/nowhere takes no bytes: does something else use it, or "),
    (press, SHAPE, True, 130, "error: interrupted, the board holds a part of the network: run it "
                              "again\n")])
def test_what_goes_wrong(built, tmp_path, monkeypatch, capsys, serial, shape, reloadable, code,
                         said):
    if serial:
        monkeypatch.setattr(loading.serial, "Serial", serial)
    report = json.loads((built / "report.json").read_text())
    (built / "report.json").write_text(json.dumps(report | {"reloadable": reloadable}))
    random_network(shape).save(tmp_path / "network.safetensors")
    assert load.main([str(built), "--network", str(tmp_path), "--port", "/dev/nowhere"]) == code
    error = capsys.readouterr().err
    assert error.startswith(said.format(built)) and error.count("\n") == 1
