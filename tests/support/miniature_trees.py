"""Writers of small PASCAL VOC-2007 and COCO-2014 folders, in these data sets' own formats, from scenes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image
from scipy.ndimage import binary_dilation
from skimage.measure import find_contours

from helpers.data.multilabel.voc_annotations import VOC_CLASSES, VOID
from helpers.data.scenes import make_scenes

CATEGORY_IDS = (1, 2, 3, 5, 8, 13, 16, 17, 18, 90)  # of the ten kinds of objects of scenes, with gaps as COCO's have


@dataclass(frozen=True)
class Thing:
    """An object of a picture: its kind, its pixels, and whether annotators called it difficult, or a crowd."""

    kind: int
    mask: np.ndarray  # (height, width) booleans
    difficult: bool = False
    crowd: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture and what is true of it."""

    name: str
    pixels: np.ndarray  # (height, width, 3), or (height, width) for a grey file
    things: tuple[Thing, ...]
    void: np.ndarray  # pixels that the annotators left open
    segmented: bool = True

    def union(self, keep=lambda thing: True) -> np.ndarray:
        """The pixels of all objects, or of some."""
        return np.logical_or.reduce([np.zeros(self.void.shape, bool), *(t.mask for t in self.things if keep(t))])


def scene_pictures(count, *, size=64, seed=0, start=1, **options) -> list[Picture]:
    """Scenes as pictures named 000001, ..., with a void border of one pixel around each object."""
    scenes = make_scenes(count, size=size, seed=seed, start=start, **options)
    pictures = []
    for row in range(count):
        masks = [mask.numpy() for mask in scenes.object_masks[row]]
        kinds = scenes.object_classes[row].tolist()
        things = tuple(Thing(kind, mask) for kind, mask in zip(kinds, masks, strict=True) if kind >= 0 and mask.any())
        inside = scenes.object_masks[row].any(0).numpy()
        pixels = (scenes.images[row] * 255).round().byte().permute(1, 2, 0).numpy()
        pictures.append(Picture(f"{start + row:06d}", pixels, things, binary_dilation(inside) & ~inside))
    return pictures


def box(size, top, left, bottom, right) -> np.ndarray:
    """A rectangle as a mask of (height, width) `size`; the ends are outside."""
    mask = np.zeros(size, bool)
    mask[top:bottom, left:right] = True
    return mask


