import copy
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sw.export.equality import check
from sw.golden import fast, forward
from sw.golden.codes import load_codes
from sw.golden.forward import classify_all
from sw.golden.network import Network
from sw.golden.split import Part, Split, SplitFileError
from sw.images import data
from sw.images.data import DataSet
from sw.mixbin import run as folders
from sw.mixbin.__main__ import main
from sw.mixbin.job import Settings
from sw.mixbin.mask import LAYERS, Mask, Shape
from sw.mixbin.search import Held, Search, harms, train
from sw.mixbin.stack import Stack
from sw.models import onchip
from sw.models.autoencoder import BinaryAutoencoder, Encoder
from sw.models.binary import binarize

TINY = Shape(width=4, code_bits=16, hidden=8, classes=2)
WHOLE = Mask.of(TINY, groups=2)


@pytest.fixture(scope="module")
def held():
    """Two classes that are easy to tell apart, one bright above and one below."""
    torch.manual_seed(0)
    labels = torch.arange(600) % 2
    images = torch.rand(600, 1, 28, 28) / 2
    images[labels == 0, :, :14] += 0.5
    images[labels == 1, :, 14:] += 0.5
    return Held(images[:400], labels[:400], images[400:], labels[400:])


def slowly(stack, images):
    """Run a stack channel by channel, each by itself in float or on signs."""
    x, mask = images - 0.5, stack.mask
    for number, channels in enumerate(mask.channels()):
        layer = stack.layers[number]
        real = images if number == 0 else F.leaky_relu(x, 0.01)
        outputs = []
        for channel, binary in enumerate(channels):
            weight = layer.weight[channel:channel + 1]
            x_in, weight = (binarize(x), binarize(weight)) if binary else (real, weight)
            if weight.dim() == 4:
                x_in = F.pad(x_in, (1,) * 4, value=-1 if binary else 0)
            outputs.append(F.conv2d(x_in, weight, stride=2) if weight.dim() == 4
                           else F.linear(x_in, weight))
            if binary and mask.drops:
                outputs[-1] = torch.zeros_like(outputs[-1])
        x = torch.cat(outputs, 1)
        if number < 5:
            x = stack.norms[number](x)
            if mask.drops:
                x[:, channels] = 0
        if number == 2:
            x = x.flatten(1)
    if not mask.binary[-1][0]:
        return x + stack.bias
    return (x + 2 * (stack.bias * 2).round()) / 4       # sqrt(2 * 8) is 4.


@pytest.mark.parametrize("units, drops", [
    ([], False), ([(name, 0) for name in LAYERS], False),
    ([("conv1", 1), ("conv3", 0), ("code", 1), ("hidden", 0), ("readout", 0)], False),
    (WHOLE.units(False), False), ([("conv2", 0), ("code", 1)], True)])
def test_a_stack_is_what_its_channels_are(units, drops, held):
    torch.manual_seed(1)
    stack = Stack(Mask.of(TINY, groups=2, drops=drops).turned(units, True))
    stack.bias.data.copy_(torch.tensor([0.8, -1.3]))
    train(stack, held.rows(100), 1, "some", 0)
    stack.eval()
    with torch.no_grad():
        torch.testing.assert_close(stack(held.images[:9]), slowly(stack, held.images[:9]))


