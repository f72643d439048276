"""PASCAL VOC-2007 (Everingham et al., IJCV 2010) through torchvision's datasets, with the paper's splits."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image
from torch import Tensor
from torchvision.datasets import VOCDetection, VOCSegmentation

from helpers.core.types import Split
from helpers.data.multilabel.archives import (
    VOC_TEST,
    VOC_TRAINVAL,
    MissingArchiveError,
    check_size,
    dataset_root,
    read_listed_file,
    read_listed_picture,
    require,
)
from helpers.data.multilabel.cache import CachedImages, Listing, Selection, cached_images
from helpers.data.multilabel.data import MultiLabelImages, SegmentedImages
from helpers.data.multilabel.voc_annotations import VOC_CLASSES, VOID, as_palette, read_numbers, read_objects

_IMAGE_SETS = {"train": "train", "validation": "val", "test": "test"}


def voc_images(split: Split, selection: Selection, *, difficult: bool, download: bool = False) -> MultiLabelImages:
    """The images of a split (2,501, 2,510 and 4,952) with the classes of their annotated objects.

    Args:
        split: `"train"`, `"validation"` or `"test"`.
        selection: the images to load; the root holds `VOCdevkit/`.
        difficult: count objects that the annotators marked as difficult.
        download: let torchvision download the archive if it is missing.

    Raises:
        MissingArchiveError: the archive is missing; the message has its address and folder.
        ValueError: an annotation or a segmentation is not as VOC's; the message names the file and the object.
    """
    root = _require_files(split, selection.root, download)
    dataset = VOCDetection(root, year="2007", image_set=_IMAGE_SETS[split])
    rows = selection.rows(len(dataset), f"VOC-2007 {split}")
    key = selection.key("voc2007", split, _digest(dataset))
    return _labelled(cached_images(root, selection, key, lambda: _listing(dataset, rows)), difficult)


def voc_segmented(selection: Selection, *, difficult: bool, published: bool, download: bool = False) -> SegmentedImages:
    """The 210 test images with a segmentation, and the union of each image's objects.

    Args:
        selection, download: as in `voc_images`.
        difficult: count objects that the annotators marked as difficult; if not, scores skip their pixels too.
        published: as in the paper's code, the void border and all pixels to which bilinear resizing spreads an object
            belong to the object; else masks are resized by the nearest pixel, and void pixels are not counted.

    Raises:
        MissingArchiveError: the archive is missing; the message has its address and folder.
        ValueError: an annotation or a segmentation is not as VOC's; the message names the file and the object.
    """
    root = _require_files("test", selection.root, download)
    segmented = VOCSegmentation(root, year="2007", image_set="test")
    dataset = VOCDetection(root, year="2007", image_set="test")
    rows_by_name = {_name(path): row for row, path in enumerate(dataset.images)}
    unlisted = [name for path in segmented.images if (name := _name(path)) not in rows_by_name]
    if unlisted:
        raise ValueError(
            f"ImageSets/Segmentation/test.txt in {root} lists {unlisted[0]}, but ImageSets/Main/test.txt does not; "
            "unpack the archive again"
        )
    rows = selection.rows(len(segmented), "VOC-2007 test with a segmentation")
    image_rows = [rows_by_name[_name(segmented.images[row])] for row in rows]
    key = selection.key("voc2007", "segmented", _digest(segmented, dataset))
    cached = cached_images(root, selection, key, lambda: _listing(dataset, image_rows))
    read = _published_truth if published else _truth
    skipped = [[not difficult and is_difficult for _, is_difficult in objects] for objects in cached.objects]
    truth = []
    for row, skip in zip(rows, skipped, strict=True):
        mask = Path(segmented.masks[row])
        numbers = read_numbers(mask, len(VOC_CLASSES))
        check_size(Path(segmented.images[row]), numbers.shape, str(mask))
        truth.append(read(mask, numbers, selection.size, skip))
    return SegmentedImages(
        images=_labelled(cached, difficult),
        objects=torch.stack([objects for objects, _ in truth]),
        counted=torch.stack([counted for _, counted in truth]),
        instances=_instances(cached, difficult),
    )


def _require_files(split: str, root: str | Path | None, download: bool) -> Path:
    """The root, after a check that the split's archive is unpacked, or its download."""
    folder, archive = dataset_root("voc2007", root), VOC_TEST if split == "test" else VOC_TRAINVAL
    hint = "Or pass download=True: torchvision then downloads and unpacks it."
    try:
        require("PASCAL VOC-2007", folder, [archive], hint)
    except MissingArchiveError as missing:
        if not download:
            raise
        try:
            VOCDetection(folder, year="2007", image_set=_IMAGE_SETS[split], download=True)
        except (OSError, RuntimeError) as error:
            raise MissingArchiveError(f"{missing}\nThe download failed: {error}") from error
    return folder


