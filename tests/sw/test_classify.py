"""The command, with a terminal at which golden, or another network, answers."""

import json
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest
from PIL import Image
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from sw import classify
from sw.golden import forward
from sw.golden.bits import pack
from sw.golden.codes import save_codes
from sw.golden.identity import Digest, Identity
from sw.golden.network import Network, random_network
from sw.golden.stages import Signature
from sw.images.names import OwnImages
from sw.training.asked.columns import TableConfig
from sw.training.asked.stages import OnChipConfig
from tests.line import golden_line, stranger, within
from tests.untrained import SHAPE, make_run

IDENTITY = Identity(SHAPE, False, False, 120_000, b"abcd")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = make_run(tmp_path_factory.mktemp("run"))
    ink = np.zeros((60, 40), np.uint8)
    ink[10:50, 18:22] = 255
    Image.fromarray(ink).save(folder / "one.png")
    exif = Image.Exif()
    exif[0x0112] = 6    # To be turned clockwise.
    Image.fromarray(np.rot90(ink)).save(folder / "sideways.png", exif=exif)
    Image.fromarray(ink.astype(np.uint16) * 200).save(folder / "scan.png")
    nothing = Image.fromarray(0 * ink)
    Image.merge("LA", [nothing, Image.fromarray(ink)]).save(folder / "cut out.png")
    nothing.save(folder / "none.png")
    (folder / "text.png").write_text("a picture")
    return folder


@pytest.fixture
def ask(run, capsys):
    """Run the command with a board that holds this network; return its exit code and output."""

    def asked(*flags, network=None, identity=IDENTITY, run=run):
        network = network or Network.load(run / "network.safetensors")
        with golden_line(network, identity) as port:
            code = classify.main(["--port", port, "--network", str(run),
                                  *(str(flag).format(run) for flag in flags)])
        return code, *capsys.readouterr()

    return asked


def test_test_codes_one_by_one(ask):
    code, out, _ = ask()
    lines = out.splitlines()
    assert code == 0 and len(lines) == 2 + 10
    assert lines[0] == "board 200-16-10, 120 MHz, build 61626364"
    for number, line in enumerate(lines[2:]):
        *name, label, board, golden, _, unit = line.split()
        assert name == ["test", "code", str(number)] and label == str(number)
        assert board == golden and unit == "ms"


def test_an_image(ask):
    code, out, _ = ask("{}/one.png")
    assert code == 0 and out.splitlines()[2].split()[:2] == ["one.png", "-"]


def test_however_an_image_is_stored_its_code_is_the_same(run):
    files = [run / name for name in ("one.png", "sideways.png", "scan.png", "cut out.png")]
    network = Network.load(run / "network.safetensors")
    codes = classify.pictured(run, network, files, None, None).codes
    assert (codes == codes[0]).all() and 0 < codes[0].sum() < len(codes[0])


@pytest.mark.parametrize("flags, count", [(["--all"], 50), (["--all", "--first", 7], 7),
                                          (["--selftest"], 552)])
def test_many_at_once(ask, flags, count):
    code, out, _ = ask(*flags)
    assert code == 0 and f"  codes        {count}, equal to golden: {count}\n" in out
    assert ("accuracy" in out) == ("--all" in flags)
    assert "9,375 codes/s at 3,000,000 baud" in out and "sent again   0 requests" in out


@pytest.fixture(scope="module")
def doubtful(run, tmp_path_factory):
    """A run whose network is wrong where its two best scores are nearer than 2."""
    folder = shutil.copytree(run, tmp_path_factory.mktemp("doubtful") / "run")
    network = Network.load(run / "network.safetensors")
    codes = np.random.default_rng(3).integers(0, 2, (60, network.n_in), np.uint8)
    best = [np.sort(forward.trace(network, code)[-1])[-2:] for code in codes]
    sure = np.array([bool(two[1] - two[0] >= 2) for two in best])
    labels = (forward.classify_all(network, codes) + ~sure) % 10
    save_codes(folder / "codes.safetensors", pack(codes), labels, network.n_in)
    return folder, sure