def test_a_stack_begins_as_the_encoder_is(held):
    torch.manual_seed(2)
    encoder = BinaryAutoencoder(16, 4).train()
    encoder(held.images)
    folded, stack = encoder.fold(), Stack(WHOLE)
    stack.begin_with(folded)
    with torch.no_grad():
        torch.testing.assert_close(stack.eval().features(held.images, 4), folded(held.images),
                                   rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("names", [["hidden", "readout"], ["code", "hidden", "readout"]])
def test_the_head_answers_as_the_stack_does(names, held):
    torch.manual_seed(3)
    stack = Stack(Mask.of(TINY, names))
    train(stack, held.rows(200), 1, "some", 0)
    signs = binarize(folders.features(stack, LAYERS.index(names[0]), held.images))
    with torch.no_grad():
        assert torch.equal(stack.head(names)(signs) / 4, stack(held.images))


@pytest.mark.parametrize("first", [0, 1, 2])
def test_so_does_a_head_with_convolutions_and_its_network(first, held):
    torch.manual_seed(3)
    stack = Stack(Mask.of(TINY, LAYERS[first:]))
    train(stack, held.rows(200), 1, "some", 0)
    images = held.images[:60]
    maps = folders.maps(stack, first, images)
    model = stack.head([*LAYERS[first:]])
    with torch.no_grad():
        assert torch.equal(model(maps) / 4, stack(images))
    network = onchip.to_network(model)
    scores = fast.trace_all(network, forward.bits_of(network.input, maps.numpy()))[-1]
    differences = scores - scores[:, :1]    # Golden's offsets begin at 0.
    theirs = (4 * stack(images)).detach().numpy()
    assert np.array_equal(2 * differences, theirs - theirs[:, :1])


def test_the_harm_of_a_group_that_matters_is_greater(held):
    torch.manual_seed(4)
    stack = Stack(WHOLE)
    train(stack, held.rows(), 2, "some", 0)
    with torch.no_grad():
        stack.layers[3].weight[:8] = 0      # The first half of the code tells nothing.
        before = copy.deepcopy(stack.state_dict())
    found = harms(stack, [("code", 0), ("conv1", 0), ("conv1", 1), ("hidden", 0), ("hidden", 1)],
                  True, held, Settings(), "trial", 0)
    assert len(found) == 5 and all(np.isfinite(list(found.values())))
    assert all(torch.equal(before[name], tensor) for name, tensor in stack.state_dict().items())


@pytest.mark.parametrize("direction, criterion", [("shrink", "ratio"), ("shrink", "loss"),
                                                  ("grow", "ratio"), ("grow", "loss")])
def test_a_search_comes_to_its_budget_and_fills_it(direction, criterion, held):
    torch.manual_seed(5)
    begin = Mask.of(TINY, LAYERS if direction == "grow" else ["readout"], groups=2)
    stack = Stack(begin)
    train(stack, held.rows(), 1, "start", 0)
    settings = Settings(direction, criterion, budget=0.4, step=0.2, fine_tuning=100)
    masks = list(Search(stack, held, settings, 0, fixed=[("readout", 0)]).rounds())
    costs = [mask.cost() for mask in [begin, *masks]]
    assert costs == sorted(costs, reverse=direction == "shrink")
    assert costs[-1] <= 0.4 and stack.mask == masks[-1] and len(masks) > 1
    assert all(stack.mask.turned([unit], False).cost() > 0.4
               for unit in stack.mask.units(True) if unit[0] != "readout")
    assert stack.mask.binary[-1] == (True,)


def test_pruning_leaves_something_of_each_layer(held):
    torch.manual_seed(6)
    stack = Stack(Mask.of(TINY, groups=2, drops=True))
    settings = Settings(budget=0.01, step=0.5, fine_tuning=100)
    assert list(Search(stack, held, settings, 0).rounds())
    assert stack.mask.is_whole()


@pytest.fixture(scope="module")
def small(held):
    """Ten classes in few images: the data set of the command's tests."""
    torch.manual_seed(7)
    labels = torch.arange(360) % 10
    images = torch.rand(360, 1, 28, 28) / 2
    for row, label in enumerate(labels.tolist()):
        images[row, :, 2 * label:2 * label + 6] += 0.5
    return DataSet(images[:300], labels[:300], images[300:], labels[300:], tuple("0123456789"))


@pytest.fixture
def files(small, tmp_path):
    """IDX files of the data set, so that other processes find it, and an encoder."""
    for prefix, images, labels in (("train", small.train_images, small.train_labels),
                                   ("t10k", small.test_images, small.test_labels)):
        for kind, magic, array in (
                ("images-idx3", b"\0\0\x08\3", (images[:, 0] * 255).byte().numpy()),
                ("labels-idx1", b"\0\0\x08\1", labels.byte().numpy())):
            header = magic + b"".join(n.to_bytes(4, "big") for n in array.shape)
            (tmp_path / f"{prefix}-{kind}-ubyte").write_bytes(header + array.tobytes())
    torch.manual_seed(8)
    BinaryAutoencoder(200, 32).fold().save(tmp_path / "encoder.safetensors")
    return ["--data", "mnist", "--data-dir", str(tmp_path),
            "--encoder", str(tmp_path / "encoder.safetensors"), "--epochs", "1"]


SEARCH = ["--groups", "1", "--step", "0.4", "--fine-tuning", "100", "--images", "200"]


def contents(run):
    """Return all files of a run that must be the same bytes."""
    return {path.name: path.read_bytes() for path in sorted(run.iterdir())
            if path.is_file() and path.name not in ("metrics.json", "checkpoint.safetensors")}


@pytest.mark.parametrize("seconds", [0.5, 2.0])
def test_a_run_that_is_killed_goes_on_to_the_same_result(files, tmp_path, seconds):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert main([*files, *SEARCH, "--out", str(whole)]) == 0
    process = subprocess.Popen([sys.executable, "-m", "sw.mixbin", *files, *SEARCH, "--out",
                                str(killed)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (killed / "mixbin.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(seconds)
    process.kill()
    process.wait()
    if not (killed / "metrics.json").exists():
        assert main(["--resume", str(killed)]) == 0
    assert contents(killed) == contents(whole)
    metrics = [json.loads((run / "metrics.json").read_text()) for run in (killed, whole)]
    for each in metrics:
        del each["seconds"]
    assert metrics[0] == metrics[1] and metrics[0]["cost"] <= 0.15


@pytest.mark.parametrize("stop", range(3))
def test_a_search_goes_on_after_any_round(files, tmp_path, monkeypatch, stop):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    flags = [*files, *SEARCH, "--step", "0.2"]
    assert main([*flags, "--out", str(whole)]) == 0
    keep, kept = folders.keep_search, []

    def interrupt(*arguments):
        if len(kept) == stop:
            raise KeyboardInterrupt
        keep(*arguments)
        kept.append(arguments)

    monkeypatch.setattr(folders, "keep_search", interrupt)
    assert main([*flags, "--out", str(stopped)]) == 130
    monkeypatch.setattr(folders, "keep_search", keep)
    assert main(["--resume", str(stopped)]) == 0
    assert contents(stopped) == contents(whole)


def test_with_a_binary_encoder_all_is_on_the_board(files, small, tmp_path, capsys):
    run = tmp_path / "run"
    assert main([*files, "--mask", "binary", "--out", str(run)]) == 0
    assert "conv1, conv2, conv3, code, hidden, readout" in capsys.readouterr().out
    network, (codes, labels) = (Network.load(run / "network.safetensors"),
                                load_codes(run / "codes.safetensors"))
    assert str(network) == "28x28x1-32s2-64s2-128s2-d200-128-10"
    sums = 32 * 10 + 64 * 289 + 128 * 577 + 200 * 2049 + 128 * 201
    assert check(run) == {"codes": 60, "sums": sums}
    right = float((fast.classify_all(network, codes) == labels).mean())
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["accuracy"]["stack"] == round(100 * right, 2)
    split = Split.load(run / "split.json")
    assert split.host == [] and split.link_bits == 784 and split.share() == 1


def test_a_binary_encoder_layer_is_one_more_layer_of_the_board(files, small, tmp_path, capsys):
    run = tmp_path / "run"
    assert main([*files, "--mask", "encfc-binary", "--out", str(run)]) == 0
    assert "code, hidden, readout" in capsys.readouterr().out
    network, (codes, labels) = (Network.load(run / "network.safetensors"),
                                load_codes(run / "codes.safetensors"))
    assert str(network) == "2048-200-128-10" and codes.shape == (60, 2048)
    counted = check(run)
    assert counted == {"codes": 60, "sums": 200 * 2049 + 128 * 201}
    right = float((classify_all(network, codes) == labels).mean())
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["accuracy"]["stack"] == round(100 * right, 2)
    split = Split.load(run / "split.json")
    assert [part.layer for part in split.host] == ["conv1", "conv2", "conv3"]
    assert split.link_bits == 2048 and round(split.share(), 4) == 0.1695
    assert Mask.load(run / "mask.json") == Mask.of(Shape(), ["code", "hidden", "readout"])
    assert main([*files, "--mask", str(run / "mask.json"), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "network.safetensors").read_bytes() == (
        run / "network.safetensors").read_bytes()


@pytest.mark.parametrize("flags, reason", [
    (["--budget", "0"], "Budget and step must be above 0"),
    (["--divisor", "0"], "the divisor 1 or more"),
    (["--groups", "0"], "must be 1 or more"),
    (["--keep", "conv9"], "no 'conv9'"),
    (["--mask", "nowhere.json"], "nowhere.json"),
    (["--encoder", "nowhere"], "nowhere"),
    (["--encoder", "small"], "The encoder must be one of width 32 that gives 200 bits"),
    (["--mask", "other"], "The mask must be of a stack of "),
    (["--resume", "nowhere"], "has no mixbin.json"),
    (["--data", "cats"], "Unknown data set"),
])
def test_mistakes_get_one_line_and_leave_no_folder(flags, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Encoder(40, 2).save(Path("small"))
    Mask.of(Shape(classes=3)).save(Path("other"))
    assert main(flags) == 2
    said = capsys.readouterr().err
    assert reason in said and said.count("\n") == 1
    assert not Path("runs").exists()


@pytest.mark.parametrize("text, reason", [
    ("", "Expecting value"), ("[]", "must be a JSON object"),
    ('{"format": "hybnn-split-1"}', "must have host, board"),
    ('{"format": "hybnn-split-1", "host": [1], "board": [], "link_bits": 1}', "mapping"),
    ('{"format": "hybnn-split-1", "host": [{"layer": "a", "flops": -1, "bops": 0}], "board": [],'
     ' "link_bits": 1}', "numbers of operations"),
])
def test_a_malformed_split_is_refused(text, reason, tmp_path):
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(SplitFileError, match=reason):
        Split.load(tmp_path / "split.json")


def test_a_split_comes_back(tmp_path):
    split = Split([Part("conv", 3, 0)], [Part("fc", 0, 2)], 5)
    split.save(tmp_path / "split.json")
    assert Split.load(tmp_path / "split.json") == split


def test_the_data_set_of_the_tests_is_readable(files, small):
    loaded = data.load("mnist", Path(files[3]))
    assert torch.equal(loaded.train_labels, small.train_labels)
