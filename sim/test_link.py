"""The generated Verilog of the link carries frames, in both simulators, at every pace."""

from hw.blocks.wire.link import Link
from hw.flow.tools import verilog

IDENTITY = b"\x00\xff\x7e\x7d\x55\xaa12345~"    # As in the bench.


def test_link_carries_frames_amid_garbage(simulator, tmp_path):
    source = verilog.convert(Link(n_in=20, n_classes=3, identity=IDENTITY), "link")
    simulator.build(source, "link").run("sim.benches.link", tmp_path)
