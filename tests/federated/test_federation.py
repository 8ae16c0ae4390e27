import numpy as np
import pytest
import torch

from sw.federated import site_codes
from sw.federated.codec import CodecError, Update, decode, encode
from sw.federated.federation import WORSE, Federation
from sw.federated.settings import Settings
from sw.federated.steps import beginning
from sw.models.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from sw.models.encoding import CodeSet, pack_signs

SHAPE = (24, 16, 3)
STEP = beginning(SHAPE, 0).stay()
LIAR = 2 ** 32 - 1


def judged(tmp_path, said, robust=False):
    """Return a federation whose rounds were judged so: (held, right) of each client."""
    federation = Federation(Settings(robust=robust), SHAPE, tmp_path / "state")
    for number, scores in enumerate(said, 1):
        federation.history.append({"round": number, "asked": [], "clients": []})
        federation.content = (STEP,) * number
        federation.judge([Update(number, 9, federation.content, *score) for score in scores])
    return federation


@pytest.mark.parametrize("said, held_out, kept", [
    ([[(10, 5)], [(10, 9)], [(10, 7)]], [50, 90, 70], 2),
    ([[(10, 9)], [(10, 9)], [(10, 7)]], [90, 90, 70], 2),                # Of equals the last.
    ([[(10, 10), (30, 15)]], [66.67], 1),                                # Counts as 20.
    ([[(10, 0)] * 2], [0], 1),
    ([[(10, 9), (0, 0)]], [90], 1),                                      # Nobody to ask.
    ([[(10, 5)] * 2 + [(LIAR, LIAR)], [(10, 9)] * 3], [66.67, 90], 2),   # Counts as 10.
    ([[(10, 5)] * 4 + [(LIAR, LIAR)], [(10, 9)] * 4 + [(LIAR, 0)]], [60, 72], 2),
], ids=["a fall", "equals", "by images", "none right", "nothing held out", "a claim", "a liar"])
def test_the_round_kept_is_the_best_of_those_judged(tmp_path, said, held_out, kept):
    federation = judged(tmp_path, said)
    assert [entry["held_out"] for entry in federation.history] == held_out
    assert federation.kept == kept
    assert federation.result == (STEP,) * kept


@pytest.mark.parametrize("said", [[[], []], [[(0, 0)], [(0, 0)]]], ids=["silent", "none held"])
def test_without_a_judge_the_last_round_is_kept(tmp_path, said):
    federation = judged(tmp_path, said)
    assert federation.kept == 2 and federation.result is federation.content


def test_a_robust_federation_keeps_its_last_round(tmp_path):
    federation = judged(tmp_path, [[(10, 9)], [(10, 5)]], robust=True)
    assert federation.kept == 2 and federation.result is federation.content


@pytest.mark.parametrize("right, warnings", [
    ([90, 89], []), ([90, 86], []), ([50, 90], []),
    ([90, 85], ["round 2: 85.0 % of the images held out are right, after 90.0 % in round 1: "
                "rounds get worse"]),
    ([40, 90, 70, 50], ["round 3: 70.0 % of the images held out are right, after 90.0 % in "
                        "round 2: rounds get worse"])], ids=str)
def test_who_learns_worse_is_warned_once(tmp_path, caplog, right, warnings):
    federation = judged(tmp_path, [[(100, each)] for each in right])
    assert WORSE == 5
    assert [record.getMessage() for record in caplog.records] == warnings
    assert [entry["warning"] for entry in federation.history if "warning" in entry] == warnings


def test_the_round_kept_outlives_its_server(tmp_path):
    federation = judged(tmp_path, [[(10, 5)], [(10, 9)], [(10, 7)]])
    federation.save()
    again = Federation(federation.settings, SHAPE, federation.path)
    assert again.kept == 2 and again.history == federation.history
    assert len(again.result) == 2 and len(again.content) == 3


@pytest.mark.parametrize("data, sentence", [
    (encode(Update(1, 9, {}, 5, 4), SHAPE), None),
    (encode(Update(1, 9, {}, 4, 5), SHAPE), "It says that 5 of 4 images are right"),
    (encode(Update(2, 9, {}, 5, 4), SHAPE), "It is of round 2, not 1"),
    (encode(Update(1, 9, (STEP,), 5, 4), SHAPE),
     "It must be of the codec score, not of kind 1"),
], ids=["whole", "too many", "replayed", "a step"])
def test_a_score_is_read_or_refused(tmp_path, data, sentence):
    federation = judged(tmp_path, [[(10, 5)]])
    if sentence is None:
        assert (federation.read_score(data).held, federation.read_score(data).right) == (5, 4)
        return
    with pytest.raises(CodecError) as refused:
        federation.read_score(data)
    assert str(refused.value) == sentence


