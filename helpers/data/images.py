"""Photographs from files to tensors in [0, 1] and back, with a clear error for every unreadable file."""

from __future__ import annotations

import hashlib
import operator
import os
from collections.abc import Sequence
from typing import Literal, SupportsIndex

import numpy as np
import torch
from jaxtyping import Float, Shaped
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from helpers.core.pixels import unit_pixels
from helpers.data.decoding import Decoded, decode
from helpers.data.picture_files import BinaryStream

ImageSource = str | os.PathLike | bytes | bytearray | memoryview | BinaryStream | Image.Image | np.ndarray
Resize = Literal["stretch", "crop", "pad"]
Size = SupportsIndex | Sequence[SupportsIndex] | np.ndarray | None
"""A side in pixels, (height, width), or None for a picture's own size."""

MAX_PIXELS = 50_000_000
"""The largest number of pixels to which an image is resized."""

_PAD_VALUE = 0.5  # mid-grey


def load_image(
    source: ImageSource,
    size: Size = None,
    resize: Resize = "stretch",
) -> Float[Tensor, "3 height width"]:
    """Load a photograph as red, green and blue in [0, 1].

    The picture is rotated according to its EXIF orientation. Transparent pixels are blended with white, grey pictures
    get three equal channels, grey of more than 8 bits is divided by its largest value, colour of 16 bits keeps its
    upper 8 (values fall by less than 1/255), CMYK is converted without a colour profile, and of an animation the first
    frame is used.

    Args:
        source: a path (`~` is the home folder), the bytes of a file, a binary stream (read, never closed), a Pillow
            picture, or an array of shape (height, width) or (height, width, 1 to 4 channels: grey, grey and alpha,
            RGB, RGBA) of uint8, uint16, booleans, or floats in [0, 1].
        size: the side in pixels, or (height, width); None keeps the picture's own size.
        resize: `"stretch"` as in the papers (the tensor is resized regardless of its aspect ratio, bilinear with
            antialiasing), `"crop"` (scaled to cover the size, then cropped at the centre), or `"pad"` (scaled to fit
            into the size, with a mid-grey border).

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableImageError: (a ValueError) the file is empty, truncated, not a picture, too large for the memory, or
            of a mode without a known range of values.
        ValueError: the size is not positive or too large, the path is a folder, or the array is of another shape, type
            or range.
        TypeError: the source is of another type.
    """
    target = check_size(size, resize)
    if isinstance(source, np.ndarray):
        return resize_image(_from_array(source), target, resize)
    if isinstance(source, bytearray | memoryview):
        source = bytes(source)
    if not isinstance(source, str | os.PathLike | bytes | Image.Image | BinaryStream):
        hint = "; a tensor is resized by resize_image" if isinstance(source, Tensor) else ""
        raise TypeError(
            "load_image expects a path, bytes, a binary stream, a Pillow picture or a NumPy array, not "
            f"{type(source).__name__}{hint}"
        )
    wanted = None if target is None else lambda height, width: _scaled(height, width, target, resize)
    decoded = decode(source, wanted)
    return _resized(to_tensor(decoded), decoded.size, target, resize)


def to_bytes(decoded: Decoded) -> Image.Image:
    """A decoded picture in RGB; grey of more than 8 bits is rounded to 8."""
    picture = decoded.picture
    if picture.mode != "F":
        return picture
    return Image.fromarray((np.asarray(picture) * 255).round().astype(np.uint8)).convert("RGB")


def to_tensor(decoded: Decoded) -> Float[Tensor, "3 height width"]:
    """A decoded picture in [0, 1]."""
    picture = decoded.picture
    if picture.mode == "F":
        return torch.from_numpy(np.array(picture)).expand(3, -1, -1).contiguous()
    # np.array makes a writable copy (torch warns of read-only memory); permuting bytes takes a quarter of the memory
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()
    return pixels.float().div_(255)


def resize_image(
    image: Shaped[Tensor, "channels height width"], size: Size, resize: Resize = "stretch"
) -> Float[Tensor, "channels new_height new_width"]:
    """Resize an image in [0, 1], or of bytes or booleans; `size` and `resize` are those of `load_image`.

    Raises:
        ValueError: the image has values far outside [0, 1], the size is not positive or too large, or the image is too
            elongated to be cropped to it.
    """
    old_size = (image.shape[-2], image.shape[-1])
    return _resized(unit_pixels(image), old_size, check_size(size, resize), resize)


def _resized(
    image: Float[Tensor, "channels height width"],
    old_size: tuple[int, int],
    target: tuple[int, int] | None,
    resize: Resize,
) -> Float[Tensor, "channels new_height new_width"]:
    """The image resized; `old_size` is its (height, width) before it was reduced."""
    if target is None:
        return image
    height, width = target
    old_height, old_width = old_size
    scaled = _scaled(old_height, old_width, target, resize)
    if scaled[0] * scaled[1] > MAX_PIXELS:
        raise ValueError(
            f"an image of {old_height} x {old_width} pixels is too elongated to be cropped to {height} x {width}; "
            "use resize='stretch' or 'pad', or crop it by hand first"
        )
    result = transforms.resize(image, list(scaled), antialias=True).clamp(0, 1)
    if resize == "crop":
        return transforms.center_crop(result, [height, width])
    return _pad(result, height, width)


