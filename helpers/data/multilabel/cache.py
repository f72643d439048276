"""Photographs decoded once: a memory-mapped file of pixels, and an index of names and objects."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from jaxtyping import Int, UInt8
from PIL import Image
from torch import Tensor

from helpers.core.files import atomic_file, atomic_write, remove_stale_parts
from helpers.core.runtime import progress

_FORMAT = 1  # version of the two files; changing it invalidates older caches
_AT_ONCE = 256
Objects = tuple[tuple[int, bool], ...]
"""The objects of an image: the class's number in the dataset, and whether annotators marked the object as special
(difficult in VOC, a crowd in COCO)."""


@dataclass(frozen=True)
class Selection:
    """A selection of a dataset's images, and their size.

    Attributes:
        size: the side in pixels to which images are stretched.
        root: the dataset's folder; None for the one named after it in the data folder.
        count: number of images, drawn at random; None for all.
        seed: seed of the draw.
        cache: the folder for decoded images; None for `cache/` in the root.
        show: show a progress bar.
    """

    size: int
    root: str | Path | None = None
    count: int | None = None
    seed: int = 0
    cache: str | Path | None = None
    show: bool = False

    def rows(self, total: int, source: str) -> list[int]:
        """The selected rows out of `total`: all in order, or a random draw that begins with every smaller one.

        Raises:
            ValueError: there are fewer than `count`.
        """
        if self.count is None:
            return list(range(total))
        if not 1 <= self.count <= total:
            raise ValueError(f"count={self.count}: {source} has {total} images; ask for 1 to {total}, or None for all")
        return torch.randperm(total, generator=torch.Generator().manual_seed(self.seed))[: self.count].tolist()

    def key(self, dataset: str, split: str, annotations: str) -> dict[str, str | int | None]:
        """The cache key; `annotations` is the digest of the annotation files."""
        seed = None if self.count is None else self.seed
        key: dict[str, str | int | None] = {"dataset": dataset, "split": split, "annotations": annotations}
        return {**key, "size": self.size, "count": self.count, "seed": seed}


@dataclass(frozen=True)
class Listing:
    """The images of a split as listed by a dataset.

    Attributes:
        names: one name per image.
        objects: the objects of each image.
        categories: the name of each class by its number in the dataset.
        read: decodes an image in RGB by its index in the listing; called by several threads.
    """

    names: Sequence[str]
    objects: Sequence[Objects]
    categories: Mapping[int, str]
    read: Callable[[int], Image.Image]


@dataclass(frozen=True)
class CachedImages:
    """Decoded images with their names and objects; the other attributes are those of `Listing`.

    Attributes:
        pixels: memory-mapped, so that only the rows in use are read. Writing into it changes a private copy.
    """

    pixels: UInt8[Tensor, "count 3 height width"]
    names: tuple[str, ...]
    objects: tuple[Objects, ...]
    categories: dict[int, str]

    def counts(
        self, columns: Mapping[int, int], width: int, keep: Callable[[bool], bool] = lambda marked: True
    ) -> Int[Tensor, "count classes"]:
        """The number of objects of each class in each image.

        Args:
            columns: the column of each class by its number in the dataset.
            width: number of columns.
            keep: whether to count an object, given whether annotators marked it as special.
        """
        counts = np.zeros((len(self.names), width), dtype=np.int64)
        for row, objects in enumerate(self.objects):
            for category, marked in objects:
                counts[row, columns[category]] += keep(marked)
        return torch.from_numpy(counts)


def cached_images(
    root: Path, selection: Selection, key: Mapping[str, str | int | None], listing: Callable[[], Listing]
) -> CachedImages:
    """Stretched images from the cache, decoded into it first if need be.

    Pixels and index are written atomically, the index last. So an interrupted run starts over, truncated files are
    replaced, and several processes may fill the cache at once.

    Args:
        root: the dataset's folder.
        selection: the images' size, and the folder of the cache.
        key: the result of `Selection.key`. The photographs themselves are not compared.
        listing: gives the images to decode; called only if they are not cached.

    Raises:
        PermissionError: the images are not cached and the folder is not writable.
        FileNotFoundError, ValueError: an image is missing or damaged; nothing is cached.
    """
    folder, size = Path(selection.cache or root / "cache"), selection.size
    stem = hashlib.sha256(json.dumps([_FORMAT, dict(sorted(key.items()))]).encode()).hexdigest()[:24]
    pixels, index = folder / f"{stem}.u8", folder / f"{stem}.json"
    cached = _load(pixels, index, size)
    if cached is not None:
        return cached
    listed = listing()
    _check_writable(folder)
    remove_stale_parts(folder)
    with atomic_file(pixels) as file:
        _decode(listed, size, file, selection.show)
    content = {**key, "names": listed.names, "objects": listed.objects, "categories": listed.categories}
    atomic_write(index, json.dumps(content).encode())
    cached = _load(pixels, index, size)
    if cached is None:
        raise OSError(f"{pixels} was written, but cannot be read back; is the disk full?")
    return cached


def _load(pixels: Path, index: Path, size: int) -> CachedImages | None:
    """The images in the two files; None if one is missing or truncated."""
    try:
        content: dict[str, Any] = json.loads(index.read_bytes())
        count = len(content["names"])
        if pixels.stat().st_size != count * 3 * size * size:
            return None
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError, KeyError):
        return None
    # not shared: nothing is written back, so that a read-only folder is enough
    mapped = torch.from_file(str(pixels), shared=False, size=count * 3 * size * size, dtype=torch.uint8)
    return CachedImages(
        pixels=mapped.reshape(count, 3, size, size),
        names=tuple(content["names"]),
        objects=tuple(
            tuple((int(category), bool(marked)) for category, marked in objects) for objects in content["objects"]
        ),
        categories={int(number): name for number, name in content["categories"].items()},
    )


def _decode(listing: Listing, size: int, file: BinaryIO, show: bool) -> None:
    """Append the pixels of all images, channels first, decoded by threads (Pillow releases Python's global lock)."""

    def pixels(index: int) -> bytes:
        image = listing.read(index).resize((size, size), Image.Resampling.BILINEAR)
        return np.asarray(image).transpose(2, 0, 1).tobytes()

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        total = len(listing.names)
        for first in progress(range(0, total, _AT_ONCE), label=f"decoding {total} photographs", show=show):
            for content in pool.map(pixels, range(first, min(first + _AT_ONCE, total))):
                file.write(content)


def _check_writable(folder: Path) -> None:
    """Create the folder; raise a PermissionError with advice if it is not writable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (probe := folder / f".{secrets.token_hex(6)}.part").touch()
        probe.unlink()
    except OSError as error:
        raise PermissionError(
            f"the folder of decoded photographs, {folder}, is not writable ({error.strerror}); pass cache= with a "
            "folder that is"
        ) from error
