"""The stored album of the photograph: numbers in a table, and pictures beside it as small files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from jaxtyping import Float
from torch import Tensor

from helpers.chapters.gallery import GalleryEntry, read_gallery
from helpers.data.photographs import GALLERY, Photograph
from helpers.results import read_table
from helpers.results.stored_pictures import read_pictures, write_pictures

PROFILE = "photograph"
NAME = "chelsea"
PHOTOGRAPH: Photograph = GALLERY[NAME]
"""Chelsea the cat, by Stefan van der Walt, given to the public domain (CC0) with scikit-image."""

SMALL = 64  # pixels: smaller pictures are stored without loss
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
    table.attrs["provenance"] = {"pictures": write_pictures(pictures, folder, lossless=SMALL)}
    return table


def read_entries(table: str, root: Path | None = None, profile: str = PROFILE) -> dict[str, Entry]:
    """The entries of a stored table by name.

    Raises:
        ValueError: the table or a picture is missing or was changed; the message says how to make them.
    """
    rows = read_table(profile, table, root=root).fillna({"words": ""})
    pictures = read_pictures(profile, table, root)
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
