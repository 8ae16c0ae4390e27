import json
import re

import pytest
import torch

pytest.importorskip("flwr", reason="needs flwr: pip install '.[fed]'")

from sw.experiments import pieces
from sw.experiments.effort import Plan, Study
from sw.experiments.tabulated import together_table
from sw.experiments.trained.federations import ARMS
from sw.models.encoding import CodeSet, pack_signs

PLAN = Plan(seeds=2, rounds=3)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder of results on codes of ten classes that are easy to tell apart."""
    folder = tmp_path_factory.mktemp("results")
    for name in "codes", "pieces":
        (folder / name).mkdir()
    for seed in range(PLAN.seeds):
        torch.manual_seed(seed)
        study = Study(folder, None, "cpu", PLAN, seed)
        labels = torch.arange(4500) % 10    # A third of a pair, less a tenth: two batches.
        centers = torch.sign(torch.randn(10, 40))
        signs = torch.where(torch.rand(4500, 40) < 0.15, -centers[labels], centers[labels])
        packed = pack_signs(signs)
        study.save_codes("ours", CodeSet(packed[None], labels, packed, labels, 40))
        for name in pieces.TOGETHER[1]:
            assert pieces.do((study, name)) == name
    return folder


def test_a_table_and_a_picture_are_made(results):
    found = pieces.read(results, PLAN.seeds, pieces.TOGETHER[1:])
    text = together_table.tabulate(results, found)
    assert (results / "together.md").read_text() == text + "\n"
    first, unlike, hours = text.split("\n\n")
    assert [line.split(" | ")[0] for line in first.splitlines()[2:]] == [
        f"| {name}" for name in ("centralised", *ARMS)]
    assert [line.split(" | ")[0] for line in unlike.splitlines()[2:]] == [
        f"| {name}" for name in ("alpha 1", "alpha 0.3", "alpha 0.1", "two classes")]
    assert re.fullmatch(r"\d+\.\d\d CPU hours, encoders included\.", hours)
    assert "nan" not in text and (results / "figures" / "together.png").stat().st_size > 1000


def test_each_arm_learns_and_says_what_it_sent(results):
    for name in pieces.TOGETHER[1]:
        if name.startswith("unlike"):
            continue
        for seed in range(PLAN.seeds):
            found = json.loads(pieces.path(results, name, seed).read_text())
            assert [len(curve) for curve in found["curves"]] == [3] * 5
            assert min(curve[-1] for curve in found["curves"]) > 80



@pytest.mark.parametrize("name", [name for name in pieces.TOGETHER[1] if "unlike" in name])
def test_unlike_clients_keep_one_of_their_rounds(results, name):
    found = json.loads(pieces.path(results, name, 0).read_text())
    assert len(found["curve"]) == PLAN.rounds and found["last"] == found["curve"][-1]
    assert found["kept"] in found["curve"]
