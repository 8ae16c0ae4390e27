"""The generated Verilog of the whole accelerator equals golden; rungs 3 and 4 ask trained ones."""

import random
from itertools import pairwise

import numpy as np
import pytest

from hw.accelerator import Accelerator
from hw.flow.tools import verilog
from hw.plan.folding import Fold, Folding, with_readout
from hw.plan.serial import Serial
from sim.ask import DRIVER
from sim.simulator import SimulatorNotFound, find
from sw.golden import bits, fast, frame
from sw.golden.codes import save_codes
from sw.golden.network import Network, random_network
from sw.golden.stages import Signature


def ask(simulator, network, fold, codes, tmp_path):
    """Run the bench on ``codes``, bits of shape ``(n, n_in)``."""
    network.save(tmp_path / "network.safetensors")
    save_codes(tmp_path / "codes.safetensors", bits.pack(codes), np.zeros(len(codes), int),
               network.n_in)
    source = verilog.convert(Accelerator(network, fold), "accelerator")
    simulator.build(source, "accelerator").run(
        "sim.benches.accelerator", tmp_path, NETWORK=str(tmp_path / "network.safetensors"),
        CODES=str(tmp_path / "codes.safetensors"))


@pytest.mark.parametrize("simulator", ["icarus"], indirect=True)
def test_two_folded_layers_equal_golden(simulator, tmp_path):
    network = random_network((20, 13, 14, 3))
    codes = np.random.default_rng(1).integers(0, 2, (10, 20), np.uint8)
    # Nothing divides anything, and the readout's last word has one chunk of three.
    ask(simulator, network, Folding([Fold(3, 7), Fold(4, 4)], 12), codes, tmp_path)


def drawn(number: int, widest: int, most: int) -> tuple[tuple[int, ...], Folding]:
    """Draw a shape of one to six layers and a folding of it.

    It has fewer than ``most`` weights, and up to ``2 ** widest`` neurons a layer.
    """
    draw = random.Random(number)
    while True:
        depth = number % 6
        shape = tuple(round(2 ** draw.uniform(0, widest)) for _ in range(depth + 1))
        shape = (*shape, draw.choice([1, 2, 3, 10, draw.randint(1, 256)]))
        if sum(a * b for a, b in pairwise(shape)) < most:
            break
    folds = []
    for n_in, n_out in pairwise(shape[:-1]):
        simd = draw.randint(-(-n_in // 8), min(n_in, 150))
        folds.append(Fold(draw.randint(1, min(n_out, 8, -(-150 // simd))), simd))
    return shape, with_readout(shape, folds)


# Each depth three times, and then wide ones: a code of those takes as long as four of the others.
# tests.soak.networks draws hundreds of narrow ones.
@pytest.mark.parametrize("simulator", ["icarus"], indirect=True)
@pytest.mark.parametrize("number, widest, most, n_codes", [
    *[(number, 6, 2_000, 4) for number in range(18)],
    *[(number, 10, 40_000, 1) for number in (42, 25, 44, 33, 5)]])
def test_any_shape_in_any_folding_equals_golden(simulator, number, widest, most, n_codes, tmp_path):
    shape, fold = drawn(number, widest, most)
    codes = np.random.default_rng(number).integers(0, 2, (4, shape[0]), np.uint8)
    codes[:2] = [[0], [1]]
    ask(simulator, random_network(shape, seed=number), fold, codes[-n_codes:], tmp_path)


def hostile(n_in: int, count: int) -> bytes:
    """Draw frames of images and questions, whole and damaged, of wrong lengths and of no kind."""
    draw, rng = random.Random(n_in), np.random.default_rng(n_in)
    size, short = bits.n_bytes(n_in), frame.n_short(n_in)
    specials = bytes([frame.FLAG, frame.ESCAPE, 0x5E, 0x5D, 0, 0xFF])

    def one() -> bytes:
        image = bytearray(frame.request(draw.randrange(128), rng.integers(0, 2, n_in, np.uint8)))
        length = draw.choice([0, short, size - 1, size, size + 1, 300])
        content = draw.randbytes(1 + length)
        damaged = bytearray(image)
        for _ in range(draw.randint(1, 3)):
            damaged[draw.randrange(len(damaged))] = draw.choice(specials)
        at = draw.randrange(len(image))
        return draw.choice([
            bytes(image), bytes(image), frame.question(draw.randrange(192, 256), short),
            frame.wrap(content + frame.fcs32(content)), bytes(damaged),
            bytes(image[:at] + image[at + 1:]), draw.randbytes(draw.randrange(40)),
            bytes(draw.choices(specials, k=draw.randrange(12)))])

    return b"".join(one() for _ in range(count)) + bytes([frame.FLAG])


def expected(network: Network, said: bytes, data: bytes) -> list[bytes]:
    """Return the answers to what is good in a stream of bytes, read as golden reads it."""
    lengths = bits.n_bytes(network.n_in), frame.n_short(network.n_in)
    good = [content for content in frame.Unwrapper(frame.fcs32).feed(data)
            if len(content) == 1 + lengths[content[0] >= frame.N_SEQUENCES]
            and not frame.N_SEQUENCES <= content[0] < frame.QUESTIONS]
    images = [bits.from_bytes(content[1:], network.n_in) for content in good if content[0] < 128]
    classes = iter(fast.classify_all(network, np.array(images)).tolist())
    return [bytes([content[0], next(classes) if content[0] < 128 else
                   (said + bytes(64))[content[0] & 63]]) for content in good]


def test_whatever_comes_a_serial_accelerator_answers_what_is_good(tmp_path):
    """In order, and nothing else; of bytes beyond the identity the value is left open."""
    try:
        verilator = find("verilator")
    except SimulatorNotFound as missing:
        pytest.skip(str(missing))
    network = random_network(Signature.parse("6x5x1:2-5-4"), seed=1)
    design = Accelerator(network, Serial(1, 4))
    said, sent = design.identity.to_bytes(), hostile(network.n_in, 1500)
    requests, answers = tmp_path / "requests", tmp_path / "answers"
    requests.write_bytes(sent)
    verilator.build(verilog.convert(design, "accelerator"), "accelerator", False, DRIVER).drive(
        [str(requests), str(answers), "20000", "100000000"], tmp_path, 120)
    found = [*frame.Unwrapper(frame.fcs16).feed(answers.read_bytes())]
    wanted = expected(network, said, sent)
    beyond = frame.QUESTIONS + len(said)
    assert len(wanted) > 400
    assert ([each[:1 + (each[0] < beyond)] for each in found]
            == [each[:1 + (each[0] < beyond)] for each in wanted])
