"""The ways to binarise, by name. Settings only: :mod:`sw.models.binary` computes them."""

from dataclasses import dataclass

__all__ = ["BINARIZERS", "LEAST", "SD", "SIGN", "Binarizer"]

LEAST = 1e-1    # Sharpness at the beginning, as in SD-BNN's VGG-Small.


@dataclass(frozen=True)
class Binarizer:
    """How a network's numbers become signs.

    Attributes
    ----------
    ede : bool
        The gradient is the error decay estimator, else it passes within -1 and +1.
    wsd : bool
        Weight self-distribution: ``w + sigmoid(alpha) 0.01 mean(w)``, with one learnt ``alpha`` and
        one mean, through which no gradient passes, for each output.
    asd : str
        Activation self-distribution. ``static``: ``a + sigmoid(b)``, with one learnt ``b`` for each
        input, which folds into a threshold. ``dynamic``:
        :class:`~sw.models.binary.DynamicShift`. Empty: none.
    least : float
        The estimator's sharpness at the beginning.
    """

    ede: bool = False
    wsd: bool = False
    asd: str = ""
    least: float = LEAST


SIGN = Binarizer()
SD = Binarizer(ede=True, wsd=True, asd="static")
BINARIZERS = {"sign": SIGN, "sd": SD}
