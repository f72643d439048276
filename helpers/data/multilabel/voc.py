"""PASCAL VOC-2007 (Everingham et al., IJCV 2010) through torchvision's data sets, with the paper's splits."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image
from torch import Tensor
from torchvision.datasets import VOCDetection, VOCSegmentation

from helpers.core.types import Split
from helpers.data.multilabel.archives import (
    VOC_TEST,
    VOC_TRAINVAL,
    MissingArchiveError,
    dataset_root,
    listed_content,
    listed_picture,
    require,
)
from helpers.data.multilabel.cache import CachedImages, Listing, Objects, Wanted, cached_images
from helpers.data.multilabel.data import MultiLabelImages, SegmentedImages

VOC_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog"),
    *("horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
VOID = 255
"""What a segmentation holds where the annotators left open what is seen: a border around each object, mostly."""

_IMAGE_SETS = {"train": "train", "validation": "val", "test": "test"}


def voc_images(split: Split, wanted: Wanted, *, difficult: bool, download: bool = False) -> MultiLabelImages:
    """The images of a split (2,501, 2,510 and 4,952) with the classes of their annotated objects.

    Args:
        split: `"train"`, `"validation"` or `"test"`.
        wanted: how many and how; the root holds `VOCdevkit/`.
        difficult: whether objects that the annotators called difficult count.
        download: let torchvision download the archive where it is missing.

    Raises:
        MissingArchiveError: the archive is not there; says what to fetch.
    """
    root = _prepared(split, wanted.root, download)
    dataset = VOCDetection(root, year="2007", image_set=_IMAGE_SETS[split])
    rows = wanted.rows(len(dataset), f"VOC-2007 {split}")
    key = wanted.key("voc2007", split, _digest(dataset))
    found = cached_images(root, wanted, key, lambda: _listing(dataset, rows))
    return _labelled(found, difficult)


def voc_segmented(wanted: Wanted, *, difficult: bool, published: bool, download: bool = False) -> SegmentedImages:
    """The test images that have a segmentation (210), with all objects of an image in one mask.

    Args:
        wanted, download: as in `voc_images`.
        difficult: whether objects that the annotators called difficult count. Where they do not, their pixels are
            not counted either.
        published: the paper's code, which takes the void border, and whatever of an object bilinear resizing spreads
            to, for object; else masks are resized by the nearest pixel, and void pixels are not counted.

    Raises:
        MissingArchiveError: the archive is not there; says what to fetch.
    """
    root = _prepared("test", wanted.root, download)
    segmented = VOCSegmentation(root, year="2007", image_set="test")
    dataset = VOCDetection(root, year="2007", image_set="test")
    by_name = {_name(path): row for row, path in enumerate(dataset.images)}
    rows = wanted.rows(len(segmented), "VOC-2007 test with a segmentation")
    places = [by_name[_name(segmented.images[row])] for row in rows]
    key = wanted.key("voc2007", "segmented", _digest(segmented, dataset))
    found = cached_images(root, wanted, key, lambda: _listing(dataset, places))
    read = _published_truth if published else _truth
    skipped = [[not difficult and aside for _, aside in objects] for objects in found.objects]
    truth = [read(Path(segmented.masks[row]), wanted.size, skip) for row, skip in zip(rows, skipped, strict=True)]
    return SegmentedImages(
        images=_labelled(found, difficult),
        objects=torch.stack([objects for objects, _ in truth]),
        counted=torch.stack([counted for _, counted in truth]),
        instances=found.counts({k: k for k in range(20)}, 20, lambda aside: difficult or not aside),
    )


def _prepared(split: str, root: str | Path | None, download: bool) -> Path:
    """The root, the split's archive being there."""
    place, archive = dataset_root("voc2007", root), VOC_TEST if split == "test" else VOC_TRAINVAL
    hint = "Or pass download=True: torchvision then downloads and unpacks it."
    try:
        require("PASCAL VOC-2007", place, [archive], hint)
    except MissingArchiveError as missing:
        if not download:
            raise
        try:
            VOCDetection(place, year="2007", image_set=_IMAGE_SETS[split], download=True)
        except (OSError, RuntimeError) as error:
            raise MissingArchiveError(f"{missing}\nThe download failed: {error}") from error
    return place


def _name(path: str) -> str:
    return Path(path).stem


def _digest(*datasets: VOCDetection | VOCSegmentation) -> str:
    """The SHA-256 of the annotations of data sets: names and contents."""
    digest = hashlib.sha256()
    for dataset in datasets:
        for path in dataset.targets if isinstance(dataset, VOCDetection) else dataset.images:
            digest.update(f"\0{_name(path)}\0".encode())
            if isinstance(dataset, VOCDetection):
                digest.update(listed_content(Path(path)))
    return digest.hexdigest()


def _listing(dataset: VOCDetection, rows: list[int]) -> Listing:
    """The images of some rows."""
    return Listing(
        names=[_name(dataset.images[row]) for row in rows],
        objects=[_objects(Path(dataset.annotations[row])) for row in rows],
        categories=dict(enumerate(VOC_CLASSES)),
        read=lambda place: listed_picture(Path(dataset.images[rows[place]])),
    )


def _objects(path: Path) -> Objects:
    """Class and difficulty of each object that an annotation file lists, in its order."""
    try:
        found: Any = VOCDetection.parse_voc_xml(ElementTree.fromstring(listed_content(path)))["annotation"]["object"]
        return tuple((VOC_CLASSES.index(one["name"]), one.get("difficult", "0") == "1") for one in found)
    except (ElementTree.ParseError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not an annotation of VOC-2007 ({error}); unpack the archive again") from error


def _labelled(found: CachedImages, difficult: bool) -> MultiLabelImages:
    """Cached images with the classes of the objects that count."""
    counts = found.counts({k: k for k in range(20)}, 20, lambda aside: difficult or not aside)
    return MultiLabelImages(found.pixels, counts > 0, found.names, VOC_CLASSES)


Truth = tuple[Float[Tensor, "height width"], Bool[Tensor, "height width"]]


def _truth(path: Path, size: int, skipped: list[bool]) -> Truth:
    """Objects and counted pixels of a segmentation; `skipped` says which of the annotated objects do not count."""
    classes = _nearest(path, size)
    counted = classes != VOID
    if any(skipped):
        # a pixel holds the number of its object in the order of the annotation file, from 1
        numbers = _nearest(path.parent.with_name("SegmentationObject") / path.name, size)
        counted &= ~np.isin(numbers, [number for number, skip in enumerate(skipped, start=1) if skip])
    return torch.from_numpy((counted & (classes > 0)).astype(np.float32)), torch.from_numpy(counted)


def _published_truth(path: Path, size: int, skipped: list[bool]) -> Truth:
    """What the paper's code takes for object: all that is not black after the palette's colours were turned to grey."""
    grey = listed_picture(path).convert("L").resize((size, size), Image.Resampling.BILINEAR)
    objects = torch.from_numpy((np.asarray(grey) > 0).astype(np.float32))
    return objects, torch.ones_like(objects, dtype=torch.bool)


def _nearest(path: Path, size: int) -> np.ndarray:
    """The palette's numbers, resized by the nearest pixel."""
    return np.array(listed_picture(path).resize((size, size), Image.Resampling.NEAREST))
