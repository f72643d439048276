"""Training, validation and test images of a named source."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import torch

from helpers.core.files import data_file, data_folder
from helpers.core.runtime import progress
from helpers.core.types import Split
from helpers.data.labelled.archive import cifar10_folder, require_cifar10
from helpers.data.labelled.cifar import CIFAR10Split, cifar10, cifar10_parquet, cifar10_png, png_files
from helpers.data.labelled.data import LabelledImages
from helpers.data.scenes import SCENE_CLASSES, make_scenes

Source = Literal["scenes", "cifar10", "cifar10-lossless", "cifar10-png", "cifar10-lossy"]
LOSSY = "CIFAR-10, lossy edition (JPEG of about quality 75)"
"""The description of that edition, shown next to every number that it gives."""

PARQUET: Mapping[str, Mapping[CIFAR10Split, str]] = {
    "cifar10-lossless": {
        "train": "cifar10-lossless/train-first15000.parquet",
        "test": "cifar10-lossless/test.parquet",
    },
    "cifar10-lossy": {"train": "cifar10/train.parquet", "test": "cifar10/test.parquet"},
}
"""The files of the Parquet editions in the data folder; of the lossless one only 15,000 training images are there."""

PNG_FOLDER = "cifar10-png"
"""The folder of PNG files in the data folder."""

SIZE = 32
VALIDATION_SHARE = 0.15
"""The share of CIFAR-10's training images used for validation (SpaCE-VAE, section 4)."""

# far from each other and from the seeds of all other scenes in the book
_FIRST_SEEDS: Mapping[Split, int] = {"train": 32_000, "validation": 33_000, "test": 34_000}
_SEEDS_PER_SPLIT = 1000  # larger seeds would draw images of another split
_SCENES_AT_ONCE = 512


def load_labelled(
    source: Source,
    split: Split,
    *,
    count: int | None = None,
    root: str | Path | None = None,
    seed: int = 0,
    show: bool = False,
) -> LabelledImages:
    """The images of a split.

    CIFAR-10's validation images are 15 % of the training images of each class, and its training split is the rest
    (SpaCE-VAE, section 4). Scenes have one object each; no seed is shared by two splits.

    Args:
        source: `"scenes"`, `"cifar10"` (as published), `"cifar10-lossless"` (the same pixels in the data folder's
            Parquet files, with the first 15,000 training images only), `"cifar10-png"` (all the same pixels as PNG
            files, in another order) or `"cifar10-lossy"` (the JPEG edition in the data folder).
        split: `"train"`, `"validation"` or `"test"`.
        count: number of images, from the start of the split; None for all of CIFAR-10, required for scenes.
        root: for `"cifar10"` the folder that holds `cifar-10-batches-py`, for the other editions the data folder.
        seed: seed of the scenes (0 to 999), or of the choice of validation images.
        show: show a progress bar.

    Raises:
        ValueError: a name is unknown, the count or the seed is out of range, or a file is malformed.
        FileNotFoundError: data is missing; the message says which archive to download, and where to put it.
    """
    if source not in get_args(Source) or split not in get_args(Split):
        raise ValueError(
            f"source={source!r}, split={split!r}: use one of {', '.join(get_args(Source))} and one of "
            f"{', '.join(get_args(Split))}"
        )
    if source == "scenes":
        if count is None or count < 1:
            raise ValueError(f"count={count}: scenes need a count of at least 1, since their series is endless")
        if not 0 <= seed < _SEEDS_PER_SPLIT:
            raise ValueError(
                f"seed={seed}: seeds of scenes must lie in 0..{_SEEDS_PER_SPLIT - 1}, so that splits share no image"
            )
        return _scenes(count, _FIRST_SEEDS[split] + seed, show)
    # the resolved path is the cache's key, however the folder was given
    folder = str((cifar10_folder(root) if source == "cifar10" else data_folder(root)).resolve())
    if split == "test":
        images = _cifar_images(source, "test", folder)
    else:
        images = _cifar_training_splits(source, folder, seed)[split == "validation"]
    if count is not None and not 1 <= count <= len(images):
        raise ValueError(f"count={count}: the {split} split has {len(images)} images; ask for 1 to {len(images)}")
    return images[:count]


def require_labelled(source: Source, split: Split, root: str | Path | None = None) -> None:
    """Check that the images of a split are on this machine, without reading them.

    Args:
        source, split, root: as in `load_labelled`.

    Raises:
        ValueError: the data folder is not known.
        FileNotFoundError: data is missing; the message says where to get it.
    """
    published: CIFAR10Split = "test" if split == "test" else "train"
    if source == "cifar10":
        require_cifar10(root)
    elif source == "cifar10-png":
        png_files(published, data_folder(root) / PNG_FOLDER)
    elif source != "scenes":
        data_file(PARQUET[source][published], root)


@lru_cache(maxsize=4)
def _cifar_images(source: Source, split: CIFAR10Split, folder: str) -> LabelledImages:
    """CIFAR-10's published training or test images."""
    if source == "cifar10":
        return cifar10(split, folder)
    if source == "cifar10-png":
        return cifar10_png(split, Path(folder) / PNG_FOLDER)
    return cifar10_parquet(
        data_file(PARQUET[source][split], folder), LOSSY if source == "cifar10-lossy" else "CIFAR-10"
    )


@lru_cache(maxsize=2)
def _cifar_training_splits(source: Source, folder: str, seed: int) -> tuple[LabelledImages, LabelledImages]:
    """CIFAR-10's published training images, divided into training and validation images."""
    return _cifar_images(source, "train", folder).split(VALIDATION_SHARE, seed)


@lru_cache(maxsize=8)
def _scenes(count: int, seed: int, show: bool) -> LabelledImages:
    """Scenes of 32 px with one object each."""
    pixels, labels = torch.empty(count, 3, SIZE, SIZE, dtype=torch.uint8), torch.empty(count, dtype=torch.long)
    for first in progress(range(0, count, _SCENES_AT_ONCE), label="drawing scenes", show=show):
        scenes = make_scenes(min(_SCENES_AT_ONCE, count - first), size=SIZE, seed=seed, start=first, objects=(1, 1))
        pixels[first : first + len(scenes)] = (scenes.images * 255).round().byte()
        labels[first : first + len(scenes)] = scenes.label
    return LabelledImages(pixels, labels, SCENE_CLASSES, "scenes of 32 px")
