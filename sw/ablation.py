"""What each part of SD-BNN adds, on Fashion-MNIST: ``python -m sw.ablation --data-dir DIR``.

Works as :mod:`sw.paper` does, in the same folder of results, if there is one.
"""

import sys
from pathlib import Path

from .claims import pieces
from .claims.arms import ARMS
from .claims.measure import Results, measure
from .golden import markdown
from .golden.network import atomic_write
from .paper import command

__all__ = ["main"]


def tabulate(folder: Path, results: Results) -> str:
    """Write ``ablation.md``, a row for each arm, and give its text."""
    rows = [[name, *(str(measure(results[f"arm {name}"], kind)) for kind in ("head", "cnn"))]
            for name in ARMS]
    text = markdown.table(["Fashion-MNIST, ten classes, %", "HyBNN's head", "binary CNN"], rows)
    atomic_write(folder / "ablation.md", (text + "\n").encode())
    return text


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when done, 2 after a user's error, 130 after Ctrl-C."""
    return command("sw.ablation", "Show what each part of SD-BNN adds.", pieces.ABLATION, tabulate,
                   argv)


if __name__ == "__main__":
    sys.exit(main())
