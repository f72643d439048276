"""Scenes as training data: drawn once, kept as 8-bit pixels, served in an order that survives a restart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Int, UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from helpers.runtime import progress
from helpers.scenes import make_scenes
from helpers.training.options import TRAINING_SERIES, TrainingOptions

_SHARD = 256
Batch = tuple[Tensor, Tensor]


class SceneDataset(Dataset[Batch]):
    """Scenes as 8-bit pixels with their labels; 128 px take 49 kB a scene."""

    def __init__(self, pixels: UInt8[Tensor, "scenes 3 height width"], labels: Int[Tensor, " scenes"]) -> None:
        self.pixels, self.labels = pixels, labels

    def __len__(self) -> int:
        """The number of scenes."""
        return len(self.labels)

    def __getitem__(self, index: int) -> Batch:
        """One scene."""
        return self.pixels[index], self.labels[index]

    def __getitems__(self, indices: list[int]) -> Batch:
        """A batch at once: PyTorch's loader asks for it where it is offered."""
        return self.pixels[indices], self.labels[indices]


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
        """The number of scenes."""
        return self.count

    def __iter__(self) -> Iterator[int]:
        """Indices in this epoch's order."""
        generator = torch.Generator().manual_seed(1_000_003 * self.seed + self.epoch)
        return iter(torch.randperm(self.count, generator=generator).tolist())


def draw_dataset(count: int, *, size: int, seed: int, objects: tuple[int, int], show: bool = False) -> SceneDataset:
    """Draw scenes and keep them as 8-bit pixels, which is exact."""
    pixels, labels = torch.empty(count, 3, size, size, dtype=torch.uint8), torch.empty(count, dtype=torch.long)
    for first in progress(range(0, count, _SHARD), label="drawing scenes", show=show):
        part = make_scenes(min(_SHARD, count - first), size=size, seed=seed, start=first, objects=objects)
        pixels[first : first + len(part)] = (part.images * 255).round().byte()
        labels[first : first + len(part)] = part.label
    return SceneDataset(pixels, labels)


def training_loader(options: TrainingOptions, *, show: bool = False) -> DataLoader[Batch]:
    """The training scenes in shuffled batches."""
    parts = [
        draw_dataset(count, size=options.size, seed=TRAINING_SERIES + options.seed, objects=(k, k), show=show)
        for k, count in ((1, options.single), (2, options.double))
        if count
    ]
    scenes = SceneDataset(torch.cat([p.pixels for p in parts]), torch.cat([p.labels for p in parts]))
    sampler = EpochSampler(len(scenes), options.seed)
    return DataLoader(scenes, batch_size=options.batch, sampler=sampler, drop_last=True, collate_fn=_as_it_is)


def held_out_loader(count: int, *, size: int, seed: int, batch: int = 128) -> DataLoader[Batch]:
    """Scenes with one object from another series, in order."""
    scenes = draw_dataset(count, size=size, seed=seed, objects=(1, 1))
    return DataLoader(scenes, batch_size=batch, collate_fn=_as_it_is)


def _as_it_is(batch: Any) -> Any:  # a Batch already; PyTorch expects a list of single scenes here
    return batch
