"""What ``sw.train --as auto`` tries, and what it then takes."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from sw.train import _parser, main
from sw.training import onchip, settling, trial
from sw.training.asked import ways
from sw.training.asked.board import Room
from sw.training.asked.stages import signature
from sw.training.task import Recipe


def inputs(n):
    images = torch.arange(n, dtype=torch.uint8)[:, None, None, None].expand(n, 28, 28, 1)
    labels = torch.arange(n) % 2
    return onchip.Inputs(images, labels, images, labels, 2)


@pytest.mark.parametrize("n, learnt, held", [(20, 15, 5), (39, 30, 9), (200, 60, 40)])
def test_images_are_held_out_to_choose(monkeypatch, n, learnt, held):
    monkeypatch.setattr(trial, "LEARNT", 60)
    monkeypatch.setattr(trial, "HELD", 40)
    drawn = trial.draw(inputs(n), 0)
    values = [{*images[:, 0, 0, 0].tolist()} for images in (drawn.learnt, drawn.held)]
    assert [*map(len, values)] == [learnt, held] and not values[0] & values[1]
    assert torch.equal(drawn.held[:, 0, 0, 0] % 2, drawn.held_labels)


@pytest.fixture
def brief(monkeypatch):
    for name, value in {"LEARNT": 100, "HELD": 60, "EPOCHS": 1,
                        "HEAD": Recipe(2, 50, 3e-2)}.items():
        monkeypatch.setattr(trial, name, value)


def fits(sizes):
    """Return a board's answer that has room for sizes of networks of two classes on grey images."""
    known = {str(each.signature) for each in ways.on_chip(None, 28, 1, 8, 2) if each.name in sizes}
    return lambda board, signature: (Room(9, 9, 9, "") if str(signature) in {*known, "200-128-2"}
                                     else None)


@pytest.mark.parametrize("flags, tried", [
    ([], ["large", "medium", "small", "hybrid"]), (["--board", "b"], ["small", "hybrid"])],
    ids=["no board", "board"])
def test_the_best_of_those_that_fit_is_taken(monkeypatch, capsys, brief, flags, tried):
    monkeypatch.setattr(ways.boards, "ask", fits(["small"]))
    chosen = settling._choose(_parser().parse_args(["--as", "auto", "--task", "0v1", *flags]),
                              "data")
    lines = [line.replace("> ", "").split() for line in capsys.readouterr().out.splitlines()]
    right = {words[0]: float(words[-1]) for words in lines[1:] if "." in words[-1]}
    assert [*right] == tried and right[chosen[1]] == max(right.values()) > 40


def test_own_images_are_tried_then_learnt_and_noted_once(tmp_path, capsys, brief):
    for name, count, grey in ("dark", 40, 0), ("light", 20, 200):
        (tmp_path / "in" / name).mkdir(parents=True)
        for number in range(count):
            pixels = np.full((8, 8), grey + number, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "in" / name / f"{number}.png")
    assert main(["--images", str(tmp_path / "in"), "--as", "auto", "--side", "8", "--epochs", "1",
                 "--device", "cpu", "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    chosen, = (line.split()[1] for line in lines if line.startswith("  > "))
    assert [line.replace(">", "").split()[0] for line in lines[:5]] == [
        "networks", "large", "medium", "small", "trains"]
    shape = json.loads((tmp_path / "run" / "config.json").read_text())["signature"]
    assert shape == str(signature(chosen, 8, 1, 8, 2))
    assert said.err.count("note: classes have") == 1


@pytest.mark.parametrize("flags, names", [
    ([], ["large", "medium", "small", "hybrid"]), (["--pixels", "4"], ["large", "medium", "small"]),
    (["--augment", "none"], ["large", "medium", "small"]), (["--bits", "100"], ["hybrid"])],
    ids=["usual", "pixels", "augment", "bits"])
def test_what_a_network_does_not_have_rules_it_out(flags, names):
    asked = _parser().parse_args(["--as", "auto", *flags])
    assert [each.name for each in settling._candidates(asked, "data", "hybrid")] == names


@pytest.mark.parametrize("flags, said", [
    (["--seed", "-1"], "The seed must be 0 to 4294967295, not -1"),
    (["--epochs", "0"], "Epochs must be at least 1, not 0"),
    (["--limit", "5"], "--precision and --limit are for SD-BNN's networks, see --model")],
    ids=["seed", "epochs", "limit"])
def test_a_mistake_is_refused_before_anything_is_tried(tmp_path, capsys, flags, said):
    assert main(["--as", "auto", *flags, "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == f"error: {said}\n"


def test_too_few_images_say_nothing():
    with pytest.raises(trial.RunError, match=r"needs 20 of them to train on, not 19: say --as on-"):
        trial.draw(inputs(19), 0)
