"""The trained model against the network file: equal after training, and one bit is noticed."""

from dataclasses import replace

import numpy as np
import pytest

from sw.export import check
from sw.golden.codes import save_codes
from sw.golden.network import Network
from sw.training import hybrid, run
from sw.training.asked.config import Config
from sw.training.asked.effort import Effort

TINY = Config(hidden=(16,), effort=Effort(1, 100, 4, 64, 2), device="cpu")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    hybrid.train(run.create(folder, TINY), *hybrid.load(TINY))
    return folder


def threshold(network):
    """Raise one threshold by one, or lower it where that is the highest."""
    layer = network.layers[0]
    thresholds = layer.thresholds.copy()
    thresholds[3] += 1 if thresholds[3] <= layer.n_in else -1
    return replace(network, layers=[replace(layer, thresholds=thresholds)])


def weight(network):
    weights = network.layers[0].weights.copy()
    weights[5, 7] ^= 1
    return replace(network, layers=[replace(network.layers[0], weights=weights)])


def readout(network):
    weights = network.readout.weights.copy()
    weights[0, 0] ^= 1
    return replace(network, readout=replace(network.readout, weights=weights))


def offset(network):
    """Move the first class's offset, so that the least is still 0."""
    offsets = network.readout.offsets.copy()
    offsets[0] += 1
    return replace(network, readout=replace(network.readout, offsets=offsets - offsets.min()))


@pytest.mark.parametrize("change, code, out, err", [
    (lambda network: network, 0, '{"codes": 450, "sums": 3216}\n', ""),
    (threshold, 1, "", "error: Layer 0: Neuron 3 is not a threshold on its count\n"),
    (weight, 1, "", "error: Layer 0: Neuron 5 is not a threshold on its count\n"),
    (readout, 1, "", "error: The readout has other weights or offsets than the model's\n"),
    (offset, 1, "", "error: The readout has other weights or offsets than the model's\n"),
], ids=["as trained", "threshold", "weight", "readout", "offset"])
def test_one_bit_is_noticed(trained, capsys, change, code, out, err):
    file = trained / "network.safetensors"
    good = file.read_bytes()
    try:
        change(Network.load(file)).save(file)
        assert check.main(["--network", str(trained)]) == code
        assert capsys.readouterr() == (out, err)
    finally:
        file.write_bytes(good)


def test_codes_of_another_length_are_refused(trained, capsys):
    file = trained / "codes.safetensors"
    good = file.read_bytes()
    try:
        save_codes(file, np.zeros((2, 2), np.uint8), np.zeros(2, int), 9)
        assert check.main(["--network", str(trained)]) == 2
        assert capsys.readouterr().err == (f"error: {file} has codes of 9 bits, but the network "
                                           "takes 200\n")
    finally:
        file.write_bytes(good)


@pytest.mark.parametrize("argv, said", [
    ([], "error: the following arguments are required: --network (see --help)\n"),
    (["--network", "run", "--bogus"], "error: unrecognized arguments: --bogus (see --help)\n")])
def test_wrong_flags(capsys, argv, said):
    with pytest.raises(SystemExit, match=r"^2$"):
        check.main(argv)
    assert capsys.readouterr().err == said


def test_without_a_model_it_says_so(tmp_path, capsys):
    assert check.main(["--network", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path} is not the folder of a run: it has no config.json\n")
