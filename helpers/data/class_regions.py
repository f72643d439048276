"""Photographs with the region of one class that ImageNet's classifiers know: VOC's animals, COCO, ImageNet's boxes.

One row is a pair of a photograph and a class. A classifier of ImageNet is asked about the kinds of that class
(`helpers.data.imagenet_descendants`), and the region is the truth about where it is.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from torch import Tensor

from helpers.core.batch import Batch
from helpers.core.files import data_file, data_folder
from helpers.data.imagenet import imagenet_class_names
from helpers.data.imagenet_descendants import descendants
from helpers.data.images import image_digest
from helpers.data.multilabel.archives import check_size, read_listed_picture
from helpers.data.multilabel.coco import coco_class_region, coco_file
from helpers.data.multilabel.coco_annotations import read_annotations
from helpers.data.multilabel.loading import load_segmented
from helpers.data.photographs import ImageSet

RegionSource = Literal["voc-animals", "coco-tiny", "imagenet-val"]

SMALLEST_SHARE = 0.01
"""The smallest region, as a share of the photograph's counted pixels, that makes a row: 22 px of 224 on a side."""

_LICENCE = "VOC's and COCO's (Flickr) terms: research use only; never to be published"
_ANIMALS = ("cat", "cow", "dog", "horse", "sheep")
_COCO_FILES = ("instances_train2017.json", "instances_val2017.json")


@dataclass(frozen=True)
class ClassRegions(Batch):
    """Pairs of a photograph and a class, all of one size.

    Attributes:
        names: the photograph of each pair; one with several classes occurs several times.
        classes: the class of each pair, in the words of its dataset.
        kinds: the ImageNet indices that are kinds of the class.
        pixels: 0 to 255.
        regions: the pixels of the class's objects, or of their boxes.
        counted: the pixels that scores count: neither void nor in a crowd of the class.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    kinds: tuple[tuple[int, ...], ...]
    pixels: UInt8[Tensor, "pairs 3 height width"]
    regions: Bool[Tensor, "pairs height width"]
    counted: Bool[Tensor, "pairs height width"]

    def images(self, device: torch.device | str = "cpu") -> Float[Tensor, "pairs 3 height width"]:
        """The pixels in [0, 1]."""
        return self.pixels.to(device).float() / 255

    def photographs(self, count: int | None, seed: int) -> ClassRegions:
        """All pairs of `count` photographs in a random order that begins with that of every smaller count.

        Args:
            count: the number of photographs; None for all. More than there are is all.
            seed: of the order.
        """
        names = sorted(set(self.names))
        order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed)).tolist()
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(self.names):
            rows.setdefault(name, []).append(row)
        chosen = [row for index in order[:count] for row in rows[names[index]]]
        return self[torch.tensor(chosen, dtype=torch.long)]

    def largest(self) -> ClassRegions:
        """One pair per photograph, that of its largest region (the first of equal ones), in the order of the pairs."""
        best: dict[str, int] = {}
        sizes = (self.regions & self.counted).sum((1, 2)).tolist()
        for row, name in enumerate(self.names):
            if name not in best or sizes[row] > sizes[best[name]]:
                best[name] = row
        return self[torch.tensor(list(best.values()), dtype=torch.long)]

    def image_set(self) -> ImageSet:
        """The photographs with the label -1, since a class of these data sets is no single one of ImageNet.

        Raises:
            ValueError: a photograph occurs in several pairs.
        """
        images = self.images()
        digests = tuple(image_digest(image) for image in images)
        return ImageSet(self.names, images, torch.full((len(images),), -1), digests, _LICENCE)


class _Pair(NamedTuple):
    name: str
    kind: str
    kinds: tuple[int, ...]
    pixels: UInt8[Tensor, "3 size size"]
    region: Bool[Tensor, "size size"]
    counted: Bool[Tensor, "size size"]


def load_class_regions(source: RegionSource, *, size: int, root: str | Path | None = None) -> ClassRegions:
    """All pairs of a source whose class has kinds in ImageNet and covers `SMALLEST_SHARE` of the photograph.

    Photographs are stretched to a square, as in the reproduction of CartoonX; regions follow by the nearest pixel.

    Args:
        source: `"voc-animals"` (the 530 test photographs, five animals, VOC's own masks), `"coco-tiny"` (100
            photographs of COCO-2017, all mapped classes, instances without crowds) or `"imagenet-val"` (the 62
            validation images with boxes, which are the regions).
        size: the side in pixels.
        root: the data folder; None for the one that `XAIBOOK_DATA` names.

    Raises:
        OSError: a file is missing, or the data folder is not known.
        ValueError: a file is not as it should be; the message names it.
    """
    read = {"voc-animals": _voc_animals, "coco-tiny": _coco, "imagenet-val": _boxes}[source]
    return _joined(pair for pair in read(size, root) if _share(pair) >= SMALLEST_SHARE)


@lru_cache(maxsize=2)
def masked_photographs(
    source: Literal["voc-animals", "coco-tiny"], size: int, count: int | None, seed: int
) -> ClassRegions:
    """Photographs in random order, each with the class of its largest region.

    Args:
        source: as for `load_class_regions`, which says what is raised.
        size: the side in pixels.
        count: the number of photographs; None for all.
        seed: of the order, in which a larger count continues a smaller one.
    """
    return load_class_regions(source, size=size).photographs(count, seed).largest()


def _voc_animals(size: int, root: str | Path | None) -> Iterator[_Pair]:
    segmented = load_segmented("voc-animals", size=size, root=data_folder(root) / "voc-animals")
    images = segmented.images
    assert segmented.regions is not None
    for row, name in enumerate(images.names):
        for kind in _ANIMALS:
            column = images.class_names.index(kind)
            if images.labels[row, column]:
                region = segmented.regions[row, column].clone()
                yield _Pair(name, kind, descendants(kind), images.pixels[row], region, segmented.counted[row].clone())


def _coco(size: int, root: str | Path | None) -> Iterator[_Pair]:
    for file in _COCO_FILES:
        content = read_annotations(data_file(f"coco-tiny/annotations/{file}", root))
        for number in content.images:
            shown = {item.category for item in content.objects.get(number, []) if not item.crowd}
            mapped = [category for category in sorted(shown) if descendants(content.categories[category])]
            path = coco_file(content, number)
            pixels = _stretched(read_listed_picture(path), size) if mapped else None
            for category in mapped:
                assert pixels is not None
                kind = content.categories[category]
                truth = coco_class_region(content, number, category, size)
                yield _Pair(path.stem, kind, descendants(kind), pixels, *truth)


def _boxes(size: int, root: str | Path | None) -> Iterator[_Pair]:
    """A box's corners are whole pixels of the original and belong to it."""
    labels = data_file("imagenet-val/labels.csv", root)
    with labels.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["boxes_xmin_ymin_xmax_ymax"]]
    for row in rows:
        path = labels.parent / row["file"]
        width, height, index = (int(row[name]) for name in ("width", "height", "class_index"))
        check_size(path, (height, width), str(labels))
        boxes = [tuple(map(int, box.split())) for box in row["boxes_xmin_ymin_xmax_ymax"].split(";")]
        region = box_region(boxes, (height, width), size)
        pixels = _stretched(read_listed_picture(path), size)
        yield _Pair(path.stem, imagenet_class_names()[index], (index,), pixels, region, torch.ones_like(region))


