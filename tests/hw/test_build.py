"""Real builds, and one line for everything that can go wrong."""

import fcntl
import json
import os
import signal
import subprocess
import sys

import pytest

from hw import build, floorplan
from hw.family import PLACED
from sw.golden.network import random_network
from sw.golden.split import Part, Split


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    random_network((200, 128, 10)).save(folder / "network.safetensors")
    random_network((200, 512, 10)).save(folder / "large.safetensors")
    random_network((16, 8, 300)).save(folder / "classes.safetensors")
    random_network((16, 8, 2)).save(folder / "short.safetensors")
    (folder / "noise.safetensors").write_bytes(bytes(range(200)))
    return folder


@pytest.mark.parametrize("board, flags, clock, cells, rams, cycles, link", [
    ("icestick", [], 120, 1280, [16, 16], 128, 9375),
    ("icestick", ["--reloadable"], 120, 1280, [16, 16], 128, 9375),
    ("icebreaker", [], 36, 5280, [30, 30], 64, 9375),
    ("ice40_hx8k_b_evn", [], 108, 7680, [30, 32], 64, 9375),
    ("tang_nano_9k", [], 54, 8640, [20, 26], 43, 6250),
    # The fastest that fits an ECP5 takes minutes.
    ("ulx3s_12f", ["--fold", "1x200"], 75, 24_288, [9, 56], 128, 9375),
    ("ecpix5_45f", ["--fold", "1x200"], 125, 43_848, [9, 108], 128, 9375)])
def test_a_board_meets_its_clock(folder, capsys, board, flags, clock, cells, rams, cycles, link):
    assert build.main(["--board", board, "--network", str(folder), *flags]) == 0
    made = folder / "build" / board
    report = json.loads((made / "report.json").read_text())
    assert (made / report["bitstream"]).stat().st_size > 30_000
    assert report["fmax_mhz"] >= report["clock_mhz"] == clock
    assert report["logic_cells"][0] <= report["logic_cells"][1] == cells
    assert report["block_rams"] == rams
    assert report["cycles_per_inference"] == cycles
    assert report["inferences_per_second_link"] == link
    assert f"{report['fmax_mhz']:.1f} MHz" in capsys.readouterr().out
    assert floorplan.main([str(made), "--plot", str(made / "floorplan.svg")]) == 0
    lies = floorplan.placed(json.loads((made / PLACED).read_text()))
    assert [sum(cell.is_ram == is_ram for cell in lies) for is_ram in (False, True)] == [
        report["logic_cells"][0], report["block_rams"][0]]


def test_the_report_says_what_host_and_board_do(tmp_path, capsys):
    random_network((16, 8, 2)).save(tmp_path / "network.safetensors")
    split = Split([Part("conv1", 5000, 20), Part("conv2", 300, 4)],
                  [Part("hidden", 0, 128), Part("readout", 0, 16)], 16)
    split.save(tmp_path / "split.json")
    flags = ["--board", "icestick", "--network", str(tmp_path)]
    assert build.main(flags) == 0
    said = capsys.readouterr().out
    assert "host         conv1, conv2: 5,300 multiply-accumulates, 24 on bits" in said
    assert "board        hidden, readout: 0 multiply-accumulates, 144 on bits" in said
    report = json.loads((tmp_path / "build" / "icestick" / "report.json").read_text())
    assert report["split"]["link_bits"] == 16 and len(report["split"]["board"]) == 2

    (tmp_path / "split.json").write_text("{}")
    assert build.main(flags) == 2
    assert "split.json does not say what host and board do" in capsys.readouterr().err


