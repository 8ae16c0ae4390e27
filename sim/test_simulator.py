"""What a simulator cannot do it says in one line; folders may have any name."""

from pathlib import Path

import pytest

from sim import simulator as simulators
from sim.ask import DRIVER, Driven, Subject
from sim.simulator import SimulationFailed
from sim.test_ask import DESIGN, RIGHT, codes

BROKEN = "module accelerator(input clk);\n    assign what is this;\nendmodule\n"
DRIVERS = {"icarus": (None,), "verilator": (None, DRIVER)}


def reason(failed):
    """Return the message of an exception, which must be one line."""
    message = str(failed.value)
    assert "\n" not in message
    return message


def test_what_cannot_be_compiled(simulator, monkeypatch, tmp_path):
    monkeypatch.setenv("HYBNN_CACHE", str(tmp_path))
    for driver in DRIVERS[simulator.name]:
        with pytest.raises(SimulationFailed) as failed:
            simulator.build(BROKEN, "accelerator", driver=driver)
        said, _, log = reason(failed).rpartition(" (all of it is in ")
        assert said.startswith(f"{simulator.name} could not build accelerator: ")
        assert "accelerator.v:2:" in said and "syntax error" in said
        assert "syntax error" in Path(log.removesuffix(")")).read_text()


@pytest.mark.parametrize("is_there, compiler", [(True, "ccache"), (False, None)])
def test_what_is_compiled_again_and_again_is_kept(monkeypatch, is_there, compiler):
    which = simulators.shutil.which
    monkeypatch.setattr(simulators.shutil, "which", lambda name: (
        is_there or None) if name == "ccache" else which(name))
    try:
        assert simulators.find("verilator").environment.get("OBJCACHE") == compiler
    except simulators.SimulatorNotFound as missing:
        pytest.skip(str(missing))


def test_a_bench_that_fails(simulator, tmp_path):
    model = simulator.build("module bare(input clk); endmodule\n", "bare")
    with pytest.raises(SimulationFailed) as failed:
        model.run("sim.benches.verify", tmp_path)
    assert reason(failed) == (f"sim.benches.verify failed under {simulator.name}: "
                              "KeyError: 'PATIENCE'")


@pytest.fixture
def spaced(monkeypatch, tmp_path):
    folder = tmp_path / "my folder (of $5)"
    folder.mkdir()
    monkeypatch.setenv("HYBNN_CACHE", str(folder))
    return folder


def test_a_folder_may_have_spaces(simulator, spaced):
    driver = DRIVERS[simulator.name][-1]
    model = simulator.build(DESIGN, "accelerator", driver=driver)
    assert spaced in model.program.parents
    subject = (Driven(model, "", 10, silence=500) if driver else
               Subject(model, "sim.benches.verify", 10, {"PATIENCE": "500"}))
    assert subject.classify(codes(RIGHT, RIGHT), lambda count: None) == [5, None]


def test_without_a_folder_that_make_takes_it_says_so(simulator, spaced, monkeypatch):
    monkeypatch.setattr(simulators.tempfile, "tempdir", str(spaced))
    with pytest.raises(SimulationFailed) as failed:
        simulator.build(BROKEN, "accelerator")
    assert reason(failed) == (f"make cannot build in {spaced}, whose path has spaces or signs: set "
                              "TMPDIR to a folder without them")
