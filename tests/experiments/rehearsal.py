"""A rehearsal of a command that makes a table, with a page of its own."""

import json
from pathlib import Path

from sw.terminal import markdown


def rehearse(main, name: str, folder: Path, *, device: bool = True) -> Path:
    """Run a command into a folder; ``page.md`` there has its table in the place of ``old``."""
    page = folder / "page.md"
    page.write_text(f"{markdown.BEGIN.format(name)}\nold\n{markdown.END.format(name)}\n")
    on = ["--device", "cpu"] if device else []
    assert main(["--small", *on, "--out", str(folder), "--readme", str(page)]) == 0
    return folder


def resume(main, run: str, results: Path, changes: dict, capsys) -> None:
    """Rehearse again, which must not train again, then with a ``run`` that was asked for otherwise,
    which must be refused. All is as before then."""
    folder, given = results / run, ["--small", "--device", "cpu", "--out", str(results)]
    before, metrics = (folder / "metrics.json").stat(), (folder / "metrics.json").read_bytes()
    assert main(given) == 0
    assert (folder / "metrics.json").stat() == before
    assert (folder / "metrics.json").read_bytes() == metrics
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    capsys.readouterr()
    assert main(given) == 2
    assert capsys.readouterr().err == f"error: {folder} is another run: give another --out\n"
    (folder / "config.json").write_text(json.dumps(config))
