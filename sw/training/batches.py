"""Batches of a data set that is read while it is trained on, by worker processes."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from ..images.names import DataError
from ..models.processes import place

__all__ = ["Loader"]


class _Shuffled(Sampler[list[int]]):
    """This process's rows of each batch, in a random order that is the same in all processes."""

    def __init__(self, n: int, batch: int) -> None:
        self.n, self.batch = n, batch

    def __len__(self) -> int:
        return self.n // self.batch

    def __iter__(self) -> Iterator[list[int]]:
        number, count = place()
        order = torch.randperm(self.n)[:len(self) * self.batch]
        yield from order.view(len(self), count, -1)[:, number].tolist()


class Loader:
    """Batches in random order, each of exactly ``batch`` rows, of which this process gets its part.

    An epoch leaves out the random rows that would make a smaller batch.

    Parameters
    ----------
    data : Dataset
        Knows its length; an item is a sequence of tensors, of which those of bytes are numbers from
        0 to 1 in 255ths.
    batch : int
        Rows in all processes together, which must share them evenly.
    device : torch.device
        Where the batches are put.
    workers : int
        Processes beside this one that read; 0: this one reads.

    Raises
    ------
    DataError
        There cannot be such batches.
    """

    def __init__(self, data: Dataset[Sequence[Tensor]], batch: int, device: torch.device,
                 workers: int = 0) -> None:
        n: int = len(data)  # type: ignore[arg-type]  # A Dataset need not know it; this one does.
        _, count = place()
        if not count <= batch <= n or batch % count:
            raise DataError(f"A batch must be at most {n} images, which is all there are, and a "
                            f"multiple of {count}, the number of processes, not {batch}")
        self.device = device
        self._loader = DataLoader(
            data, batch_sampler=_Shuffled(n, batch), num_workers=workers,
            persistent_workers=workers > 0, pin_memory=device.type == "cuda",
            # Its own, so that the workers' seeds take nothing from the training's randomness.
            generator=torch.Generator())

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[list[Tensor]]:
        for batch in self._loader:
            yield [self._put(tensor) for tensor in batch]

    def _put(self, tensor: Tensor) -> Tensor:
        there = tensor.to(self.device, non_blocking=True)
        return there.float() / 255 if there.dtype == torch.uint8 else there
