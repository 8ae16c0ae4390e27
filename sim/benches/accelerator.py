"""Runs inside the simulator: asks a :class:`~hw.accelerator.Accelerator`, as a host would."""

import os
from pathlib import Path

import cocotb

from sim.streams import PACES, exchange
from sw.golden import forward, frame
from sw.golden.codes import load_codes
from sw.golden.network import Network

NETWORK = Network.load(Path(os.environ["NETWORK"]))
CODES, _ = load_codes(Path(os.environ["CODES"]))
FIRST = 120    # The sequence numbers that follow hold both bytes that must be escaped.


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(pace=PACES)
async def equals_golden(dut, pace):
    """Requests in, answers out: in order, with their sequence numbers and the right classes."""
    numbered = [((FIRST + number) % frame.N_SEQUENCES, code) for number, code in enumerate(CODES)]
    requests = b"".join(frame.request(*each) for each in numbered)
    expected = b"".join(frame.answer(sequence, forward.classify(NETWORK, code))
                        for sequence, code in numbered)
    assert bytes(await exchange(dut, "rx", "tx", requests, len(expected), **pace)) == expected
