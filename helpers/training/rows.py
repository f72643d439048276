"""Training and validation rows for one process or for each of several, in an order that survives a restart."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from helpers.core.runtime import random_generator


class RowsData(lightning.LightningDataModule):
    """Batches of two datasets that cut a batch at once (`__getitems__`) and give it as the training wants it.

    Args:
        training, validation: the datasets.
        batch: rows a step, of all processes together.
        seed: of the order, which depends on it and on the epoch only.
        validation_batch: rows that are looked at together; `batch` where None.
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
        return DataLoader(
            rows,
            max(1, batch // world),
            sampler=sampler,
            drop_last=shuffle,
            collate_fn=_as_it_is,
            pin_memory=torch.cuda.is_available(),
            generator=random_generator(self.seed),  # loaders draw a number, which must not be the global generator's
        )


def _as_it_is(batch: Any) -> Any:  # a batch already; PyTorch expects a list of single rows here
    return batch
