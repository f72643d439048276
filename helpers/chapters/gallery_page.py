"""Drawings, tables and numbers of the page that shows the gallery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.chapters.gallery import GalleryEntry
from helpers.plots import MASK_COLOURS, show_images

METHOD_NAMES = {"cartoonx": "CartoonX", "pixel-rde": "Pixel RDE"}


def draw_entry(entry: GalleryEntry, weights: Mapping[str, float]) -> Figure:
    """A photograph and both methods' kept parts with their predictions, above the published picture and the masks.

    Args:
        entry: the photograph.
        weights: λk by method. A mask whose objective is above p², and so above the empty mask's, is titled so.
    """
    cartoonx, pixel_rde = entry.numbers["cartoonx"], entry.numbers["pixel-rde"]
    warning = {
        name: "\nworse than none" if objective(row, weights) > row["confidence"] ** 2 + 1e-4 else ""
        for name, row in entry.numbers.items()
    }
    pictures = {
        "image": f"“{cartoonx['prediction_name']}, {100 * cartoonx['confidence']:.0f} %”",
        "cartoonx-kept": f"CartoonX keeps:\n“{kept_words(cartoonx)}”",
        "pixel-rde-kept": f"Pixel RDE keeps:\n“{kept_words(pixel_rde)}”",
        "cartoonx-cartoon": "CartoonX as published",
        "cartoonx-mask": f"CartoonX: {100 * cartoonx['sparsity']:.2f} % of the coefficients{warning['cartoonx']}",
        "pixel-rde-mask": f"Pixel RDE: {100 * pixel_rde['sparsity']:.1f} % of the pixels{warning['pixel-rde']}",
    }
    # the published picture stays grey: the colours are those of masks
    images = [entry.pictures[name].expand(3 if name == "cartoonx-cartoon" else -1, -1, -1) for name in pictures]
    return show_images(images, list(pictures.values()), columns=3, colours=MASK_COLOURS, width=7.2)


def objective(row: Mapping[str, Any], weights: Mapping[str, float]) -> float:
    """The distortion of a row of the table, plus λk times its rate."""
    return float(row["distortion"] + weights[row["method"]] * row["sparsity"])


def kept_words(row: Mapping[str, Any]) -> str:
    """The prediction for the kept part alone, and the probability of the photograph's class."""
    if row["kept_prediction"] == row["prediction"]:
        return f"the same, {100 * row['kept_confidence']:.0f} %"
    return f"{row['kept_prediction_name']} (the class above: {100 * row['kept_confidence']:.0f} %)"


def draw_sweep(
    photograph: Float[Tensor, "3 height width"], pictures: Mapping[str, Tensor], row: Mapping[str, Any]
) -> Figure:
    """A photograph, the part of it that is kept at one λk, and the published picture.

    Args:
        photograph: pixels in [0, 1].
        pictures: "kept" and "cartoon" at this λk (`read_sweep`).
        row: the row of the sweep's table.
    """
    return show_images(
        [photograph, pictures["kept"], pictures["cartoon"]],
        [
            f"λk = {row['sparsity_weight']:g}",
            f"kept, {100 * row['sparsity']:.2f} %: “{row['kept_prediction_name']}”",
            f"the photograph's class: {100 * row['kept_confidence']:.0f} %",
        ],
        columns=3,
        width=8,
    )


def numbers_table(gallery: Mapping[str, GalleryEntry], weights: Mapping[str, float]) -> pd.DataFrame:
    """One row per photograph and method: the prediction, the kept share, the objective beside p², and the kept part's.

    Args:
        gallery: the photographs by name.
        weights: λk by method.
    """
    return pd.DataFrame(
        [
            {
                "photograph": name,
                "prediction": f"{row['prediction_name']}, {100 * row['confidence']:.0f}\N{NO-BREAK SPACE}%",
                "method": METHOD_NAMES[row["method"]],
                "rate": f"{100 * row['sparsity']:.2f}\N{NO-BREAK SPACE}%",
                "objective": f"{objective(row, weights):.3f}",
                "p²": f"{row['confidence'] ** 2:.3f}",
                "kept part alone": row["kept_prediction_name"],
                "p there": f"{100 * row['kept_confidence']:.0f}\N{NO-BREAK SPACE}%",
            }
            for name, entry in gallery.items()
            for row in entry.numbers.values()
        ]
    )


def credits_table(gallery: Mapping[str, GalleryEntry]) -> pd.DataFrame:
    """One row per photograph: its title, author and licence."""
    photographs = [entry.photograph for entry in gallery.values()]
    return pd.DataFrame(
        [{"photograph": each.title, "by": each.credit, "licence": each.licence} for each in photographs]
    )
