"""The picture at the top of the README."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from helpers.chapters.gallery import GalleryEntry, read_gallery
from helpers.core.files import ROOT, atomic_write
from helpers.plots import show_images


def write_readme_picture(entry: GalleryEntry, path: Path) -> Path:
    """Draw a photograph, its CartoonX and its Pixel RDE explanation side by side, as a WebP file."""
    row = entry.numbers["cartoonx"]
    panels = {
        f"“{row['prediction_name']}”, {100 * row['confidence']:.0f} %": entry.pictures["image"],
        "CartoonX keeps": entry.pictures["cartoonx-kept"],
        "CartoonX, as published": entry.pictures["cartoonx-cartoon"],
        "Pixel RDE": entry.pictures["pixel-rde-mask"],
    }
    figure = show_images(list(panels.values()), list(panels), columns=len(panels), width=9)
    drawn, encoded = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=130, bbox_inches="tight", pad_inches=0.05)
    Image.open(drawn).convert("RGB").save(encoded, "WEBP", quality=88, method=6)
    atomic_write(path, encoded.getvalue())
    return path


def make_readme_picture(output: Path | None = None) -> Path:
    """Draw the README's picture from the stored gallery; returns its path."""
    return write_readme_picture(read_gallery()[0], output or ROOT / "book" / "_static" / "readme-cartoonx.webp")
