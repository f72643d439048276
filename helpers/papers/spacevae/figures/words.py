"""Names, colours and sentences that all pages about SpaCE-VAE share."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import HTML

from helpers.core.statistics import Effect
from helpers.papers.spacevae.published import PUBLISHED_EPOCHS
from helpers.profiles import load_profile
from helpers.reporting.claims import Claim
from helpers.reporting.committed import committed_table
from helpers.reporting.words import claims_in_words, show_table
from helpers.training.options import LabelledOptions

METRICS = ("accuracy", "agreement", "confidence", "l0", "l1")
METRIC_NAMES = {
    "accuracy": "accuracy (true labels)",
    "agreement": "agreement (predicted labels)",
    "confidence": "confidence",
    "l0": "L0 sparsity, %",
    "l1": "L1 sparsity, %",
}
METRIC_HEADS = {**{name: name for name in METRICS}, "l0": "L0, %", "l1": "L1, %"}
"""The same as heads of columns."""

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
COMPETITORS = ("deeplift", "integrated-gradients", "feature-ablation")
# of Okabe and Ito's palette, as all of the book's; CartoonX and Pixel RDE keep their own
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
LARGER = ("study", "cifar10")
"""The profiles on CIFAR-10 whose tables may lie in the repository."""


def score(row: Any, metric: str) -> Effect:
    """A metric of one row of a table, with its interval: `row[metric]`, `row[metric + "_low"]`, `row[... "_high"]`."""
    return Effect(float(row[metric]), float(row[f"{metric}_low"]), float(row[f"{metric}_high"]), int(row["images"]))


def difference(first: Effect, second: Effect) -> Effect:
    """first − second of two means whose intervals are known, by the method of variance estimates recovery.

    Zou and Donner (Statistics in Medicine 27, 2008). It takes the two for independent. Two methods on the same images
    are not: what is hard for one is hard for the other, so that the true interval is narrower than this one.
    """
    value = first.value - second.value
    low = value - math.hypot(first.value - first.low, second.high - second.value)
    high = value + math.hypot(first.high - first.value, second.value - second.low)
    return Effect(value, low, high, min(first.count, second.count))


def number(value: float | int, decimals: int = 2) -> str:
    """A number with a true minus sign; nothing for nan."""
    return "" if math.isnan(value) else f"{value:.{decimals}f}".replace("-", "−").replace("−0.00", "0.00")


def with_interval(effect: Effect, decimals: int = 2) -> str:
    """ "0.74 [0.71, 0.77]" with so many decimals; without brackets where the interval is not known."""
    value, low, high = (number(part, decimals) for part in (effect.value, effect.low, effect.high))
    return f"{value} [{low}, {high}]" if low and high else value


def row_name(row: Any) -> str:
    """A method with its setting: "SpaCE-VAE, β = 10", "DeepLIFT, σ = −0.2"."""
    name = METHOD_NAMES.get(row["method"], row["method"])
    if row["method"] == "space-vae":
        return f"{name}, β = {row['beta']:g}" if not math.isnan(row["beta"]) else name
    threshold = row["threshold"]
    if math.isnan(threshold):
        return name
    digits = 1 if round(threshold, 1) == threshold else 2
    return f"{name}, σ = {threshold:.{digits}f}".replace("-", "−")


def one_row(table: pd.DataFrame, **facts: Any) -> pd.Series:
    """The only row that has these values.

    Raises:
        ValueError: there is none, or there are several.
    """
    rows = table
    for name, value in facts.items():
        rows = rows[rows[name] == value]
    if len(rows) != 1:
        raise ValueError(f"{len(rows)} rows have {facts}; expected exactly one")
    return rows.iloc[0]


def share(value: float | int) -> str:
    """A share in words' shape: "74 %"."""
    return f"{100 * value:.0f} %"


def source_words(table: pd.DataFrame, kind: str = "test images") -> str:
    """Which images the numbers of a table are from, as it stands beside them."""
    counts = table["images"].astype(int)
    many = f"{counts.max()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    return f"{', '.join(dict.fromkeys(table['source']))}; {many} {kind}"


def larger_tables(profile: str, name: str, *, root: Path | None = None) -> dict[str, pd.DataFrame]:
    """The tables of that name that runs on CIFAR-10 have left in `results/`, by profile; not the page's own profile.

    Args:
        profile: the page's.
        name: in full, such as "space-vae-sparsity".
        root: another folder than the project's `results/`.
    """
    tables = {larger: committed_table(larger, name, root=root) for larger in LARGER if larger != profile}
    return {larger: table for larger, table in tables.items() if table is not None}


def larger_words(tables: dict[str, pd.DataFrame], profile: str) -> str:
    """A sentence that says what the committed tables are about, or that there are none."""
    if profile in LARGER:
        return f"This page shows the profile `{profile}` itself."
    if not tables:
        return "The profile `study` has not been run yet: its table is not in `results/study/`."
    names = " and ".join(f"`{name}`" for name in tables)
    schedules = " ".join(schedule_words(name) for name in tables)
    told = f"The same from the committed results of the profile {names}. The pictures behind it may not be shown."
    return f"{told} {schedules}"


def schedule_words(profile: str) -> str:
    """How long a profile trained its classifier and its networks, beside the published lengths."""
    settings = load_profile(profile, needs="space-vae").space_vae
    options = [settings.options(name) for name in settings.models]
    lengths = sorted({each.epochs for each in options})
    span = f"{lengths[0]} to {lengths[-1]}" if len(lengths) > 1 else f"{lengths[0]}"
    starts = sorted({each.init_from for each in options if each.init_from is not None})
    begins = f" (with a β they begin as a VQ-VAE: {', '.join(f'`{name}`' for name in starts)})" if starts else ""
    recipe = settings.classifier.recipe
    brighter = " (with changes of brightness and colour in its augmentation, which the published one has not)"
    changed = brighter if recipe.policy != "none" else ""
    classifier = f"the classifier {recipe.epochs} epochs, published {LabelledOptions().epochs}{changed}"
    networks = f"the networks {span} epochs{begins}, published up to {PUBLISHED_EPOCHS}"
    return f"Trainings of `{profile}`: {classifier}; {networks}."


def show_larger(tables: dict[str, pd.DataFrame], make: Callable[[pd.DataFrame], pd.DataFrame]) -> HTML:
    """What `make` makes of each committed table, each under its profile and the source of its images."""
    parts = []
    for name, table in tables.items():
        head = html.escape(f"Profile {name}: {source_words(table)}")
        parts.append(f"<p><strong>{head}</strong></p>{show_table(make(table)).data}")
    return HTML("".join(parts))


def larger_claims(tables: dict[str, pd.DataFrame], make: Callable[[pd.DataFrame], Sequence[Claim]]) -> str:
    """What the claims come to on each committed table, in Markdown, each under its profile and its source."""
    parts = [
        f"Profile `{name}` ({source_words(table)}):\n\n{claims_in_words(make(table))}" for name, table in tables.items()
    ]
    return "\n\n".join(parts)
