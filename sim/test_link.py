"""The generated Verilog of the link carries frames, in both simulators, at every pace."""

from hw import verilog
from hw.link import Link


def test_link_carries_frames_amid_garbage(simulator, tmp_path):
    source = verilog.convert(Link(n_in=20, n_classes=3), "link")
    simulator.build(source, "link").run("sim.bench_link", tmp_path)
