"""The stored album of the photograph: numbers in a table, and pictures beside it as small files."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from jaxtyping import Float
from torch import Tensor

from helpers.chapters.gallery import GalleryEntry, read_gallery
from helpers.core.files import atomic_write
from helpers.data.images import load_image, to_picture
from helpers.data.photographs import GALLERY, Photograph
from helpers.results import read_provenance, read_table, results_folder

PROFILE = "photograph"
NAME = "chelsea"
PHOTOGRAPH: Photograph = GALLERY[NAME]
"""Chelsea the cat, by Stefan van der Walt, given to the public domain (CC0) with scikit-image."""

_FOLDER = "pictures"
_LOSSLESS = 64  # pixels: the blocks of lossy compression would show in smaller pictures
Number = float | int | str


@dataclass(frozen=True)
class Entry:
    """One experiment with the photograph.

    Attributes:
        numbers: by name; classes are words.
        pictures: in [0, 1], by name; masks have one channel.
    """

    numbers: Mapping[str, Number]
    pictures: Mapping[str, Float[Tensor, "_channels _height _width"]] = field(default_factory=dict)


def to_table(entries: Mapping[str, Entry], folder: Path) -> pd.DataFrame:
    """The numbers of some entries as a tidy table, whose attribute `provenance` has the pictures' digests.

    Args:
        entries: by name.
        folder: that of the profile's results; the pictures are written into its folder `pictures`.

    Returns:
        Columns entry, name, number (nan for words) and words (empty for numbers).
    """
    rows, pictures = [], {}
    for entry, content in entries.items():
        for name, value in content.numbers.items():
            words = value if isinstance(value, str) else ""
            rows.append({"entry": entry, "name": name, "number": float("nan") if words else value, "words": words})
        pictures |= {f"{entry}/{name}": picture for name, picture in content.pictures.items()}
    table = pd.DataFrame(rows).astype({"number": float})
    table.attrs["provenance"] = {"pictures": write_pictures(pictures, folder)}
    return table


def read_entries(table: str, root: Path | None = None, profile: str = PROFILE) -> dict[str, Entry]:
    """The entries of a stored table by name.

    Raises:
        ValueError: the table or a picture is missing or was changed; the message says how to make them.
    """
    rows = read_table(profile, table, root=root).fillna({"words": ""})
    pictures = read_pictures(table, root, profile)
    entries = {}
    for name, own in rows.groupby("entry", sort=False):
        numbers = {row.name: row.words or row.number for row in own.itertuples(index=False)}
        prefix = f"{name}/"
        shown = {key.removeprefix(prefix): picture for key, picture in pictures.items() if key.startswith(prefix)}
        entries[str(name)] = Entry(numbers, shown)
    return entries


def cat_of_the_gallery(root: Path | None = None) -> GalleryEntry:
    """The photograph's entry in the stored gallery: its CartoonX and Pixel RDE explanations by MobileNetV2."""
    return next(entry for entry in read_gallery(root) if entry.name == NAME)


def write_pictures(pictures: Mapping[str, Tensor], folder: Path) -> dict[str, str]:
    """Write pictures as WebP into the folder `pictures`; returns the SHA-256 of each file.

    Args:
        pictures: in [0, 1], by "entry/name"; a slash is a hyphen in the file's name.
        folder: that of a profile's results.
    """
    digests = {}
    for name, picture in pictures.items():
        content = io.BytesIO()
        small = max(picture.shape[-2:]) <= _LOSSLESS
        to_picture(picture).convert("RGB").save(content, "WEBP", lossless=small, quality=85, method=6)
        atomic_write(_path(folder, name), content.getvalue())
        digests[name] = hashlib.sha256(content.getvalue()).hexdigest()
    return digests


def read_pictures(table: str, root: Path | None = None, profile: str = PROFILE) -> dict[str, Tensor]:
    """The pictures of a stored table by "entry/name"; those whose names end in "mask" have one channel.

    Raises:
        ValueError: the table or a picture is missing or was changed; the message says how to make them.
    """
    pictures = {}
    for name, digest in read_provenance(profile, table, root=root)["pictures"].items():
        path = _path(results_folder(profile, root), name)
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError(
                f"{path} is missing or was changed; make it again: python -m helpers table {table} --profile {profile} "
                "(needs XAIBOOK_DATA)"
            )
        image = load_image(content)
        pictures[name] = image[:1] if name.endswith("mask") else image
    return pictures


def _path(folder: Path, name: str) -> Path:
    return folder / _FOLDER / f"{name.replace('/', '-')}.webp"
