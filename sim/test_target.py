"""One place decides which accelerator all rungs look at: that of the board's build, where it is."""

import json
from hashlib import sha256

import pytest

import boards
from hw import accelerator
from hw.plan import folding
from sim.target import decide
from sw.golden.errors import UserError
from sw.golden.network import random_network
from sw.golden.stages import Signature

NETWORK = random_network((48, 9, 3))
STAGES = random_network(Signature.parse("7x5x2:3-6k2p-d7-4"))
DEFAULT = "icestick, 3x48"     # What python -m hw.build makes of it.
MHZ = 60


def pretend(run, fold="2x24", reloadable=False, network=NETWORK, **damage):
    """Leave in a run's folder what a build leaves, with some of its report otherwise."""
    folder = run / "build" / "icestick"
    folder.mkdir(parents=True)
    network.save(folder / "network.safetensors")
    (folder / "top.bin").write_bytes(b"bits")
    identity = accelerator.identity(network, folding.parse(fold, network.shape), clock=MHZ * 1e6,
                                    reloadable=reloadable, baud=boards.find("icestick").baud)
    report = {"board": "icestick", "folding": fold, "reloadable": reloadable,
              "identity": identity.to_bytes().hex(), "bitstream": "top.bin",
              "bitstream_sha256": sha256(b"bits").hexdigest(),
              "network_sha256": sha256(network.to_bytes()).hexdigest()}
    (folder / "report.json").write_text(json.dumps(report | damage))


# A build or None, then flags; what is looked at, in which folder, and whether the build is taken.
@pytest.mark.parametrize("build, board, fold, reloadable, said, folder, is_built", [
    (None, None, None, False, "no board, 1x48", None, False),
    (None, None, "3x16", True, "no board, 3x16, reloadable", None, False),
    (None, None, "hardwired", False, "no board, hardwired", None, False),
    (None, None, "serial 1x16", True, "no board, serial 1x16, reloadable", None, False),
    ({}, None, None, False, "no board, 1x48", None, False),
    (None, "icestick", None, False, DEFAULT, "icestick", False),
    (None, "icestick", None, True, f"{DEFAULT}, reloadable", "icestick", False),
    (None, "icestick", "1x6", False, "icestick, 1x6", "icestick", False),
    (None, "ulx3s_45f", None, False, "ulx3s_45f, hardwired", "ulx3s_45f", False),
    ({}, "icestick", None, False, "icestick, 2x24", "icestick", True),
    ({}, "icestick", "2x24", False, "icestick, 2x24", "icestick", True),
    ({"reloadable": True}, "icestick", None, False, "icestick, 2x24, reloadable", "icestick", True),
    ({"reloadable": True}, "icestick", None, True, "icestick, 2x24, reloadable", "icestick", True),
    # What was built otherwise stays.
    ({}, "icestick", "1x6", False, "icestick, 1x6", "icestick-1x6", False),
    ({}, "icestick", "2x24", True, "icestick, 2x24, reloadable", "icestick-2x24-reloadable", False),
    ({"reloadable": True}, "icestick", "2x24", False, "icestick, 2x24", "icestick-2x24", False),
    # No build of this network, or none that is whole.
    ({"network": random_network((48, 9, 3), seed=1)}, "icestick", None, False, DEFAULT, "icestick",
     False),
    ({"bitstream_sha256": ""}, "icestick", None, False, DEFAULT, "icestick", False),
    ({"bitstream": "top.txt"}, "icestick", None, False, DEFAULT, "icestick", False),
    ({"bitstream": 1}, "icestick", None, False, DEFAULT, "icestick", False),
    ({"identity": "00"}, "icestick", None, False, DEFAULT, "icestick", False),
    ({"identity": None}, "icestick", None, False, DEFAULT, "icestick", False),
    ({"folding": "1x1"}, "icestick", None, False, DEFAULT, "icestick", False),
    ({"board": "icebreaker"}, "icestick", None, False, DEFAULT, "icestick", False),
    ({"board": "nowhere"}, "icestick", None, False, DEFAULT, "icestick", False),
])
def test_what_all_rungs_look_at(tmp_path, build, board, fold, reloadable, said, folder, is_built):
    if build is not None:
        pretend(tmp_path, **build)
    target = decide(NETWORK, tmp_path / "network.safetensors", board, fold, reloadable)
    assert (str(target), target.folder and target.folder.name,
            target.built(NETWORK) is not None) == (said, folder, is_built)
    assert target.identity(NETWORK).reloadable == target.reloadable
    if is_built:
        assert target.identity(NETWORK).clock == 1000 * MHZ
    else:
        assert (target.identity(NETWORK).clock > 0) == (board is not None)


@pytest.mark.parametrize("board, fold, reloadable, said", [
    ("icestik", None, False, "Unknown board 'icestik'; known boards: "),
    (None, "1x49", False, "A fold of a layer of 9 neurons with 48 inputs must have PE 1 "),
    ("icestick", "1x49", False, "A fold of a layer of 9 neurons with 48 inputs must have PE 1 "),
    (None, "1x1,1x1", False, "A network of 1 layers needs as many folds, not 2"),
    (None, "serial 3x16", False, "A serial engine must have a power of two of synapses, and of "),
    (None, "fast", False, "Folds must be like 2x64,1x32 (PE x SIMD of each layer) or hardwired, "),
    (None, "hardwired", True, "A hard-wired engine has its weights in logic and cannot "),
    ("icestick", "hardwired", True, "A hard-wired engine has its weights in logic and cannot be "),
])
def test_refuses_what_there_is_not(tmp_path, board, fold, reloadable, said):
    with pytest.raises(UserError) as refused:
        decide(NETWORK, tmp_path / "network.safetensors", board, fold, reloadable)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize("shape, fold, least", [
    ((1000, 1000, 2), "1x1", 1_000_000), ((4, 256), None, 1024), ((60_000, 1, 2), None, 480_000)])
def test_no_engine_is_given_up_while_it_works(tmp_path, shape, fold, least):
    network = random_network(shape)
    target = decide(network, tmp_path, None, fold, False)
    assert least < target.patience(network) < 3 * least + 10_000


@pytest.mark.parametrize("fold, said", [(None, "no board, serial 4x32"),
                                        ("serial 2x8", "no board, serial 2x8")])
def test_stages_have_a_serial_engine(tmp_path, fold, said):
    target = decide(STAGES, tmp_path, None, fold, False)
    assert str(target) == said
    assert target.identity(STAGES).is_for(STAGES.signature)
    assert target.like(NETWORK).plan == target.plan
    assert 4_000 < target.cycles(STAGES) < target.patience(STAGES) < 20_000


@pytest.mark.parametrize("fold", ["1x48", "hardwired"])
def test_stages_have_no_other_engine(tmp_path, fold):
    with pytest.raises(UserError, match="^7x5x2:3-6k2p-d7-4 is not fully connected on bits: its "
                                        f"engine must be like 'serial 1x16', not '{fold}'$"):
        decide(STAGES, tmp_path, None, fold, False)