def _name(path: str) -> str:
    return Path(path).stem


def _digest(*datasets: VOCDetection | VOCSegmentation) -> str:
    """The SHA-256 of the annotations of datasets: names and contents."""
    digest = hashlib.sha256()
    for dataset in datasets:
        for path in dataset.targets if isinstance(dataset, VOCDetection) else dataset.images:
            digest.update(f"\0{_name(path)}\0".encode())
            if isinstance(dataset, VOCDetection):
                digest.update(read_listed_file(Path(path)))
    return digest.hexdigest()


def _listing(dataset: VOCDetection, rows: list[int]) -> Listing:
    """The images of some rows."""
    return Listing(
        names=[_name(dataset.images[row]) for row in rows],
        objects=[read_objects(Path(dataset.annotations[row])) for row in rows],
        categories=dict(enumerate(VOC_CLASSES)),
        read=lambda index: read_listed_picture(Path(dataset.images[rows[index]])),
    )


def _instances(cached: CachedImages, difficult: bool) -> Int[Tensor, "count classes"]:
    """The number of objects of each class in each image, with or without difficult ones."""
    return cached.counts({k: k for k in range(20)}, 20, lambda is_difficult: difficult or not is_difficult)


def _labelled(cached: CachedImages, difficult: bool) -> MultiLabelImages:
    """Cached images with the classes of the objects that count."""
    return MultiLabelImages(cached.pixels, _instances(cached, difficult) > 0, cached.names, VOC_CLASSES)


Truth = tuple[Float[Tensor, "height width"], Bool[Tensor, "height width"]]


def _truth(path: Path, classes: UInt8[np.ndarray, "old_height old_width"], size: int, skipped: list[bool]) -> Truth:
    """Objects and counted pixels of a segmentation; `skipped` marks the annotated objects that do not count."""
    classes = _nearest(classes, size)
    counted = classes != VOID
    if any(skipped):
        # the value of a pixel is the position of its object in the annotation file, from 1
        numbers = _nearest(read_numbers(path.parent.with_name("SegmentationObject") / path.name, VOID), size)
        counted &= ~np.isin(numbers, [number for number, skip in enumerate(skipped, start=1) if skip])
    return torch.from_numpy((counted & (classes > 0)).astype(np.float32)), torch.from_numpy(counted)


def _published_truth(
    path: Path, classes: UInt8[np.ndarray, "old_height old_width"], size: int, skipped: list[bool]
) -> Truth:
    """As in the paper's code: objects are all pixels that are not black after conversion of the palette to grey."""
    grey = as_palette(classes).convert("L").resize((size, size), Image.Resampling.BILINEAR)
    objects = torch.from_numpy((np.asarray(grey) > 0).astype(np.float32))
    return objects, torch.ones_like(objects, dtype=torch.bool)


def _nearest(numbers: UInt8[np.ndarray, "old_height old_width"], size: int) -> UInt8[np.ndarray, "height width"]:
    """A segmentation, resized by the nearest pixel."""
    return np.array(Image.fromarray(numbers).resize((size, size), Image.Resampling.NEAREST))
