"""The wheel holds what the program needs, and works where no checkout is."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest

from sw.training.asked.config import Config
from sw.training.asked.effort import Effort

ROOT = Path(__file__).parent.parent
PACKAGES = "boards", "hw", "sim", "sw"
NOT_NEEDED = {".md", ".png"}
TINY = Config(hidden=(16,), effort=Effort(1, 100, 1, 64, 1), device="cpu")


def is_test(path):
    return path.name == "conftest.py" or path.name.startswith("test_")


def pip(*arguments):
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check",
                    *arguments, "--no-deps", "--no-index"], check=True, timeout=300)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from a copy: what lies in the checkout's build/ must not count."""
    copy, folder = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    pip("wheel", "--no-build-isolation", "--wheel-dir", str(folder), str(copy))
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_all_but_tests_and_pictures(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == {path.relative_to(ROOT).as_posix() for package in PACKAGES
                    for path in (ROOT / package).rglob("*")
                    if path.is_file() and "__pycache__" not in path.parts
                    and path.suffix not in NOT_NEEDED and not is_test(path)}


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return what runs a program of the installed wheel, far from the checkout."""
    target, elsewhere = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("elsewhere")
    pip("install", "--target", str(target), str(wheel))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def run(*arguments):
        result = subprocess.run([sys.executable, *arguments], cwd=elsewhere, timeout=300,
                                env=clean | {"PYTHONPATH": str(target)}, capture_output=True,
                                text=True, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout

    for name in PACKAGES:    # And not from where an editable install says.
        assert run("-c", f"import {name}; print({name}.__file__)").startswith(str(target))
    return run, target / "bin" / "hybnn", elsewhere


def test_the_installed_wheel_trains_reports_and_plans(installed):
    run, hybnn, elsewhere = installed
    (elsewhere / "tiny").mkdir()
    (elsewhere / "tiny" / "config.json").write_text(json.dumps(asdict(TINY)))
    assert "run folder: tiny" in run(hybnn, "train", "--resume", "tiny")
    assert json.loads(run(hybnn, "check", "--network", "tiny"))["codes"] > 0
    run(hybnn, "report", "tiny")
    assert "</html>" in (elsewhere / "tiny" / "report.html").read_text()
    assert "icestick" in run(hybnn, "build", "--dry-run", "--board", "icestick",
                             "--network", "tiny")
