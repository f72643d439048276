"""Scenes as training data: drawn once, kept as 8-bit pixels, served in an order that survives a restart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Int, UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from helpers.core.runtime import progress
from helpers.data.scenes import SCENE_CLASSES, Scenes, make_scenes
from helpers.training.options import TRAINING_SERIES, TrainingOptions

_SHARD = 256
BACKGROUND = len(SCENE_CLASSES)
"""What `parts` holds where no object is seen."""

_PART = 4  # pixels a side of the squares of `parts`
Batch = tuple[Tensor, Tensor, Tensor]


class SceneDataset(Dataset[Batch]):
    """Scenes as 8-bit pixels with their labels and maps of their parts; 128 px take 50 kB a scene.

    Attributes:
        pixels: 0 to 255.
        labels: the class of the largest object.
        parts: the class of what is seen in the middle of each square of 4 pixels, `BACKGROUND` beside the objects.
    """

    def __init__(
        self,
        pixels: UInt8[Tensor, "scenes 3 height width"],
        labels: Int[Tensor, " scenes"],
        parts: UInt8[Tensor, "scenes rows columns"],
    ) -> None:
        self.pixels, self.labels, self.parts = pixels, labels, parts

    def __len__(self) -> int:
        """The number of scenes."""
        return len(self.labels)

    def __getitem__(self, index: int) -> Batch:
        """One scene."""
        return self.pixels[index], self.labels[index], self.parts[index]

    def __getitems__(self, indices: list[int]) -> Batch:
        """A batch at once: PyTorch's loader asks for it where it is offered."""
        return self.pixels[indices], self.labels[indices], self.parts[indices]


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
    parts = torch.empty(count, size // _PART, size // _PART, dtype=torch.uint8)
    for first in progress(range(0, count, _SHARD), label="drawing scenes", show=show):
        part = make_scenes(min(_SHARD, count - first), size=size, seed=seed, start=first, objects=objects)
        pixels[first : first + len(part)] = (part.images * 255).round().byte()
        labels[first : first + len(part)] = part.label
        parts[first : first + len(part)] = _what_is_where(part)
    return SceneDataset(pixels, labels, parts)


def _what_is_where(scenes: Scenes) -> UInt8[Tensor, "scenes rows columns"]:
    """The class seen in the middle of each square."""
    seen = scenes.object_masks[:, :, _PART // 2 :: _PART, _PART // 2 :: _PART]
    classes = scenes.object_classes.to(torch.uint8)[:, :, None, None].expand_as(seen)
    parts = torch.full_like(classes[:, 0], BACKGROUND)
    for slot in range(seen.shape[1]):  # visible parts do not overlap
        parts = torch.where(seen[:, slot], classes[:, slot], parts)
    return parts


def training_loader(options: TrainingOptions, *, show: bool = False) -> DataLoader[Batch]:
    """The training scenes in shuffled batches."""
    parts = [
        draw_dataset(count, size=options.size, seed=TRAINING_SERIES + options.seed, objects=(k, k), show=show)
        for k, count in ((1, options.single), (2, options.double))
        if count
    ]
    scenes = SceneDataset(*(torch.cat([getattr(p, name) for p in parts]) for name in ("pixels", "labels", "parts")))
    sampler = EpochSampler(len(scenes), options.seed)
    return DataLoader(scenes, batch_size=options.batch, sampler=sampler, drop_last=True, collate_fn=_as_it_is)


def held_out_loader(count: int, *, size: int, seed: int, batch: int = 128) -> DataLoader[Batch]:
    """Scenes with one object from another series, in order."""
    scenes = draw_dataset(count, size=size, seed=seed, objects=(1, 1))
    return DataLoader(scenes, batch_size=batch, collate_fn=_as_it_is)


def _as_it_is(batch: Any) -> Any:  # a Batch already; PyTorch expects a list of single scenes here
    return batch