def test_what_is_not_sure_says_so(ask, doubtful):
    folder, sure = doubtful
    code, out, _ = ask("--reject", 0, "--first", 60, run=folder)
    first, _, _, *lines = out.splitlines()
    answered = f"{sure[1::2].mean():.1%}".replace("%", " %")
    assert code == 0 and first == (f"not sure below a margin of 2: of 30 test codes {answered} are "
                                   "answered, 100.0 % of these right")
    assert [line.count("not sure") for line in lines] == [0 if each else 2 for each in sure]
    code, out, _ = ask("--reject", 0, "--all", run=folder)
    assert code == 0 and f"  sure of      {sure.sum()}, right: 100.00%\n" in out


def test_who_asked_is_told_even_if_all_are_sure(ask, doubtful):
    folder, _ = doubtful
    code, out, _ = ask("--reject", 0.99, "--all", run=folder)
    assert code == 0 and out.startswith("not sure below a margin of 0: ")
    assert "  sure of      60, right: " in out


def test_a_simulated_board_has_no_wire(ask):
    _, out, _ = ask("--all", identity=replace(IDENTITY, clock=0))
    assert "simulated" in out and "baud" not in out


@pytest.mark.parametrize("flags", [[], ["--all"], ["--selftest"]])
def test_a_board_with_another_network_differs(ask, flags):
    code, _, error = ask(*flags, network=random_network(SHAPE, seed=1))
    assert code == 1 and error.startswith("error: board and golden differ on ")


def test_a_data_set(ask):
    code, out, _ = ask("--data", "digits", "--first", 3)
    assert code == 0 and out.splitlines()[-1].startswith("test image 2")


@pytest.mark.parametrize("flags, said", [
    (["{}/none.png"], "{}/none.png shows nothing: all of it is as its edges are"),
    (["{}/text.png"], "{}/text.png holds no picture: give a PNG or a JPEG file"),
    (["{}/nowhere.png"], "[Errno 2] No such file or directory: '{}/nowhere.png'"),
    (["--data", "letters"], "Unknown data set 'letters'; known data sets: ")])
def test_what_cannot_be_encoded(ask, run, flags, said):
    code, _, error = ask(*flags)
    assert code == 2 and error.startswith("error: " + said.format(run)) and error.count("\n") == 1


STAGES = Signature.parse("28x28x1:4-4s2-6p-10")
TOLD = Identity(Digest.of(STAGES), False, False, 36_000, b"abcd")


