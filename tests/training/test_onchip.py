"""Runs of ``sw.train --on-chip``: what is settled, what is written, and what is refused."""

import json
import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from sw import report
from sw.export.check import main as check
from sw.golden import bits, forward
from sw.golden.codes import load_codes
from sw.golden.network import Network
from sw.golden.stages import Map, Signature
from sw.images.names import OwnImages
from sw.train import main
from sw.training import onchip, run
from sw.training.asked.configs import load, names_of
from sw.training.asked.stages import OnChipConfig, effort_for

SMALL = ["--on-chip", "8s4-d16", "--epochs", "3", "--device", "cpu", "--threads", "1"]
FILES = ("network.safetensors", "codes.safetensors")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert main([*SMALL, "--out", str(folder)]) == 0
    return folder


def test_the_files_agree_with_each_other(finished, capsys):
    network = Network.load(finished / "network.safetensors")
    codes, labels = load_codes(finished / "codes.safetensors")
    metrics = json.loads((finished / "metrics.json").read_text())
    right = [forward.classify(network, code) == label
             for code, label in zip(codes[:60], labels[:60])]
    assert str(network.signature) == "28x28x1:8-8s4-d16-10"
    assert metrics["network"]["weight_bits"] == network.n_weights == 72 + 7 * 7 * 8 * 16 + 160
    assert abs(100 * np.mean(right) - metrics["accuracy"]["on_chip"]) < 20
    assert metrics["accuracy"]["on_chip"] > 40
    assert check(["--network", str(finished)]) == 0
    sums = (255 * 9 + 1) * 8 + 393 * 16
    assert json.loads(capsys.readouterr().out) == {"codes": 450, "sums": sums}


def test_a_folder_is_no_data_set_of_its_name():
    images, labels = torch.zeros(4, 28, 28, 1, dtype=torch.uint8), torch.tensor([0, 1] * 2)
    asked = [onchip.decide("4s4", onchip.Inputs(images, labels, images, labels, 2, own),
                           "fashion-mnist", None, "all", pixels=8, binarizer="sign", seed=0,
                           device="cpu", epochs=1, augment=None, threads=1)
             for own in (None, OwnImages("fashion-mnist", 28, False, None, ("a", "b"), ""))]
    assert [config.augment for config in asked] == ["flip", "shift"]


def test_the_configuration_is_read_as_it_was_written(finished):
    assert load(finished / "config.json") == OnChipConfig(
        "28x28x1:8-8s4-d16-10", "digits", os.environ.get("HYBNN_DATA"), "ten", "sign", 0, "cpu", 3,
        50, "shift", 1, None)


def test_a_run_that_was_interrupted_ends_as_if_it_were_not(tmp_path, monkeypatch, finished):
    whole, epochs = run.Training.run_epoch, iter(range(9))

    def interrupted(self, data, tick):
        if next(epochs) == 2:
            raise KeyboardInterrupt
        return whole(self, data, tick)

    with monkeypatch.context() as patch:
        patch.setattr(run.Training, "run_epoch", interrupted)
        assert main([*SMALL, "--out", str(tmp_path / "run")]) == 130
    assert main(["--resume", str(tmp_path / "run")]) == 0
    for name in FILES:
        one, other = ((folder / name).read_bytes() for folder in (tmp_path / "run", finished))
        assert sorted(one) == sorted(other)    # Its metadata are in no fixed order.


@pytest.mark.parametrize("pixels", [1, 3, 8])
def test_elements_are_the_highest_bits_of_bytes(pixels):
    takes = Map(16, 16, 1, pixels)
    x = onchip.elements(torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1), takes)
    assert x.flatten().tolist() == [byte >> 8 - pixels for byte in range(256)]
    bits_of_one = forward.bits_of(takes, x.numpy())[0]
    assert np.array_equal(forward.elements(takes, bits_of_one), x[0].numpy())


