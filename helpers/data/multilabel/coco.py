"""COCO-2014 (Lin et al., ECCV 2014) through torchvision's data set and pycocotools, with the paper's splits."""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image
from torch import Tensor
from torchvision.datasets import CocoDetection

from helpers.core.files import file_digest
from helpers.core.types import Split
from helpers.data.multilabel.archives import (
    COCO_ANNOTATIONS,
    COCO_TRAIN,
    COCO_VAL,
    dataset_root,
    listed_picture,
    require,
)
from helpers.data.multilabel.cache import CachedImages, Listing, Wanted, cached_images
from helpers.data.multilabel.data import MultiLabelImages, SegmentedImages

SPLIT_SEED = 2014
"""Of the division of train2014 into 90 % for training and 10 % for validation. The authors' own is not published."""

SEGMENTED = 1_000
"""How many images of val2014 the paper's segmentation scores rest on. Which ones is not published."""


def coco_images(split: Split, wanted: Wanted, *, raw_ids: bool) -> MultiLabelImages:
    """The images of a split with the classes of all annotated objects, crowds included.

    `"train"` and `"validation"` are nine tenths and one tenth of train2014 (by chance, always the same), `"test"` is
    val2014. About one image in a hundred shows no annotated object.

    Args:
        split: which.
        wanted: how many and how; the root holds `annotations/`, `train2014/` and `val2014/`.
        raw_ids: the numbers of the categories as columns, 91 of which 11 are never used, as in the paper's code;
            else the 80 categories in the order of their numbers.

    Raises:
        MissingArchiveError: archives are not there; says what to fetch.
    """
    root, annotations = _prepared(split, wanted.root)

    def listing() -> Listing:
        dataset = _dataset(root, annotations)
        rows = _split_rows(len(dataset), split)
        return _listing(dataset, [rows[row] for row in wanted.rows(len(rows), f"COCO-2014 {split}")])

    key = wanted.key("coco2014", split, file_digest(annotations))
    return _labelled(cached_images(root, wanted, key, listing), raw_ids)


def coco_segmented(wanted: Wanted, *, raw_ids: bool, published: bool) -> SegmentedImages:
    """Images of val2014 that show more than crowds, with all objects of an image in one mask.

    Args:
        wanted, raw_ids: as in `coco_images`; a count of None means 1,000 (all, where there are fewer).
        published: the paper's code, which takes crowds for objects and leaves masks grey where bilinear resizing blurs
            them; else masks are resized by the nearest pixel, and the pixels of crowds, whose outlines are rough, are
            not counted (but where a single object lies on them).

    Raises:
        MissingArchiveError: archives are not there; says what to fetch.
    """
    root, annotations = _prepared("test", wanted.root)
    dataset = _dataset(root, annotations)
    rows = [row for row, number in enumerate(dataset.ids) if dataset.coco.getAnnIds(number, iscrowd=False)]
    wanted = replace(wanted, count=min(SEGMENTED, len(rows)) if wanted.count is None else wanted.count)
    rows = [rows[row] for row in wanted.rows(len(rows), "COCO-2014 val2014 with an object of its own")]
    key = wanted.key("coco2014", "segmented", file_digest(annotations))
    cached = cached_images(root, wanted, key, lambda: _listing(dataset, rows))
    read = _published_truth if published else _truth
    truth = [read(dataset, dataset.ids[row], wanted.size) for row in rows]
    columns, names = _columns(cached, raw_ids)
    return SegmentedImages(
        images=_labelled(cached, raw_ids),
        objects=torch.stack([objects for objects, _ in truth]),
        counted=torch.stack([counted for _, counted in truth]),
        instances=cached.counts(columns, len(names)),
    )


def _prepared(split: str, root: str | Path | None) -> tuple[Path, Path]:
    """The root and the annotation file of a split, the archives being there."""
    place = dataset_root("coco2014", root)
    require("COCO-2014", place, [COCO_VAL if split == "test" else COCO_TRAIN, COCO_ANNOTATIONS])
    annotations = place / "annotations" / f"instances_{'val' if split == 'test' else 'train'}2014.json"
    if not annotations.is_file():
        raise FileNotFoundError(f"there is no {annotations}; unpack {COCO_ANNOTATIONS.name} again")
    return place, annotations


