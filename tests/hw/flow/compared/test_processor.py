"""The program for AVX2 has golden's classes, and what it cannot have is refused."""

from pathlib import Path

import pytest

from hw.flow.compared import processor
from sw.golden.network import random_network


@pytest.mark.skipif("avx2" not in Path("/proc/cpuinfo").read_text(), reason="no AVX2 here")
@pytest.mark.parametrize("shape", [(200, 128, 10), (256, 4, 2), (1, 68, 3)], ids=str)
def test_its_classes_are_goldens(shape, monkeypatch):
    monkeypatch.setattr(processor, "COUNT", 2000)
    assert 0 < processor.inference(random_network(shape)) < 1e-3


def test_another_processor_is_refused(monkeypatch):
    monkeypatch.setattr(processor, "_about", lambda: "model name : Z80\nflags : fpu avx\n")
    with pytest.raises(processor.ProcessorError, match=r"^The program needs AVX2, which Z80 does"):
        processor.inference(random_network((8, 4, 2)))


@pytest.mark.parametrize("shape", [(257, 4, 2), (200, 6, 2), (200, 2), (9, 4, 4, 2)], ids=str)
def test_other_networks_are_refused(shape):
    with pytest.raises(processor.ProcessorError,
                       match=r"^The program must have one hidden layer of a multiple of 4 neurons"):
        processor.inference(random_network(shape))
