"""The path of docs/tutorial.md, step 10: own photos, a run, a virtual board, an answer by name."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sw import classify, train
from sw.terminal import runs
from tests.line import within

ROOT = Path(__file__).parent.parent
PARTS = ("nut", "screw", "washer")


def photograph(part, seed, file):
    """Draw a part on a table, a little elsewhere each time, with noise: a JPEG of 96 x 72."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (96, 72), (40, 36, 30))
    draw, (x, y) = ImageDraw.Draw(image), (48, 36) + rng.integers(-4, 5, 2)
    if part == "screw":
        draw.rectangle([x - 4, y - 28, x + 4, y + 28], (200, 190, 180))
    else:
        draw.ellipse([x - 24, y - 24, x + 24, y + 24], (210, 200, 190))
        hole = 16 if part == "washer" else 5
        draw.ellipse([x - hole, y - hole, x + hole, y + hole], (40, 36, 30))
    noisy = np.asarray(image) + rng.normal(0, 8, (72, 96, 3))
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder of photos of each part, in a folder where nothing else lies."""
    monkeypatch.chdir(tmp_path)
    for number, part in enumerate(PARTS):
        (tmp_path / "photos" / part).mkdir(parents=True)
        for each in range(20):
            photograph(part, 100 * number + each, f"photos/{part}/IMG_{each:04}.jpg")
    return tmp_path / "photos"


def test_own_photos_are_learnt_and_a_board_answers_with_their_names(photos, capsys):
    assert train.main(["--images", "photos", "--on-chip", "8s4p", "--pixels", "1", "--epochs", "40",
                       "--threads", "1", "--device", "cpu"]) == 0
    assert "run folder: runs/" in capsys.readouterr().out
    run = runs.newest()
    names = [f"new-{part}.jpg" for part in PARTS]
    for number, part in enumerate(PARTS):
        photograph(part, 1000 + number, names[number])
    board = subprocess.Popen([sys.executable, "-m", "sim.board", "--port", "virtual-board"],
                             env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        with within(500):
            assert board.stdout.readline().startswith("a virtual board with 28x28x1-8s4p-3 is at ")
            assert classify.main(["--port", "virtual-board", *names]) == 0
    finally:
        board.terminate()
        board.communicate(timeout=60)
    told = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert [line[:4] for line in told] == [[name, "-", part, part]
                                           for name, part in zip(names, PARTS)]
    assert run.name.endswith("photos-all-on-chip")
