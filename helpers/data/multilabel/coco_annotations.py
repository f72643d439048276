"""COCO's annotation files, checked entry by entry: whatever is wrong is named with its file and its annotation."""

from __future__ import annotations

import json
import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from pycocotools import mask as runs

_LARGEST_SIDE = 100_000
_KINDS = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}


@dataclass(frozen=True)
class CocoImage:
    """A listed image.

    Attributes:
        file: its name in the folder of the split.
        entry: the name of its entry, for messages.
        size: its (height, width); None if the file does not give it.
    """

    file: str
    entry: str
    size: tuple[int, int] | None


@dataclass(frozen=True)
class CocoObject:
    """An annotated object.

    Attributes:
        category: its category's number.
        crowd: whether it is a crowd, whose outline is rough.
        entry: the name of its entry, for messages.
        segmentation: polygons or run lengths as in the file, not checked yet.
    """

    category: int
    crowd: bool
    entry: str
    segmentation: Any


@dataclass(frozen=True)
class CocoAnnotations:
    """An annotation file.

    Attributes:
        path: the file.
        images: the images by number, in the order of the numbers.
        objects: the objects of each image in the order of the file, by the image's number.
        categories: the name of each category by number, in the order of the numbers.
    """

    path: Path
    images: dict[int, CocoImage]
    objects: dict[int, list[CocoObject]]
    categories: dict[int, str]

    def outline(self, number: int, item: CocoObject) -> Bool[np.ndarray, "height width"]:
        """The pixels of an object of the image of this number.

        Raises:
            ValueError: the image's size or the object's segmentation is missing or wrong; the message names the file
                and the entry.
        """
        image = self.images[number]
        if image.size is None:
            raise _wrong(self.path, image.entry, "has no height and width, which segmentations need")
        try:
            return _pixels(item.segmentation, *image.size)
        except ValueError as error:
            raise _wrong(self.path, item.entry, str(error)) from error


def read_annotations(path: Path) -> CocoAnnotations:
    """Read and check an annotation file; the segmentations are checked by `CocoAnnotations.outline`.

    Raises:
        ValueError: the file or an entry is not as COCO's; the message names the file and the entry.
    """
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not an annotation file of COCO ({error}); unpack it again") from error
    if not isinstance(content, dict):
        raise _wrong(path, "the file", "is not an object with images, annotations and categories")
    lists = {name: _field(path, "the file", content, name, list) for name in ("images", "annotations", "categories")}
    for name in ("images", "categories"):
        if not lists[name]:
            raise _wrong(path, "the file", f"lists no {name}")
    categories = _numbered(path, "category", lists["categories"], lambda entry, item: _name(path, entry, item, "name"))
    twice = sorted({name for name in categories.values() if list(categories.values()).count(name) > 1})
    if twice:
        raise _wrong(path, "the file", f"has two categories named {twice[0]!r}")
    images = _numbered(path, "image", lists["images"], lambda entry, item: _image(path, entry, item))
    objects: dict[int, list[CocoObject]] = defaultdict(list)

    def read(entry: str, item: dict[str, Any]) -> None:
        image, category = (_field(path, entry, item, name, int) for name in ("image_id", "category_id"))
        for name, number, known in (("image_id", image, images), ("category_id", category, categories)):
            if number not in known:
                raise _wrong(path, entry, f"has the {name} {number}, which the file does not list")
        crowd = item.get("iscrowd", 0)
        if crowd not in (0, 1) or not isinstance(crowd, int):
            raise _wrong(path, entry, f"has iscrowd {_shown(crowd)}; expected 0 or 1")
        objects[image].append(CocoObject(category, bool(crowd), entry, item.get("segmentation")))

    _numbered(path, "annotation", lists["annotations"], read)
    return CocoAnnotations(path, dict(sorted(images.items())), dict(objects), dict(sorted(categories.items())))


def _numbered(path: Path, kind: str, items: list[Any], read: Callable[[str, dict[str, Any]], Any]) -> dict[int, Any]:
    """What `read` makes of each entry of a list, by the entry's number."""
    result: dict[int, Any] = {}
    for place, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            raise _wrong(path, f"{kind} {place} in the order of the file", f"is {_shown(item)}; expected an object")
        number = _field(path, f"{kind} {place} in the order of the file", item, "id", int)
        if number in result:
            raise _wrong(path, f"{kind} {number}", "stands there twice; each needs an id of its own")
        result[number] = read(f"{kind} {number}", item)
    return result


