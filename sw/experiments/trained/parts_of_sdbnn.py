"""What each part of SD-BNN adds, on the clothes of Fashion-MNIST."""

from typing import Any

from ...models.binarizer import SD, SIGN, Binarizer
from ...models.classifier import BinaryClassifier
from ..effort import HIDDEN, Study
from . import baselines, heads

__all__ = ["ARMS", "learn"]

ARMS = {
    "sign, straight through": SIGN,
    "EDE": Binarizer(ede=True),
    "ASD": Binarizer(asd="static"),
    "WSD": Binarizer(wsd=True),
    "all three: SD-BNN": SD,
}


def learn(study: Study, name: str) -> dict[str, Any]:
    """Learn all ten classes in one of the ways to binarise.

    ``head`` is HyBNN's head on the codes of an encoder that all arms share, ``cnn`` its binary CNN
    on fair pixels: per cent of the test images.
    """
    codes = study.codes("fashion")
    # Of one name, so that all arms begin with the same weights and see the same batches.
    head = study.fit_head("arm", codes, HIDDEN, BinaryClassifier, binarizer=ARMS[name])
    return {"head": heads.exact(head, codes),
            "cnn": baselines.fit_cnn(study, "arm", baselines.read(study, "fair", "fashion-mnist"),
                                     ARMS[name])}
