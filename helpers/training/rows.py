"""Training and validation rows for one process or for each of several, in an order that survives a restart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import lightning
import torch
from torch.utils.data import DataLoader, Dataset, DistributedSampler, Sampler

from helpers.core.runtime import random_generator


class EpochSampler(Sampler[int]):
    """A new order each epoch, which depends only on the seed and the epoch.

    So a run that was killed and resumed at an epoch's end sees what an uninterrupted run would have seen.
    Lightning calls `set_epoch`.
    """

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed, self.epoch = count, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        """The number of rows."""
        return self.count

    def __iter__(self) -> Iterator[int]:
        """Indices in this epoch's order."""
        generator = random_generator(1_000_003 * self.seed + self.epoch)
        return iter(torch.randperm(self.count, generator=generator).tolist())


class RowsData(lightning.LightningDataModule):
    """Batches of two datasets that cut a whole batch at once (`__getitems__`), shared by all processes.

    Args:
        training, validation: the datasets.
        batch: rows per step, of all processes together.
        seed: of the order, which depends on it and on the epoch only.
        validation_batch: rows per validation step; `batch` where None.
    """

    def __init__(
        self,
        training: Dataset[Any],
        validation: Dataset[Any],
        *,
        batch: int,
        seed: int,
        validation_batch: int | None = None,
    ) -> None:
        super().__init__()
        self.training, self.validation, self.batch, self.seed = training, validation, batch, seed
        self.validation_batch = validation_batch or batch

    def train_dataloader(self) -> DataLoader[Any]:
        """Shuffled batches; the last rows of an epoch that fill no batch wait for the next one."""
        return self._loader(self.training, self.batch, shuffle=True)

    def val_dataloader(self) -> DataLoader[Any]:
        """All validation rows, in order."""
        return self._loader(self.validation, self.validation_batch, shuffle=False)

    def _loader(self, rows: Dataset[Any], batch: int, *, shuffle: bool) -> DataLoader[Any]:
        world = 1 if self.trainer is None else self.trainer.world_size
        rank = 0 if self.trainer is None else self.trainer.global_rank
        if self.batch % world:
            raise ValueError(f"a batch of {self.batch} images cannot be shared evenly by {world} processes")
        sampler: DistributedSampler[Any] = DistributedSampler(
            rows, num_replicas=world, rank=rank, shuffle=shuffle, seed=self.seed, drop_last=shuffle
        )
        return batches(rows, max(1, batch // world), seed=self.seed, sampler=sampler, drop_last=shuffle)


def batches(rows: Dataset[Any], batch: int, *, seed: int = 0, **options: Any) -> DataLoader[Any]:
    """A loader of a dataset that cuts a whole batch at once (`__getitems__`).

    Args:
        rows: the dataset.
        batch: rows per step.
        seed: of a number that every loader draws, and which must not come from the global generator.
        options: further ones of `DataLoader`.
    """
    pinned = torch.cuda.is_available()
    return DataLoader(rows, batch, collate_fn=_as_it_is, pin_memory=pinned, generator=random_generator(seed), **options)


def check_enough(training: int, validation: int, batch: int) -> None:
    """Raise a ValueError if the training images do not fill a batch, or there are no validation images."""
    if training < batch or not validation:
        raise ValueError(
            f"{training} training images do not fill a batch of {batch}, or there are no validation "
            f"images ({validation}): give more images or a smaller batch"
        )


def _as_it_is(batch: Any) -> Any:  # a batch already; PyTorch expects a list of single rows here
    return batch
