"""The reproduction, on few images."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from sw.experiments import pieces, reproduction
from sw.experiments.effort import Plan, Study
from sw.experiments.paper import main
from sw.experiments.tabulated import ablation_table, figures, measure, table, verdicts
from sw.experiments.trained import consecutive
from sw.experiments.trained import parts_of_sdbnn as arms
from sw.experiments.trained.mixture import BernoulliMixture, components_within
from sw.images.data import DataSet
from sw.models.encoding import CodeSet, pack_signs
from sw.terminal import markdown

pytest.importorskip("flwr", reason="needs flwr: pip install '.[fed]'")
pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install '.[onnx]'")

BEGIN, END = (marker.format("sw.experiments.paper") for marker in (markdown.BEGIN, markdown.END))
TINY = Plan(seeds=2, images=40, encoder_epochs=1, brief_epochs=1, length_epochs=1, rival_epochs=1,
            published_epochs=4, classifier_epochs=2, cnn_epochs=1, consecutive_epochs=1, rounds=2)


def images(n):
    """Make a data set of ten classes, each with its own bright rows."""
    labels = torch.arange(n) % 10
    pictures = torch.rand(n, 1, 28, 28) / 2
    for row, label in enumerate(labels.tolist()):
        pictures[row, :, 2 * label:2 * label + 6] += 0.5
    return DataSet(pictures, labels, pictures, labels, tuple("0123456789"))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder of results whose pieces were done, here and one after the other, on few images."""
    folder = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        torch.manual_seed(0)
        made = images(TINY.images)
        patch.setattr(Study, "data", lambda self, name: made)
        patch.setattr("sw.experiments.trained.cost.REPEATS", 1)
        reproduction._claim(folder, TINY)
        for seed in range(TINY.seeds):
            for name in (name for stage in pieces.STAGES + pieces.ABLATION for name in stage):
                assert pieces.do((Study(folder, None, "cpu", TINY, seed), name)) == name
    return folder


def test_all_claims_and_goals_get_a_row(results):
    found = pieces.read(results, TINY.seeds)
    claims, goals = verdicts.claims(found), verdicts.goals(found)
    assert [row.claim[:3] for row in claims] == [f"C{n}:" for n in range(1, 9)]
    assert len(goals) == 7
    text = table.write(results, found)
    assert text == (results / "table.md").read_text().removesuffix("\n")
    assert "nan" not in text
    for block in text.split("\n\n"):
        assert len({line.count(" | ") for line in block.splitlines()}) == 1


def test_each_arm_of_the_ablation_gets_a_row(results):
    text = ablation_table.tabulate(results, pieces.read(results, TINY.seeds, pieces.ABLATION))
    rows, sentence = text.split("\n\n")
    assert [line.split(" | ")[0] for line in rows.splitlines()[2:]] == [
        f"| {name}" for name in arms.ARMS]
    assert sentence.startswith("On the binary CNN, SD-BNN is ")
    assert "nan" not in text and (results / "ablation.md").read_text() == text + "\n"


def test_figures_are_drawn(results):
    figures.draw(results, pieces.read(results, TINY.seeds))
    assert sorted(path.name for path in (results / "figures").iterdir()) == [
        "figure-4.png", "figure-5.png", "figure-6.png", "figure-7.png", "lengths.png"]


def test_what_is_done_is_not_done_again(results, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reproduction, "REHEARSAL", TINY)
    readme = tmp_path / "README.md"
    readme.write_text(f"before {BEGIN} old {END} after")
    before = {path: path.stat().st_mtime for path in (results / "pieces").iterdir()}
    assert main(["--small", "--out", str(results), "--readme", str(readme)]) == 0
    assert before == {path: path.stat().st_mtime for path in (results / "pieces").iterdir()}
    assert readme.read_text() == (f"before {BEGIN}\n\n"
                                  f"{(results / 'table.md').read_text()}\n{END} after")


def test_a_missing_piece_is_done_by_another_process(results, monkeypatch):
    monkeypatch.setattr(reproduction, "REHEARSAL", TINY)
    path = pieces.path(results, "cost", 1)
    cost = json.loads(path.read_text())
    path.unlink()
    assert main(["--small", "--out", str(results)]) == 0
    assert json.loads(path.read_text())["encoder_macs"] == cost["encoder_macs"]


@pytest.mark.parametrize("argv, message", [
    (["--data-dir", "nowhere", "--out", "new"],
     "train-images-idx3-ubyte or train-images-idx3-ubyte.gz was not found in nowhere or "
     "nowhere/mnist"),
    (["--out", "other"], "other holds results of another plan; --out needs another folder"),
    (["--device", "tpu"], "The device must be auto, cpu or cuda, not 'tpu'"),
])
def test_mistakes_get_one_sentence(tmp_path, monkeypatch, capsys, argv, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "plan.json").write_text("{}")
    assert main(argv) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {message}"
    assert not Path("new").exists()


