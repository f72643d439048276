"""Photographs decoded once: one file of bytes that is mapped into memory, and one of what is known of the images."""

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

_FORMAT = 1  # of the two files; another number makes older ones unknown
_AT_ONCE = 256
Objects = tuple[tuple[int, bool], ...]
"""The objects of an image: the data set's number of the class, and whether annotators set the object aside."""


@dataclass(frozen=True)
class Wanted:
    """Which images of a data set are wanted, and how.

    Attributes:
        size: the side to which they are stretched.
        root: the data set's folder; the one named after it in the data folder where None.
        count: how many, by chance; all where None.
        seed: of that draw.
        cache: the folder for decoded images; `cache/` in the root where None.
        show: whether to show progress.
    """

    size: int
    root: str | Path | None = None
    count: int | None = None
    seed: int = 0
    cache: str | Path | None = None
    show: bool = False

    def rows(self, total: int, what: str) -> list[int]:
        """The chosen ones of `total` rows: all in order, or a draw, which begins with a smaller one's.

        Raises:
            ValueError: there are not as many.
        """
        if self.count is None:
            return list(range(total))
        if not 1 <= self.count <= total:
            raise ValueError(f"count={self.count}: {what} has {total} images; ask for 1 to {total}, or None for all")
        return torch.randperm(total, generator=torch.Generator().manual_seed(self.seed))[: self.count].tolist()

    def key(self, dataset: str, split: str, annotations: str) -> dict[str, str | int | None]:
        """What tells these images from all others; `annotations` is the digest of what is known of them."""
        seed = None if self.count is None else self.seed
        key: dict[str, str | int | None] = {"dataset": dataset, "split": split, "annotations": annotations}
        return {**key, "size": self.size, "count": self.count, "seed": seed}


@dataclass(frozen=True)
class Listing:
    """The images of a split as a data set gives them.

    Attributes:
        names: one name per image.
        objects: the objects of each.
        categories: the name of each class by its number in the data set.
        read: decodes an image by its place in the listing; called by several threads.
    """

    names: Sequence[str]
    objects: Sequence[Objects]
    categories: Mapping[int, str]
    read: Callable[[int], Image.Image]


@dataclass(frozen=True)
class CachedImages:
    """Decoded images and what is known of them; the attributes are those of `Listing`.

    Attributes:
        pixels: mapped from a file; only what is read enters memory. Writing into it changes a private copy.
    """

    pixels: UInt8[Tensor, "count 3 height width"]
    names: tuple[str, ...]
    objects: tuple[Objects, ...]
    categories: dict[int, str]

    def counts(
        self, columns: Mapping[int, int], width: int, keep: Callable[[bool], bool] = lambda aside: True
    ) -> Int[Tensor, "count classes"]:
        """How many objects of each class each image has.

        Args:
            columns: the place of each class by its number in the data set.
            width: how many columns there are.
            keep: whether to count an object, by whether it was set aside.
        """
        counted = np.zeros((len(self.names), width), dtype=np.int64)
        for row, objects in enumerate(self.objects):
            for category, aside in objects:
                counted[row, columns[category]] += keep(aside)
        return torch.from_numpy(counted)


def cached_images(
    root: Path, wanted: Wanted, key: Mapping[str, str | int | None], listing: Callable[[], Listing]
) -> CachedImages:
    """Stretched images, from the cache, or decoded into it first.

    The bytes go to a temporary file, which takes its name when it is whole; the description follows. So a killed
    run leaves nothing that a later one would take for a cache (it starts anew), a file cut short is made again, and
    several processes may do the same at once: each finds whole files.

    Args:
        root: the data set's folder.
        wanted: the size, and where the cache is.
        key: of `Wanted.key`. The photographs themselves are not compared.
        listing: what to decode; called only where the cache does not hold it.

    Raises:
        PermissionError: the images are not cached and the folder cannot be written.
        FileNotFoundError, ValueError: an image is missing or damaged; nothing is cached.
    """
    folder, size = Path(wanted.cache or root / "cache"), wanted.size
    stem = hashlib.sha256(json.dumps([_FORMAT, dict(sorted(key.items()))]).encode()).hexdigest()[:24]
    pixels, index = folder / f"{stem}.u8", folder / f"{stem}.json"
    found = _load(pixels, index, size)
    if found is not None:
        return found
    made = listing()
    _writable(folder)
    remove_stale_parts(folder)
    with atomic_file(pixels) as file:
        _decode(made, size, file, wanted.show)
    known = {**key, "names": made.names, "objects": made.objects, "categories": made.categories}
    atomic_write(index, json.dumps(known).encode())
    found = _load(pixels, index, size)
    if found is None:
        raise OSError(f"{pixels} was written, but is not as it was written; is the disk full?")
    return found


def _load(pixels: Path, index: Path, size: int) -> CachedImages | None:
    """What the two files hold, None where they are not there or not whole."""
    try:
        known: dict[str, Any] = json.loads(index.read_bytes())
        count = len(known["names"])
        if pixels.stat().st_size != count * 3 * size * size:
            return None
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError, KeyError):
        return None
    # not shared: the mapping is read-only for the file, so that a read-only folder will do
    mapped = torch.from_file(str(pixels), shared=False, size=count * 3 * size * size, dtype=torch.uint8)
    return CachedImages(
        pixels=mapped.reshape(count, 3, size, size),
        names=tuple(known["names"]),
        objects=tuple(tuple((int(kind), bool(aside)) for kind, aside in objects) for objects in known["objects"]),
        categories={int(number): name for number, name in known["categories"].items()},
    )


def _decode(listing: Listing, size: int, file: BinaryIO, show: bool) -> None:
    """Append the pixels of all images, channels first; threads decode, which leaves Python's lock free."""

    def pixels(place: int) -> bytes:
        image = listing.read(place).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        return np.asarray(image).transpose(2, 0, 1).tobytes()

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        total = len(listing.names)
        for first in progress(range(0, total, _AT_ONCE), label=f"decoding {total} photographs", show=show):
            for content in pool.map(pixels, range(first, min(first + _AT_ONCE, total))):
                file.write(content)


def _writable(folder: Path) -> None:
    """Make the folder, or say what to do where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (probe := folder / f".{secrets.token_hex(6)}.part").touch()
        probe.unlink()
    except OSError as error:
        raise PermissionError(
            f"decoded photographs are kept in {folder}, which cannot be written ({error.strerror}); pass cache= with a "
            "folder that can"
        ) from error
