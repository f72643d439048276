"""Pictures of any depth, polarity and mode as red, green and blue: the one decoder behind all readers of the book."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from helpers.core.memory import available_memory
from helpers.data.picture_files import (
    BinaryStream,
    UnreadableImageError,
    as_stream,
    explained,
    no_warnings,
    opened_picture,
)

SUFFIXES = (
    *(".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".j2c", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe", ".jpeg"),
    *(".jpf", ".jpg", ".jpx", ".mpo", ".pbm", ".pfm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"),
)
"""The endings of their files, in lower case."""

WHOLE_PIXELS = 50_000_000
"""Pictures of up to this many pixels are decoded as they are; larger ones are reduced to twice the size asked for."""

_BYTES_DECODED, _BYTES_RETURNED = 12, 20  # per pixel, at the peak: the decoded picture, and what is made of it
_NEVER_SCARCE = 2**20  # bytes for which nobody asks whether they are free

_ORIENTATION_TAG = 0x0112  # EXIF
_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SUBFILE_TAG, _BITS_TAG, _PHOTOMETRIC_TAG, _SAMPLE_FORMAT_TAG = 254, 258, 262, 339  # TIFF
_SIGNED = 2  # of the sample formats


class Decoded(NamedTuple):
    """A decoded picture.

    Attributes:
        picture: in mode RGB, or, for grey of more than 8 bits, in mode F with values in [0, 1].
        size: its (height, width) before it was reduced.
    """

    picture: Image.Image
    size: tuple[int, int]


def decode(
    source: str | os.PathLike | bytes | BinaryStream | Image.Image,
    wanted: Callable[[int, int], tuple[int, int]] | None = None,
    *,
    upright: bool = True,
) -> Decoded:
    """A picture of any mode in RGB, or, for grey of more than 8 bits, in mode F.

    Transparent pixels are blended with white, white-is-zero pictures are inverted, grey of any depth is divided by its
    largest value, colour of 16 bits keeps its upper 8, CMYK is converted without a colour profile, and of an animation
    or a file with several pages the first one is used.

    Args:
        source: a path, the bytes of a file, a binary stream (read, never closed) or a Pillow picture (not changed).
        wanted: the (height, width) to which a picture of a given (height, width) will be resized; a picture of more
            than `WHOLE_PIXELS` is then reduced to about twice that while it is decoded. None: decode it whole.
        upright: rotate the picture according to its EXIF orientation.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableImageError: (a ValueError) the file is empty, truncated, not a picture, too large for the memory, or
            of a mode in which black and white are undefined.
        ValueError: the path is a folder.
    """
    if isinstance(source, Image.Image):
        name = f"the picture {getattr(source, 'filename', '') or 'given'}"
        with explained(name):
            return _decode(source, name, source.size, wanted, upright)
    with as_stream(source) as (stream, name), explained(name), opened_picture(stream) as picture:
        size = picture.size
        if wanted is not None and picture.width * picture.height > WHOLE_PIXELS:
            height, width = _twice(picture, wanted)
            picture.draft(None, (width, height))  # JPEG decoders can give a half, a quarter or an eighth at once
        return _decode(picture, name, size, wanted, upright)


def stored_picture(source: bytes, name: str) -> Image.Image:
    """A picture in the mode of its file, for pictures whose values are numbers of classes rather than colours.

    Raises:
        UnreadableImageError: the file is empty, truncated, not a picture, or too large for the memory.
    """
    with as_stream(source) as (stream, _), explained(name), opened_picture(stream) as picture:
        _check_header(picture, (1, 1), name)
        picture.load()
        return picture


def picture_size(source: Path | BinaryStream) -> tuple[int, int]:
    """The (height, width) of a picture as stored, from its header.

    Raises:
        UnreadableImageError: the file is empty or not a picture.
    """
    with as_stream(source) as (stream, name), explained(name), opened_picture(stream) as picture:
        return picture.height, picture.width


def is_picture(path: Path) -> bool:
    """Whether a file begins as a picture of one of `FORMATS`, whatever its name."""
    try:
        with path.open("rb") as stream, opened_picture(stream):
            return True
    except Exception:  # decoders raise many types of exceptions
        return False


def _decode(
    picture: Image.Image,
    name: str,
    size: tuple[int, int],
    wanted: Callable[[int, int], tuple[int, int]] | None,
    upright: bool,
) -> Decoded:
    """A picture whose header has been read, and which JPEG's decoder may reduce; `size` is that before."""
    factors = (1, 1)  # across, down
    if wanted is not None and picture.width * picture.height > WHOLE_PIXELS:
        height, width = _twice(picture, wanted)
        factors = (max(1, picture.width // width), max(1, picture.height // height))
    _check_header(picture, factors, name)
    raw_mode, stored_size = _raw_mode(picture), picture.size
    picture.load()
    with no_warnings():
        orientation = _orientation(picture) if upright else 1  # after loading, which turns TIFF files already
    plain = _plain(picture, raw_mode, name)
    if max(factors) > 1:
        plain = plain.reduce(factors)
    method = _ORIENTATIONS.get(orientation)
    plain = plain if method is None else plain.transpose(method)
    on_its_side = orientation >= 5 or picture.size != stored_size
    return Decoded(plain, size if on_its_side else size[::-1])


def _raw_mode(picture: Image.Image) -> str:
    """Pillow's name of the numbers in a file that has not been read yet, such as "L;4" for grey of 4 bits."""
    tiles = getattr(picture, "tile", None) or [("", (), 0, "")]
    return tiles[0][3] if isinstance(tiles[0][3], str) else ""


def _twice(picture: Image.Image, wanted: Callable[[int, int], tuple[int, int]]) -> tuple[int, int]:
    """Twice the wanted (height, width), whether or not the picture lies on its side."""
    lying, standing = wanted(picture.height, picture.width), wanted(picture.width, picture.height)
    return 2 * max(lying[0], standing[1]), 2 * max(lying[1], standing[0])


def _plain(picture: Image.Image, raw_mode: str, name: str) -> Image.Image:
    """A loaded picture of any mode in RGB or F."""
    tags: Any = getattr(picture, "tag_v2", {})  # of a TIFF
    if _SIGNED in _numbers(tags.get(_SAMPLE_FORMAT_TAG)):
        raise UnreadableImageError(
            f"{name} has signed integers, in which black and white are undefined; save it with 8 or 16 bits (unsigned)"
        )
    if picture.mode.startswith("I") or picture.mode == "F":
        return _deep_grey(picture, tags, name)
    if picture.mode == "LAB":
        raise UnreadableImageError(f"{name} has Lab colours, which are not converted; save it as RGB")
    if picture.mode == "La":
        picture = picture.convert("LA")
    if not picture.has_transparency_data:
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    key = picture.info.get("transparency")
    # Pillow brings pixels to 8 bits, but not the colour that stands for transparent ones
    if isinstance(key, tuple) and max(key) > 255:
        key = tuple(value >> 8 for value in key)
    elif isinstance(key, int) and raw_mode in ("L;2", "L;4"):
        key *= {"L;2": 85, "L;4": 17}[raw_mode]
    if key is not None:
        picture = picture.copy()
        picture.info["transparency"] = key
    with no_warnings():
        layers = picture.convert("RGBA")
    blended = Image.new("RGB", layers.size, "white")
    blended.paste(layers, mask=layers.getchannel("A"))
    return blended


def _deep_grey(picture: Image.Image, tags: Any, name: str) -> Image.Image:
    """A grey picture of more than 8 bits in mode F: unsigned integers of known depth, or floats already in [0, 1]."""
    stored = np.asarray(picture)
    if picture.mode == "F":
        largest = 1.0
    elif picture.mode.startswith("I;16"):  # 12 bits or 16
        largest = 2.0 ** (_numbers(tags.get(_BITS_TAG)) or [16])[0] - 1
    elif picture.format in ("PNG", "PPM"):  # 16 bits in 32
        largest = 65535.0
    elif picture.format == "TIFF":  # unsigned, though Pillow's numbers are signed
        stored, largest = stored.view(np.uint32), 2.0**32 - 1
    else:
        raise UnreadableImageError(
            f"{name} has 32-bit integers, in which white is undefined; give an array of uint8 or uint16 instead"
        )
    values = stored.astype(np.float32)
    if not ((values >= 0) & (values <= largest)).all():
        raise UnreadableImageError(
            f"{name} has values outside [0, {largest:g}] (mode {picture.mode}), so black and white are undefined; "
            "scale it to 8 or 16 bits first"
        )
    values /= largest
    # Pillow inverts white-is-zero pictures up to 8 bits only
    if _numbers(tags.get(_PHOTOMETRIC_TAG)) == [0]:
        values = 1 - values
    key = picture.info.get("transparency")
    if isinstance(key, int):  # a PNG's value that stands for transparent pixels
        values[stored == key] = 1.0
    return Image.fromarray(values)


def _numbers(value: Any) -> list[int]:
    """A TIFF tag's numbers, however many there are; none if it is missing."""
    if value is None:
        return []
    return [int(number) for number in (value if isinstance(value, tuple) else (value,))]


def _check_header(picture: Image.Image, factors: tuple[int, int], name: str) -> None:
    """Raise an error if a picture's header claims no pixels, more than the memory holds, or only a small copy.

    Args:
        picture: its header has been read.
        factors: by which its width and height are reduced after decoding.
        name: for the message.
    """
    width, height = picture.size
    if width < 1 or height < 1:
        raise UnreadableImageError(f"{name} is a picture of {width} x {height} pixels; use one with at least one pixel")
    if any(number & 1 for number in _numbers(getattr(picture, "tag_v2", {}).get(_SUBFILE_TAG))):
        raise UnreadableImageError(
            f"{name} begins with a reduced copy of its picture, as raw files of cameras do; export it as JPEG or PNG"
        )
    pixels = width * height
    needed = _BYTES_DECODED * pixels + _BYTES_RETURNED * pixels // (factors[0] * factors[1])
    available = available_memory() if needed > _NEVER_SCARCE else None  # asking takes longer than decoding 32 x 32 px
    if available is not None and needed > available:
        remedy = "reduce it first" if max(factors) > 1 else "give a smaller size=, or reduce it first"
        raise UnreadableImageError(
            f"{name} is too large: it claims {width} x {height} = {pixels:,} pixels, for which {needed / 1e9:.1f} GB "
            f"of memory are needed and {available / 1e9:.1f} GB are free; {remedy}"
        )


def _orientation(picture: Image.Image) -> int:
    """A picture's EXIF orientation, 1 to 8; 1 if its metadata are damaged (on which `exif_transpose` raises)."""
    try:
        orientation = picture.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # a picture with damaged metadata can still be read
        return 1
    return orientation if orientation in _ORIENTATIONS else 1
