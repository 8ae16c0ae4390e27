import json

import pytest
import torch

from sw.golden import tensors
from sw.images import cifar, data
from sw.models import sdbnn
from sw.models.binarizer import SD, SIGN
from sw.models.binary import BinaryConv2d, Signs, set_progress
from sw.train import main
from sw.training import deep, task
from tests.cifar_files import write


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Digits in colour, as CIFAR-10's files; their MD5s stand for the published ones."""
    digits = data.load("digits")
    images = torch.nn.functional.pad(digits.train_images[:240], (2,) * 4).mul(255).byte()
    images = images.repeat(1, 3, 1, 1).numpy()
    labels = digits.train_labels[:240].tolist()
    place = tmp_path_factory.mktemp("data") / "cifar10"
    digests = write(place, [(images[rows], labels[rows.start:rows.stop])
                            for rows in (slice(start, start + 40) for start in range(0, 240, 40))])
    with pytest.MonkeyPatch.context() as patch:
        for name, digest in digests.items():
            patch.setitem(cifar.MD5, name, digest)
        yield place


def arguments(folder, model, n, epochs, *also):
    return ["--model", model, "--data", "cifar10", "--data-dir", str(folder), "--binarizer", "sd",
            "--device", "cpu", "--limit", str(n), "--epochs", str(epochs), *also]


@pytest.mark.parametrize("model, n, epochs, also", [
    ("resnet20", 64, 5, []), ("vgg-small", 16, 4, []), ("resnet18", 4, 3, []),
    ("resnet20", 16, 3, ["--precision", "bf16-mixed"])])
def test_a_network_learns_and_is_exported(tmp_path, capsys, folder, model, n, epochs, also):
    assert main([*arguments(folder, model, n, epochs, *also), "--out", str(tmp_path / "run")]) == 0
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    first, *_, last = losses = metrics["losses"]
    # In bf16 so few steps lead down on one kind of CPU and up on another.
    assert len(losses) == epochs and (last < first or "bf16-mixed" in also)
    accuracy = metrics["accuracy"][model]
    assert capsys.readouterr().out.startswith(f"test accuracy\n  {model:<44}{accuracy:6.2f} %\n")
    description, state = tensors.read(tmp_path / "run/model.safetensors",
                                      {"hybnn-model-1": ["model", "binarizer"]}, 1 << 30)
    assert (description["model"], description["binarizer"]) == (model, "sd")
    network = deep.make(model, SD)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    images, labels = (tensor[:n] for tensor in cifar.load(folder)[2:])
    assert round(task.test(network, sdbnn.normalise(images), labels), 2) == accuracy


def test_an_interrupted_run_goes_on_to_the_same_network(tmp_path, monkeypatch, folder):
    given = arguments(folder, "resnet20", 8, 3)
    assert main([*given, "--out", str(tmp_path / "whole")]) == 0
    original = task.Training.run_epoch

    def run_epoch(self, data, tick):
        if self.epoch == 2:
            raise KeyboardInterrupt
        return original(self, data, tick)

    with monkeypatch.context() as patch:
        patch.setattr(task.Training, "run_epoch", run_epoch)
        assert main([*given, "--out", str(tmp_path / "cut")]) == 130
    assert main(["--resume", str(tmp_path / "cut")]) == 0
    whole, cut = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "cut"))
    assert whole == cut


# The weights of the published networks' binary convolutions, and of all else but ASD and WSD.
@pytest.mark.parametrize("model, binary, rest", [
    ("vgg-small", 4_571_136, 3 * 128 * 9 + 2 * 1792 + 8192 * 10 + 10),
    ("resnet20", 267_264, 3 * 16 * 9 + 2 * (16 * 7 + 32 * 6 + 64 * 6) + 2 * 64 + 64 * 10 + 10),
    ("resnet18", 10_985_472, 3 * 64 * 9 + 2 * (64 * 5 + 128 * 4 + 256 * 4 + 512 * 4)
     + 64 * 128 + 128 * 256 + 256 * 512 + 2 * (128 + 256 + 512) + 2 * 512 + 512 * 10 + 10),
])
def test_sizes_of_the_published_networks(model, binary, rest):
    with torch.device("meta"):
        network = deep.make(model, SIGN)
    weights = sum(module.weight.numel() for module in network.modules()
                  if isinstance(module, BinaryConv2d))
    assert weights == binary
    assert sum(parameter.numel() for parameter in network.parameters()) == binary + rest


@pytest.mark.parametrize("model, least", [("vgg-small", 0.1), ("resnet20", 1e-3),
                                          ("resnet18", 1e-3)])
def test_sharpness_begins_as_published(model, least):
    network = deep.make(model, SD)
    sharp = {module.sharpness for module in network.modules()
             if isinstance(module, Signs | BinaryConv2d)}
    assert sharp == {least}
    set_progress(network, 1.0)
    assert {round(module.sharpness, 6) for module in network.modules()
            if isinstance(module, Signs | BinaryConv2d)} == {10.0}


def test_images_vary_by_whole_pixels_and_mirrors():
    torch.manual_seed(0)
    images = torch.randint(1, 256, (40, 3, 6, 5), dtype=torch.uint8)
    seen = set()
    for image, varied in zip(images, sdbnn._vary(images), strict=True):
        padded = torch.nn.functional.pad(image, (4,) * 4)
        matches = [(down, right, mirrored) for down in range(9) for right in range(9)
                   for mirrored in (False, True)
                   for shifted in [padded[:, down:down + 6, right:right + 5]]
                   if torch.equal(varied, shifted.flip(2) if mirrored else shifted)]
        assert matches
        seen.update(matches)
    assert len(seen) > 30 and {mirrored for *_, mirrored in seen} == {False, True}


@pytest.mark.parametrize("argv, message", [
    (["--model", "resnet20"], "--model resnet20 needs --data cifar10, and takes no encoder"),
    (["--data", "cifar10"],
     f"Unknown data set 'cifar10'; known data sets: {', '.join(data.NAMES)}"),
    (["--epochs", "0"], "Epochs must be at least 1, not 0"),
    (["--limit", "3"], "--precision and --limit are for SD-BNN's networks, see --model"),
    (["--model", "resnet20", "--data", "cifar10", "--epochs", "0"],
     "Epochs and images must be at least 1, not 0 and None"),
    (["--model", "resnet20", "--data", "cifar10", "--data-dir", "nowhere"],
     "test_batch was not found in nowhere or nowhere/cifar-10-batches-py"),
])
def test_mistakes_get_one_sentence(tmp_path, monkeypatch, capsys, argv, message):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_several_processes_are_refused(tmp_path, monkeypatch, capsys, folder):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main([*arguments(folder, "resnet20", 8, 1), "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == ("error: sw.train is one process; torchrun is for "
                                       "sw.pretrain\n")
    assert not (tmp_path / "run").exists()
