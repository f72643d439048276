"""Photographs from files to tensors in [0, 1] and back, with a clear error for every unreadable file."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, cast, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

Resize = Literal["stretch", "crop", "pad"]

MAX_PIXELS = 50_000_000
"""The largest number of pixels of a picture, before or after resizing; loading one of that size takes about 1 GB."""

MAX_BYTES = 512 * 2**20
"""The size of the largest file that is read."""

# Only formats of photographs: Pillow hands some others (EPS) to outside programs.
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")
SUFFIXES = (".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")

_PAD_VALUE = 0.5  # mid-grey
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


@runtime_checkable
class BinaryStream(Protocol):
    """A binary file-like object; unlike `typing.BinaryIO`, a type that can be checked at run time."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move the current position."""

    def tell(self) -> int:
        """The current position."""

    def seekable(self) -> bool:
        """Whether `seek` works."""


class UnreadableImageError(ValueError):
    """A file that cannot be loaded as a picture; the message names the file, the reason and a remedy."""


def load_image(
    source: str | Path | BinaryStream | bytes,
    size: int | tuple[int, int] | None = None,
    resize: Resize = "stretch",
) -> Float[Tensor, "3 height width"]:
    """Load a photograph as red, green and blue in [0, 1].

    The picture is rotated according to its EXIF orientation. Transparent pixels are blended with white, grey pictures
    get three equal channels, 16-bit grey is divided by 65535, CMYK is converted without a colour profile, and of an
    animation the first frame is used.

    Args:
        source: a path, the bytes of a file, or a binary stream (read, never closed).
        size: the side in pixels, or (height, width); None keeps the picture's own size.
        resize: `"stretch"` as in the papers (the tensor is resized regardless of its aspect ratio, bilinear with
            antialiasing), `"crop"` (scaled to cover the size, then cropped at the centre), or `"pad"` (scaled to fit
            into the size, with a mid-grey border).

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableImageError: (a ValueError) the file is empty, truncated, not a picture, larger than `MAX_PIXELS`, or
            of a mode without a known range of values.
        ValueError: the size is not positive or too large, or the path is a folder.
    """
    target = _check_size(size, resize)
    with _open(source) as (stream, name):
        image = _decode(stream, name)
    return resize_image(image, target, resize)


def resize_image(
    image: Float[Tensor, "channels height width"], size: int | tuple[int, int] | None, resize: Resize = "stretch"
) -> Float[Tensor, "channels new_height new_width"]:
    """Resize an image in [0, 1]; `size` and `resize` are those of `load_image`.

    Raises:
        ValueError: the size is not positive or too large, or the image is too elongated to be cropped to it.
    """
    target = _check_size(size, resize)
    if target is None:
        return image
    height, width = target
    old_height, old_width = image.shape[-2:]
    horizontal, vertical = width / old_width, height / old_height
    if resize == "stretch":
        scaled = (height, width)
    elif (vertical >= horizontal) == (resize == "crop"):  # the height determines the scale
        scaled = (height, max(1, int(height * old_width / old_height)))
    else:
        scaled = (max(1, int(width * old_height / old_width)), width)
    if scaled[0] * scaled[1] > MAX_PIXELS:
        raise ValueError(
            f"an image of {old_height} x {old_width} pixels is too elongated to be cropped to {height} x {width}; "
            "use resize='stretch' or 'pad', or crop it by hand first"
        )
    result = transforms.resize(image, list(scaled), antialias=True).clamp(0, 1)
    if resize == "crop":
        return transforms.center_crop(result, [height, width])
    return _pad(result, height, width)


def to_picture(image: Float[Tensor, "channels height width"]) -> Image.Image:
    """An 8-bit picture of an image with 1 or 3 channels; values outside [0, 1] are clamped.

    Raises:
        ValueError: the image has another number of channels, or values that are not finite.
    """
    if image.shape[0] not in (1, 3):
        raise ValueError(
            f"expected an image of 1 or 3 channels (channels, height, width), got shape {tuple(image.shape)}"
        )
    if not bool(torch.isfinite(image).all()):
        raise ValueError("the image has values that are not finite (NaN or infinity); check its computation")
    levels = image.detach().float().clamp(0, 1).mul(255).round().to("cpu", torch.uint8)
    pixels = levels.permute(1, 2, 0).contiguous().numpy()  # (height, width, channels)
    return Image.fromarray(pixels[:, :, 0] if image.shape[0] == 1 else pixels)