def test_dry_run_shows_the_choices(folder, capsys):
    assert build.main(["--board", "icestick", "--network", str(folder), "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1:3] for line in lines if line.startswith("  >")] == [["128", "937,500"]]
    assert any("does not fit" in line for line in lines)


@pytest.mark.parametrize("flags, hardwired", [([], True), (["--reloadable"], False)])
def test_a_small_network_is_hardwired_where_that_routes(tmp_path, capsys, flags, hardwired):
    random_network((40, 8, 3)).save(tmp_path / "network.safetensors")
    assert build.main(["--board", "ulx3s_25f", "--network", str(tmp_path), "--dry-run",
                       *flags]) == 0
    line, = (line for line in capsys.readouterr().out.splitlines() if line.startswith("  >"))
    assert ("hardwired" in line) == hardwired


@pytest.mark.parametrize("name, said", [
    ("front.svg", ""),
    ("front", "error: The picture needs a suffix such as {}.png, .svg or .pdf\n"),
    ("front.bmp", "error: The picture cannot be written to {}: Format 'bmp' is not supported "),
    ("nowhere/front.png", "error: The picture cannot be written to {}: [Errno 2] ")])
def test_a_picture(folder, capsys, tmp_path, name, said):
    pytest.importorskip("matplotlib")
    file = tmp_path / name
    assert build.main(["--board", "icestick", "--network", str(folder), "--dry-run",
                       "--plot", str(file)]) == (2 if said else 0)
    error = capsys.readouterr().err
    assert error.startswith(said.format(file)) and error.count("\n") == bool(said)
    assert file.exists() != bool(said)


@pytest.mark.parametrize("board, flags, chosen", [
    ("ulx3s_45f", [], "hardwired"),
    ("ulx3s_45f", ["--reloadable"], "13x200"),
    ("ulx3s_12f", [], "8x200"),                             # It would fit, but not be routed.
    ("ice40_hx8k_b_evn", [], "2x200"),
    ("icestick", ["--reloadable"], "1x200"),
    ("icestick", ["--fold", "hardwired"], "hardwired")])
def test_what_would_be_built(folder, capsys, board, flags, chosen):
    assert build.main(["--board", board, "--network", str(folder), "--dry-run", *flags]) == 0
    marked = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  >")]
    assert [line.split()[5] for line in marked] == [chosen]


def test_a_folding_can_be_pinned(folder, capsys):
    assert build.main(["--board", "icestick", "--network", str(folder), "--dry-run",
                       "--fold", "1x50"]) == 0
    assert "  >    512  " in capsys.readouterr().out


def test_a_missed_clock_fails(folder, capsys, tmp_path):
    assert build.main(["--board", "icestick", "--network", str(folder), "--clock", "180",
                       "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: timing is not met: the design runs at ")
    assert not (tmp_path / "top.bin").exists()


@pytest.mark.parametrize("args, said", [
    (["--board", "icestik"], "error: Unknown board 'icestik'; known boards: ecpix5_45f, "
                             "ice40_hx8k_b_evn, icebreaker, icestick, tang_nano_9k, ulx3s_12f, "
                             "ulx3s_25f, ulx3s_45f, ulx3s_85f"),
    (["--board", "icestick", "--network", "no-such-file"],
     "error: [Errno 2] No such file or directory: 'no-such-file'"),
    (["--board", "icestick", "--network", "{}/noise.safetensors"],
     "error: {}/noise.safetensors is not a network file: "),
    (["--board", "icestick", "--network", "{}/large.safetensors"],
     "error: 200-512-10 does not fit icestick: it needs about "),
    (["--board", "icestick", "--network", "{}/classes.safetensors"],
     "error: The link carries 1 to 256 classes, not 300"),
    (["--board", "icestick", "--network", "{}", "--fold", "2"],
     "error: Folds must be like 2x64,1x32 (PE x SIMD of each layer) or hardwired, not '2'"),
    (["--board", "icestick", "--network", "{}", "--fold", "hardwired", "--reloadable"],
     "error: A hard-wired engine has its weights in logic and cannot be reloaded: take a folded "
     "one"),
    (["--board", "icestick", "--network", "{}/short.safetensors", "--reloadable"],
     "error: A network that can be reloaded must have at least 40 inputs, not 16"),
    (["--board", "icestick", "--network", "{}", "--clock", "5"],
     "error: The PLL makes 8.4375 MHz or more from 12 MHz, not 5 MHz"),
    (["--board", "icestick", "--network", "{}", "--clock", "9"],
     "error: A clock of 9 MHz cannot make 3000000 baud: "),
    (["--board", "icestick", "--network", "{}", "--out", "/proc/nowhere"], "error: [Errno 2] "),
], ids=lambda value: value[-1] if isinstance(value, list) else "")
def test_errors_are_one_line(folder, capsys, args, said):
    assert build.main([arg.format(folder) for arg in args]) == 2
    error = capsys.readouterr().err
    assert error.startswith(said.format(folder)) and error.count("\n") == 1


@pytest.mark.parametrize("board, counted, said", [
    ("icestick", ["ICESTORM_LC:    1655/   1280   129%", "ICESTORM_RAM:      31/     16   193%"],
     "1655 of 1280 logic cells and 31 of 16"),
    ("ulx3s_12f", ["DP16KD:       9/     56    16%", "TRELLIS_COMB:   30100/  24288   123%"],
     "30100 of 24288 logic cells and 9 of 56"),
    ("tang_nano_9k", ["LUT4:    2970/   8640    34%", "ALU:    1302/   6480    20%",
                      "BSRAM:      51/     26   196%"], "4272 of 8640 logic cells and 51 of 26")])
def test_each_family_says_what_does_not_fit(tmp_path, board, counted, said):
    (tmp_path / "top.tim").write_text("".join(f"Info: \t {line}\n" for line in counted))
    assert build._reason(build.boards.find(board), tmp_path,
                         "ERROR: Unable to place cell 'x', no BELs remaining\n") == (
        f"the design cannot be placed: it needs {said} block RAMs")


@pytest.mark.parametrize("args, said", [
    ([], "error: the following arguments are required: --board (see --help)\n"),
    (["--board", "icestick", "--clock", "fast"],
     "error: argument --clock: invalid megahertz value: 'fast' (see --help)\n"),
    (["--board", "icestick", "--clock", "0"],
     "error: argument --clock: must be a positive number of MHz, not '0' (see --help)\n"),
    (["--board", "icestick", "--clock", "inf"],
     "error: argument --clock: must be a positive number of MHz, not 'inf' (see --help)\n")])
def test_wrong_flags(capsys, args, said):
    with pytest.raises(SystemExit, match=r"^2$"):
        build.main(args)
    assert capsys.readouterr().err == said


def test_without_a_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert build.main(["--board", "icestick"]) == 2
    assert capsys.readouterr().err == (
        "error: No finished run in runs/: train one first with python -m sw.train\n")


def test_a_missing_yosys(folder, monkeypatch, capsys):
    monkeypatch.setenv("YOSYS", "/no/such/yosys")
    assert build.main(["--board", "icestick", "--network", str(folder)]) == 2
    assert capsys.readouterr().err == (
        "error: yosys was not found: $YOSYS is '/no/such/yosys', which is not a program. "
        "Correct or unset it\n")


def test_nothing_of_an_earlier_build_is_taken_for_a_new_one(folder, monkeypatch, capsys, tmp_path):
    for name in ("top.json", "top.asc", "top.bin", "top.tim"):
        (tmp_path / name).write_text("ICESTORM_LC: 9999/ 1280")
    monkeypatch.setenv("YOSYS", "/bin/true")
    assert build.main(["--board", "icestick", "--network", str(folder),
                       "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: the tools failed: ERROR: Failed to open ")
    assert not (tmp_path / "top.bin").exists()


def test_two_builds_in_one_folder(folder, capsys, tmp_path):
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)    # As the tools of a build do that was killed.
        assert build.main(["--board", "icestick", "--network", str(folder),
                           "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error: another build is at work in {tmp_path}, or the tools of one that was killed: "
        "wait for it, or choose another --out\n")


def test_interrupted(folder, monkeypatch, tmp_path):
    # A Yosys that presses Ctrl-C: for itself, for the shell that runs it and for the build.
    (tmp_path / "yosys").write_text("#!/bin/sh\nkill -INT 0\nsleep 60\n")
    os.chmod(tmp_path / "yosys", 0o755)
    monkeypatch.setenv("YOSYS", str(tmp_path / "yosys"))
    result = subprocess.run(
        [sys.executable, "-m", "hw.build", "--board", "icestick", "--network", str(folder),
         "--out", str(tmp_path / "out")],
        capture_output=True, text=True, timeout=60, start_new_session=True, check=False,
        # A shell that starts tests in the background has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    assert (result.returncode, result.stderr) == (
        130, "error: interrupted, there is no bitstream\n")


@pytest.mark.parametrize("script, code, said", [
    (None, 3, "error: iceprog was not found on PATH, so the board was not programmed. "),
    ("echo init.. >&2; echo no device >&2; exit 1", 3,
     "error: iceprog could not program the board: init..; no device\n"),
    ("exit 0", 0, "")])
def test_program(folder, monkeypatch, capsys, tmp_path, script, code, said):
    if script:
        (tmp_path / "iceprog").write_text(f"#!/bin/sh\n{script}\n")
        os.chmod(tmp_path / "iceprog", 0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build.program(build.boards.find("icestick"), folder) == code
    assert capsys.readouterr().err.startswith(said)