def odd_pictures(size=64) -> dict[str, Picture]:
    """One picture of each odd kind, by what is odd; numbered from 000901."""
    plain, crowd, grey, large = scene_pictures(4, size=size, seed=77, start=901, objects=(2, 2))
    shape = (size, size)
    nothing = np.zeros(shape, bool)
    left, right = box(shape, 8, 4, 40, 20), box(shape, 8, 40, 40, 60)
    wide = np.repeat(large.pixels, 2, axis=1)[: size // 2 + 7]
    return {
        "nothing": replace(plain, name="000905", things=(), void=nothing),
        "void only": replace(plain, name="000906", things=(), void=left),
        "difficult only": replace(plain, name="000907", things=(Thing(3, left, difficult=True),), void=nothing),
        "one difficult": replace(
            plain, name="000908", things=(Thing(3, left, difficult=True), Thing(4, right), Thing(4, ~(left | right)))
        ),
        "crowd": replace(
            crowd, name="000909", things=(Thing(0, left), Thing(0, box(shape, 0, 0, 64, 32), crowd=True)), void=nothing
        ),
        "crowd only": replace(crowd, name="000910", things=(Thing(5, right, crowd=True),), void=nothing),
        "grey": replace(grey, name="000911", pixels=grey.pixels.mean(2).astype(np.uint8)),
        "wide": Picture(
            "000912",
            wide,
            (Thing(2, box(wide.shape[:2], 3, 5, 30, 100)),),
            np.zeros(wide.shape[:2], bool),
        ),
    }


# --- VOC ----------------------------------------------------------------------------------------------------------


def write_voc(root: Path, **splits: list[Picture]) -> Path:
    """Write `VOCdevkit/VOC2007` into `root`: pictures of train, val and test."""
    base = root / "VOCdevkit" / "VOC2007"
    for folder in ("Annotations", "ImageSets/Main", "ImageSets/Segmentation", "JPEGImages", "SegmentationClass"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    (base / "SegmentationObject").mkdir(exist_ok=True)
    for split, pictures in splits.items():
        for kind, listed in (("Main", pictures), ("Segmentation", [one for one in pictures if one.segmented])):
            names = "".join(f"{picture.name}\n" for picture in listed)
            (base / "ImageSets" / kind / f"{split}.txt").write_text(names)
        for picture in pictures:
            Image.fromarray(picture.pixels).save(base / "JPEGImages" / f"{picture.name}.jpg", quality=95)
            (base / "Annotations" / f"{picture.name}.xml").write_bytes(_voc_annotation(picture))
            if picture.segmented:
                _write_segmentation(base, picture)
    return root


def _voc_annotation(picture: Picture) -> bytes:
    """An annotation file, as VOC's are."""
    tree = ElementTree.Element("annotation")
    ElementTree.SubElement(tree, "folder").text = "VOC2007"
    ElementTree.SubElement(tree, "filename").text = f"{picture.name}.jpg"
    height, width = picture.void.shape
    _add(ElementTree.SubElement(tree, "size"), width=width, height=height, depth=3)
    ElementTree.SubElement(tree, "segmented").text = str(int(picture.segmented))
    for thing in picture.things:
        result = ElementTree.SubElement(tree, "object")
        _add(result, name=VOC_CLASSES[thing.kind], pose="Unspecified", truncated=0, difficult=int(thing.difficult))
        _add(ElementTree.SubElement(result, "bndbox"), **_corners(thing.mask))
        if VOC_CLASSES[thing.kind] == "bird":  # people's heads and hands have boxes of their own, inside the object
            part = ElementTree.SubElement(result, "part")
            ElementTree.SubElement(part, "name").text = "head"
            _add(ElementTree.SubElement(part, "bndbox"), xmin=1, ymin=1, xmax=2, ymax=2)
    ElementTree.indent(tree, "\t")
    return ElementTree.tostring(tree)


def _add(element, **values) -> None:
    for name, value in values.items():
        ElementTree.SubElement(element, name).text = str(value)


def _corners(mask) -> dict[str, int]:
    rows, columns = np.nonzero(mask)
    return {
        "xmin": int(columns.min()) + 1,
        "ymin": int(rows.min()) + 1,
        "xmax": int(columns.max()) + 1,
        "ymax": int(rows.max()) + 1,
    }


def voc_palette() -> list[int]:
    """The colours of VOC's palette: the bits of a number, in turn, are the highest bits of red, green and blue."""
    colours = np.zeros((256, 3), int)
    for number in range(256):
        for bit in range(8):
            colours[number, bit % 3] |= ((number >> bit) & 1) << (7 - bit // 3)
    return colours.flatten().tolist()


def _write_segmentation(base: Path, picture: Picture) -> None:
    """The classes, and the numbers of the objects from 1, as palette PNGs with void borders."""
    numbers, classes = (np.zeros(picture.void.shape, np.uint8) for _ in range(2))
    for number, thing in enumerate(picture.things, start=1):
        numbers[thing.mask], classes[thing.mask] = number, thing.kind + 1
    for folder, values in (("SegmentationClass", classes), ("SegmentationObject", numbers)):
        values[picture.void] = VOID
        image = Image.fromarray(values)
        image.putpalette(voc_palette())
        image.save(base / folder / f"{picture.name}.png")


# --- COCO ---------------------------------------------------------------------------------------------------------


@dataclass
class _Coco:
    """An annotation file that grows."""

    images: list = field(default_factory=list)
    annotations: list = field(default_factory=list)


def write_coco(root: Path, **splits: list[Picture]) -> Path:
    """Write `annotations/instances_<split>2014.json` and the folders of pictures: train and val."""
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    for split, pictures in splits.items():
        folder = root / f"{split}2014"
        folder.mkdir(exist_ok=True)
        written = _Coco()
        for picture in pictures:
            file = f"COCO_{split}2014_{int(picture.name):012d}.jpg"
            Image.fromarray(picture.pixels).save(folder / file, quality=95)
            height, width = picture.void.shape
            number = int(picture.name)
            written.images.append({"id": number, "file_name": file, "height": height, "width": width})
            for thing in picture.things:
                written.annotations.append(_coco_annotation(thing, number, len(written.annotations) + 1))
        categories = [{"id": n, "name": f"kind {n}", "supercategory": "thing"} for n in CATEGORY_IDS]
        content = {"info": {}, "licenses": [], "categories": categories, **vars(written)}
        (root / "annotations" / f"instances_{split}2014.json").write_text(json.dumps(content))
    return root


def _coco_annotation(thing: Thing, image: int, number: int) -> dict:
    """An object by its polygons; a crowd by the lengths of its runs, column by column."""
    corners = _corners(thing.mask)
    left, top = corners["xmin"] - 1, corners["ymin"] - 1
    return {
        "id": number,
        "image_id": image,
        "category_id": CATEGORY_IDS[thing.kind],
        "iscrowd": int(thing.crowd),
        "area": int(thing.mask.sum()),
        "bbox": [left, top, corners["xmax"] - left, corners["ymax"] - top],
        "segmentation": _runs(thing.mask) if thing.crowd else _polygons(thing.mask),
    }


def _runs(mask) -> dict:
    lengths = [(value, len(list(run))) for value, run in groupby(mask.flatten(order="F").tolist())]
    counts = [length for _, length in lengths]
    return {"size": list(mask.shape), "counts": [0, *counts] if lengths[0][0] else counts}


def _polygons(mask) -> list[list[float]]:
    """Outlines between the pixels; holes are lost, as in COCO."""
    outlines = find_contours(np.pad(mask, 1).astype(float), 0.5)
    # the padding moved everything by one, and COCO's corner of a pixel lies half a pixel from its middle
    return [(outline[:, ::-1] - 0.5).flatten().tolist() for outline in outlines if len(outline) > 3]
