"""Where a training runs: in this process alone, or on whatever Lightning Fabric can drive."""

import os
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..golden.errors import UserError
from ..models.processes import share_batch_norms

__all__ = ["Engine", "EngineError", "FabricEngine"]


class EngineError(UserError):
    """A training cannot run here; the message says in one sentence what to do."""


class Engine:
    """This process alone, on the device where the model is.

    Attributes
    ----------
    device : torch.device
        Where models and batches belong.
    leads : bool
        This process is the one of all that writes files and shows progress.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.leads = True

    def setup(self, module: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        """Return both as training is to call them; the parameters stay the same objects."""
        return module, optimizer

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients of the mean loss of all processes."""
        loss.backward()


class FabricEngine(Engine):
    """As many processes as ``torchrun`` started, or one, each with a device of its own.

    Parameters
    ----------
    device : torch.device
        Says of which kind; its number is Fabric's choice.
    precision : str
        One of :data:`sw.training.asked.config.PRECISIONS`.
    compiled : bool
        Steps are compiled by ``torch.compile``.
    """

    def __init__(self, device: torch.device, precision: str, *, compiled: bool = False) -> None:
        # Imported here: it takes seconds, which who trains without it need not wait.
        try:
            from lightning_fabric import Fabric
        except ModuleNotFoundError:
            raise EngineError("Lightning Fabric is missing: pip install 'hybnn[large]'") from None

        processes, here = (int(os.environ.get(name, "1"))
                           for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
        self._fabric = Fabric(accelerator=device.type, devices=here, num_nodes=processes // here,
                              precision=precision)  # type: ignore[arg-type]  # A literal there.
        self._fabric.launch()
        super().__init__(self._fabric.device)
        self._compiled = compiled
        self.leads = self._fabric.is_global_zero

    def setup(self, module: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        if self._fabric.world_size > 1:
            share_batch_norms(module)
        step: Any = torch.compile(module) if self._compiled else module
        wrapped: tuple[nn.Module, Optimizer] = self._fabric.setup(step, optimizer)
        return wrapped

    def backward(self, loss: Tensor) -> None:
        self._fabric.backward(loss)
