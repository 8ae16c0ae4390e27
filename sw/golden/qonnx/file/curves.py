"""Functions that programs approximate, each in its own way: Tanh, Exp, Elu and their like.

A curve is known with how far a program may be from it. Asked for its values, it gives the least,
the exact and the most, one below the other; so what no program gives otherwise can be told.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import erf, sqrt
from typing import Any

import numpy as np

__all__ = ["BENT", "CURVES", "Curve"]

Array = np.ndarray
Attributes = Mapping[str, Any]

OFF = 1e-5    # Of a program's value, to what it is.
ONE = 1e-6    # Of what is made by taking 1 from what is nearly 1.
LOGISTIC = 1e-5
TINY = float(np.finfo(np.float32).tiny)    # Below it programs make zero of what is not.


@dataclass(frozen=True)
class Curve:
    """A function of float64, with the attributes of a node.

    Attributes
    ----------
    exact : function of attributes and x
    off : function of attributes, x and y
        How far a program's value may be from y, what x gives.
    least, most : float
        No program gives less or more.
    """

    exact: Callable[[Attributes, Array], Array]
    off: Callable[[Attributes, Array, Array], Array]
    least: float = -np.inf
    most: float = np.inf

    def __call__(self, node: Any, x: Array) -> Array:
        """Return the least, the exact and the most: three times as many rows as ``x`` has."""
        y, off = self.known(node, x.astype(np.float64))
        ways = np.clip(np.concatenate([y - off, y, y + off]), self.least, self.most)
        with np.errstate(over="ignore"):    # Infinity, as programs give.
            made: Array = ways.astype(x.dtype)
        return made

    def known(self, node: Any, x: Array) -> tuple[Array, Array]:
        """Return what ``x`` gives, and how far a program's value may be from that."""
        with np.errstate(all="ignore"):
            y = np.asarray(self.exact(node.attributes, x))
            off = np.where(np.isfinite(y), self.off(node.attributes, x, y), 0)
        return y, off + TINY * (off > 0)


_erf = np.vectorize(erf, otypes=[np.float64])


def _elu(said: Attributes, x: Array) -> Array:
    return np.asarray(np.where(x < 0, said["alpha"] * np.expm1(np.minimum(x, 0)), x))


def _selu(said: Attributes, x: Array) -> Array:
    return np.asarray(said["gamma"] * _elu(said, x))


def _celu(said: Attributes, x: Array) -> Array:
    alpha = said["alpha"]
    return np.asarray(np.maximum(x, 0) + np.minimum(alpha * np.expm1(x / alpha), 0))


def _gelu(said: Attributes, x: Array) -> Array:
    inner = (np.tanh(sqrt(2 / np.pi) * (x + 0.044715 * x ** 3))
             if said.get("approximate") == "tanh" else _erf(x / sqrt(2)))
    return np.asarray(x * (1 + inner) / 2)


def _softplus(said: Attributes, x: Array) -> Array:
    return np.asarray(np.logaddexp(0, x))


def _to_it(said: Attributes, x: Array, y: Array) -> Array:
    return np.asarray(OFF * np.abs(y))


def _below_zero(said: Attributes, x: Array, y: Array) -> Array:
    """Return nothing from zero on; below it 1 is taken from an exponential."""
    return np.asarray(np.where(x < 0, OFF * np.abs(y) + ONE * abs(said["alpha"]), 0))


def _times_x(said: Attributes, x: Array, y: Array) -> Array:
    """Return the error of x times what is nearly 0 or 1."""
    return np.asarray(OFF * np.abs(y) + ONE * np.abs(x))


CURVES: dict[tuple[str, str], Curve] = {
    ("", "Atan"): Curve(lambda said, x: np.arctan(x), _to_it),
    ("", "Celu"): Curve(_celu, _below_zero),
    ("", "Elu"): Curve(_elu, _below_zero),
    ("", "Erf"): Curve(lambda said, x: _erf(x), _to_it),
    ("", "Exp"): Curve(lambda said, x: np.exp(x), lambda said, x, y: np.where(x == 0, 0, OFF * y)),
    ("", "Gelu"): Curve(_gelu, _times_x),
    ("", "HardSwish"): Curve(lambda said, x: x * np.clip(x / 6 + 0.5, 0, 1), _times_x),
    ("", "Log"): Curve(lambda said, x: np.log(x),
                       lambda said, x, y: np.where(x == 1, 0, OFF * np.abs(y) + ONE)),
    ("", "Mish"): Curve(lambda said, x: x * np.tanh(_softplus(said, x)), _times_x),
    ("", "Selu"): Curve(_selu, lambda said, x, y: np.where(
        x == 0, 0, OFF * np.abs(y) + ONE * (x < 0) * abs(said["gamma"] * said["alpha"]))),
    ("", "Sigmoid"): Curve(lambda said, x: 1 / (1 + np.exp(-x)),
                           lambda said, x, y: np.where(x == 0, 0, LOGISTIC), 0, 1),
    ("", "Softplus"): Curve(_softplus, lambda said, x, y: OFF * y + ONE, 0),
    ("", "Softsign"): Curve(lambda said, x: x / (1 + np.abs(x)), _to_it),
    ("", "Tanh"): Curve(lambda said, x: np.tanh(x), _to_it),
}
# Those that fall and rise again.
BENT = {"Gelu", "HardSwish", "Mish"}