def to_picture(image: Shaped[Tensor, "channels height width"]) -> Image.Image:
    """An 8-bit picture of an image with 1 or 3 channels, in [0, 1] or of bytes or booleans.

    Values a little outside [0, 1] are clamped.

    Raises:
        ValueError: the image has another number of channels, or values that are not finite or far outside [0, 1].
    """
    if image.shape[0] not in (1, 3):
        raise ValueError(
            f"expected an image of 1 or 3 channels (channels, height, width), got shape {tuple(image.shape)}"
        )
    if not bool(torch.isfinite(image).all()):
        raise ValueError("the image has values that are not finite (NaN or infinity); check its computation")
    levels = unit_pixels(image.detach()).float().clamp(0, 1).mul(255).round().to("cpu", torch.uint8)
    pixels = levels.permute(1, 2, 0).contiguous().numpy()  # (height, width, channels)
    return Image.fromarray(pixels[:, :, 0] if image.shape[0] == 1 else pixels)


def image_digest(image: Tensor) -> str:
    """The SHA-256 of the dtype, shape and values of a tensor of any shape, on any device."""
    values = image.detach().to("cpu").contiguous()
    header = f"{values.dtype} {tuple(values.shape)} ".encode()
    return hashlib.sha256(header + values.reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()


def check_size(size: Size, resize: str) -> tuple[int, int] | None:
    """The size as (height, width); None for the picture's own size."""
    if resize not in ("stretch", "crop", "pad"):
        raise ValueError(f"resize={resize!r} is not known; use 'stretch', 'crop' or 'pad'")
    if size is None:
        return None
    try:
        sides = [operator.index(side) for side in (size if isinstance(size, Sequence | np.ndarray) else (size, size))]
        height, width = sides
    except (TypeError, ValueError):
        height = width = 0
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise ValueError(
            f"size={size!r}: expected a positive side or (height, width) in whole pixels, {MAX_PIXELS:,} at most"
        )
    return height, width


def _scaled(old_height: int, old_width: int, target: tuple[int, int], resize: str) -> tuple[int, int]:
    """The (height, width) to which an image is resized before it is cropped or padded to the target."""
    height, width = target
    if resize == "stretch":
        return target
    if (height / old_height >= width / old_width) == (resize == "crop"):  # the height determines the scale
        return height, max(1, int(height * old_width / old_height))
    return max(1, int(width * old_height / old_width)), width


def _from_array(array: np.ndarray) -> Float[Tensor, "3 height width"]:
    """Red, green and blue in [0, 1] from an array of pixels, channels last."""
    pixels = array[:, :, None] if array.ndim == 2 else array
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 2, 3, 4) or pixels.size == 0:
        hint = (
            "; put the channels last: array.transpose(1, 2, 0)" if array.ndim == 3 and len(array) in (1, 3, 4) else ""
        )
        raise ValueError(
            f"an array of shape {array.shape} is no picture; expected (height, width) or (height, width, channels), "
            f"with 1 to 4 channels{hint}"
        )
    if pixels.dtype.kind == "f":
        if not bool(((pixels >= 0) & (pixels <= 1)).all()):
            found = (
                f"{np.nanmin(pixels):g} to {np.nanmax(pixels):g}" if np.isfinite(pixels).all() else "NaN or infinity"
            )
            raise ValueError(f"an array of floats must lie in [0, 1], but has {found}; divide 0..255 by 255")
        largest = 1
    elif pixels.dtype == np.bool_:
        largest = 1
    elif pixels.dtype in (np.dtype("u1"), np.dtype("u2"), np.dtype(">u2")):
        largest = np.iinfo(pixels.dtype).max
    else:
        raise ValueError(
            f"an array of {pixels.dtype} has no known white; convert it to uint8 (0..255), uint16 (0..65535) or floats "
            "in [0, 1]"
        )
    values = torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32)).permute(2, 0, 1) / largest
    colours, alpha = (values[:-1], values[-1:]) if len(values) in (2, 4) else (values, torch.ones(1))
    return (colours * alpha + (1 - alpha)).expand(3, -1, -1).contiguous()


def _pad(image: Float[Tensor, "channels height width"], height: int, width: int) -> Float[Tensor, "channels h w"]:
    """The image centred on a mid-grey canvas of (height, width); unchanged if it already has that size."""
    vertical, horizontal = height - image.shape[-2], width - image.shape[-1]
    left, top = horizontal // 2, vertical // 2
    edges = [left, top, horizontal - left, vertical - top]  # left, top, right, bottom
    return transforms.pad(image, edges, fill=[_PAD_VALUE]) if any(edges) else image
