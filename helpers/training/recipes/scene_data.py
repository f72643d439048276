"""Scenes as training data, drawn once and stored as 8-bit pixels."""

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
"""The value of a class map where no object is visible."""

_SQUARE = 4  # side in pixels of the squares of a class map
Batch = tuple[Tensor, Tensor, Tensor]
"""Pixels, labels and class maps, as in `SceneDataset`."""


class SceneDataset(Dataset[Batch]):
    """Scenes as 8-bit pixels with their labels and class maps; 50 kB per scene of 128 px.

    Attributes:
        pixels: 0 to 255.
        labels: the class of the largest object.
        class_maps: the class visible in the middle of each square of 4 x 4 pixels, or `BACKGROUND`.
    """

    def __init__(
        self,
        pixels: UInt8[Tensor, "scenes 3 height width"],
        labels: Int[Tensor, " scenes"],
        class_maps: UInt8[Tensor, "scenes rows columns"],
    ) -> None:
        self.pixels, self.labels, self.class_maps = pixels, labels, class_maps

    def __len__(self) -> int:
        """The number of scenes."""
        return len(self.labels)

    def __getitem__(self, index: int) -> Batch:
        """One scene."""
        return self.pixels[index], self.labels[index], self.class_maps[index]

    def __getitems__(self, indices: list[int]) -> Batch:
        """Several scenes at once; PyTorch's loaders prefer this method."""
        return self.pixels[indices], self.labels[indices], self.class_maps[indices]


def draw_dataset(count: int, *, size: int, seed: int, objects: tuple[int, int], show: bool = False) -> SceneDataset:
    """Draw scenes as 8-bit pixels, which represent them exactly.

    Args:
        count: number of scenes.
        size: side in pixels.
        seed: seed of the series.
        objects: smallest and largest number of objects.
        show: show a progress bar.
    """
    pixels, labels = torch.empty(count, 3, size, size, dtype=torch.uint8), torch.empty(count, dtype=torch.long)
    class_maps = torch.empty(count, size // _SQUARE, size // _SQUARE, dtype=torch.uint8)
    for first in progress(range(0, count, _SHARD), label="drawing scenes", show=show):
        shard = make_scenes(min(_SHARD, count - first), size=size, seed=seed, start=first, objects=objects)
        pixels[first : first + len(shard)] = (shard.images * 255).round().byte()
        labels[first : first + len(shard)] = shard.label
        class_maps[first : first + len(shard)] = _coarse_class_maps(shard)
    return SceneDataset(pixels, labels, class_maps)


def _coarse_class_maps(scenes: Scenes) -> UInt8[Tensor, "scenes rows columns"]:
    """The class visible in the middle of each square, or `BACKGROUND`."""
    masks = scenes.object_masks[:, :, _SQUARE // 2 :: _SQUARE, _SQUARE // 2 :: _SQUARE]
    classes = scenes.object_classes.to(torch.uint8)[:, :, None, None].expand_as(masks)
    class_maps = torch.full_like(classes[:, 0], BACKGROUND)
    for slot in range(masks.shape[1]):  # visible regions do not overlap
        class_maps = torch.where(masks[:, slot], classes[:, slot], class_maps)
    return class_maps


def training_loader(options: SceneOptions, *, show: bool = False) -> DataLoader[Batch]:
    """The training scenes in shuffled batches, in the same order after a restart."""
    drawn = [
        draw_dataset(count, size=options.size, seed=TRAINING_SERIES + options.seed, objects=(k, k), show=show)
        for k, count in ((1, options.single), (2, options.double))
        if count
    ]
    names = ("pixels", "labels", "class_maps")
    scenes = SceneDataset(*(torch.cat([getattr(dataset, name) for dataset in drawn]) for name in names))
    return batches(scenes, options.batch, sampler=EpochSampler(len(scenes), options.seed), drop_last=True)


def held_out_loader(count: int, *, size: int, seed: int, batch: int = 128) -> DataLoader[Batch]:
    """Scenes with one object, in order; the seed chooses a series without training scenes."""
    return batches(draw_dataset(count, size=size, seed=seed, objects=(1, 1)), batch)
