"""What ``make soak`` does by the million, on a few; and that it would notice."""

from importlib import import_module

import numpy as np
import pytest

pytest.importorskip("flwr", reason="needs flwr: pip install '.[fed]'")
pytest.importorskip("onnx", reason="needs onnx: pip install '.[onnx]'")

from sw.golden import frame
from tests.soak import link, noise
from tests.soak.noise import Line

# Shares of a soak: some seconds of a CPU each. tests/hw/test_patch.py compares bitstreams.
SCALES = {"exchange": 0.005, "link": 0.003, "wires": 0.005, "unknown": 0.02, "files": 0.008,
          "nofiles": 0.03, "numbers": 0.02, "crashes": 0.02, "longrun": 0.005, "networks": 0.01,
          "stages": 0.02, "exporters": 0.01}


@pytest.mark.parametrize("subject", SCALES)
def test_nothing_is_lost(subject):
    if subject == "exporters":
        pytest.importorskip("onnxscript", reason="needs onnxscript: pip install '.[soak]'")
    rows = import_module(f"tests.soak.{subject}").run(SCALES[subject])
    assert all(row.tried for row in rows)
    assert {row.what: (row.lost, row.said) for row in rows if row.lost} == {}


def line(*windows):
    return Line(np.frombuffer(b"".join(windows), np.uint8),
                np.repeat(np.arange(len(windows)), [len(each) for each in windows]))


@pytest.mark.parametrize("whole, said, wrong, deaf", [
    (True, frame.answer(0, 2), 0, 0),
    (True, frame.answer(0, 3), 1, 1),
    (True, frame.answer(1, 2), 0, 1),
    (True, b"", 0, 1),
    (False, b"", 0, 0),
    (False, frame.answer(0, 1), 1, 0),
    (True, frame.answer(5, 1) + frame.answer(0, 2), 0, 0),
    (True, frame.answer(0, 2)[:-2] + frame.answer(0, 2), 0, 0),
])
def test_what_is_lost_is_seen(whole, said, wrong, deaf):
    traffic = link.Traffic(1, np.random.default_rng(0))
    traffic.classes = np.array([2])
    count = link.Count()
    count.judge(traffic, np.array([whole]), line(said), line(said))
    assert (count.tried, count.wrong, count.deaf) == (1, wrong, deaf)


@pytest.mark.parametrize("name", noise.KINDS)
def test_noise_spares_some_windows_and_says_which(name):
    sent = line(*[bytes([n, 1, 2, 3]) for n in range(200)])
    arrived = noise.KINDS[name](sent, 0.01, np.random.default_rng(0))
    others = [n for n in range(200) if sent.data[sent.window == n].tobytes()
              != arrived.data[arrived.window == n].tobytes()]
    assert 0 < len(others) < 150
    assert np.flatnonzero(noise.touched(sent, arrived, 200)).tolist() == others
