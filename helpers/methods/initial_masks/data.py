"""Training images of mask networks: drawn or read once, kept as 8-bit pixels, served by the number of the batch."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from helpers.core.runtime import progress, random_generator
from helpers.data.photographs import imagenet_samples
from helpers.data.scenes import make_scenes
from helpers.methods.initial_masks.options import EPOCH, TRAINING_SERIES, MaskTrainingOptions

_SHARD = 256
_MARGIN = 1.25  # photographs are read larger by this factor, so that crops differ


class MaskBatches(Dataset[Tensor]):
    """The endless sequence of training batches; batch i depends only on the options and i.

    So a run that was killed and resumed sees what an uninterrupted run would have seen.
    """

    def __init__(self, options: MaskTrainingOptions, *, show: bool = False) -> None:
        self.options = options
        draw = _scenes if options.source == "scenes" else _photographs
        self.pixels = {size: draw(options, size, show) for size in options.sizes}

    def __len__(self) -> int:
        """The number of steps of a whole training."""
        return self.options.steps

    def __getitem__(self, index: int) -> Float[Tensor, "batch 3 height width"]:
        """Batch number `index`: images of one size, cropped where they are larger, half of them mirrored."""
        generator = random_generator(1_000_003 * self.options.seed + index)
        sizes, shares = list(self.options.sizes), torch.tensor(list(self.options.sizes.values()))
        size = sizes[int(torch.multinomial(shares, 1, generator=generator))]
        pixels = self.pixels[size]
        rows = torch.randperm(len(pixels), generator=generator)[: self.options.batch_at(size)]
        room = pixels.shape[-1] - size
        top, left = (int(torch.randint(room + 1, (1,), generator=generator)) for _ in range(2))
        images = pixels[rows, :, top : top + size, left : left + size].float() / 255
        mirrored = torch.rand(len(rows), 1, 1, 1, generator=generator) < 0.5
        return torch.where(mirrored, images.flip(3), images)


class EpochSteps(Sampler[int]):
    """The numbers of an epoch's batches; Lightning calls `set_epoch`."""

    def __init__(self) -> None:
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Steps an epoch."""
        return EPOCH

    def __iter__(self) -> Iterator[int]:
        """Batch numbers, which go on from epoch to epoch."""
        # a generator, read only after `set_epoch`: a resumed Lightning makes the iterator before it sets the epoch
        yield from range(self.epoch * EPOCH, (self.epoch + 1) * EPOCH)


def batch_loader(options: MaskTrainingOptions, *, show: bool = False) -> DataLoader[Tensor]:
    """The training batches, in order."""
    return DataLoader(MaskBatches(options, show=show), batch_size=None, sampler=EpochSteps())


def _scenes(options: MaskTrainingOptions, size: int, show: bool) -> UInt8[Tensor, "count 3 size size"]:
    """Scenes of one or two objects, a series of its own for each size."""
    shards = []
    for first in progress(range(0, options.images, _SHARD), label=f"drawing scenes of {size} px", show=show):
        count = min(_SHARD, options.images - first)
        seed = TRAINING_SERIES + 1000 * options.seed + size
        shards.append(
            (make_scenes(count, size=size, seed=seed, start=first, objects=(1, 2)).images * 255).round().byte()
        )
    return torch.cat(shards)


def _photographs(options: MaskTrainingOptions, size: int, show: bool) -> UInt8[Tensor, "count 3 side side"]:
    """Photographs of imagenet-samples/rest, never of study, with room for crops."""
    side = round(_MARGIN * size)
    photographs = imagenet_samples(subset="rest", size=side, count=options.images, resize="stretch", seed=options.seed)
    return (photographs.images * 255).round().byte()
