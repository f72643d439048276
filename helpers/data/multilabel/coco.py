"""COCO-2014 (Lin et al., ECCV 2014), with the paper's splits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image
from torch import Tensor

from helpers.core.files import file_digest
from helpers.core.types import Split
from helpers.data.multilabel.archives import (
    COCO_ANNOTATIONS,
    COCO_TRAIN,
    COCO_VAL,
    check_size,
    dataset_root,
    read_listed_picture,
    require,
)
from helpers.data.multilabel.cache import CachedImages, Listing, Selection, cached_images
from helpers.data.multilabel.coco_annotations import CocoAnnotations, read_annotations
from helpers.data.multilabel.data import MultiLabelImages, SegmentedImages

SPLIT_SEED = 2014
"""Seed of the split of train2014 into 90 % for training, 10 % for validation. The authors' split is not published."""

SEGMENTED = 1_000
"""The number of images of val2014 behind the paper's segmentation scores. The authors' choice is not published."""

_LARGEST_NUMBER = 1000  # of a category, where each number has a column


def coco_images(split: Split, selection: Selection, *, raw_ids: bool) -> MultiLabelImages:
    """The images of a split with the classes of all annotated objects, crowds included.

    `"train"` and `"validation"` are random nine tenths and one tenth of train2014, always the same; `"test"` is
    val2014. About one image in a hundred has no annotated object.

    Args:
        split: `"train"`, `"validation"` or `"test"`.
        selection: the images to load; the root holds `annotations/`, `train2014/` and `val2014/`.
        raw_ids: use the category numbers as columns, 91 of which 11 are never used, as in the paper's code; else the
            80 categories in the order of their numbers.

    Raises:
        MissingArchiveError: archives are missing; the message lists them and their folder.
        ValueError: an annotation is not as COCO's; the message names the file and the annotation.
    """
    root, path = _require_files(split, selection.root)

    def listing() -> Listing:
        content = read_annotations(path)
        numbers = list(content.images)
        rows = _split_rows(len(numbers), split)
        return _listing(content, [numbers[rows[row]] for row in selection.rows(len(rows), f"COCO-2014 {split}")])

    key = selection.key("coco2014", split, file_digest(path))
    return _labelled(cached_images(root, selection, key, listing), raw_ids)


def coco_segmented(selection: Selection, *, raw_ids: bool, published: bool) -> SegmentedImages:
    """Images of val2014 with at least one object that is not a crowd, and the union of each image's objects.

    Args:
        selection, raw_ids: as in `coco_images`; a count of None means 1,000, or all if there are fewer.
        published: as in the paper's code, crowds are objects, and bilinear resizing makes masks fractional at
            borders; else masks are resized by the nearest pixel, and the pixels of crowds, whose outlines are rough,
            are not counted (unless a single object covers them).

    Raises:
        MissingArchiveError: archives are missing; the message lists them and their folder.
        ValueError: an annotation is not as COCO's; the message names the file and the annotation.
    """
    root, path = _require_files("test", selection.root)
    content = read_annotations(path)
    numbers = [number for number in content.images if any(not item.crowd for item in content.objects.get(number, []))]
    selection = replace(selection, count=min(SEGMENTED, len(numbers)) if selection.count is None else selection.count)
    rows = selection.rows(len(numbers), "COCO-2014 val2014 with an object that is not a crowd")
    numbers = [numbers[row] for row in rows]
    key = selection.key("coco2014", "segmented", file_digest(path))
    cached = cached_images(root, selection, key, lambda: _listing(content, numbers))
    read = _published_truth if published else _truth
    truth = [read(content, number, selection.size) for number in numbers]
    columns, names = _columns(cached, raw_ids)
    return SegmentedImages(
        images=_labelled(cached, raw_ids),
        objects=torch.stack([objects for objects, _ in truth]),
        counted=torch.stack([counted for _, counted in truth]),
        instances=cached.counts(columns, len(names)),
    )


def coco_class_region(
    content: CocoAnnotations, number: int, category: int, size: int
) -> tuple[Bool[Tensor, "size size"], Bool[Tensor, "size size"]]:
    """The single objects of one category in an image, and the pixels that count: those outside of its crowds.

    Args:
        content: the annotation file.
        number: the image's.
        category: the category's.
        size: the side to which the region is stretched, by the nearest pixel.

    Raises:
        ValueError: an outline is wrong, or the picture has another size than its annotation.
    """
    single, counted = _truth(content, number, size, category)
    return single > 0, counted