def image_digest(image: Tensor) -> str:
    """The SHA-256 of the dtype, shape and values of a tensor of any shape, on any device."""
    values = image.detach().to("cpu").contiguous()
    header = f"{values.dtype} {tuple(values.shape)} ".encode()
    return hashlib.sha256(header + values.reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()


def _check_size(size: int | tuple[int, int] | None, resize: str) -> tuple[int, int] | None:
    """The size as (height, width); None for the picture's own size."""
    if resize not in ("stretch", "crop", "pad"):
        raise ValueError(f"resize={resize!r} is not known; use 'stretch', 'crop' or 'pad'")
    if size is None:
        return None
    height, width = (size, size) if isinstance(size, int) else size
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise ValueError(f"size={size!r}: expected a positive side or (height, width), {MAX_PIXELS:,} pixels at most")
    return height, width


@contextmanager
def _open(source: str | Path | BinaryStream | bytes) -> Iterator[tuple[BinaryStream, str]]:
    """The source as a stream, and its name for error messages; only streams opened here are closed."""
    if isinstance(source, bytes):
        with io.BytesIO(source) as stream:
            yield stream, "the bytes given"
    elif isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if path.is_dir():
            raise ValueError(f"{path} is a folder, not a picture; name one file, or load all with folder_images")
        if not path.is_file():
            raise FileNotFoundError(f"there is no file {path}; check the path (it is looked up from {Path.cwd()})")
        with path.open("rb") as stream:
            yield stream, str(path)
    elif source.seekable():
        yield source, str(getattr(source, "name", "the stream given"))
    else:
        yield io.BytesIO(source.read(MAX_BYTES + 1)), str(getattr(source, "name", "the stream given"))


def _decode(stream: BinaryStream, name: str) -> Float[Tensor, "3 height width"]:
    """The picture in a stream; its size is checked in the header before any pixel is decoded."""
    if stream.seek(0, os.SEEK_END) > MAX_BYTES:
        raise UnreadableImageError(f"{name} is larger than the limit of {MAX_BYTES:,} bytes; reduce it first")
    if stream.tell() == 0:
        raise UnreadableImageError(f"{name} is empty (0 bytes); copy or download it again")
    stream.seek(0)
    try:
        # Pillow's warnings of broken EXIF and of its size limit are irrelevant here
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(cast(BinaryIO, stream), formats=_available_formats()) as picture:
                _check_header(picture, name)
                picture.load()
                return _to_tensor(_rotate_upright(picture), name)
    except UnreadableImageError:
        raise
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(
            f"{name} is too large ({error}); the limit is {MAX_PIXELS:,} pixels: reduce it first"
        ) from error
    except Image.UnidentifiedImageError as error:
        raise UnreadableImageError(
            f"{name} is not a picture, or its format is not supported; use JPEG, PNG, WebP, GIF, BMP or TIFF "
            "(convert HEIC to JPEG first)"
        ) from error
    except Exception as error:  # decoders raise many types of exceptions on damaged files
        raise UnreadableImageError(
            f"{name} cannot be decoded: {str(error) or type(error).__name__}; the file is truncated, damaged "
            "or of a rare variant: copy or download it again, or save it anew as PNG or JPEG"
        ) from error


def _available_formats() -> list[str]:
    """The formats of `FORMATS` that this build of Pillow supports."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _check_header(picture: Image.Image, name: str) -> None:
    """Raise an error if the size in a picture's header is empty or too large."""
    width, height = picture.size
    if width < 1 or height < 1:
        raise UnreadableImageError(f"{name} is a picture of {width} x {height} pixels; use one with at least one pixel")
    if width * height > MAX_PIXELS:
        raise UnreadableImageError(
            f"{name} claims {width} x {height} = {width * height:,} pixels; the limit is {MAX_PIXELS:,}: "
            "reduce it first, for example with Pillow's Image.thumbnail"
        )


def _rotate_upright(picture: Image.Image) -> Image.Image:
    """The picture rotated according to its EXIF orientation; unreadable EXIF is ignored.

    Pillow's `exif_transpose` raises on damaged metadata, and rewrites them.
    """
    try:
        orientation = picture.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # a picture with damaged metadata can still be read
        orientation = 1
    method = _ORIENTATIONS.get(orientation)
    return picture if method is None else picture.transpose(method)


def _to_tensor(picture: Image.Image, name: str) -> Float[Tensor, "3 height width"]:
    """Red, green and blue in [0, 1] from a picture of any mode."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return _high_depth_grey(picture, name)
    if picture.has_transparency_data:
        layers = picture.convert("RGBA")
        picture = Image.new("RGB", layers.size, "white")
        picture.paste(layers, mask=layers.getchannel("A"))
    elif picture.mode != "RGB":
        picture = picture.convert("RGB")
    # np.array makes a writable copy (torch warns of read-only memory); permuting bytes takes a quarter of the memory
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()
    return pixels.float().div_(255)


def _high_depth_grey(picture: Image.Image, name: str) -> Float[Tensor, "3 height width"]:
    """A grey picture of more than 8 bits: 16-bit integers divided by 65535, or floats that already lie in [0, 1]."""
    values = torch.from_numpy(np.array(picture).astype(np.float32))
    largest = 1.0 if picture.mode == "F" else 65535.0
    if not bool(((values >= 0) & (values <= largest)).all()):
        raise UnreadableImageError(
            f"{name} has values outside [0, {largest:g}] (mode {picture.mode}), so black and white are undefined; "
            "scale it to 8 or 16 bits first"
        )
    return values.div_(largest).expand(3, -1, -1).contiguous()


def _pad(image: Float[Tensor, "channels height width"], height: int, width: int) -> Float[Tensor, "channels h w"]:
    """The image centred on a mid-grey canvas of (height, width); unchanged if it already has that size."""
    vertical, horizontal = height - image.shape[-2], width - image.shape[-1]
    left, top = horizontal // 2, vertical // 2
    edges = [left, top, horizontal - left, vertical - top]  # left, top, right, bottom
    return transforms.pad(image, edges, fill=[_PAD_VALUE]) if any(edges) else image
