"""Real builds, and one line for everything that can go wrong."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

import boards
from hw import build, floorplan
from hw.flow import building, programming
from hw.flow.built import making
from hw.flow.choosing import choose
from hw.flow.tools.family import PLACED
from sw.golden.network import Network, random_network
from sw.golden.split import Part, Split
from sw.golden.stages import Signature


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    random_network((200, 128, 10)).save(folder / "network.safetensors")
    random_network((200, 512, 10)).save(folder / "large.safetensors")
    random_network((40, 24, 4)).save(folder / "narrow.safetensors")
    random_network((16, 8, 300)).save(folder / "classes.safetensors")
    random_network((16, 8, 2)).save(folder / "short.safetensors")
    (folder / "noise.safetensors").write_bytes(bytes(range(200)))
    return folder


# What the tools of an iCE40 do, but in no time.
TOOLS = {
    "yosys": "touch top.json",
    "nextpnr-ice40": """
        echo "Info: Routing.." > top.tim
        echo text $(date +%N) > top.asc
        echo '{"utilization": {}, "fmax": {"": {"constraint": 1, "achieved": 150}}}' \\
            > top.report.json""",
    "icepack": "cat top.asc top.asc > top.bin"}


@pytest.fixture
def replace_tool(tmp_path, monkeypatch):
    """Put scripts in the place of the tools; return what puts others there."""
    def replace(name: str, script: str) -> None:
        path = tmp_path / "tools" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\ncase $1 in -V|--version) echo Version 0.99; exit;; esac\n"
                        f"{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv(name.upper().replace("-", "_"), str(path))

    for name, script in TOOLS.items():
        replace(name, script)
    return replace


@pytest.fixture
def out(tmp_path) -> Path:
    """A folder with a build of another day and a file of the user's."""
    with making(tmp_path / "out") as new:
        for name in ("report.json", "top.bin", "top.asc", "network.safetensors"):
            (new / name).write_text(f"{name} of another day")
    (tmp_path / "out" / "top.v").write_text("mine")
    return tmp_path / "out"


@pytest.fixture
def flags(folder, tmp_path) -> list[str]:
    return ["--board", "icestick", "--network", str(folder / "short.safetensors"),
            "--out", str(tmp_path / "out")]