@pytest.fixture(scope="module")
def on_chip(run, tmp_path_factory):
    """A run whose network takes pixels, with levels of its own."""
    folder = tmp_path_factory.mktemp("on-chip")
    config = OnChipConfig(str(STAGES), "mnist", None, "all", "sign", 0, "cpu", 1, 8, "none",
                          2, None)
    (folder / "config.json").write_text(json.dumps(asdict(config)))
    levels = (np.arange(256) // 20).astype(np.uint8)
    network = replace(random_network(STAGES), levels=levels)
    network.save(folder / "network.safetensors")
    images = np.random.default_rng(0).integers(0, 2, (12, network.n_in), np.uint8)
    save_codes(folder / "codes.safetensors", pack(images), np.arange(12) % 10, network.n_in)
    (folder / "one.png").write_bytes((run / "one.png").read_bytes())
    return folder


@pytest.mark.parametrize("flags, count", [([], 10), (["--all"], 12), (["{}/one.png"], 1),
                                          (["--all", "--data", "digits", "--first", 5], 5)],
                         ids=["some", "all", "picture", "data"])
def test_a_network_on_the_chip_is_sent_pixels(ask, on_chip, flags, count):
    code, out, _ = ask(*flags, run=on_chip, identity=TOLD)
    assert code == 0
    assert out.startswith("board 3,136 bits to 10 classes with signature ")
    assert (f"{count}, equal to golden: {count}" in out) == ("--all" in flags)
    assert "--all" in flags or len(out.splitlines()) == 2 + count


def test_a_picture_becomes_the_levels_of_its_bytes(on_chip):
    network = Network.load(on_chip / "network.safetensors")
    bits, = classify.pixels(on_chip, network, [on_chip / "one.png"]).codes
    elements = forward.elements(network.input, bits)
    assert elements.min() == 0 and elements.max() == 255 // 20


def test_own_images_are_scaled_as_for_training_and_have_their_names(on_chip, tmp_path):
    network = random_network(Signature.parse("6x6x3:8-4-2"))
    own = OwnImages("photos", 6, True, None, ("links", "über"), "")
    config = OnChipConfig(str(network), "photos", None, "all", "sign", 0, "cpu", 1, 8, "none", 2,
                          own)
    (tmp_path / "config.json").write_text(json.dumps(asdict(config)))
    Image.new("RGB", (40, 30), (250, 3, 70)).save(tmp_path / "red.png")
    inputs = classify.pixels(tmp_path, network, [tmp_path / "red.png"])
    elements = forward.elements(network.input, inputs.codes[0])
    assert elements.tolist() == [[[250, 3, 70]] * 6] * 6
    assert [inputs.name(klass) for klass in range(2)] == ["links", "über"]


TABLE = TableConfig("t.csv", "class", 8, (8,), "sign", 0, "cpu", 1, 8, "")
OWN = OnChipConfig("6x6x3:8-4-2", "mnist", None, "all", "sign", 0, "cpu", 1, 8, "none", 2,
                   OwnImages("mnist", 6, True, None, ("links", "über"), ""))


@pytest.mark.parametrize("config, flags, said", [
    (TABLE, "{}/a.png", "The run in {} is of a table: give rows of it with --table"),
    (TABLE, "--data=mnist", "The run in {} is of a table: give rows of it with --table"),
    (OWN, "--data=mnist", "The run in {} is of images of your own: leave --data out"),
], ids=["picture of a table", "data of a table", "data of your own"])
def test_what_a_run_does_not_take(tmp_path, capsys, config, flags, said):
    random_network(Signature.parse(OWN.signature if config is not TABLE else "20-8-2")).save(
        tmp_path / "network.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(asdict(config)))
    assert classify.main(["--port", "nothing", "--network", str(tmp_path),
                          flags.format(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: {said.format(tmp_path)}\n"


def test_a_board_with_other_stages(ask, on_chip):
    code, _, error = ask(run=on_chip, identity=replace(TOLD, shape=Digest(3136, 10, bytes(8))))
    assert code == 2 and "is 3,136 bits to 10 classes with signature 0000000000000000, 36 MHz, " \
        "build 61626364, not for 28x28x1:4-4s2-6p-10: " in error


def test_images_of_another_size(ask, on_chip, tmp_path):
    other = random_network(Signature.parse("14x28x1:4-4s2-10"))
    other.save(tmp_path / "network.safetensors")
    (tmp_path / "config.json").write_bytes((on_chip / "config.json").read_bytes())
    code, _, error = ask("--data", "digits", run=tmp_path, identity=TOLD)
    assert (code, error) == (2, "error: The images are 28x28x1 pixels, but the network takes "
                                "14x28x1:4\n")


def test_a_board_of_another_shape(ask):
    code, _, error = ask(identity=replace(IDENTITY, shape=(200, 8, 10)))
    assert code == 2 and "is 200-8-10, 120 MHz, build 61626364, not for 200-16-10: " in error


@pytest.mark.parametrize("flags, said", [
    ([], "the following arguments are required: --port, or --list to find it (see --help)"),
    (["--port", "x", "--all", "a.png"],
     "images are classified one by one: leave --data, --table, --all and --selftest out "
     "(see --help)"),
    (["--port", "x", "--table", "t.csv", "--selftest"],
     "the rows of --table are classified: leave --data and --selftest out (see --help)"),
    *((["--port", "x", "--reject", text],
       f"argument --reject: must be a share from 0 to below 1, not {text!r} (see --help)")
      for text in ("1", "abc", "nan", "")),
    (["--port", "x", "--reject", "0.1", "--selftest"],
     "--reject is for what is classified: leave --selftest and --list out (see --help)")])
def test_wrong_flags(capsys, flags, said):
    with pytest.raises(SystemExit, match=r"^2$"):
        classify.main(flags)
    assert capsys.readouterr().err == f"error: {said}\n"


def test_the_list_knows_this_folders_builds(run, tmp_path, monkeypatch, capsys, ports):
    monkeypatch.chdir(tmp_path)
    build = tmp_path / "runs/one/build/icestick"
    build.mkdir(parents=True)
    (build / "report.json").write_text(json.dumps({"identity": IDENTITY.to_bytes().hex()}))
    (build.parent / "older").mkdir()
    (build.parent / "older" / "report.json").write_text("{}")
    with golden_line(Network.load(run / "network.safetensors"), IDENTITY) as port:
        ports(port, "/dev/nowhere")
        assert classify.main(["--list"]) == 0
    assert sorted(capsys.readouterr().out.splitlines()) == sorted([
        "/dev/nowhere  cannot be opened, No such file or directory",
        f"{port}  200-16-10, 120 MHz, build 61626364, 3,000,000 baud, runs/one/build/icestick"])


@pytest.fixture
def ports(monkeypatch):
    """Have these serial ports, of boards or of others."""
    found = []
    monkeypatch.setattr(list_ports, "comports", lambda: found)

    def have(*names, chip=(0x0403, 0x6010), description="Dual RS232"):
        for name in names:
            info = ListPortInfo(name)
            (info.vid, info.pid), info.description = chip, description
            found.append(info)

    return have


def test_one_bad_port_does_not_keep_the_others_from_the_list(run, monkeypatch, capsys, ports):
    monkeypatch.setattr("sw.host.board.PATIENCE", 0.2)
    with (stranger(b"T:20.1 B:20.3\r\n") as talks, stranger(b"$GPGGA,", reads=False) as deaf,
          stranger(lives=False) as gone,
          golden_line(Network.load(run / "network.safetensors"), IDENTITY) as port, within(60)):
        ports(talks, deaf, gone, port)
        assert classify.main(["--list"]) == 0
    found = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    assert found.pop(gone).startswith("cannot be opened, ")
    assert found == {
        talks: "no board",
        deaf: "takes no bytes",
        port: "200-16-10, 120 MHz, build 61626364, 3,000,000 baud"}


@pytest.mark.parametrize("chip", [(0x2341, 0x0043), (0x0403, 0x6001), (None, None)])
def test_what_looks_like_no_boards_is_not_opened(run, monkeypatch, capsys, ports, chip):
    with golden_line(Network.load(run / "network.safetensors"), IDENTITY) as port:
        ports(port, chip=chip, description="Arduino Uno")
        asked = [classify.main(["--list"]), classify.main(["--list", "--all"]),
                 classify.main(["--list", "--port", port])]
    board = f"{port}  200-16-10, 120 MHz, build 61626364, 3,000,000 baud"
    assert asked == [0, 0, 0]
    assert capsys.readouterr().out.splitlines() == [
        f"{port}  not asked, as it looks like no board's: Arduino Uno; --list --all asks it too",
        board, board]


def test_a_wrong_port(run, capsys):
    assert classify.main(["--port", "/dev/nope", "--network", str(run)]) == 2
    assert capsys.readouterr().err == (
        "error: /dev/nope cannot be opened, No such file or directory: python -m sw.classify "
        "--list shows the serial ports of this computer\n")


@pytest.mark.parametrize("flags", [(), ("--selftest",)], ids=str)
def test_codes_of_another_network(tmp_path, capsys, flags):
    network, codes = tmp_path / "a.network.safetensors", tmp_path / "a.codes.safetensors"
    random_network((16, 8, 2)).save(network)
    save_codes(codes, pack(np.zeros((3, 9), np.uint8)), np.zeros(3, np.int64), 9)
    assert classify.main(["--port", "nothing", "--network", str(network), *flags]) == 2
    assert capsys.readouterr().err == (f"error: {codes} has codes of 9 bits, but the network takes "
                                       "16\n")