@pytest.mark.parametrize("how, least, most", [("none", 1, 1), ("shift", 7, 9), ("flip", 15, 18)])
def test_images_change_as_they_may(how, least, most):
    torch.manual_seed(0)
    x = torch.zeros(900, 7, 8, 2, dtype=torch.uint8)
    x[:, 3, 3], x[:, 3, 4, 1] = 5, 7
    changed = onchip.augmented(x, how)
    assert changed.shape == x.shape and changed.dtype == torch.uint8
    kinds = {image.numpy().tobytes() for image in changed}
    assert least <= len(kinds) <= most
    assert {tuple(sorted(kind)[-4:]) for kind in kinds} == {(0, 5, 5, 7)}


@pytest.mark.parametrize("n, epochs, batch", [
    (1, 200, 50), (1_347, 200, 50), (12_000, 50, 50), (20_000, 40, 250), (60_000, 40, 250),
    (1_000_000, 40, 250)])
def test_few_images_are_seen_more_often(n, epochs, batch):
    effort = effort_for(n)
    assert (effort.epochs, effort.batch) == (epochs, batch)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """A folder of coloured images: one class is bright above, the other to the left."""
    folder, rng = tmp_path_factory.mktemp("shapes"), np.random.default_rng(0)
    for name, half in ("über", np.s_[:10]), ("links", np.s_[:, :10]):
        (folder / name).mkdir()
        for number in range(60 if name == "links" else 30):
            pixels = rng.integers(0, 120, (20, 20, 3), np.uint8)
            pixels[half] += 100
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def test_own_images_are_learnt_and_their_names_kept(shapes, tmp_path, capsys):
    given = ["--images", str(shapes), "--side", "16", "--colour", "--on-chip", "8s2p",
             "--epochs", "40", "--device", "cpu", "--threads", "1"]
    assert main([*given, "--out", str(tmp_path / "run")]) == 0
    assert "note: classes have " in capsys.readouterr().err
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    assert metrics["accuracy"]["on_chip"] >= 80 and metrics["classes"] == ["links", "über"]
    assert names_of(tmp_path / "run") == ("links", "über")
    network = Network.load(tmp_path / "run/network.safetensors")
    assert str(network) == "16x16x3:8-8s2p-2"
    assert report.main([str(tmp_path / "run")]) == 0
    assert f"{network} on {shapes.name}" in (tmp_path / "run/report.html").read_text()


@pytest.mark.parametrize("change", [
    lambda file: file.rename(file.with_name("new.png")),
    lambda file: Image.new("RGB", (20, 20), "red").save(file)], ids=["name", "content"])
