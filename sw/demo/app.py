"""What the demo's page asks, and what answers: a run's network, its encoder, and a board."""

import time
from asyncio import wrap_future
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ..golden import forward, networks
from ..golden.bits import Bits, unpack
from ..host.board import Board, BoardError
from ..images import picture
from ..images.names import SIDE
from ..images.picture import Nothing, PictureError
from ..models import encoding as codes
from ..models.autoencoder import Encoder
from ..training.asked.columns import TableConfig
from ..training.asked.configs import asked, describe, names_of, own_images
from ..training.asked.effort import RunError
from .server import OwnPage

__all__ = ["MAX_BYTES", "Demo", "app"]

PAGE = Path(__file__).with_name("page.html")
MAX_BYTES = 1_000_000    # Of a drawing.

Result = TypeVar("Result")


class Demo:
    """A run's network, the encoder if it has one, and a board if there is one.

    Parameters
    ----------
    run : Path
        Folder of a finished run.
    """

    def __init__(self, run: Path) -> None:
        described = describe(run)
        if isinstance(asked(run), TableConfig):
            raise RunError(f"sw.demo takes drawings, and the run in {run} is of a table: see "
                           "--table of python -m sw.classify")
        self.network = networks.load(run / "network.safetensors")
        self.data, self.own = described.data, own_images(run)
        self.classes = names_of(run)
        is_hybrid = self.network.signature.widths is not None
        if not is_hybrid and self.network.input.shape != (SIDE, SIDE, 1):
            raise RunError(f"sw.demo sends pictures of {SIDE} x {SIDE} pixels or their codes, and "
                           f"{self.network} takes neither")
        self.encoder = Encoder.load(run / "encoder.safetensors") if is_hybrid else None
        self.board: Board | None = None

    def take(self, board: Board) -> None:
        """Ask this board too; it must hold the run's network."""
        if not board.identity.is_for(self.network.signature):
            raise BoardError(f"The board is {board.identity}, not for {self.network}: give the "
                             "--network that it holds")
        self.board = board

    def about(self) -> dict[str, Any]:
        """Say what answers."""
        identity = self.board.identity if self.board else None
        name = identity and ("board" if identity.clock else "virtual board")
        signature = self.network.signature
        stages = [{"name": f"layer {number}" if self.encoder else stage.text(after_map=True),
                   "shape": gives.shape}
                  for number, (stage, gives) in enumerate(
                      zip(signature.stages[:-1], signature.maps[1:]), 1)]
        return {"network": str(self.network), "classes": self.classes, "board": name,
                "encodes": self.encoder is not None, "bits": self.network.n_in, "stages": stages,
                "build": identity and identity.build.hex()}

    def answer(self, drawing: bytes) -> dict[str, Any]:
        """Return all that becomes of a drawing, and the milliseconds of each step.

        A board that does not answer is ``silent``, with the reason.

        Raises
        ------
        PictureError
            It is no picture, or shows nothing.
        """
        took: dict[str, float] = {}
        image = _timed(took, "picture", lambda: self._read(BytesIO(drawing)))
        step = "encoder" if self.encoder else "pixels"
        code = _timed(took, step, lambda: self._encode(image))
        golden = _timed(took, "golden", lambda: forward.classify(self.network, code))
        *hidden, scores = (given.ravel().tolist() for given in forward.trace(self.network, code))
        result = {"picture": np.rint(255 * image).astype(int).ravel().tolist(),
                  "code": code.tolist(), "hidden": hidden, "scores": scores, "golden": golden}
        if board := self.board:
            try:
                klass = _timed(took, "board", lambda: board.classify(code[None]))[0]
                result["board"] = int(klass)
            except (BoardError, OSError) as error:
                result["silent"] = str(error)
        return result | {"took": took}

    def _read(self, drawing: BytesIO) -> picture.Picture:
        """Read a drawing as the run's images were read: those of your own are only scaled."""
        if self.own is None:
            return picture.read(drawing, self.data)
        grey = picture.square(drawing, SIDE, colour=False)[:, :, 0]
        if grey.min() == grey.max():
            raise Nothing("The picture shows nothing: all of it is of one tone")
        return grey.astype(np.float32) / np.float32(255)

    def _encode(self, image: picture.Picture) -> Bits:
        if not self.encoder:
            raw = np.rint(255 * image).astype(np.uint8)[:, :, None]
            return forward.bits_of(self.network.input, self.network.quantise(raw))
        packed = codes.extract(self.encoder, torch.from_numpy(image)[None, None])
        code: Bits = unpack(packed, self.encoder.n_bits)[0]
        return code


def _timed(took: dict[str, float], name: str, work: Callable[[], Result]) -> Result:
    begun = time.perf_counter()
    result = work()
    took[name] = 1e3 * (time.perf_counter() - begun)
    return result


def app(demo: Demo) -> Starlette:
    """Return the page and what it asks."""

    # One drawing after the other, and by the same thread: each keeps memory for its next.
    worker = ThreadPoolExecutor(1)

    async def page(request: Request) -> Response:
        return FileResponse(PAGE)

    async def about(request: Request) -> Response:
        return JSONResponse(demo.about())

    async def classify(request: Request) -> Response:
        drawing = bytearray()
        try:
            async for chunk in request.stream():
                drawing += chunk
                if len(drawing) > MAX_BYTES:
                    return JSONResponse({"error": f"A drawing must have at most {MAX_BYTES:,} "
                                                  "bytes"}, 413)
            return JSONResponse(await wrap_future(worker.submit(demo.answer, bytes(drawing))))
        except Nothing:    # Whoever draws may begin with that.
            return JSONResponse({"error": "There is nothing to see yet"})
        except PictureError as error:
            return JSONResponse({"error": str(error)}, 422)
        except ClientDisconnect:
            return Response(status_code=400)    # Nobody reads it.

    return Starlette(routes=[Route("/", page), Route("/about", about),
                             Route("/classify", classify, methods=["POST"])],
                     middleware=[Middleware(OwnPage)])