def box_region(boxes: Iterable[tuple[int, ...]], shape: tuple[int, int], size: int) -> Bool[Tensor, "size size"]:
    """The union of some boxes of a photograph, stretched to a square: the pixels whose centre lies in one of them.

    Args:
        boxes: (left, top, right, bottom), in pixels of the photograph; the last column and row belong to the box.
        shape: height and width of the photograph.
        size: the side of the square.
    """
    region = torch.zeros(size, size, dtype=torch.bool)
    rows, columns = ((torch.arange(size) + 0.5) * side / size for side in shape)  # centres, in the photograph's pixels
    for left, top, right, bottom in boxes:
        inside_rows, inside_columns = (rows >= top) & (rows < bottom + 1), (columns >= left) & (columns < right + 1)
        region |= inside_rows[:, None] & inside_columns
    return region


def _stretched(picture: Image.Image, size: int) -> UInt8[Tensor, "3 size size"]:
    resized = picture.resize((size, size), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(resized).transpose(2, 0, 1))


def _share(pair: _Pair) -> float:
    counted = int(pair.counted.sum())
    return int((pair.region & pair.counted).sum()) / max(1, counted)


def _joined(pairs: Iterable[_Pair]) -> ClassRegions:
    names, classes, kinds, pixels, regions, counted = zip(*pairs, strict=True)
    return ClassRegions(names, classes, kinds, *(torch.stack(part) for part in (pixels, regions, counted)))