def _require_files(split: str, root: str | Path | None) -> tuple[Path, Path]:
    """The root and the annotation file of a split, after a check that its archives are unpacked."""
    folder = dataset_root("coco2014", root)
    require("COCO-2014", folder, [COCO_VAL if split == "test" else COCO_TRAIN, COCO_ANNOTATIONS])
    annotations = folder / "annotations" / f"instances_{'val' if split == 'test' else 'train'}2014.json"
    if not annotations.is_file():
        raise FileNotFoundError(f"there is no {annotations}; unpack {COCO_ANNOTATIONS.name} again")
    return folder, annotations


def _split_rows(total: int, split: Split) -> list[int]:
    """The rows of a split in its annotation file, in order."""
    if split == "test":
        return list(range(total))
    order = torch.randperm(total, generator=torch.Generator().manual_seed(SPLIT_SEED))
    rows = order[: total // 10] if split == "validation" else order[total // 10 :]
    return rows.sort().values.tolist()


def _listing(content: CocoAnnotations, numbers: list[int]) -> Listing:
    """The images of some numbers."""
    files = [coco_file(content, number) for number in numbers]
    return Listing(
        names=[file.stem for file in files],
        objects=[tuple((item.category, item.crowd) for item in content.objects.get(number, [])) for number in numbers],
        categories=content.categories,
        read=lambda index: read_listed_picture(files[index]),
    )


def coco_file(content: CocoAnnotations, number: int) -> Path:
    """The photograph of an image: annotations/instances_val2014.json lists those in val2014/."""
    folder = content.path.parent.parent / content.path.stem.removeprefix("instances_")
    return folder / content.images[number].file


def _columns(cached: CachedImages, raw_ids: bool) -> tuple[dict[int, int], tuple[str, ...]]:
    """The column of each category, and the name of each column."""
    numbers = sorted(cached.categories)
    if not raw_ids:
        return {number: column for column, number in enumerate(numbers)}, tuple(cached.categories[n] for n in numbers)
    if numbers[-1] > _LARGEST_NUMBER:
        raise ValueError(
            f"COCO-2014 has a category of number {numbers[-1]}, and variant='published' a column for every number, "
            f"{_LARGEST_NUMBER} at most; use variant='corrected'"
        )
    names = tuple(cached.categories.get(number, f"unused {number}") for number in range(numbers[-1] + 1))
    return {number: number for number in numbers}, names


def _labelled(cached: CachedImages, raw_ids: bool) -> MultiLabelImages:
    """Cached images with the classes of their objects."""
    columns, names = _columns(cached, raw_ids)
    return MultiLabelImages(cached.pixels, cached.counts(columns, len(names)) > 0, cached.names, names)


Truth = tuple[Float[Tensor, "height width"], Bool[Tensor, "height width"]]


def _truth(content: CocoAnnotations, number: int, size: int, category: int | None = None) -> Truth:
    """The single objects of an image, of one category or of all, and its pixels outside of their crowds."""
    single, crowd = (_union(content, number, crowds=crowds, category=category) for crowds in (False, True))
    objects, undecided = (
        np.array(Image.fromarray(mask).resize((size, size), Image.Resampling.NEAREST)) > 0
        for mask in (single, crowd & ~single)
    )
    return torch.from_numpy(objects.astype(np.float32)), torch.from_numpy(~undecided)


def _published_truth(content: CocoAnnotations, number: int, size: int) -> Truth:
    """As in the paper's code: all annotated objects, fractional at borders; every pixel counts."""
    mask = _union(content, number, crowds=False) | _union(content, number, crowds=True)
    resized = Image.fromarray(mask).resize((size, size), Image.Resampling.BILINEAR)
    objects = torch.from_numpy(np.asarray(resized).astype(np.float32) / 255)
    return objects, torch.ones_like(objects, dtype=torch.bool)


def _union(content: CocoAnnotations, number: int, *, crowds: bool, category: int | None = None) -> np.ndarray:
    """The union, 0 or 255, of all single objects of an image, or of all its crowds; of one category or of all."""
    image = content.images[number]
    if image.size is not None:
        check_size(coco_file(content, number), image.size, f"{content.path}, {image.entry}")
    items = [item for item in content.objects[number] if category in (None, item.category) and item.crowd == crowds]
    outlines = [content.outline(number, item) for item in items]
    return 255 * np.logical_or.reduce([np.zeros(image.size or (0, 0), bool), *outlines]).astype(np.uint8)