@pytest.mark.parametrize("file, content, message", [
    ("plan.json", "{", "plan.json is damaged: what is beside it is of no known plan; --out needs "
                       "another folder"),
    ("pieces/ten-ours-0.json", "{", "pieces/ten-ours-0.json is damaged: delete it, and the same "
                                    "command does this piece again"),
    ("pieces/ten-ours-0.json", "[]", "pieces/ten-ours-0.json is damaged: delete it, and the same "
                                     "command does this piece again"),
    ("pieces/ten-ours-0.json", '{"hybrid": 1}',
     "A piece in pieces has not the results that it must have, .*; delete it, and the same command "
     "does it again"),
])
def test_damaged_results_get_one_sentence(tmp_path, monkeypatch, capsys, results, file, content,
                                          message):
    shutil.copytree(results, tmp_path / "copy")
    (tmp_path / "copy" / file).write_text(content)
    monkeypatch.chdir(tmp_path / "copy")
    monkeypatch.setattr(reproduction, "REHEARSAL", TINY)
    assert main(["--small", "--out", "."]) == 2
    assert re.fullmatch(f"error: {message}", capsys.readouterr().err.splitlines()[-1])


@pytest.mark.parametrize("text", ["", BEGIN, f"{END} {BEGIN}",
                                  f"{BEGIN} {END}" * 2])
def test_a_readme_without_its_markers_is_left_alone(tmp_path, text):
    path = tmp_path / "README.md"
    path.write_text(text)
    with pytest.raises(markdown.MarkerError, match="must have the markers"):
        markdown.rewrite(path, "tables", "sw.experiments.paper")
    assert path.read_text() == text


RESULTS = [{"a": {"b": [1.0, 2.0]}}, {"a": {"b": [3.0, 0.0]}}]


def test_measures_are_means_of_seeds():
    found = measure.measure(RESULTS, "a", "b")
    assert found.values == [1.5, 1.5] and found.deviation == 0
    assert measure.least(RESULTS, "a", "b") == 1.0


def two_kinds(n):
    """Draw signs near one of two opposite codes, and the code itself."""
    center = torch.where(torch.arange(24) % 3 == 0, 1.0, -1.0)
    signs = torch.where(torch.rand(n, 1) < 0.25, center, -center)
    return torch.where(torch.rand(n, 24) < 0.05, -signs, signs), center


def test_mixture_finds_the_kinds_and_their_shares():
    torch.manual_seed(1)
    signs, center = two_kinds(2000)
    mixture = BernoulliMixture.fit(signs, 2)
    drawn = mixture.draw(4000)
    assert set(drawn.unique().tolist()) == {-1.0, 1.0}
    likeness = drawn @ center / 24
    assert likeness.abs().mean() > 0.85
    assert 0.2 < (likeness > 0).float().mean() < 0.3
    assert mixture.n_bytes == 2 * 25 == 50


def test_memory_of_ten_classes_is_at_most_25_kilobytes():
    signs = torch.sign(torch.randn(300, 200))
    for method in "exact", "generative":
        replay, size = consecutive._remember(signs, method)
        assert 0.95 * consecutive.MEMORY < 10 * size <= consecutive.MEMORY
        assert replay(7).shape == (7, 200)
    assert components_within(consecutive.MEMORY // 10, 200) == 12


def test_exact_replay_gives_codes_that_were_seen():
    signs = torch.sign(torch.randn(300, 200))
    replay, _ = consecutive._remember(signs, "exact")
    seen = {tuple(row) for row in signs.tolist()}
    drawn = {tuple(row) for row in replay(2000).tolist()}
    assert drawn <= seen and len(drawn) == 100


@pytest.fixture
def ten_kinds(tmp_path):
    """A study whose codes of ten classes are easy to tell apart."""
    torch.manual_seed(0)
    (tmp_path / "codes").mkdir()
    study = Study(tmp_path, None, "cpu", Plan(consecutive_epochs=2, rounds=5), 0)
    labels = torch.arange(3000) % 10
    centers = torch.sign(torch.randn(10, 200))
    signs = torch.where(torch.rand(3000, 200) < 0.2, -centers[labels], centers[labels])
    packed = pack_signs(signs)
    study.save_codes("x", CodeSet(packed[None], labels, packed, labels, 200))
    return study


def test_codes_come_back(ten_kinds):
    codes = ten_kinds.codes("x")
    assert codes.n_bits == 200 and codes.copies.shape == (1, 3000, 25)
    assert np.array_equal(codes.copies[0], codes.test_codes)


def test_replay_keeps_what_is_forgotten_without(ten_kinds):
    naive, exact, generative = (consecutive.consecutive(ten_kinds, "x", method)["class"]
                                for method in consecutive.METHODS)
    assert naive + 10 < min(exact, generative) > 90
