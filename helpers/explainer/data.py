"""Images for the training of Explainers: batches of pixels and labels, in an order that survives a restart."""

from __future__ import annotations

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from helpers.multilabel import MultiLabelImages

Batch = dict[str, Tensor]


class LabelledRows(Dataset[Batch]):
    """Batches are cut at once, and say where their labels are: on a GPU, looking for these would make it wait."""

    def __init__(self, images: MultiLabelImages) -> None:
        self.images = images

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def __getitem__(self, row: int) -> Batch:
        """One image, as a batch."""
        return self.__getitems__([row])

    def __getitems__(self, rows: list[int]) -> Batch:
        """The images of these rows."""
        labels = self.images.labels[rows]
        image, kind = labels.nonzero(as_tuple=True)
        return {"pixels": self.images.pixels[rows], "labels": labels, "image": image, "kind": kind}


class ExplainerData(lightning.LightningDataModule):
    """Training and validation images for one process or for each of several.

    Args:
        training, validation: the images.
        batch: images a step, of all processes together.
        seed: of the order, which depends on it and on the epoch only.
    """

    def __init__(self, training: MultiLabelImages, validation: MultiLabelImages, *, batch: int, seed: int) -> None:
        super().__init__()
        self.training, self.validation, self.batch, self.seed = training, validation, batch, seed

    def train_dataloader(self) -> DataLoader[Batch]:
        """Shuffled batches; the last images of an epoch that fill no batch wait for the next one."""
        return self._loader(self.training, shuffle=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        """All validation images, in order."""
        return self._loader(self.validation, shuffle=False)

    def _loader(self, images: MultiLabelImages, *, shuffle: bool) -> DataLoader[Batch]:
        world = 1 if self.trainer is None else self.trainer.world_size
        rank = 0 if self.trainer is None else self.trainer.global_rank
        if self.batch % world:
            raise ValueError(f"a batch of {self.batch} images cannot be shared evenly by {world} processes")
        rows = LabelledRows(images)
        sampler: DistributedSampler[Batch] = DistributedSampler(
            rows, num_replicas=world, rank=rank, shuffle=shuffle, seed=self.seed, drop_last=shuffle
        )
        pinned = torch.cuda.is_available()
        return DataLoader(
            rows, self.batch // world, sampler=sampler, drop_last=shuffle, collate_fn=_as_it_is, pin_memory=pinned
        )


def _as_it_is(batch: Batch) -> Batch:
    return batch
