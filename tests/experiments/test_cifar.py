import json
from argparse import Namespace

import numpy as np
import pytest

from sw.experiments.cifar import main
from sw.experiments.tabulated import cifar_table
from sw.experiments.tabulated.cifar_table import study, tabulate
from sw.experiments.trained.resnets import Arm
from sw.images import cifar
from sw.models.checkpoint import load_checkpoint
from sw.training import task
from tests.cifar_files import write
from tests.experiments.rehearsal import rehearse

NAME = "sw.experiments.cifar"


@pytest.fixture(scope="module", autouse=True)
def data(tmp_path_factory):
    """Eight images a file, whose MD5s stand for the published ones."""
    random = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("data") / "cifar10"
    digests = write(folder, [(random.integers(0, 256, (8, 3, 32, 32), np.uint8),
                              random.integers(0, 10, 8).tolist()) for _ in cifar.MD5])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYBNN_DATA", str(folder.parent))
        for name, digest in digests.items():
            patch.setitem(cifar.MD5, name, digest)
        yield


@pytest.fixture(scope="module")
def results(tmp_path_factory, data):
    """The folder of a rehearsal, with the page that it wrote into."""
    return rehearse(main, NAME, tmp_path_factory.mktemp("results"), device=False)


def test_the_table_is_of_all_seeds(results):
    found = {arm: json.loads((results / f"measured/{arm}.json").read_text())
             for arm in ("sign-0", "sign-1", "sd-0", "sd-1")}
    dynamic = [found[f"sd-{seed}"]["accuracy"]["dynamic"] for seed in (0, 1)]
    page = (results / "page.md").read_text()
    row = page.splitlines()[5].split(" | ")
    assert row[:2] == ["| sd", "0, 1"] and row[2].startswith(f"{sum(dynamic) / 2:.2f} ± ")
    assert "SD-BNN less the plain sign: " in page and "old" not in page
    assert set(found["sign-0"]["accuracy"]) == {"dynamic"}
    assert found["sd-1"]["images"] == {"train": 16, "test": 8}
    assert len(found["sd-1"]["losses"]) == 2 and found["sd-1"]["seconds"]["cpu"] > 0


@pytest.mark.parametrize("arm", ["sign:0", "sd:0"])
def test_an_interrupted_arm_ends_as_if_it_had_not_been(tmp_path, monkeypatch, results, arm):
    given = ["--small", "--out", str(tmp_path), "--arms", arm]
    original = task.Training.run_epoch

    def run_epoch(self, rows, tick):
        if self.epoch == 1:
            raise KeyboardInterrupt
        return original(self, rows, tick)

    with monkeypatch.context() as patch:
        patch.setattr("sw.training.run.SAVE_EVERY", -1.0)
        patch.setattr(task.Training, "run_epoch", run_epoch)
        assert main(given) == 130
    folder = arm.replace(":", "-")
    assert load_checkpoint(tmp_path / f"cifar/{folder}/checkpoint.safetensors")[
        "resnet20"]["epoch"] == 1
    assert main(given) == 0
    whole, cut = ((place / f"cifar/{folder}/model.safetensors").read_bytes()
                  for place in (results, tmp_path))
    assert whole == cut


def test_nothing_is_trained_twice_and_another_run_is_refused(tmp_path, monkeypatch, results,
                                                             capsys):
    monkeypatch.setattr(cifar, "load", None)    # Nor are data read where all is done.
    before = (results / "measured/sd-0.json").stat()
    assert main(["--small", "--out", str(results)]) == 0
    assert (results / "measured/sd-0.json").stat() == before
    monkeypatch.undo()
    config = json.loads((results / "cifar/sd-0/config.json").read_text())
    folder = tmp_path / "cifar/sd-0"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config | {"rate": 0.2}))
    capsys.readouterr()
    assert main(["--small", "--out", str(tmp_path), "--arms", "sd:0"]) == 2
    assert capsys.readouterr().err == f"error: {folder} is another run: give another --out\n"


def came_to(dynamic, hours, static=None):
    forms = {"dynamic": dynamic} | ({"static": static} if static is not None else {})
    return {"accuracy": forms, "seconds": {"cpu": hours * 3600}}


SIGN = {Arm("sign", seed): came_to(80 + 2 * seed, 3 + seed) for seed in (0, 1)}
SD = {Arm("sd", seed): came_to(80.5 + 2 * seed, 4, 70 + seed) for seed in (0, 1, 2)}
HEADING = ["| ResNet-20, CIFAR-10 | seeds | test images, % | with static shifts, % | CPU hours "
           "of an arm |", "| --- | --- | --- | --- | --- |"]