def test_a_run_goes_on_with_the_same_images_alone(shapes, tmp_path, capsys, change):
    folder = shutil.copytree(shapes, tmp_path / "shapes")
    found, = {each.own for each in (onchip.of_folder(str(folder), 8, colour=True, limit=None)
                                    for _ in range(2))}
    run.create(tmp_path / "run", OnChipConfig(
        "8x8x3:8-4-2", "shapes", None, "all", "sign", 0, "cpu", 1, 8, "none", 1, found))
    change(folder / "über" / "0.png")
    assert main(["--resume", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err.endswith(
        "error: shapes has other images than when the run was begun\n")


@pytest.mark.parametrize("flags, said", [
    (["--threads", "0"], "The number of threads must be 1 to 256, not 0"),
    (["--pixels", "9"], "A pixel must have 1 to 8 bits, not 9"),
    (["--epochs", "0"], "The number of epochs must be 1 to 2147483647, not 0"),
    (["--seed", "-1"], "The seed must be 0 to 4294967295, not -1"),
    (["--device", "tpu"], "The device must be auto, cpu or cuda, not 'tpu'"),
    (["--side", "0"], "The side of an image must be 1 to 512 pixels, not 0"),
    (["--limit", "0"], "The limit must be 1 or more images, not 0"),
    (["--side", "9", "--on-chip", "8p30"], "--on-chip takes stages such as 32s2-64p-64p. Stage 1: "
                                           "A pool of 30 x 30 does not fit a map of 9 x 9"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_what_no_images_make_right_is_refused_before_they_are_read(tmp_path, monkeypatch, capsys,
                                                                   flags, said):
    monkeypatch.chdir(tmp_path)
    assert main(["--images", "nowhere", *flags]) == 2
    assert capsys.readouterr().err == f"error: {said}\n" and not [*tmp_path.iterdir()]


SPEC = "error: --on-chip takes stages such as 32s2-64p-64p"


@pytest.mark.parametrize("flags, said", [
    (["--on-chip", "smal"], f"{SPEC}, or one of: small, medium, large. A stage must be like 64, "
                            "32k5s2b0, 64p or d128, not 'smal'"),
    (["--on-chip", "32s2-64q"], f"{SPEC}. A stage must be like 64, 32k5s2b0, 64p or d128, not "
                                "'64q'"),
    (["--on-chip", "8-"], f"{SPEC}. A stage must be like 64, 32k5s2b0, 64p or d128, not ''"),
    (["--on-chip", "8p30"], f"{SPEC}. Stage 1: A pool of 30 x 30 does not fit a map of 28 x 28"),
    (["--on-chip", "p"], f"{SPEC}, or one of: small, medium, large. Stage 0: A pool takes bits, "
                         "not pixels of 8 bits"),
    (["--on-chip", "8-d8-c8k3b0"], f"{SPEC}. Stage 2: A convolution of 3 x 3 with a border of 0 "
                                   "does not fit a map of 1 x 1"),
    (["--on-chip", "99999"], f"{SPEC}. Stage 0: A convolution must have 1 to 65,535 channels, not "
                             "99999"),
    (["--on-chip", "small", "--pixels", "9"], "error: A pixel must have 1 to 8 bits, not 9"),
    (["--on-chip", "small", "--epochs", "0"],
     "error: The number of epochs must be 1 to 2147483647, not 0"),
    (["--on-chip", "small", "--threads", "0"],
     "error: The number of threads must be 1 to 256, not 0"),
    (["--on-chip", "small", "--hidden", "64"],
     "error: A network on the chip has no encoder and real numbers nowhere: it takes no --model, "
     "--encoder, --bits, --loss, --hidden or --precision"),
    (["--on-chip", "small", "--side", "9"],
     "error: --side, --colour and --limit are for your own images, see --images"),
    (["--colour"], "error: --side and --colour are for your own images, see --images"),
    (["--images", "nowhere", "--data", "mnist"],
     "error: --images brings data and classes: it takes no --data and no --task"),
    (["--images", "nowhere"],
     "error: nowhere must be a folder that holds a folder of images for each class"),
    (["--pixels", "4"],
     "error: --pixels, --augment and --threads are for a network on the chip, see --on-chip"),
])
def test_what_cannot_be_trained_is_refused(tmp_path, capsys, flags, said):
    assert main([*flags, "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == said + "\n"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("change", [
    {"signature": "28x28x1:8-8q-10"}, {"augment": "turn"}, {"batch": 1}, {"threads": 0},
    {"seed": -1}, {"signature": 5}, {"also": 1}])
def test_a_damaged_configuration_is_refused(tmp_path, capsys, finished, change):
    content = json.loads((finished / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps(content))
    assert main(["--resume", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {tmp_path / 'config.json'} is not the configuration of a run")
    assert said.count("\n") == 1


def test_bits_are_packed_as_golden_reads_them(finished):
    network = Network.load(finished / "network.safetensors")
    codes, _ = load_codes(finished / "codes.safetensors")
    assert Signature.parse("28x28x1:8-8s4-d16-10").input.n_bits == network.n_in == codes.shape[1]
    raw = bits.pack(codes)[0].reshape(28, 28)    # A pixel of 8 bits is a byte.
    assert raw.max() > 200 and raw[0, 0] == 0
