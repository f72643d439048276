"""Images for the training of a SpaCE-VAE, with the classes that the classifier gives them."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from helpers.labelled import LabelledImages
from helpers.runtime import random_generator

Batch = tuple[Tensor, Tensor, Tensor]  # pixels, the class of the image, the class of the mirrored image


class ExplainedRows(Dataset[Batch]):
    """Images with the classifier's answers; batches are cut at once."""

    def __init__(self, images: LabelledImages, classes: Int[Tensor, "2 images"]) -> None:
        self.images, self.classes = images, classes

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def __getitem__(self, row: int) -> Batch:
        """One image, as a batch."""
        return self.__getitems__([row])

    def __getitems__(self, rows: list[int]) -> Batch:
        """The images of these rows."""
        return self.images.pixels[rows], self.classes[0][rows], self.classes[1][rows]


class SpaceVAEData(lightning.LightningDataModule):
    """Training and validation images for one process or for each of several.

    Args:
        training, validation: images with the classifier's answers.
        batch: images a step, of all processes together.
        seed: of the order, which depends on it and on the epoch only.
    """

    def __init__(self, training: ExplainedRows, validation: ExplainedRows, *, batch: int, seed: int) -> None:
        super().__init__()
        self.training, self.validation, self.batch, self.seed = training, validation, batch, seed

    def train_dataloader(self) -> DataLoader[Batch]:
        """Shuffled batches; the last images of an epoch that fill no batch wait for the next one."""
        return self._loader(self.training, shuffle=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        """All validation images, in order."""
        return self._loader(self.validation, shuffle=False)

    def _loader(self, rows: ExplainedRows, *, shuffle: bool) -> DataLoader[Batch]:
        world = 1 if self.trainer is None else self.trainer.world_size
        rank = 0 if self.trainer is None else self.trainer.global_rank
        if self.batch % world:
            raise ValueError(f"a batch of {self.batch} images cannot be shared evenly by {world} processes")
        sampler: DistributedSampler[Batch] = DistributedSampler(
            rows, num_replicas=world, rank=rank, shuffle=shuffle, seed=self.seed, drop_last=shuffle
        )
        size = self.batch // world if shuffle else max(self.batch // world, 250)
        pinned = torch.cuda.is_available()
        return DataLoader(
            rows,
            size,
            sampler=sampler,
            drop_last=shuffle,
            collate_fn=_as_it_is,
            pin_memory=pinned,
            generator=random_generator(self.seed),  # loaders draw a number, which must not be the global generator's
        )


@torch.no_grad()
def answers(classifier: nn.Module, images: LabelledImages, *, mirrored: bool, batch: int = 500) -> Tensor:
    """The class that the classifier gives each image, and each mirrored image (the same again, if not asked for).

    They are asked for once, before training, not at every step.
    """
    device = next((p.device for p in classifier.parameters()), torch.device("cpu"))
    rows = []
    for pixels in images.pixels.split(batch):
        floats = pixels.to(device).float() / 255
        plain = classifier(floats).argmax(1)
        rows.append(torch.stack([plain, classifier(floats.flip(3)).argmax(1) if mirrored else plain]).cpu())
    return torch.cat(rows, 1)


def _as_it_is(batch: Any) -> Any:  # a Batch already; PyTorch expects a list of single images here
    return batch