@pytest.mark.parametrize("done, begun, lines", [
    ({}, [], []),
    ({Arm("sd", 2): SD[Arm("sd", 2)]}, [], ["| sd | 2 | 84.50 | 72.00 | 4.0 |"]),
    (SIGN, [(Arm("sd", 0), 7), (Arm("sign", 1), 40), (Arm("sd", 2), 1)],
     ["| sign | 0, 1 | 81.00 ± 1.41 |  | 3.5 |", "", "Not finished, and not in the table: "
      "sd of seed 0 (epochs: 7), sd of seed 2 (epochs: 1)."]),
    (SIGN | {Arm("sd", 0): SD[Arm("sd", 0)]}, [],
     ["| sign | 0, 1 | 81.00 ± 1.41 |  | 3.5 |", "| sd | 0 | 80.50 | 70.00 | 4.0 |"]),
    (SIGN | SD, [], ["| sign | 0, 1 | 81.00 ± 1.41 |  | 3.5 |",
                     "| sd | 0, 1, 2 | 82.50 ± 2.00 | 71.00 ± 1.00 | 4.0 |", "",
                     # The root of 2 / 2 + 4 / 3.
                     "SD-BNN less the plain sign: +1.50 points, with a standard error of 1.53."]),
], ids=["none", "one", "one binarizer", "one seed", "all"])
def test_the_table_says_what_is_done(done, begun, lines):
    assert tabulate(done, begun).splitlines() == HEADING + lines


@pytest.mark.parametrize("change", [
    {"binarizer": "sign"}, {"seed": 1}, {"epochs": 500}, {"rate": None}, {"accuracy": {}},
    {"accuracy": 84.2}, {"accuracy": {"dynamic": 84.2}}, {"seconds": {}}, {"seconds": None},
    {"accuracy": {"dynamic": "84.2", "static": 84.2}},
    {"accuracy": {"dynamic": 100.5, "static": 84.2}},
    {"accuracy": {"dynamic": -1, "static": 84.2}},
    {"accuracy": {"dynamic": float("nan"), "static": 84.2}}, {"seconds": {"cpu": -1}}, None, [],
], ids=str)
def test_what_no_arm_came_to_is_refused(tmp_path, results, capsys, change):
    file = tmp_path / "measured/sd-0.json"
    file.parent.mkdir()
    good = json.loads((results / "measured/sd-0.json").read_text())
    file.write_text(json.dumps(good | change if isinstance(change, dict) else change))
    assert main(["--small", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error: {file} must be what the arm sd-0 came to, of this protocol: remove it to train it "
        "again\n")


@pytest.mark.parametrize("argv, environment, message", [
    (["--arms", "sd:3"], None, "Unknown arm 'sd:3'; known are: sign:0, sd:0, sign:1, sd:1, sign:2, "
     "sd:2"),
    (["--arms", "sd:0", "none"], None, "Unknown arm 'none'; known are: sign:0, sd:0, sign:1, sd:1, "
     "sign:2, sd:2"),
    (["--data-dir", "nowhere"], None,
     "test_batch was not found in nowhere or nowhere/cifar-10-batches-py"),
    ([], "", "CIFAR-10 is not downloaded by itself: unpack "
     "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz and pass --data-dir with the folder "
     "that it is in"),
], ids=["seed", "word", "folder", "no data"])
def test_mistakes_get_one_sentence(tmp_path, monkeypatch, capsys, argv, environment, message):
    if environment is not None:
        monkeypatch.delenv("HYBNN_DATA")
    assert main(["--small", "--out", str(tmp_path), *argv]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_a_real_study_is_kept_where_files_are_committed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calls = []

    def train(folder, arm, protocol, data):
        calls.append((folder.as_posix(), str(arm), protocol.epochs, protocol.images))
        return {"model": "resnet20", "binarizer": arm.binarizer, "seed": arm.seed,
                "epochs": 40, "batch": 128, "rate": 0.11, "rise": 0.3,
                **came_to(84.0, 2, 83.0 if arm.binarizer == "sd" else None)}

    monkeypatch.setattr(cifar_table.resnets, "train", train)
    page = tmp_path / "page.md"
    page.write_text("<!-- x writes from here -->\n<!-- x writes to here -->\n")
    given = Namespace(small=False, arms=["sd:1", "sign:2"], out=tmp_path / "results", readme=None,
                      data_dir=None)
    monkeypatch.setattr(cifar, "load", lambda folder: [])
    assert study("x", page, given) == 0
    out = (tmp_path / "results").as_posix()
    assert calls == [(f"{out}/cifar/sd-1", "sd-1", 40, None),
                     (f"{out}/cifar/sign-2", "sign-2", 40, None)]
    assert sorted(path.name for path in (tmp_path / "docs/measured/cifar").iterdir()) == [
        "sd-1.json", "sign-2.json"]
    assert "| sd | 1 | 84.00 | 83.00 | 2.0 |" in page.read_text()