def test_what_is_held_out_is_never_learnt(monkeypatch):
    numbers = np.arange(300)
    signs = torch.from_numpy(2.0 * (numbers[:, None] >> np.arange(9) & 1) - 1)
    codes = CodeSet(pack_signs(signs)[None], torch.arange(300) % 3, pack_signs(signs),
                    torch.arange(300) % 3, 9)
    settings = Settings(split="unequal")
    monkeypatch.setattr(site_codes, "_known", {site_codes._key(settings): codes})
    seen: list[list[int]] = []
    for part in range(3):
        (learnt, _), (held, _) = site_codes.own(settings, part, 3, 1)
        assert torch.equal(held, site_codes.own(settings, part, 3, 2)[1][0])
        assert len(held) == (len(held) + len(learnt)) // 10 > 0
        seen += [*learnt.tolist(), *held.tolist()]
    assert len({tuple(row) for row in seen}) == 300


@pytest.mark.parametrize("history, known", [
    ([], 0),
    ([([5], [5])], 0),                              # What the first round begins with.
    ([([5], [5]), ([5], [5])], 1),
    ([([5], [5]), ([4], [4]), ([4], [4])], 0),
    ([([4], [4]), ([4, 5], [4, 5]), ([4], [4])], 1),
    ([([5], [5]), ([4, 5], [4])], 0),               # It may have forgotten all.
    ([([5], [5]), ([5], []), ([5], [5])], 2),
], ids=["none", "once", "twice", "long ago", "before the last", "refused", "taken again"])
def test_a_client_is_told_what_it_may_not_know(tmp_path, history, known):
    federation = Federation(Settings(), SHAPE, tmp_path / "state")
    federation.history = [{"round": number, "asked": asked, "clients": clients}
                          for number, (asked, clients) in enumerate(history, 1)]
    federation.content = (STEP,) * len(history)
    asked = federation.question(5, federation.round)
    steps = decode(asked, "onebit", SHAPE, len(history) + 1).content
    assert len(steps) == len(history) - known


def test_a_stranger_is_told_all(tmp_path):
    federation = Federation(Settings(), SHAPE, tmp_path / "state")
    federation.history = [{"round": number, "asked": [5], "clients": [5]} for number in (1, 2)]
    federation.content = (STEP,) * 2

    def told():
        return len(decode(federation.question(5, 3), "onebit", SHAPE, 3).content)
    assert told() == 1
    federation.strangers = {5}
    assert told() == 2
    federation.close({5: Update(3, 9, (STEP,))}, asked=[5])
    assert federation.strangers == set()


def test_without_a_judge_the_last_round_is_kept_after_a_restart(tmp_path):
    federation = judged(tmp_path, [[]])
    federation.save()
    again = Federation(federation.settings, SHAPE, federation.path)
    again.history.append({"round": 2, "asked": [], "clients": []})
    again.content = (STEP, STEP)
    assert again.kept == 2 == len(again.result)


@pytest.mark.parametrize("damage, said", [
    (lambda state: state.update(content=torch.cat([state["content"][:2], torch.tensor(
        [2], dtype=torch.uint8), state["content"][3:]])),
     r"cannot be gone on with: Its version is 2, not 3\. Begin a new run$"),
    (lambda state: state.update(history='[{"round": 1}]'), "does not fit its federation.json$"),
    (lambda state: state.update(history="[3]"), "does not fit its federation.json$"),
    (lambda state: state.update(history="{}"), "does not fit its federation.json$"),
    (lambda state: state.update(history='[{"round": 1, "asked": 5, "clients": []}]'),
     "does not fit its federation.json$"),
    (lambda state: state.pop("unsaid"), "does not fit its federation.json$"),
], ids=["an older version", "an entry", "no entry", "no list", "no clients", "unsaid"])
def test_a_damaged_state_is_refused(tmp_path, damage, said):
    federation = judged(tmp_path, [[(10, 5)]])
    federation.save()
    state = load_checkpoint(federation.path)
    damage(state)
    save_checkpoint(federation.path, state)
    with pytest.raises(CheckpointError, match=said):
        Federation(federation.settings, SHAPE, federation.path)


@pytest.mark.parametrize("count, said", [(0, "It holds no step"),
                                         (2, "It holds 2 steps, and 1 are the most")])
def test_an_answer_is_one_step(tmp_path, count, said):
    federation = Federation(Settings(), SHAPE, tmp_path / "state")
    with pytest.raises(CodecError, match=f"^{said}$"):
        federation.read(encode(Update(1, 9, (STEP,) * count), SHAPE))
