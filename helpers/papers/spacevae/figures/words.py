"""Names, colours and sentences shared by the pages about SpaCE-VAE."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from helpers.core.statistics import Effect
from helpers.papers.spacevae.measures.rows import score

METRICS = ("accuracy", "agreement", "confidence", "l0", "l1")
METRIC_NAMES = {
    "accuracy": "accuracy (true labels)",
    "agreement": "agreement (predicted labels)",
    "confidence": "confidence",
    "l0": "L0 sparsity, %",
    "l1": "L1 sparsity, %",
}
METRIC_HEADS = {**{name: name for name in METRICS}, "l0": "L0, %", "l1": "L1, %"}
"""The same names, as heads of columns."""

METHOD_NAMES = {
    "original": "original images",
    "vq-vae": "VQ-VAE",
    "space-vae": "SpaCE-VAE",
    "deeplift": "DeepLIFT",
    "integrated-gradients": "Integrated Gradients",
    "feature-ablation": "Feature Ablation",
    "cartoonx": "CartoonX",
    "pixel-rde": "Pixel RDE",
    "explainer": "Explainer, its own classifier (64 px)",
    "explainer (another's)": "Explainer's masks, this classifier",
    "subtracted": "a constant subtracted",
    "darkened": "all pixels dimmed by a factor",
}
# from the palette of Okabe and Ito, as everywhere in the book; CartoonX and Pixel RDE keep their colours
COLOURS = {
    "original": "#000000",
    "vq-vae": "#5A5A5A",
    "space-vae": "#CC79A7",
    "deeplift": "#0072B2",
    "integrated-gradients": "#E69F00",
    "feature-ablation": "#009E73",
    "cartoonx": "#D55E00",
    "pixel-rde": "#56B4E9",
    "explainer": "#E69F00",
    "explainer (another's)": "#F0E442",
    "subtracted": "#5A5A5A",
    "darkened": "#A0A0A0",
}


def number(value: float | int, decimals: int = 2) -> str:
    """A number with a true minus sign; empty for nan."""
    return "" if math.isnan(value) else f"{value:.{decimals}f}".replace("-", "−").replace("−0.00", "0.00")


def with_interval(effect: Effect, decimals: int = 2) -> str:
    """ "0.74 [0.71, 0.77]"; without brackets if the interval is not known."""
    value, low, high = (number(end, decimals) for end in (effect.value, effect.low, effect.high))
    return f"{value} [{low}, {high}]" if low and high else value


def row_name(row: Any) -> str:
    """A method with its setting: "SpaCE-VAE, β = 10" or "DeepLIFT, σ = −0.2"."""
    name = METHOD_NAMES.get(row["method"], row["method"])
    if row["method"] == "space-vae":
        return f"{name}, β = {row['beta']:g}" if not math.isnan(row["beta"]) else name
    threshold = row["threshold"]
    if math.isnan(threshold):
        return name
    digits = 1 if round(threshold, 1) == threshold else 2
    return f"{name}, σ = {threshold:.{digits}f}".replace("-", "−")


def share(value: float | int) -> str:
    """A share in per cent: "74 %"."""
    return f"{100 * value:.0f} %"


def source_words(table: pd.DataFrame, images: str = "test images") -> str:
    """The source and number of a table's images, in words."""
    counts = table["images"].astype(int)
    many = f"{counts.max()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    return f"{', '.join(dict.fromkeys(table['source']))}; {many} {images}"


def metric_cells(row: Any) -> dict[str, str]:
    """All metrics of a row with intervals, by column head."""
    decimals = {"l0": 1, "l1": 1}
    return {head: with_interval(score(row, name), decimals.get(name, 2)) for name, head in METRIC_HEADS.items()}
