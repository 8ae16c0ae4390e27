"""A browser without a screen that draws digits on the page of ``python -m sw.demo``.

    python -m tests.browser PICTURE --network RUN --port PORT

takes the picture of the page that the docs show.
"""

import argparse
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--hide-scrollbars", "--window-size=1240,800")
PATIENCE = 60    # Seconds for an answer of a board that is simulated.


def arc(x, y, wide, high, begin, end, steps=14):
    """Return points of an ellipse's arc: angles in degrees, clockwise from the right, as y grows
    downwards."""
    angles = (math.radians(begin + (end - begin) * step / steps) for step in range(steps + 1))
    return [(x + wide * math.cos(angle), y + high * math.sin(angle)) for angle in angles]


# Strokes of each digit, in parts of the drawing's side.
DIGITS = {
    0: [arc(0.5, 0.5, 0.2, 0.32, -90, 270, 24)],
    1: [[(0.42, 0.28), (0.52, 0.18), (0.5, 0.5), (0.49, 0.82)]],
    2: [arc(0.5, 0.34, 0.19, 0.16, 190, 390) + [(0.34, 0.8), (0.72, 0.79)]],
    3: [arc(0.47, 0.34, 0.18, 0.16, 200, 440) + arc(0.47, 0.66, 0.21, 0.17, -85, 150)],
    4: [[(0.36, 0.2), (0.3, 0.5), (0.7, 0.5)], [(0.64, 0.2), (0.62, 0.5), (0.6, 0.84)]],
    5: [[(0.68, 0.2), (0.38, 0.2), (0.35, 0.46)] + arc(0.48, 0.62, 0.2, 0.2, 235, 500)],
    6: [[(0.6, 0.16), (0.44, 0.36)] + arc(0.5, 0.65, 0.17, 0.18, 200, 560, 20)],
    7: [[(0.3, 0.22), (0.7, 0.22), (0.56, 0.52), (0.46, 0.84)]],
    8: [arc(0.5, 0.33, 0.15, 0.15, 90, -270, 18) + arc(0.5, 0.66, 0.19, 0.18, -90, 270, 18)],
    9: [arc(0.5, 0.36, 0.17, 0.17, 0, -360, 20) + [(0.66, 0.55), (0.62, 0.84)]],
}


@contextmanager
def chromium(width: int = 1240) -> Iterator[webdriver.Chrome]:
    """Start Chromium with a profile of its own, and a screen of so many pixels, as a phone's."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(
            options, webdriver.ChromeService(shutil.which("chromedriver")))
        try:
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500})
            yield driver
        finally:
            driver.quit()


@contextmanager
def demo(run: Path, port: Path | None = None) -> Iterator[str]:
    """Start the demo, with a board or without; return the address of its page."""
    flags = ["--port", str(port)] if port else []
    server = subprocess.Popen(
        [sys.executable, "-m", "sw.demo", "--network", str(run), *flags, "--http", "0"],
        stdout=subprocess.PIPE, text=True)
    try:
        line = server.stdout.readline()
        assert line.startswith("draw at "), line
        yield line.split()[2]
    finally:
        server.terminate()
        server.communicate(timeout=20)


def draw(driver: webdriver.Chrome, digit: int) -> dict[str, str]:
    """Clear the page, draw a digit, wait for what it says; return the class that it shows, that of
    golden and the code."""
    driver.find_element(By.ID, "clear").click()
    strokes(driver, DIGITS[digit])
    return verdict(driver)


def strokes(driver: webdriver.Chrome, drawn: list[list[tuple[float, float]]]) -> None:
    """Draw strokes, whose points are in parts of the drawing's side."""
    pad = driver.find_element(By.ID, "pad")
    side = pad.size["width"]
    for stroke in drawn:
        chain = ActionChains(driver, duration=0)
        for number, (x, y) in enumerate(stroke):
            chain.move_to_element_with_offset(pad, (x - 0.5) * side, (y - 0.5) * side)
            if number == 0:
                chain.click_and_hold()
        chain.release().perform()


def verdict(driver: webdriver.Chrome) -> dict[str, str]:
    """Wait for what the page says; return the class that it shows, that of golden and the code."""
    verdict = driver.find_element(By.ID, "verdict")
    WebDriverWait(driver, PATIENCE).until(
        lambda _: verdict.get_attribute("data-state") == "idle"
        and (verdict.get_attribute("data-class") or verdict.text))
    said = {name: verdict.get_attribute(f"data-{name}") for name in ("class", "golden", "code")}
    return said | {"shown": driver.find_element(By.ID, "class").text, "text": verdict.text}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser", description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--network", metavar="RUN", type=Path, required=True)
    parser.add_argument("--port", metavar="PORT", type=Path, required=True)
    parser.add_argument("--digit", type=int, default=3)
    args = parser.parse_args()
    with demo(args.network, args.port) as address, chromium() as driver:
        driver.get(address)
        for digit in [*DIGITS, args.digit]:
            said = draw(driver, digit)
            print(digit, said["shown"], said["text"])
        driver.save_screenshot(str(args.picture))


if __name__ == "__main__":
    main()
