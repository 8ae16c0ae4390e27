import json

import numpy as np
import pytest

from sw.experiments.cifar import main
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
    assert found["sd-1"]["images"] == {"train": 32, "test": 8}
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