def _dataset(root: Path, annotations: Path) -> CocoDetection:
    """torchvision's data set; half a minute for the real annotation files."""
    folder = root / annotations.stem.removeprefix("instances_")
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints what it does
            return CocoDetection(str(folder), str(annotations))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{annotations} is not an annotation file of COCO ({error}); unpack it again") from error


def _split_rows(total: int, split: Split) -> list[int]:
    """The rows of a split among the images of its file, in order."""
    if split == "test":
        return list(range(total))
    order = torch.randperm(total, generator=torch.Generator().manual_seed(SPLIT_SEED))
    part = order[: total // 10] if split == "validation" else order[total // 10 :]
    return part.sort().values.tolist()


def _listing(dataset: CocoDetection, rows: list[int]) -> Listing:
    """The images of some rows."""
    numbers = [dataset.ids[row] for row in rows]
    files = [Path(dataset.root) / dataset.coco.imgs[number]["file_name"] for number in numbers]
    return Listing(
        names=[file.stem for file in files],
        objects=[
            tuple((one["category_id"], bool(one.get("iscrowd"))) for one in _annotations(dataset, number))
            for number in numbers
        ],
        categories={number: category["name"] for number, category in sorted(dataset.coco.cats.items())},
        read=lambda place: listed_picture(files[place]),
    )


def _annotations(dataset: CocoDetection, number: int) -> list[dict[str, Any]]:
    return dataset.coco.loadAnns(dataset.coco.getAnnIds(number))


def _columns(cached: CachedImages, raw_ids: bool) -> tuple[dict[int, int], tuple[str, ...]]:
    """The column of each category, and the name of each column."""
    numbers = sorted(cached.categories)
    if not raw_ids:
        return {number: place for place, number in enumerate(numbers)}, tuple(cached.categories[n] for n in numbers)
    names = tuple(cached.categories.get(number, f"unused {number}") for number in range(numbers[-1] + 1))
    return {number: number for number in numbers}, names


def _labelled(cached: CachedImages, raw_ids: bool) -> MultiLabelImages:
    """Cached images with the classes of their objects."""
    columns, names = _columns(cached, raw_ids)
    return MultiLabelImages(cached.pixels, cached.counts(columns, len(names)) > 0, cached.names, names)


Truth = tuple[Float[Tensor, "height width"], Bool[Tensor, "height width"]]


def _truth(dataset: CocoDetection, number: int, size: int) -> Truth:
    """Single objects, and all pixels but those of crowds."""
    single, crowd = (_union(dataset, number, crowds=crowds) for crowds in (False, True))
    objects, open_ones = (
        np.array(Image.fromarray(mask).resize((size, size), Image.Resampling.NEAREST)) > 0
        for mask in (single, crowd & ~single)
    )
    return torch.from_numpy(objects.astype(np.float32)), torch.from_numpy(~open_ones)


def _published_truth(dataset: CocoDetection, number: int, size: int) -> Truth:
    """The paper's: everything that is annotated, grey where resizing blurs it; every pixel counts."""
    mask = _union(dataset, number, crowds=False) | _union(dataset, number, crowds=True)
    resized = Image.fromarray(mask).resize((size, size), Image.Resampling.BILINEAR)
    objects = torch.from_numpy(np.asarray(resized).astype(np.float32) / 255)
    return objects, torch.ones_like(objects, dtype=torch.bool)


def _union(dataset: CocoDetection, number: int, *, crowds: bool) -> np.ndarray:
    """The pixels, 0 or 255, of all single objects of an image, or of all its crowds."""
    image = dataset.coco.imgs[number]
    union = np.zeros((image["height"], image["width"]), dtype=np.uint8)
    with warnings.catch_warnings():
        # November 2026: pycocotools 2.0 does not know the `copy` argument of NumPy 2's __array__
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        for annotation in _annotations(dataset, number):
            if bool(annotation.get("iscrowd")) == crowds:
                union |= 255 * dataset.coco.annToMask(annotation).astype(np.uint8)
    return union
