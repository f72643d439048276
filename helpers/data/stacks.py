"""Many images of one size as one tensor, whose pixels lie in a file where they are too many for the memory."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress

import torch
from jaxtyping import Float
from torch import Tensor

IN_MEMORY = 2**30
"""The bytes of pixels that are held in memory; where there are more, the system reads them from a file as needed."""


def stack_images(
    images: Iterable[Float[Tensor, "3 height width"]], count: int
) -> Float[Tensor, "count 3 height width"]:
    """Some images as one tensor, each copied as it comes, so that a generator needs memory for one image.

    Above `IN_MEMORY`, the tensor is a mapping of a temporary file, which is gone when the tensor is.

    Args:
        images: of one size.
        count: their number, at least 1.

    Raises:
        ValueError: they differ in size, or are not so many.
        OSError: the disk has no room for the file.
    """
    stacked, last = None, -1
    for last, image in enumerate(images):
        if stacked is None:
            stacked = _room((count, *image.shape), image.dtype)
        if last >= count or image.shape != stacked.shape[1:]:
            raise ValueError(
                f"expected {count} images of {tuple(stacked.shape[1:])}, but image {last} is {tuple(image.shape)}: "
                "give all images one size"
            )
        stacked[last] = image
    if stacked is None or last + 1 != count:
        raise ValueError(f"expected {count} images, but there are {last + 1}")
    return stacked


def _room(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """An uninitialised tensor, in memory or in a file."""
    values = math.prod(shape)
    size = values * dtype.itemsize
    if size <= IN_MEMORY:
        return torch.empty(shape, dtype=dtype)
    handle, path = tempfile.mkstemp(prefix="pixels-")
    try:
        if hasattr(os, "posix_fallocate"):  # else a disk that fills up later would end the process without a word
            os.posix_fallocate(handle, 0, size)
        return torch.from_file(path, shared=True, size=values, dtype=dtype).view(shape)
    except OSError as error:
        raise OSError(
            f"the pixels of {shape[0]:,} images need a temporary file of {size / 1e9:.1f} GB, for which there is no "
            f"room in {tempfile.gettempdir()} ({error.strerror}); TMPDIR names another folder, `count` fewer images"
        ) from error
    finally:
        os.close(handle)
        with suppress(PermissionError):  # of Windows, where a file in use keeps its name
            os.unlink(path)
