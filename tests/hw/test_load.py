# amaranth: UnusedElaboratable=no
"""A network arrives whole over a line that loses frames; what cannot be done is one line."""

import json

import pytest

from hw import load
from hw.engine import memories
from hw.folding import parse
from hw.loader import Layout
from sw.golden import frame
from sw.golden.network import random_network

SHAPE, PLAN = (40, 64, 2), "1x40"    # A word a frame: more frames than sequence numbers.


class Port:
    """A serial port, and behind it a board that loses the frames with these numbers."""

    port = "/dev/ttyUSB7"

    def __init__(self, lost=()):
        self.lost, self.n_frames, self.words = lost, 0, {}
        # Answers to a code and of another class: not to the first frame of a load.
        self.answers = frame.answer(0, 0) + frame.answer(frame.N_SEQUENCES, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def write(self, data):
        for content in frame.Unwrapper(frame.fcs32).feed(data):
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
    ([], 0), ([0], 1), ([3, 9, 10], 3), ([0, 64, 65], 3), (range(4 * 64), 4 * 64)], ids=str)
def test_every_word_arrives(network, lost, repeated):
    plan, port = parse(PLAN, SHAPE), Port(lost)
    assert load.load(port, network, plan) == repeated
    words = Layout(memories(network, plan)).words()
    assert port.words == {address: word for address, word in enumerate(words) if word >= 0}
    assert port.n_frames == len(load.requests(network, plan)) + repeated > 128


def test_a_board_that_does_not_answer(network):
    port = Port(range(10_000))
    with pytest.raises(load.LoadError, match=(
            r"^The board at /dev/ttyUSB7 does not answer load requests: it must have been built "
            r"with --reloadable and for this network's shape, and have been programmed$")):
        load.load(port, network, parse(PLAN, SHAPE))
    assert port.n_frames == 5 * 64


@pytest.fixture
def built(network, tmp_path):
    folder = tmp_path / "build"
    folder.mkdir()
    network.save(folder / "network.safetensors")
    (folder / "report.json").write_text(json.dumps(
        {"board": "icestick", "reloadable": True, "folding": PLAN}))
    return folder


def test_the_command_says_what_it_did(built, monkeypatch, capsys):
    monkeypatch.setattr(load.serial, "Serial", lambda port, baud: Port([7]))
    assert load.main([str(built), "--network", str(built), "--port", "/dev/ttyUSB7"]) == 0
    assert capsys.readouterr().out.startswith(
        "loaded 40-64-2 into the board at /dev/ttyUSB7 in ")


def press(port, baud):
    raise KeyboardInterrupt


@pytest.mark.parametrize("serial, shape, reloadable, code, said", [
    (None, SHAPE, True, 2, "error: [Errno 2] could not open port /dev/nowhere: "),
    (None, SHAPE, False, 2, "error: {} holds a bitstream that cannot be loaded: build it with "
                            "python -m hw.build --reloadable\n"),
    (None, (40, 64, 3), True, 2, "error: {} is for 40-64-2 networks, not 40-64-3: build one for "
                                 "this shape with python -m hw.build --reloadable\n"),
    (press, SHAPE, True, 130, "error: interrupted, the board holds a part of the network: run it "
                              "again\n")])
def test_what_goes_wrong(built, tmp_path, monkeypatch, capsys, serial, shape, reloadable, code,
                         said):
    if serial:
        monkeypatch.setattr(load.serial, "Serial", serial)
    report = json.loads((built / "report.json").read_text())
    (built / "report.json").write_text(json.dumps(report | {"reloadable": reloadable}))
    random_network(shape).save(tmp_path / "network.safetensors")
    assert load.main([str(built), "--network", str(tmp_path), "--port", "/dev/nowhere"]) == code
    error = capsys.readouterr().err
    assert error.startswith(said.format(built)) and error.count("\n") == 1
