"""A browser draws digits; what the page says is golden's class, by way of a virtual board."""

import shutil
import socket

import numpy as np
import pytest

from hw.plan import folding
from sim.virtual import virtual_board
from sw import train
from sw.golden import forward
from sw.golden.network import Network
from tests.untrained import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run"))


@pytest.fixture
def browser():
    """Return :mod:`tests.browser`, or skip with what is missing."""
    pytest.importorskip("starlette", reason="no Starlette. Try: pip install -e '.[demo]'")
    pytest.importorskip("selenium", reason="no Selenium. Try: pip install -e '.[dev]'")
    for program in "chromium", "chromedriver":
        if not shutil.which(program):
            pytest.skip(f"{program} was not found on PATH. Try: apt install chromium "
                        "chromium-driver")
    from tests import browser

    return browser


def test_a_digit_has_goldens_class(browser, run):
    network = Network.load(run / "network.safetensors")
    plan = folding.default(network.shape)
    with (virtual_board(network, plan, reloadable=True) as virtual,
          browser.demo(run, virtual.terminal) as address,
          browser.chromium() as driver):
        driver.get(address)
        said = [browser.draw(driver, digit) for digit in (0, 1, 4, 8)]
    for page in said:
        code = np.array(list(page["code"]), np.uint8)
        assert page["shown"] == page["class"] == str(forward.classify(network, code))
        assert page["text"] == "says the virtual board, and so does golden"
    assert len({page["code"] for page in said}) == 4


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_and_takes_whatever_is_drawn(browser, run, width):
    with browser.demo(run) as address, browser.chromium(width) as driver:
        driver.get(address)
        said = browser.draw(driver, 3)
        assert said["shown"] == said["golden"] and said["text"] == "says golden"
        # Over the edges, and then over everything.
        browser.strokes(driver, [[(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]])
        assert browser.verdict(driver)["text"] == "says golden"
        driver.execute_script("pen.fillStyle = '#fff'; pen.fillRect(0, 0, 282, 282)")
        browser.strokes(driver, [[(0.5, 0.5), (0.6, 0.6)]])
        assert browser.verdict(driver)["text"] == "says golden"
        assert driver.execute_script("return document.documentElement.clientWidth") == width
        assert driver.execute_script("""return [...document.querySelectorAll("body *")].filter(
            each => each.getBoundingClientRect().right > document.documentElement.clientWidth
            ).map(each => each.outerHTML)""") == []


@pytest.fixture(scope="module")
def on_chip(tmp_path_factory):
    """A run of a network on the chip."""
    folder = tmp_path_factory.mktemp("on-chip") / "run"
    assert train.main(["--on-chip", "8s2-16p-d32", "--epochs", "1", "--device", "cpu",
                       "--out", str(folder)]) == 0
    return folder


@pytest.mark.parametrize("width", [360, 1280])
def test_a_network_on_the_chip_shows_its_maps(browser, on_chip, tmp_path, width):
    network = Network.load(on_chip / "network.safetensors")
    with browser.demo(on_chip) as address, browser.chromium(width) as driver:
        driver.get(address)
        said = browser.draw(driver, 3)
        code = np.array(list(said["code"]), np.uint8)
        assert said["shown"] == said["golden"] == str(forward.classify(network, code))
        assert driver.execute_script("return document.documentElement.clientWidth") == width
        assert driver.execute_script(
            "return [...document.querySelectorAll('#hidden h3')].map(each => each.textContent)"
        ) == ["8s2 14x14x8", "16 14x14x16", "p 7x7x16",
              f"d32 {forward.trace(network, code)[3].sum()} of 32 fire"]
        driver.save_screenshot(str(tmp_path / "page.png"))


@pytest.mark.parametrize("flags, said", [
    (["--network", "{}/nowhere"], "{}/nowhere is not there: give the folder of a finished run"),
    (["--network", "{}", "--port", "/dev/nowhere"],
     "/dev/nowhere cannot be opened, No such file or directory: python -m sw.classify --list "
     "shows the serial ports of this computer"),
    (["--network", "{}", "--http", "{taken}"], "[Errno 98] Address already in use")])
def test_what_goes_wrong(run, tmp_path, capsys, flags, said):
    pytest.importorskip("starlette", reason="no Starlette. Try: pip install -e '.[demo]'")
    from sw.demo.__main__ import main

    folder = tmp_path if "{}/nowhere" in flags else run
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        assert main([flag.format(folder, taken=taken) for flag in flags]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: " + said.format(folder)) and error.count("\n") == 1
