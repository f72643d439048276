"""3,576 photographs of PASCAL VOC that show a cat, dog, horse, cow or sheep, with all their classes and class masks.

The folder `voc-animals/` holds `JPEGImages/`, `SegmentationClass/` (VOC's numbers; 255 is void), `ImageSets/` and
`labels.csv`. The test images are those of VOC-2007's and VOC-2012's official segmentations; most masks of the others
are of the Semantic Boundaries Dataset (Hariharan et al., ICCV 2011), which has no void. Instances have no masks.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, UInt8
from PIL import Image
from torch import Tensor

from helpers.core.runtime import progress
from helpers.core.types import Split
from helpers.data.multilabel.archives import check_size, read_listed_file, read_listed_picture, require_animals
from helpers.data.multilabel.cache import Selection
from helpers.data.multilabel.data import MultiLabelImages, SegmentedImages
from helpers.data.multilabel.voc_annotations import VOC_CLASSES, VOID, as_palette, read_numbers

LISTS: dict[Split, tuple[str, ...]] = {"train": ("train",), "validation": ("val",), "test": ("test2007", "test2012")}
"""The lists of each split, in `ImageSets/`."""

LEAST_TEST_IMAGES = 20
"""A class counts if at least this many test images show it: fewer would say nothing about it."""


def animal_images(split: Split, selection: Selection) -> MultiLabelImages:
    """The images of a split (2,752, 294 and 530), stretched, with their classes; difficult objects count.

    Images are decoded at each call, within seconds: nothing is written beside them.

    Raises:
        MissingArchiveError: files are missing; the message names the folder.
        ValueError: a list, a label or a picture is wrong; the message names the file.
    """
    root = require_animals(selection.root)
    labels, listed = _labels(root), _listed(root, split)
    names = [listed[row] for row in selection.rows(len(listed), f"{split} of VOC's animals")]
    if unknown := [name for name in names if name not in labels.index]:
        raise ValueError(
            f"{root / 'labels.csv'} has no row of {unknown[0]}, which ImageSets lists; copy the folder anew"
        )
    classes = animal_classes(labels)

    def pixels(name: str) -> UInt8[np.ndarray, "3 height width"]:
        side = (selection.size, selection.size)
        picture = read_listed_picture(root / "JPEGImages" / f"{name}.jpg").resize(side, Image.Resampling.BILINEAR)
        return np.asarray(picture).transpose(2, 0, 1)

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        decoded = progress(pool.map(pixels, names), total=len(names), label="decoding", show=selection.show)
        stacked = torch.from_numpy(np.stack(list(decoded)))
    shown = torch.from_numpy(labels.loc[names, list(classes)].to_numpy(dtype=bool, copy=True))
    return MultiLabelImages(stacked, shown, tuple(names), classes)


def animal_segmented(selection: Selection, *, published: bool, split: Split = "test") -> SegmentedImages:
    """The images of a split with the regions of their classes.

    Args:
        selection: the images to load.
        published: as in the paper's code, all pixels to which bilinear resizing spreads an object or its void border
            belong to the objects, whatever their class, and every pixel is counted. Else masks are resized by the
            nearest pixel, void pixels are not counted, and objects of other classes are background.
        split: of the images; masks of the test split are VOC's own.

    Raises:
        MissingArchiveError, ValueError: as `animal_images`.
    """
    images = animal_images(split, selection)
    root, size = require_animals(selection.root), selection.size
    truth = [_truth(root, name, images.class_names, size, published) for name in images.names]
    return SegmentedImages(
        images=images,
        objects=torch.stack([objects for objects, _, _ in truth]).float(),
        counted=torch.stack([counted for _, counted, _ in truth]),
        instances=images.labels.long(),  # instances are not known: a class counts once
        regions=torch.stack([regions for _, _, regions in truth]),
    )


def animal_classes(labels: pd.DataFrame) -> tuple[str, ...]:
    """The classes that enough test images show, in VOC's order.

    Args:
        labels: `labels.csv`: a column `split`, and one of zeros and ones per class of VOC.
    """
    shown = labels.loc[labels["split"].isin(LISTS["test"]), list(VOC_CLASSES)].sum()
    return tuple(name for name in VOC_CLASSES if shown[name] >= LEAST_TEST_IMAGES)


def _labels(root: Path) -> pd.DataFrame:
    """`labels.csv`, indexed by the images' names."""
    path = root / "labels.csv"
    labels = pd.read_csv(path, index_col="id")
    lacking = [name for name in ("split", *VOC_CLASSES) if name not in labels]
    if lacking or not labels[list(VOC_CLASSES)].isin((0, 1)).all(axis=None):
        raise ValueError(f"{path} is wrong: expected columns id, split, and 0 or 1 for each of VOC's classes")
    return labels


def _listed(root: Path, split: Split) -> list[str]:
    """The names of a split's images, in the order of its lists."""
    paths = [root / "ImageSets" / f"{name}.txt" for name in LISTS[split]]
    return [name for path in paths for name in read_listed_file(path).decode().split()]


Truth = tuple[Bool[Tensor, "height width"], Bool[Tensor, "height width"], Bool[Tensor, "classes height width"]]
"""The objects, the counted pixels, and the region of each class."""


def _truth(root: Path, name: str, classes: tuple[str, ...], size: int, published: bool) -> Truth:
    """The truth of an image; its segmentation is stretched as the image is."""
    path = root / "SegmentationClass" / f"{name}.png"
    numbers = read_numbers(path, len(VOC_CLASSES))
    check_size(root / "JPEGImages" / f"{name}.jpg", numbers.shape, str(path))
    resized = np.array(Image.fromarray(numbers).resize((size, size), Image.Resampling.NEAREST))
    regions = torch.from_numpy(np.stack([resized == VOC_CLASSES.index(each) + 1 for each in classes]))
    if not published:
        return regions.any(0), torch.from_numpy(resized != VOID), regions
    grey = as_palette(numbers).convert("L").resize((size, size), Image.Resampling.BILINEAR)
    objects = torch.from_numpy(np.asarray(grey) > 0)
    return objects, torch.ones_like(objects), regions
