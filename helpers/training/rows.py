"""Batches for training and validation, in one or several processes, in an order that survives a restart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import lightning
import torch
from torch.utils.data import DataLoader, Dataset, DistributedSampler, Sampler

from helpers.core.runtime import random_generator


class EpochSampler(Sampler[int]):
    """A random order for each epoch, which depends only on the seed and the epoch.

    A run resumed at the end of an epoch therefore sees the same order as an uninterrupted run. Lightning calls
    `set_epoch`.
    """

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed, self.epoch = count, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, and with it the order."""
        self.epoch = epoch

    def __len__(self) -> int:
        """The number of rows."""
        return self.count

    def __iter__(self) -> Iterator[int]:
        """Indices in this epoch's order."""
        generator = random_generator(1_000_003 * self.seed + self.epoch)
        return iter(torch.randperm(self.count, generator=generator).tolist())


class BatchDataModule(lightning.LightningDataModule):
    """Batches of a training and a validation dataset, each shared by all processes.

    Args:
        training, validation: datasets that return a whole batch at once (`__getitems__`).
        batch: rows per training step, over all processes.
        seed: seed of the order, which depends on the seed and the epoch only.
        validation_batch: rows per validation step; None: `batch`.
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
        """Shuffled batches; the last rows of an epoch are dropped if they do not fill a batch."""
        return self._loader(self.training, self.batch, shuffle=True)

    def val_dataloader(self) -> DataLoader[Any]:
        """All validation rows, in order."""
        return self._loader(self.validation, self.validation_batch, shuffle=False)

    def _loader(self, rows: Dataset[Any], batch: int, *, shuffle: bool) -> DataLoader[Any]:
        world = 1 if self.trainer is None else self.trainer.world_size
        rank = 0 if self.trainer is None else self.trainer.global_rank
        if self.batch % world:
            raise ValueError(f"a batch of {self.batch} images cannot be divided evenly among {world} processes")
        sampler: DistributedSampler[Any] = DistributedSampler(
            rows, num_replicas=world, rank=rank, shuffle=shuffle, seed=self.seed, drop_last=shuffle
        )
        return batches(rows, max(1, batch // world), seed=self.seed, sampler=sampler, drop_last=shuffle)


def batches(rows: Dataset[Any], batch: int, *, seed: int = 0, **options: Any) -> DataLoader[Any]:
    """A loader of a dataset that returns a whole batch at once (`__getitems__`).

    Args:
        rows: the dataset.
        batch: rows per step.
        seed: seed of the number that every loader draws, by default from the global generator.
        options: further options of `DataLoader`.
    """
    pinned = torch.cuda.is_available()
    return DataLoader(
        rows, batch, collate_fn=_unchanged, pin_memory=pinned, generator=random_generator(seed), **options
    )


def check_image_counts(training: int, validation: int, batch: int) -> None:
    """Raise a ValueError if the training images do not fill a batch, or there are no validation images."""
    if training < batch or not validation:
        raise ValueError(
            f"{training} training images do not fill a batch of {batch}, or there are no validation "
            f"images ({validation}): use more images or a smaller batch"
        )


def _unchanged(batch: Any) -> Any:  # PyTorch collates lists of rows, but `__getitems__` returns batches
    return batch
