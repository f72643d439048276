"""Scenes as training data: drawn once, kept as 8-bit pixels, served in an order that survives a restart."""

from __future__ import annotations

import torch
from jaxtyping import Int, UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from helpers.core.runtime import progress
from helpers.data.scenes import SCENE_CLASSES, Scenes, make_scenes
from helpers.training.options import TRAINING_SERIES, SceneOptions
from helpers.training.rows import EpochSampler, batches

_SHARD = 256
BACKGROUND = len(SCENE_CLASSES)
"""The entry of `parts` where no object is seen."""

_SQUARE = 4  # side in pixels of the squares of `parts`
Batch = tuple[Tensor, Tensor, Tensor]


class SceneDataset(Dataset[Batch]):
    """Scenes as 8-bit pixels with their labels and maps of their parts; 50 kB per scene of 128 px.

    Attributes:
        pixels: 0 to 255.
        labels: the class of the largest object.
        parts: the class seen in the middle of each square of 4 x 4 pixels, `BACKGROUND` beside the objects.
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


def draw_dataset(count: int, *, size: int, seed: int, objects: tuple[int, int], show: bool = False) -> SceneDataset:
    """Draw scenes and keep them as 8-bit pixels, which is exact."""
    pixels, labels = torch.empty(count, 3, size, size, dtype=torch.uint8), torch.empty(count, dtype=torch.long)
    parts = torch.empty(count, size // _SQUARE, size // _SQUARE, dtype=torch.uint8)
    for first in progress(range(0, count, _SHARD), label="drawing scenes", show=show):
        shard = make_scenes(min(_SHARD, count - first), size=size, seed=seed, start=first, objects=objects)
        pixels[first : first + len(shard)] = (shard.images * 255).round().byte()
        labels[first : first + len(shard)] = shard.label
        parts[first : first + len(shard)] = _square_classes(shard)
    return SceneDataset(pixels, labels, parts)


def _square_classes(scenes: Scenes) -> UInt8[Tensor, "scenes rows columns"]:
    """The class seen in the middle of each square."""
    seen = scenes.object_masks[:, :, _SQUARE // 2 :: _SQUARE, _SQUARE // 2 :: _SQUARE]
    classes = scenes.object_classes.to(torch.uint8)[:, :, None, None].expand_as(seen)
    parts = torch.full_like(classes[:, 0], BACKGROUND)
    for slot in range(seen.shape[1]):  # visible parts do not overlap
        parts = torch.where(seen[:, slot], classes[:, slot], parts)
    return parts


def training_loader(options: SceneOptions, *, show: bool = False) -> DataLoader[Batch]:
    """The training scenes in shuffled batches."""
    drawn = [
        draw_dataset(count, size=options.size, seed=TRAINING_SERIES + options.seed, objects=(k, k), show=show)
        for k, count in ((1, options.single), (2, options.double))
        if count
    ]
    scenes = SceneDataset(*(torch.cat([getattr(d, name) for d in drawn]) for name in ("pixels", "labels", "parts")))
    return batches(scenes, options.batch, sampler=EpochSampler(len(scenes), options.seed), drop_last=True)


def held_out_loader(count: int, *, size: int, seed: int, batch: int = 128) -> DataLoader[Batch]:
    """Scenes with one object from another series, in order."""
    return batches(draw_dataset(count, size=size, seed=seed, objects=(1, 1)), batch)
