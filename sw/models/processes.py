"""What one of several processes that train one model must know of the others.

Each process has its rows of every batch, all as many: the first process the first rows. Whatever a
batch decides as a whole is the same for any number of processes: the statistics of a batch norm,
the images that are to be told apart, random numbers. One process is one that began no
``torch.distributed``; for it these functions give what they are given.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["draw", "gather", "mean", "place", "share_batch_norms"]


def place() -> tuple[int, int]:
    """Return which process this is, from 0, and of how many."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


class _Total(torch.autograd.Function):
    """The sum over all processes. Each of them depends on it, so gradients are summed too.

    PyTorch's own, in torch.distributed.nn, is deprecated.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return _sum(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return _sum(grads[0])


def _sum(x: Tensor) -> Tensor:
    total = x.clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(total)
    return total


def _total(x: Tensor) -> Tensor:
    total: Tensor = _Total.apply(x)  # type: ignore[no-untyped-call]  # Untyped there.
    return total


def gather(rows: Tensor) -> Tensor:
    """Return the rows of all processes: ``(n, ...) -> (count * n, ...)``.

    The gradient of a row goes back to its process, from all losses that it had a part in.
    """
    number, count = place()
    if count == 1:
        return rows
    whole = rows.new_zeros(count, *rows.shape)
    whole[number] = rows
    return _total(whole).flatten(0, 1)


def mean(x: Tensor) -> Tensor:
    """Return the mean over all processes, without a gradient."""
    _, count = place()
    return _sum(x.detach()) / count if count > 1 else x


def draw(kind: Callable[..., Tensor], *shape: int, n: int, views: int,
         device: torch.device) -> Tensor:
    """Draw random numbers ``(views * n, *shape)`` for ``n`` rows of this process.

    Every process draws those of all rows and takes its own, so that a row has the numbers that a
    single process would give it.

    Parameters
    ----------
    kind : callable
        Such as :func:`torch.rand`.
    views : int
        The rows are this often in the batch, one whole batch after the other.
    """
    number, count = place()
    whole = kind(views * count * n, *shape, device=device)
    return whole.view(views, count, n, *shape)[:, number].flatten(0, 1)


class _SharedBatchNorm(_BatchNorm):
    """Batch norm over the rows of all processes.

    :class:`torch.nn.SyncBatchNorm` does this on GPUs alone.
    """

    def _check_input_dim(self, input: Tensor) -> None:    # The module that it replaces did.
        pass

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            evaluated: Tensor = super().forward(input)
            return evaluated
        x = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
        dims = [dim for dim in range(x.dim()) if dim != 1]
        along = [-1 if dim == 1 else 1 for dim in range(x.dim())]
        n = place()[1] * x.numel() // x.shape[1]
        mean = _total(x.sum(dims)) / n
        centred = x - mean.reshape(along)
        variance = _total(centred.square().sum(dims)) / n
        self._follow(mean, variance * n / (n - 1))
        y = centred * (variance + self.eps).rsqrt().reshape(along)
        if self.affine:
            y = y * self.weight.reshape(along) + self.bias.reshape(along)
        return y.to(input.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move what evaluation will take for mean and variance towards those of this batch."""
        for running, new in (self.running_mean, mean), (self.running_var, variance):
            cast(Tensor, running).lerp_(new, cast(float, self.momentum))
        cast(Tensor, self.num_batches_tracked).add_(1)


def share_batch_norms(model: nn.Module) -> None:
    """Let the batch norms inside a model see the rows of all processes. Its parameters stay."""
    for parent in list(model.modules()):
        for name, norm in list(parent.named_children()):
            if isinstance(norm, _BatchNorm):
                shared = _SharedBatchNorm(norm.num_features, norm.eps, norm.momentum, norm.affine)
                shared.weight, shared.bias = norm.weight, norm.bias
                for buffer, tensor in norm.named_buffers():
                    setattr(shared, buffer, tensor)
                setattr(parent, name, shared)
