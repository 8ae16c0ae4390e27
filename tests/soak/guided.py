"""Files again, but Atheris looks for inputs that reach new lines of a reader.

``python -m tests.soak.guided NAME SECONDS`` does one; libFuzzer ends the process as it likes.
"""

import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from . import Row

__all__ = ["NAMES", "run"]

NAMES = ("network", "codes", "encoder", "checkpoint", "link", "IDX images", "report.json",
         "federation.json", "QONNX written.onnx")
SECONDS = 40        # Of a soak, each.
MEMORY = 4_096      # MiB that the process may have, torch included.


def run(scale: float) -> list[Row]:
    """Let Atheris try each reader; without Atheris none."""
    if not importlib.util.find_spec("atheris"):
        return []
    rows = []
    for name in NAMES:
        result = subprocess.run(
            [sys.executable, "-m", "tests.soak.guided", name, str(max(1, round(scale * SECONDS)))],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        tried = re.search(r"Done (\d+) runs", result.stdout)
        lines = re.findall(r"cov: (\d+)", result.stdout)
        lost = int(result.returncode != 0 or not tried)
        rows.append(Row(f"file, guided: {name}", int(tried[1]) if tried else 1, lost,
                        result.stdout[-300:].replace("\n", " ") if lost
                        else f"{lines[-1] if lines else 0} edges"))
    return rows


def main(name: str, seconds: str) -> None:
    """Try one reader for so long."""
    import atheris

    with atheris.instrument_imports(include=["sw", "hw.flow.built", "hw.plan.folding"]):
        from . import files

    with tempfile.TemporaryDirectory() as folder:
        target = next(each for each in files.simple_targets(Path(folder)) if each.name == name)
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        (corpus / "valid").write_bytes(target.path.read_bytes())

        def one(content: bytes) -> None:
            target.path.write_bytes(content)
            try:
                target.read(target.path)
            except target.refuses:
                pass

        atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY}",
                       "-timeout=20", f"-artifact_prefix={folder}/", str(corpus)], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