def _image(path: Path, entry: str, item: dict[str, Any]) -> CocoImage:
    file = _name(path, entry, item, "file_name")
    if Path(file).is_absolute() or ".." in Path(file).parts:
        raise _wrong(path, entry, f"has the file_name {file!r}; expected one inside the folder of the split")
    if item.get("height") is None and item.get("width") is None:
        return CocoImage(file, entry, None)
    height, width = (_field(path, entry, item, side, int) for side in ("height", "width"))
    if not (1 <= height <= _LARGEST_SIDE and 1 <= width <= _LARGEST_SIDE):
        raise _wrong(path, entry, f"has height {height} and width {width}; expected 1 to {_LARGEST_SIDE:,} pixels")
    return CocoImage(file, entry, (height, width))


def _name(path: Path, entry: str, item: dict[str, Any], name: str) -> str:
    value = _field(path, entry, item, name, str)
    if not value.strip() or "\0" in value:
        raise _wrong(path, entry, f"has the {name} {value!r}; expected a name")
    return value


def _field(path: Path, entry: str, item: dict[str, Any], name: str, kind: type) -> Any:
    """A field that must be there, of a type; whole numbers are not negative."""
    if name not in item:
        raise _wrong(path, entry, f"has no {name}")
    value = item[name]
    if not isinstance(value, kind) or isinstance(value, bool) or (kind is int and value < 0):
        raise _wrong(path, entry, f"has the {name} {_shown(value)}; expected {_KINDS[kind]}")
    return value


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def _wrong(path: Path, entry: str, problem: str) -> ValueError:
    return ValueError(f"{path} is not an annotation file of COCO: {entry} {problem}; correct it, or unpack it again")


def _pixels(segmentation: Any, height: int, width: int) -> Bool[np.ndarray, "height width"]:
    """The pixels of a segmentation: polygons, or lengths of runs column by column.

    Raises:
        ValueError: it is neither; the message has the problem only.
    """
    if segmentation is None or segmentation == []:
        raise ValueError("has no segmentation (boxes alone give no masks)")
    if isinstance(segmentation, dict):
        lengths = _run_lengths(segmentation, height, width)
        values = np.arange(len(lengths)) % 2 == 1
        return np.repeat(values, lengths).reshape(width, height).T
    if not isinstance(segmentation, list):
        raise ValueError(f"has the segmentation {_shown(segmentation)}; expected polygons or run lengths")
    for polygon in segmentation:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            raise ValueError(f"has the polygon {_shown(polygon)}; expected x and y of at least three points")
        for place, value in enumerate(polygon):
            side = height if place % 2 else width
            number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            if not number or not -side <= value <= 2 * side:
                raise ValueError(f"has {_shown(value)} in a polygon; expected numbers within the image, {side} pixels")
    with warnings.catch_warnings():
        # November 2026: pycocotools 2.0 does not know the `copy` argument of NumPy 2's __array__
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        return runs.decode(runs.merge(runs.frPyObjects(segmentation, height, width))) > 0


def _run_lengths(segmentation: dict[str, Any], height: int, width: int) -> Sequence[int]:
    """The checked lengths of runs, of pixels outside and inside in turn.

    pycocotools is not asked: on lengths that do not add up to the image it writes beyond its memory.
    """
    if segmentation.get("size") != [height, width]:
        raise ValueError(f"has run lengths of size {_shown(segmentation.get('size'))} in an image of {[height, width]}")
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        counts = _unpacked(counts)
    plain = isinstance(counts, list) and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in counts)
    if not plain or sum(counts) != height * width:
        raise ValueError(f"has run lengths that do not add up to the {height * width} pixels of the image")
    return counts


def _unpacked(text: str) -> list[int]:
    """Run lengths from COCO's text: digits of 5 bits, the lowest first, of differences to the last length but one."""
    lengths: list[int] = []
    number = shift = 0
    for character in text:
        digit = ord(character) - 48
        if not 0 <= digit < 64:
            raise ValueError(f"has the character {character!r} in its run lengths")
        number |= (digit & 31) << shift
        shift += 5
        if digit & 32:  # more digits follow
            continue
        if digit & 16:  # negative
            number -= 1 << shift
        lengths.append(number + (lengths[-2] if len(lengths) > 2 else 0))
        number = shift = 0
    if shift:
        raise ValueError("has run lengths that are cut off")
    return lengths
