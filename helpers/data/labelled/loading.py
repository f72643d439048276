"""Training, validation and test images by the name of their source."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import torch

from helpers.core.files import data_folder
from helpers.core.runtime import progress
from helpers.core.types import Split
from helpers.data.labelled.cifar import cifar10, cifar10_folder, cifar10_parquet
from helpers.data.labelled.data import LabelledImages
from helpers.data.scenes import SCENE_CLASSES, make_scenes

Source = Literal["scenes", "cifar10", "cifar10-lossy"]
LOSSY = "CIFAR-10, lossy edition (JPEG of about quality 75)"
"""What stands beside every number that comes from the edition in `XAIBOOK_DATA`."""

SIZE = 32
VALIDATION_SHARE = 0.15
"""Of the training images, as in the SpaCE-VAE paper, section 4."""

# far from each other and from the seeds of all other scenes of the book
_SERIES: Mapping[Split, int] = {"train": 32_000, "validation": 33_000, "test": 34_000}
_SEEDS = 1000  # of each series; a larger seed would give one split's images in another one
_SHARD = 512


def load_labelled(
    source: Source,
    split: Split,
    *,
    count: int | None = None,
    root: str | Path | None = None,
    seed: int = 0,
    show: bool = False,
) -> LabelledImages:
    """Images of a split.

    CIFAR-10's validation images are 15 % of its training images, in each class, and the training split is the rest
    (SpaCE-VAE, section 4). Scenes have one object each and are drawn in a series a split.

    Args:
        source: `"scenes"`, `"cifar10"` (as published) or `"cifar10-lossy"` (the JPEG edition in `XAIBOOK_DATA`).
        split: which.
        count: how many images, the first ones of the split; None for all of CIFAR-10. Scenes need a count.
        root: of `"cifar10"`: the folder that holds `cifar-10-batches-py`; of `"cifar10-lossy"`: the data folder.
        seed: of the scenes (0 to 999), and of the choice of the validation images.
        show: whether to show progress.

    Raises:
        ValueError: a name is unknown, the count or the seed is out of range, or a file is not as expected.
        FileNotFoundError: data is missing; the message says what to fetch and where to put it.
    """
    if source not in get_args(Source) or split not in get_args(Split):
        raise ValueError(
            f"source={source!r}, split={split!r}: use one of {', '.join(get_args(Source))} and one of "
            f"{', '.join(get_args(Split))}"
        )
    if source == "scenes":
        if count is None or count < 1:
            raise ValueError(f"count={count}: scenes never run out; say how many, at least 1")
        if not 0 <= seed < _SEEDS:
            raise ValueError(f"seed={seed}: of scenes it must lie in 0..{_SEEDS - 1}, so that splits share no image")
        return _scenes(count, _SERIES[split] + seed, show)
    # the cache goes by the folder, whatever it was named by
    place = str((cifar10_folder(root) if source == "cifar10" else data_folder(root)).resolve())
    if split == "test":
        images = _cifar_part(source, "test", place)
    else:
        images = _cifar_splits(source, place, seed)[split == "validation"]
    if count is not None and not 1 <= count <= len(images):
        raise ValueError(f"count={count}: the {split} split has {len(images)} images; ask for 1 to {len(images)}")
    return images[:count]


@lru_cache(maxsize=4)
def _cifar_part(source: Source, part: Literal["train", "test"], place: str) -> LabelledImages:
    """CIFAR-10 as its files divide it."""
    return cifar10(part, place) if source == "cifar10" else cifar10_parquet(part, LOSSY, place)


@lru_cache(maxsize=2)
def _cifar_splits(source: Source, place: str, seed: int) -> tuple[LabelledImages, LabelledImages]:
    """CIFAR-10's training images without the validation images, and these."""
    return _cifar_part(source, "train", place).split(VALIDATION_SHARE, seed)


@lru_cache(maxsize=8)
def _scenes(count: int, seed: int, show: bool) -> LabelledImages:
    """Scenes with one object each."""
    pixels, labels = torch.empty(count, 3, SIZE, SIZE, dtype=torch.uint8), torch.empty(count, dtype=torch.long)
    for first in progress(range(0, count, _SHARD), label="drawing scenes", show=show):
        part = make_scenes(min(_SHARD, count - first), size=SIZE, seed=seed, start=first, objects=(1, 1))
        pixels[first : first + len(part)] = (part.images * 255).round().byte()
        labels[first : first + len(part)] = part.label
    return LabelledImages(pixels, labels, SCENE_CLASSES, "scenes of 32 px")
