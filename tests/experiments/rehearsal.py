"""A rehearsal of a command that makes a table, with a page of its own."""

from pathlib import Path

from sw.terminal import markdown


def rehearse(main, name: str, folder: Path, *, device: bool = True) -> Path:
    """Run a command into a folder; ``page.md`` there has its table in the place of ``old``."""
    page = folder / "page.md"
    page.write_text(f"{markdown.BEGIN.format(name)}\nold\n{markdown.END.format(name)}\n")
    on = ["--device", "cpu"] if device else []
    assert main(["--small", *on, "--out", str(folder), "--readme", str(page)]) == 0
    return folder