def snapshot(folder: Path) -> dict[str, bytes]:
    """Read all files, but for the lock and the log of what failed."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and path.name not in (".lock", "failed.log")}


# One as tight as it gets, and of each board one that is placed in seconds: ``python -m hw.bench
# boards`` builds the fastest that fits.
@pytest.mark.parametrize("board, network, flags, clock, cells, rams, cycles, link", [
    ("icestick", "network", [], 120, 1280, [16, 16], 128, 9375),
    ("icebreaker", "narrow", ["--reloadable", "--fold", "2x20"], 36, 5280, [6, 30], 24, 25_000),
    ("ice40_hx8k_b_evn", "narrow", ["--fold", "2x20"], 108, 7680, [6, 32], 24, 25_000),
    ("tang_nano_9k", "narrow", ["--fold", "2x17"], 54, 8640, [4, 26], 36, 16_667),
    ("ulx3s_12f", "narrow", ["--fold", "1x40"], 75, 24_288, [5, 56], 24, 25_000),
    ("ecpix5_45f", "narrow", ["--fold", "1x40"], 125, 43_848, [5, 108], 24, 25_000)])
def test_a_board_meets_its_clock(folder, capsys, board, network, flags, clock, cells, rams, cycles,
                                 link):
    file = folder / f"{network}.safetensors"
    assert build.main(["--board", board, "--network", str(file), *flags]) == 0
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


def test_the_report_says_what_host_and_board_do(tmp_path, capsys, replace_tool):
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


@pytest.mark.parametrize("board, most", [("icestick", 270), ("ulx3s_12f", 400),
                                         ("tang_nano_9k", 594)])
def test_a_dry_run_promises_no_clock_that_no_pll_makes(folder, capsys, board, most):
    assert build.main(["--board", board, "--network", str(folder), "--dry-run",
                       "--clock", "9999"]) == 0
    said = capsys.readouterr().out
    assert f" at {most} MHz; predicted:" in said and "9999" not in said
    assert said.endswith(f"whether this engine does {most} is known when it is placed\n")


def test_a_missed_clock_fails(folder, flags, capsys, tmp_path, replace_tool):
    replace_tool("nextpnr-ice40", TOOLS["nextpnr-ice40"].replace("150", "119"))
    assert build.main(flags) == 2
    assert capsys.readouterr().err == (
        "error: timing is not met: the design runs at 119.0 MHz and the clock is 120 MHz. Try a "
        "lower --clock or another --seed (all that the tools said is in "
        f"{tmp_path / 'out' / 'failed.log'})\n")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"failed.log"}
    # Who compares designs takes it all the same.
    network = Network.load(folder / "short.safetensors")
    board = boards.find("icestick")
    made = building.build(network, board, choose(network, board, None), tmp_path / "out",
                          clock=120e6, seed=1, must_meet=False)
    assert made.fmax_mhz == 119 and not (tmp_path / "out" / "top.bin").exists()
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"report.json", "top.asc"}


@pytest.mark.parametrize("args, said", [
    (["--board", "icestik"], "error: Unknown board 'icestik'; known boards: ecpix5_45f, "
                             "ice40_hx8k_b_evn, icebreaker, icestick, tang_nano_9k, ulx3s_12f, "
                             "ulx3s_25f, ulx3s_45f, ulx3s_85f; did you mean icestick?\n"),
    (["--board", "ULX3S-12F"], "error: Unknown board 'ULX3S-12F'; known boards: ecpix5_45f, "
                               "ice40_hx8k_b_evn, icebreaker, icestick, tang_nano_9k, ulx3s_12f, "
                               "ulx3s_25f, ulx3s_45f, ulx3s_85f; did you mean ulx3s_12f?\n"),
    (["--board", "arty"], "error: Unknown board 'arty'; known boards: ecpix5_45f, "
                          "ice40_hx8k_b_evn, icebreaker, icestick, tang_nano_9k, ulx3s_12f, "
                          "ulx3s_25f, ulx3s_45f, ulx3s_85f\n"),
    # What it goes on with depends on the runs that there are.
    (["--board", "icestick", "--network", "runs/nope"],
     "error: runs/nope is not there: give the folder of a finished run or a network file, "),
    (["--board", "icestick", "--network", "{0}/../nope"],
     "error: {0}/../nope is not there: give the folder of a finished run or a network file, such "
     "as "),
    (["--board", "icestick", "--network", "no-such-file.onnx"], "error: [Errno 2] No such file"),
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
    (["--board", "icestick", "--network", "{}", "--baud", "12000000", "--clock", "9"],
     "error: A clock of 9 MHz cannot make 12000000 baud: "),
    (["--board", "ulx3s_12f", "--network", "{}", "--link", "spi"],
     "error: ulx3s_12f has no pins for SPI here; boards that have: icebreaker, icestick\n"),
    (["--board", "icestick", "--network", "{}", "--link", "spi", "--clock", "24", "--dry-run"],
     "error: A clock of 24 MHz does not keep up with 24 MHz of SPI. Choose another --clock\n"),
    (["--board", "ulx3s_12f", "--network", "{}", "--baud", "12000000", "--dry-run"],
     "error: The link of ulx3s_12f does at most 3000000 baud, not 12000000: choose a slower --baud"
     "\n"),
    (["--board", "icestick", "--network", "{}", "--clock", "5", "--dry-run"],
     "error: The PLL makes 8.4375 MHz or more from 12 MHz, not 5 MHz"),
    (["--board", "icestick", "--network", "{}", "--fold", "16x200"],
     "error: 200-128-10 folded 16x200 does not fit icestick: it needs about "),
    (["--board", "icestick", "--network", "{}", "--fold", "hardwired"],
     "error: 200-128-10 folded hardwired does not fit icestick: it needs about "),
    (["--board", "icestick", "--network", "{0}", "--out", "{0}/noise.safetensors"],
     "error: {0}/noise.safetensors must be a folder, and is a file: choose another --out\n"),
    (["--board", "icestick", "--network", "{}", "--out", "/proc/nowhere"], "error: [Errno 2] "),
], ids=lambda value: value[-1] if isinstance(value, list) else "")
def test_errors_are_one_line(folder, capsys, args, said):
    assert build.main([arg.format(folder) for arg in args]) == 2
    error = capsys.readouterr().err
    assert error.startswith(said.format(folder)) and error.count("\n") == 1


@pytest.mark.parametrize("board, counted, said", [
    ("icestick", ["ICESTORM_LC:    1655/   1280   129%", "ICESTORM_RAM:      31/     16   193%"],
     "the design cannot be placed: it needs 1655 of 1280 logic cells and 31 of 16 block RAMs"),
    ("ulx3s_12f", ["DP16KD:       9/     56    16%", "TRELLIS_COMB:   30100/  24288   123%"],
     "the design cannot be placed: it needs 30100 of 24288 logic cells and 9 of 56 block RAMs"),
    ("tang_nano_9k", ["LUT4:    2970/   8640    34%", "ALU:    1302/   6480    20%",
                      "BSRAM:      51/     26   196%"],
     "the design cannot be placed: it needs 4272 of 8640 logic cells and 51 of 26 block RAMs"),
    # Whatever it is for, it is not for want of room.
    ("icestick", ["ICESTORM_LC:    1255/   1280   129%", "ICESTORM_RAM:      16/     16   193%"],
     "the tools failed: ERROR: Unable to place cell 'x', no BELs remaining"),
    ("icestick", [], "the tools failed: ERROR: Unable to place cell 'x', no BELs remaining")])
def test_each_family_says_what_does_not_fit(tmp_path, board, counted, said):
    (tmp_path / "top.tim").write_text("".join(f"Info: \t {line}\n" for line in counted))
    assert building._reason(boards.find(board), tmp_path,
                         "ERROR: Unable to place cell 'x', no BELs remaining") == said


@pytest.mark.parametrize("args, said", [
    ([], "error: the following arguments are required: --board (see --help)\n"),
    (["--board", "icestick", "--link", "spi", "--reloadable"],
     "error: --reloadable needs the UART, by which python -m hw.load loads: leave it or --link spi "
     "out (see --help)\n"),
    (["--board", "icestick", "--link", "spi", "--baud", "3000000"],
     "error: --baud is the speed of a UART; SPI has the clock of its controller: leave one of them "
     "out (see --help)\n"),
    (["--board", "icestick", "--baud", "115200"],
     "error: argument --baud: invalid choice: 115200 (choose from 3000000, 2000000, 12000000, "
     "6000000, 1000000) (see --help)\n"),
    (["--board", "icestick", "--clock", "fast"],
     "error: argument --clock: invalid megahertz value: 'fast' (see --help)\n"),
    (["--board", "icestick", "--clock", "0"],
     "error: argument --clock: must be a positive number of MHz, not '0' (see --help)\n"),
    (["--board", "icestick", "--clock", "inf"],
     "error: argument --clock: must be a positive number of MHz, not 'inf' (see --help)\n"),
    (["--board", "icestick", "--plot", "front.svg"],
     "error: --plot draws the choices of --dry-run: give that too (see --help)\n"),
    (["--board", "icestick", "--dry-run", "--program"], "error: --dry-run builds nothing that "
     "--program could load: leave one of them out (see --help)\n")])
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


@pytest.mark.parametrize("tool, script, said", [
    ("nextpnr-ice40", "echo one; echo ERROR: no luck >&2; echo bye; exit 1",
     "ERROR: no luck (nextpnr-ice40, placement)"),
    ("nextpnr-ice40", "echo x > top.asc; echo '{}' > top.report.json",
     "nextpnr-ice40 left no report of cells and Fmax in top.report.json"),
    ("icepack", "kill -9 $$", "it was ended by SIGKILL (icepack, packing)")])
def test_a_tool_fails_and_the_build_before_stays(flags, capsys, out, replace_tool, tool, script,
                                                 said):
    before = snapshot(out)
    replace_tool(tool, script)
    assert build.main(flags) == 2
    assert capsys.readouterr().err == (
        f"error: the tools failed: {said} (all that the tools said is in {out}/failed.log); {out} "
        "still holds the build it had\n")
    assert snapshot(out) == before and (out / "failed.log").exists()
    assert not [*out.glob(".building*")]


def test_a_build_takes_the_place_of_another(flags, out, replace_tool):
    (out / "failed.log").touch()
    assert build.main(flags) == 0
    assert json.loads((out / "report.json").read_text())["board"] == "icestick"
    assert (out / "top.bin").read_text().startswith("text ")
    assert (out / "top.v").read_text() == "mine" and not (out / "failed.log").exists()


def test_a_build_that_is_killed(flags, out, replace_tool):
    before = snapshot(out)
    replace_tool("icepack", "echo half > top.bin; kill -9 $PPID")
    result = subprocess.run([sys.executable, "-m", "hw.build", *flags], check=False, timeout=60)
    assert result.returncode == -9
    assert {name: text for name, text in snapshot(out).items() if "/" not in name} == before
    assert [*out.glob(".building-*/top.bin")]
    replace_tool("icepack", TOOLS["icepack"])
    assert build.main(flags) == 0
    assert not [*out.glob(".building-*")] and snapshot(out).keys() >= before.keys()


def test_a_full_disk(flags, out, replace_tool):
    before = snapshot(out)
    result = subprocess.run(
        [sys.executable, "-m", "hw.build", *flags], check=False, timeout=60, capture_output=True,
        text=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000)))
    assert (result.returncode, result.stderr) == (
        2, f"error: [Errno 27] File too large; {out} still holds the build it had\n")
    assert snapshot(out) == before


def test_the_steps(flags, capsys, replace_tool):
    assert build.main(flags) == 0
    assert re.findall(r"^ +[\d.]+ s  (\w+)$", capsys.readouterr().out, re.MULTILINE) == [
        "elaboration", "synthesis", "placement", "routing", "packing"]


@pytest.mark.parametrize("variables", [
    {"AMARANTH_synth_opts": "-abc9", "AMARANTH_nextpnr_opts": "--seed 99 --freq 1",
     "AMARANTH_add_constraints": "x", "AMARANTH_verbose": "1", "AMARANTH_USE_YOSYS": "builtin",
     "AMARANTH_ENV_ICESTORM": "/no/such/file", "AMARANTH_debug_verilog": "maybe"}])
def test_the_environment_does_not_change_what_is_built(folder, capsys, tmp_path, monkeypatch,
                                                       replace_tool, variables):
    replace_tool("nextpnr-ice40", f"{TOOLS['nextpnr-ice40']}\necho \"$@\" > top.asc")
    made = []
    for name in ("clean", "dirty"):
        assert build.main(["--board", "icestick", "--network", str(folder / "short.safetensors"),
                           "--out", str(tmp_path / name)]) == 0
        said = capsys.readouterr().out
        assert ("  ignored from the environment: " + ", ".join(sorted(variables)) in said) == (
            name == "dirty")
        made.append(snapshot(tmp_path / name))
        reports = made[-1].pop("report.json")
        made[-1]["report"] = json.loads(reports) | {"seconds": 0}
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
    assert made[0] == made[1]
    tools = tmp_path / "tools"
    assert made[0]["report"]["overrides"] == {tool: str(tools / tool) for tool in TOOLS}
    assert made[0]["report"]["versions"] == dict.fromkeys(TOOLS, "Version 0.99")


@pytest.mark.parametrize("name", ["with spaces'$x", "-dash\N{GREEK SMALL LETTER PI}"])
def test_names_of_folders(flags, capsys, tmp_path, monkeypatch, replace_tool, name):
    monkeypatch.chdir(tmp_path)
    replace_tool("iceprog", 'test -f "$1" -a "$#" = 1')
    monkeypatch.setenv("PATH", f"{tmp_path}/tools:{os.environ['PATH']}")
    assert build.main([*flags, f"--out={name}", "--program"]) == 0
    assert (tmp_path / name / "top.bin").exists()
    assert f"  bitstream    {name}/top.bin\nprogrammed icestick\n" in capsys.readouterr().out


def test_a_network_that_is_replaced_while_it_is_built(tmp_path, capsys, replace_tool):
    file, out = tmp_path / "network.safetensors", tmp_path / "out"
    random_network((20, 9, 3), seed=1).save(file)
    random_network((20, 9, 3), seed=2).save(tmp_path / "other.safetensors")
    built = file.read_bytes()
    replace_tool("yosys", f"mv {tmp_path}/other.safetensors {file}")
    assert build.main(["--board", "icestick", "--network", str(file), "--out", str(out)]) == 0
    assert file.read_bytes() != built == (out / "network.safetensors").read_bytes()


def test_two_builds_in_one_folder(folder, capsys, tmp_path):
    with FileLock(tmp_path / ".lock"):
        assert build.main(["--board", "icestick", "--network", str(folder / "short.safetensors"),
                           "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error: another build is at work in {tmp_path}: wait for it, or choose another --out\n")


@pytest.mark.parametrize("tool, is_rebuilt", [
    ("yosys", False), ("yosys", True), ("nextpnr-ice40", True), ("icepack", True)])
def test_interrupted(flags, tmp_path, replace_tool, tool, is_rebuilt, request):
    out = request.getfixturevalue("out") if is_rebuilt else tmp_path / "out"
    before = snapshot(out)
    # A tool that presses Ctrl-C: for itself and for the build.
    replace_tool(tool, "kill -INT 0\nsleep 60")
    result = subprocess.run(
        [sys.executable, "-m", "hw.build", *flags],
        capture_output=True, text=True, timeout=60, start_new_session=True, check=False,
        # A shell that starts tests in the background has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    assert (result.returncode, result.stderr) == (
        130, f"interrupted; {out} still holds the build it had\n" if is_rebuilt else
        "error: interrupted, there is no bitstream\n")
    assert snapshot(out) == before
    assert not [*out.glob(".building*")]


@pytest.mark.parametrize("script, mode, said", [
    (None, 0, "error: iceprog was not found on PATH, so the board was not programmed. Try: apt "
     "install fpga-icestorm, or brew install icestorm\n"),
    ("echo init.. >&2; echo no device >&2; exit 1", 0o755,
     "error: iceprog could not program the board: init..; no device\n"),
    (r"printf '\377\033[31mred\r\n' >&2; exit 1", 0o755,
     "error: iceprog could not program the board: \N{REPLACEMENT CHARACTER}red\n"),
    ("exit 1", 0o755, "error: iceprog could not program the board: it gave no reason\n"),
    ("kill -9 $$", 0o755, "error: iceprog could not program the board: it was ended by SIGKILL\n"),
    ("exit 0", 0o644, "error: iceprog is on PATH but cannot be started, so the board was not "
     "programmed: Permission denied. Try: "),
    ("folder", 0o755, "error: iceprog is on PATH but cannot be started, so the board was not "
     "programmed: Permission denied. Try: "),
    ("exec /bin/sleep 60", 0o755, "error: iceprog was not done after 1 s and was stopped: the "
     "board may be half programmed. Unplug it, plug it in, try again\n"),
    # What it has started keeps its output open.
    ("/bin/sleep 60 & wait", 0o755, "error: iceprog was not done after 1 s and was stopped: "),
    ("/bin/cat; exit 0", 0o755, ""), ("exit 0", 0o755, "")])
def test_program(folder, monkeypatch, capsys, tmp_path, script, mode, said):
    monkeypatch.setattr(programming, "PATIENCE", 1.0)
    if script == "folder":
        (tmp_path / "iceprog").mkdir()
    elif script:
        (tmp_path / "iceprog").write_text(f"#!/bin/sh\n{script}\n")
        os.chmod(tmp_path / "iceprog", mode)
    monkeypatch.setenv("PATH", str(tmp_path))
    begun = time.monotonic()
    assert programming.program(boards.find("icestick"), folder) == (3 if said else 0)
    error = capsys.readouterr().err
    assert error.startswith(said) and error.count("\n") == bool(said)
    assert time.monotonic() - begun < 30


# Placed at the first clock, and again at a higher one: what each reaches.
@pytest.mark.parametrize("flags, shape, reached, placements, clock", [
    ([], "8", (150, 150), 1, 120),                        # The wire is the limit.
    (["--clock", "best"], "8", (150, 150), 2, 150),
    (["--clock", "best"], "8", (150, 149), 3, 141),       # Missed: one more is tried.
    (["--clock", "best"], "8", (150, 140), 3, 120),       # Missed again: the first stays.
    (["--clock", "best"], "8", (122, 150), 1, 120),       # Not worth it.
    (["--clock", "best"], "8", (120, 150), 1, 120),
    (["--clock", "132"], "8", (150, 150), 1, 132),
    (["--baud", "12000000", "--clock", "best"], "8", (150, 150), 2, 147),    # 12 MHz apart, 48.
    (["--link", "spi", "--clock", "best"], "8", (150, 146), 3, 141),
    ([], "12x12x1-16-32-2", (150, 150), 2, 150),          # Images wait for the engine.
    ([], "12x12x1-16-32-2", (150, 140), 3, 90),
], ids=["wire", "best", "missed", "again", "near", "none", "asked", "fast-wire", "spi-missed",
        "engine", "engine-missed"])
def test_a_clock_is_chosen(folder, flags, shape, reached, placements, clock, tmp_path, capsys,
                           replace_tool):
    name = "short" if shape == "8" else "stages"
    if name == "stages":
        random_network(Signature.parse(shape)).save(folder / "stages.safetensors")
    log = tmp_path / "placements"
    replace_tool("nextpnr-ice40", TOOLS["nextpnr-ice40"].replace(
        "150", f"'$([ -s {log} ] && echo {reached[1]} || echo {reached[0]})'")
        + f"\necho $@ >> {log}\n")
    out = tmp_path / "chosen"
    assert build.main(["--board", "icestick", "--network", str(folder / f"{name}.safetensors"),
                       "--out", str(out), *flags]) == 0
    report = json.loads((out / "report.json").read_text())
    assert (len(log.read_text().splitlines()), report["clock_mhz"]) == (placements, clock)
    assert (out / "top.bin").exists() and not (out / "failed.log").exists()
    assert report["fmax_mhz"] >= report["clock_mhz"]
    assert ("missed" in capsys.readouterr().out) == (placements == 3)


def test_a_further_build_that_fails_is_forgiven(folder, tmp_path, capsys, replace_tool):
    log = tmp_path / "placements"
    replace_tool("nextpnr-ice40", f"""
        if [ -s {log} ]; then echo "ERROR: out of luck" >&2; exit 1; fi
        echo once >> {log}
        {TOOLS["nextpnr-ice40"]}""")
    out = tmp_path / "chosen"
    assert build.main(["--board", "icestick", "--network", str(folder / "short.safetensors"),
                       "--out", str(out), "--clock", "best"]) == 0
    assert json.loads((out / "report.json").read_text())["clock_mhz"] == 120
    assert (out / "top.bin").exists() and not (out / "failed.log").exists()
    assert capsys.readouterr().out.count("  failed\n") == 2
