"""Files and streams of pictures: opened safely, with errors that name the file."""

from __future__ import annotations

import io
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, cast, runtime_checkable

from PIL import Image

# Only formats of photographs: Pillow hands some others (EPS) to outside programs.
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")

# Pillow's limit of pixels and Python's filters of warnings belong to the whole process: one thread at a time sets them
_GLOBALS = threading.Lock()


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
    """A picture that cannot be loaded; the message names the file, the reason and a remedy."""


@contextmanager
def as_stream(source: str | os.PathLike | bytes | BinaryStream) -> Iterator[tuple[BinaryStream, str]]:
    """The source as a stream, and its name for error messages; only streams opened here are closed."""
    if isinstance(source, bytes):
        with io.BytesIO(source) as stream:
            yield stream, "the file given as bytes"
    elif isinstance(source, (str, os.PathLike)):
        path = Path(source).expanduser()
        if path.is_dir():
            raise ValueError(f"{path} is a folder, not a picture; name one file, or load all with folder_images")
        if not path.is_file():
            raise FileNotFoundError(f"there is no file {path}; check the path (it is looked up from {Path.cwd()})")
        with path.open("rb") as stream:
            yield stream, str(path)
    elif getattr(source, "closed", False):
        raise ValueError(f"the stream {getattr(source, 'name', 'given')} is closed; open it again, or give its path")
    elif source.seekable():
        yield source, str(getattr(source, "name", "the stream given"))
    else:
        yield io.BytesIO(source.read()), str(getattr(source, "name", "the stream given"))


@contextmanager
def opened_picture(stream: BinaryStream) -> Iterator[Image.Image]:
    """The picture in a stream, with its header read."""
    if stream.seek(0, os.SEEK_END) == 0:
        raise _EmptyFile
    stream.seek(0)
    with no_warnings():
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # what counts here is the memory
        try:
            picture = Image.open(cast(BinaryIO, stream), formats=available_formats())
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    with picture:
        yield picture


class _EmptyFile(ValueError):
    """A file of 0 bytes."""


@contextmanager
def no_warnings() -> Iterator[None]:
    """Hide Pillow's warnings, of damaged metadata and of transparency in palettes, which are irrelevant here."""
    with _GLOBALS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn the many exceptions of decoders into an `UnreadableImageError` that names the file."""
    try:
        yield
    except UnreadableImageError:
        raise
    except MemoryError as error:
        raise UnreadableImageError(f"{name} needs more memory than there is; reduce it first") from error
    except _EmptyFile as error:
        raise UnreadableImageError(f"{name} is empty (0 bytes); copy or download it again") from error
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


def available_formats() -> list[str]:
    """The formats of `FORMATS` that this build of Pillow supports."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]
