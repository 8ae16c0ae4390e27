"""Does a test notice when what decides right from wrong says something else? A sample of mutants.

    python -m tests.mutants --sample 80 --seed 1

A mutant is a module with one operator, number or condition changed, as Cosmic Ray does it. It is
killed when a test of its module fails, or when its tests take longer than the time limit. All this
happens in a copy of the checkout, so nothing here can leave a changed file behind. Every place in
the source is as likely as any other, and so is each change of it. Left out is what says nothing of
the tests: annotations, whether a dataclass is frozen, and operators that hardware does not have.
"""

import argparse
import ast
import random
import re
import shlex
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.plugins import get_operator, operator_names
from cosmic_ray.testing import run_tests
from cosmic_ray.work_item import MutationSpec, TestOutcome
from tqdm import tqdm

ROOT = Path(__file__).parent.parent
FOLDERS = "boards", "hw", "sim", "sw", "tests"    # What is copied.

# The tests of each module: what is quick, and whatever else would have to notice.
TESTS = {
    "hw/plan/adder_graph.py": "tests/hw/plan/test_adder_graph.py tests/hw/blocks/test_hardwired.py",
    "hw/plan/choice.py": "tests/hw/plan/test_choice.py",
    "hw/blocks/wire/crc.py": "tests/hw/blocks/wire/test_crc.py tests/hw/test_accelerator.py",
    "hw/engine.py": "tests/hw/test_engine.py tests/hw/blocks/test_loader.py",
    "hw/plan/folding.py": "hw/plan/folding.py tests/hw/plan/test_folding.py "
                          "tests/hw/plan/test_choice.py tests/hw/test_engine.py",
    "hw/blocks/gather.py": "tests/hw/test_engine.py",
    "hw/blocks/hardwired.py": "tests/hw/blocks/test_hardwired.py",
    "hw/blocks/layer.py": "tests/hw/blocks/test_layer.py tests/hw/test_engine.py "
                          "tests/hw/blocks/test_loader.py",
    "hw/blocks/wire/link.py": "tests/hw/blocks/wire/test_link.py tests/hw/test_accelerator.py "
                         "tests/hw/test_identity.py tests/hw/blocks/test_loader.py",
    "hw/blocks/loader.py": "tests/hw/blocks/test_loader.py",
    "hw/blocks/popcount.py": "tests/hw/blocks/test_popcount.py tests/hw/blocks/test_layer.py",
    "hw/blocks/readout.py": "tests/hw/test_engine.py tests/hw/blocks/test_loader.py",
    "hw/blocks/wire/uart.py": "tests/hw/blocks/wire/test_uart.py",
    **{f"sw/golden/{name}.py": f"sw/golden/{name}.py tests/golden/test_{name}.py"
       for name in ("bits", "codes", "forward", "frame", "identity", "network",
                    "trees", "weights")},
    **{f"sw/terminal/{name}.py": f"sw/terminal/{name}.py tests/terminal/test_{name}.py"
       for name in ("command", "runs")},
    "sw/golden/asking.py": "sw/golden/asking.py tests/golden/test_asking.py "
                           "tests/golden/test_steps.py",
    "sw/host/board.py": "tests/host/test_board.py",
    "sw/models/exact.py": "tests/models/test_exact.py tests/export/test_check.py",
    "sw/federated/codec.py": "tests/federated/test_codec.py",
    "sw/golden/record.py": "sw/golden/record.py tests/golden/test_record.py",
    "sw/golden/tensors.py": "tests/golden/test_tensors.py tests/golden/test_network.py",
}
# Without the largest networks, which take most of the time.
PYTEST = "-m pytest -x -q -p no:cacheprovider -k 'not (64 and (test_engine or test_loader))'"
CRASHES = re.compile("_(Div|Pow|Is|IsNot)$")


def mutations(module: str) -> Iterator[MutationSpec]:
    """Return every change of a module that is worth a try."""
    source = (ROOT / module).read_text()
    idle = [node for each in ast.walk(ast.parse(source))
            for node in (getattr(each, "annotation", None), getattr(each, "returns", None),
                         *getattr(each, "decorator_list", [])) if node]

    def is_idle(start):
        return any((node.lineno, node.col_offset) <= start < (node.end_lineno, node.end_col_offset)
                   for node in idle)

    nodes = [*ast_nodes(get_ast(source))]
    for name in operator_names():
        operator = get_operator(name)
        if CRASHES.search(name) or operator.arguments():
            continue
        places = (place for node in nodes for place in operator().mutation_positions(node))
        for occurrence, (start, end) in enumerate(places):
            if not is_idle(start):
                yield MutationSpec(module, name, occurrence, start, end)


def sample(modules: list[str], count: int, seed: int) -> list[MutationSpec]:
    """Choose places, then a change at each, in the order of the source."""
    places: dict[tuple, list[MutationSpec]] = {}
    for module in modules:
        for each in mutations(module):
            places.setdefault((module, each.start_pos, each.end_pos), []).append(each)
    rng = random.Random(seed)
    chosen = rng.sample(sorted(places), min(count, len(places)))
    return [rng.choice(places[place]) for place in sorted(chosen)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*",
                        help="like hw/blocks/wire/crc.py (default: all that have tests)")
    parser.add_argument("--sample", type=int, default=80, help="mutants (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (default: %(default)s)")
    parser.add_argument("--limit", type=int, default=240,
                        help="seconds each may take (default: %(default)s)")
    parser.add_argument("--only", type=int, nargs="+", help="numbers of mutants of that sample")
    arguments = parser.parse_args()
    chosen = dict(enumerate(sample(arguments.modules or [*TESTS], arguments.sample,
                                   arguments.seed)))
    chosen = {number: chosen[number] for number in arguments.only or chosen}
    tried, killed = Counter(), Counter()
    with tempfile.TemporaryDirectory() as copy, chdir(copy):
        for folder in FOLDERS:
            shutil.copytree(ROOT / folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
        for file in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / file, copy)
        command = f"{shlex.quote(sys.executable)} {PYTEST} "
        files = dict.fromkeys(file for each in chosen.values()
                              for file in TESTS[str(each.module_path)].split())
        outcome, said = run_tests(command + " ".join(files), None)
        if outcome != TestOutcome.SURVIVED:
            print(said)
            return 1    # A test that fails anyway kills everything.
        for number, each in tqdm(chosen.items(), "mutants", unit="mutant"):
            module = str(each.module_path)
            result = mutate_and_test([each], command + TESTS[module], arguments.limit)
            tried[module] += 1
            killed[module] += result.is_killed
            if not result.is_killed:
                tqdm.write(f"\nmutant {number} survived:\n{result.diff}")
    tried["all"], killed["all"] = tried.total(), killed.total()
    print(f"{'':22} mutants  killed  survived")
    for module in tried:
        print(f"{module:22} {tried[module]:7} {killed[module]:7} "
              f"{tried[module] - killed[module]:9}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
