"""VOC's annotation files and segmentations, checked: whatever is wrong is named with its file and its object."""

from __future__ import annotations

import difflib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from helpers.data.multilabel.archives import read_listed_file, read_listed_mask
from helpers.data.multilabel.cache import Objects

VOC_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog"),
    *("horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
VOID = 255
"""The value of undecided pixels in a segmentation, mostly a border around each object."""


def voc_colours() -> UInt8[np.ndarray, "256 3"]:
    """The palette of VOC's segmentations: the bits of a number, in turn, are the highest bits of red, green, blue."""
    numbers, colours = np.arange(256), np.zeros((256, 3), np.uint8)
    for bit in range(8):
        colours[:, bit % 3] |= (((numbers >> bit) & 1) << (7 - bit // 3)).astype(np.uint8)
    return colours


def read_objects(path: Path) -> Objects:
    """Class and difficulty of each object in an annotation file, in its order.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not as VOC's; the message names the file and the object.
    """
    try:
        tree = ElementTree.fromstring(read_listed_file(path))
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # LookupError: an unknown encoding
        raise _wrong(path, f"it is no XML ({error})") from error
    if tree.tag != "annotation":
        raise _wrong(path, f"its first element is <{tree.tag}>, not <annotation>")
    return tuple(
        (_class(path, f"object {number}", element), _difficult(path, f"object {number}", element))
        for number, element in enumerate(tree.findall("object"), start=1)
    )


def read_numbers(path: Path, largest: int) -> UInt8[np.ndarray, "height width"]:
    """The numbers of a segmentation: 0 for background, `VOID` for undecided pixels.

    Masks in VOC's palette, in its colours (as tools save them that do not keep palettes), and of plain numbers (grey)
    are read alike.

    Args:
        path: the file.
        largest: the largest number that may occur beside `VOID`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it has other colours or numbers; the message names the file and one of them.
    """
    picture = read_listed_mask(path)
    if (picture.mode == "P" and _has_our_palette(picture)) or picture.mode == "L":
        numbers = np.asarray(picture)
    elif picture.mode in ("P", "RGB", "RGBA"):
        numbers = _from_colours(np.asarray(picture.convert("RGB")), path)
    else:
        raise _wrong(path, f"it is a picture of mode {picture.mode}; expected a palette, RGB or 8-bit grey")
    if picture.mode == "L" and set(np.unique(numbers)) == {0, VOID}:
        raise _wrong(
            path, f"it has the numbers 0 and {VOID} only, so that no pixel has a class (a mask of black and white?)"
        )
    odd = np.setdiff1d(numbers, [*range(largest + 1), VOID])
    if len(odd):
        raise _wrong(path, f"it has the number {odd[0]}; expected 0 to {largest}, or {VOID} for undecided pixels")
    return numbers


def as_palette(numbers: UInt8[np.ndarray, "height width"]) -> Image.Image:
    """Numbers of a segmentation as a picture in VOC's palette."""
    picture = Image.fromarray(numbers)
    picture.putpalette(voc_colours().flatten().tolist())
    return picture


def _has_our_palette(picture: Image.Image) -> bool:
    """Whether the numbers in a picture have VOC's colours; where they do not, its colours count."""
    palette = np.array(picture.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
    used = np.unique(np.asarray(picture))
    return int(used.max()) < len(palette) and bool((palette[used] == voc_colours()[used]).all())


def _from_colours(pixels: UInt8[np.ndarray, "height width 3"], path: Path) -> UInt8[np.ndarray, "height width"]:
    """The numbers whose colours in VOC's palette the pixels have."""
    codes = {tuple(colour): number for number, colour in enumerate(voc_colours().tolist())}
    found, places = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True)
    unknown = [colour for colour in found.tolist() if tuple(colour) not in codes]
    if unknown:
        raise _wrong(
            path, f"it has the colour {tuple(unknown[0])}, which is not in VOC's palette (was it saved as JPEG?)"
        )
    numbers = np.array([codes[tuple(colour)] for colour in found.tolist()], dtype=np.uint8)
    return numbers[places.reshape(-1)].reshape(pixels.shape[:2])


def _class(path: Path, entry: str, element: ElementTree.Element) -> int:
    name = _text(path, entry, element, "name")
    if name not in VOC_CLASSES:
        near = difflib.get_close_matches(name or "", VOC_CLASSES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the classes are {', '.join(VOC_CLASSES)}"
        raise _wrong(path, f"{entry} has the name {name!r}; {hint}")
    return VOC_CLASSES.index(name)


def _difficult(path: Path, entry: str, element: ElementTree.Element) -> bool:
    value = _text(path, entry, element, "difficult", "0")
    if value not in ("0", "1"):
        raise _wrong(path, f"{entry} has difficult {value!r}; expected 0 or 1")
    return value == "1"


def _text(path: Path, entry: str, element: ElementTree.Element, name: str, default: str | None = None) -> str:
    """The text of the only element of a name; a missing one has the default, if there is one."""
    found = element.findall(name)
    if not found and default is not None:
        return default
    if len(found) != 1 or len(found[0]):
        raise _wrong(path, f"{entry} has {len(found) or 'no'} <{name}>; expected one with a text")
    return (found[0].text or "").strip()


def _wrong(path: Path, problem: str) -> ValueError:
    return ValueError(f"{path} is not an annotation of VOC-2007: {problem}; correct it, or unpack the archive again")
