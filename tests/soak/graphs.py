"""ONNX graphs, damaged by seed in ways that stay graphs, against what other programs make of them.

Lost is a graph that is read and gives another class for an input, or that is refused otherwise than
in one line.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx

from tests import map_forms, map_mutants
from tests.onnx_forms import FIRST, FORMS, OUTPUTS, SIGN_IN, write
from tests.onnx_mutants import judge, mutate

from . import Row, share, workplace

__all__ = ["damage", "damage_maps", "run"]

GRAPHS = 8_000
BATCH = 40
HIDDEN = SIGN_IN + FIRST + "h = Q.BipolarQuant (p, one)\n"
ONE = HIDDEN + "g = Gather <axis = 1> (s1, k1)\n o = MatMul (h, g)\n"
PLAIN = "f = Flatten (x)\n c = Less (f, half)\n b = Where (c, one, neg)\n"
ARRAYS = {"neg": -1.0, "flat": np.array([BATCH, 20]), "nhwc": np.array([BATCH, 20])}

# Besides the forms of the field: what the graph gives, what is said of its input, and the graph.
BODIES = [
    ("float[N,1] y", "", ONE + "y = Identity (o)"),
    ("float[N,1] y", "", ONE + "y = Sigmoid (o)"),
    ("float[N,1] y", "", ONE + "s = Sigmoid (o)\n y = Round (s)"),
    ("int32[N,1] y", "INT8", ONE + "c = Greater (o, zero)\n y = Cast <to = 6> (c)"),
    ("bool[N,1] y", "", ONE + "y = Less (o, two)"),
    ("float[N,5] y", "UINT8", PLAIN + "p = MatMul (b, s0)\n q = Add (p, beta)\n"
                              "g = GreaterOrEqual (q, zero)\n d = Cast <to = 1> (g)\n"
                              "e = Mul (d, two)\n h = Sub (e, one)\n y = MatMul (h, s1)"),
    ("float[N,5] y", "", PLAIN + "p = MatMul (b, s0)\n"
                         "q = BatchNormalization (p, gamma, beta, mean, var)\n g = Less (q, zero)\n"
                         "h = Where (g, one, neg)\n o = Gemm (h, s1, even)\n"
                         "y = Softmax <axis = -1> (o)"),
    ("float[N,5] y", "INT8", PLAIN + "w = Mul (s0, tenth)\n p = MatMul (b, w)\n"
                             "q = Add (p, tenth)\n g = Less (q, zero)\n h = Where (g, one, neg)\n"
                             "y = MatMul (h, s1)"),
]
BODIES += [(OUTPUTS.get(name, "float[N,5] y"), "", body) for name, body in FORMS.items()]


def damage(folder: Path, seeds: Iterable[int], inputs: int = 400) -> Counter[str]:
    """Damage a graph for each seed; count what became of them, and of what is wrong say where."""
    found: Counter[str] = Counter()
    for seed in seeds:
        rng = np.random.default_rng(seed)
        output, datatype, body = BODIES[seed % len(BODIES)]
        path = write(folder / "graph.onnx", body, shape=(BATCH, 1, 4, 5), output=output,
                     datatype=datatype, arrays=ARRAYS)
        model = onnx.load(path)
        mutate(rng, model)
        path.write_bytes(model.SerializeToString())
        said = judge(path, rng, inputs)
        found[f"seed {seed} is {said}" if said.startswith("wrong") else said.split(":")[0]] += 1
    return found


def damage_maps(folder: Path, seeds: Iterable[int]) -> Counter[str]:
    """Damage a graph of maps for each seed, as :func:`damage` does."""
    found: Counter[str] = Counter()
    for seed in seeds:
        rng = np.random.default_rng(seed)
        path = map_forms.write_form(list(map_forms.FORMS)[seed % len(map_forms.FORMS)],
                                    folder / "maps.onnx")
        model = onnx.load(path)
        map_mutants.mutate(rng, model)
        path.write_bytes(model.SerializeToString())
        said = map_mutants.judge(path, map_forms.COUNT)
        found[f"seed {seed} is {said}" if said.startswith("wrong") else said.split(":")[0]] += 1
    return found


def run(scale: float) -> list[Row]:
    """Damage graphs of all forms."""
    with workplace() as folder:
        found = damage(folder, range(share(GRAPHS, scale, len(BODIES))))
        maps = damage_maps(folder, range(share(GRAPHS, scale, len(map_forms.FORMS))))
    return [_row("ONNX graphs, changed by one to three operators", found, 400),
            _row("ONNX graphs of maps, changed by one to three windows", maps, map_forms.COUNT)]


def _row(what: str, found: Counter[str], inputs: int) -> Row:
    wrong = [said for said in found if said.startswith("seed")]
    said = [f"{found['equal']:,} equal on {inputs} inputs each, {found['refused']:,} refused",
            *([f"{found['not run']:,} that no other program runs"] if found["not run"] else []),
            *wrong[:3]]
    return Row(what, found.total(), len(wrong), "; ".join(said))
