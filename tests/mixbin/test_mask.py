import json
from dataclasses import replace

import pytest

from sw.experiments.trained import rival_masks as rivals
from sw.mixbin.job import PRESETS
from sw.mixbin.mask import LAYERS, Mask, MaskError, Shape, parse_digits
from sw.mixbin.run import split_of

# Two classes, as in HyBNN, and ten. Worked out by hand from 56448, 903168, 1179648 and 409600
# multiply-accumulates of the encoder, 25600 of the hidden layer and 256 or 1280 of the readout.
HEAD = ("hidden", "readout")


@pytest.mark.parametrize("binary, divisor, two, ten", [
    ((), 64, 100.00, 100.00),
    (LAYERS, 64, 1.56, 1.56),
    (LAYERS, 32, 3.12, 3.12),
    (LAYERS[1:], 64, 3.72, 3.72),
    (("conv2", "conv3", *HEAD), 64, 19.38, 19.37),
    (("conv1", "conv2", "conv3", *HEAD), 64, 17.22, 17.22),
    (("conv3", "code", *HEAD), 64, 38.25, 38.24),
    (HEAD, 64, 99.01, 98.97),
    (("code", *HEAD), 64, 83.35, 83.32),
])
def test_the_cost_of_whole_layers(binary, divisor, two, ten):
    assert [round(100 * Mask.of(Shape(classes=classes), binary).cost(divisor), 2)
            for classes in (2, 10)] == [two, ten]


@pytest.mark.parametrize("layer, group, macs", [
    ("conv1", 0, 7056), ("conv2", 3, 112896), ("conv3", 7, 147456), ("code", 0, 51200),
    ("hidden", 1, 3200)])
def test_a_group_saves_its_share(layer, group, macs):
    mask = Mask.of(Shape(), groups=8).turned([(layer, group)], True)
    assert 1 - mask.cost() == pytest.approx(macs * 63 / 64 / 2_575_744)
    assert mask.turned([(layer, group)], False) == Mask.of(Shape(), groups=8)


def test_groups_that_do_not_divide_evenly_differ_by_one():
    mask = Mask.of(Shape(hidden=10), groups=4).turned([("hidden", 1), ("hidden", 3)], True)
    assert mask.channels()[4] == [False] * 3 + [True] * 3 + [False] * 2 + [True] * 2


def test_dropped_channels_save_what_they_feed_too():
    mask = Mask.of(Shape(), groups=2, drops=True).turned([("conv1", 1), ("conv3", 0)], True)
    assert list(mask.operations()) == [
        ("conv1", 28224, 0), ("conv2", 451584, 0), ("conv3", 589824, 0), ("code", 204800, 0),
        ("hidden", 25600, 0), ("readout", 1280, 0)]
    assert mask.is_whole() and not mask.turned([("conv1", 0)], True).is_whole()


@pytest.mark.parametrize("preset, suffix, link_bits", [
    ("full", [], None), ("published", ["hidden", "readout"], 200),
    ("encfc-binary", ["code", "hidden", "readout"], 2048),
    ("binary", [*LAYERS], 784)])
def test_the_board_gets_the_last_layers_that_are_wholly_binary(preset, suffix, link_bits):
    mask = Mask.of(Shape(), PRESETS[preset])
    assert mask.suffix() == suffix
    if suffix:
        split = split_of(mask)
        assert [part.layer for part in split.board] == suffix and split.link_bits == link_bits
        assert sum(part.flops for part in split.board) == 0


def test_a_group_in_full_precision_keeps_its_layer_on_the_host():
    mask = Mask.of(Shape(), LAYERS, groups=8).turned([("code", 7)], False)
    assert mask.suffix() == ["hidden", "readout"]
    assert mask.turned([("hidden", 0)], False).suffix() == []    # A readout is not worth a board.


def test_a_file_comes_back_and_is_the_same_bytes(tmp_path):
    mask = rivals.random_mask(Shape(), 8, 0.3, seed=5)
    for name in "ab":
        mask.save(tmp_path / name)
    assert Mask.load(tmp_path / "a") == mask == parse_digits(str(mask), Shape())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def content(**changes):
    made = {"format": "hybnn-mask-1",
            "shape": {"width": 32, "code_bits": 200, "hidden": 128, "classes": 10},
            "binary": dict.fromkeys(LAYERS, "0")}
    return json.dumps(made | changes).encode()


@pytest.mark.parametrize("data, reason", [
    (b"", "Expecting value"),
    (b"\xff", "can't decode"),
    (b"[" * 100_000, "nested too deeply"),
    (b"[1]", "must be a JSON object"),
    (content(format="hybnn-mask-2"), "format is 'hybnn-mask-1'"),
    (content(shape=None), "shape must have width, code_bits, hidden, classes"),
    (content(shape={"width": 32}), "shape must have"),
    (content(shape={"width": 0, "code_bits": 200, "hidden": 128, "classes": 10}),
     "width must be 1 to 65535, not 0"),
    (content(shape={"width": True, "code_bits": 200, "hidden": 128, "classes": 10}), "not True"),
    (content(binary={"conv1": "0"}), "must be told of conv1"),
    (content(binary=dict.fromkeys(LAYERS, "")), "groups of conv1 must be like '0110'"),
    (content(binary=dict.fromkeys(LAYERS, "02")), "groups of conv1 must be"),
    (content(binary=dict.fromkeys(LAYERS, 1)), "groups of conv1 must be"),
    (content(binary=dict.fromkeys(LAYERS, "0") | {"conv1": "0" * 33}), "conv1 must have 1 to 32"),
    (content(binary=dict.fromkeys(LAYERS, "01")), "readout must be one group"),
])
def test_a_malformed_file_is_refused_with_one_sentence(tmp_path, data, reason):
    (tmp_path / "mask.json").write_bytes(data)
    with pytest.raises(MaskError, match=r"mask\.json is not a mask file: ") as refused:
        Mask.load(tmp_path / "mask.json")
    assert reason in str(refused.value)


def test_what_is_dropped_is_no_mask_file(tmp_path):
    with pytest.raises(MaskError, match="what is binary"):
        replace(Mask.of(Shape()), drops=True).save(tmp_path / "mask.json")


@pytest.mark.parametrize("make", [
    lambda seed: rivals.random_mask(Shape(), 8, 0.15, seed),
    lambda seed: rivals.random_mask(Shape(width=5, hidden=3), 3, 0.3, seed)])
def test_random_masks_fill_the_budget_and_differ(make):
    masks = [make(seed) for seed in range(5)]
    budget = 0.15 if masks[0].shape.width == 32 else 0.3
    assert len({str(mask) for mask in masks}) > 3
    for mask in masks:
        assert mask.cost() <= budget
        assert all(mask.turned([unit], False).cost() > budget for unit in mask.units(True))
