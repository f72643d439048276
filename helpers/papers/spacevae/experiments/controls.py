"""Controls: sparse images without any explanation, which every method has to beat."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from jaxtyping import Float
from torch import Tensor

from helpers.data.labelled import LabelledImages
from helpers.metrics.sparsity import summarise
from helpers.papers.spacevae.experiments.rows import ENDS, metric_columns
from helpers.papers.spacevae.experiments.study import SpaceStudy

Pixels = Float[Tensor, "images 3 height width"]

AMOUNTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The amounts at which the controls are evaluated."""

_HALVINGS = 30


def subtract(images: Pixels, amount: float | int) -> Pixels:
    """max(x - amount, 0): every entry reduced by the same amount, the darkest to 0."""
    return (images - amount).clamp_min(0)


def darken(images: Pixels, amount: float | int) -> Pixels:
    """(1 - amount) x: an L1 sparsity of 100 · amount per cent without a black entry."""
    return (1 - amount) * images


CONTROLS: dict[str, Callable[[Tensor, float], Tensor]] = {"subtracted": subtract, "darkened": darken}


def amount_for(images: Pixels, control: str, sparsity: float | int) -> float:
    """The amount at which a control reaches an L1 sparsity, by bisection.

    Args:
        images: pixels in [0, 1], not all black.
        control: one of `CONTROLS`.
        sparsity: in per cent, from 0 to 100.

    Raises:
        ValueError: the control is not known, or the sparsity is out of range.
    """
    if control not in CONTROLS or not 0 <= sparsity <= 100:
        raise ValueError(
            f"control={control!r} must be one of {', '.join(CONTROLS)}, sparsity={sparsity} must lie in [0, 100]"
        )
    low, high, total = 0.0, 1.0, float(images.sum())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        reached = 100 * (1 - float(CONTROLS[control](images, middle).sum()) / total)
        low, high = (middle, high) if reached < sparsity else (low, middle)
    return (low + high) / 2


def as_dark_as(images: Pixels, kept: Pixels, control: str) -> Pixels:
    """The images under a control, with the L1 sparsity of the kept images.

    A sparsity below 0, of kept images brighter than the images, counts as 0.
    """
    sparsity = 100 * (1 - float(kept.sum() / images.sum()))
    return CONTROLS[control](images, amount_for(images, control, min(max(sparsity, 0), 100)))


def control_columns(study: SpaceStudy, images: LabelledImages, kept: Pixels) -> dict[str, float]:
    """The agreement of each control at the L1 sparsity of kept images, as columns such as `darkened_agreement`."""
    columns, pixels = {}, images.floats()
    for name in CONTROLS:
        summary = summarise(study.score_kept(images, as_dark_as(pixels, kept, name)))
        columns |= {f"{name}_agreement{end}": float(summary[f"agreement{end}"]) for end in ENDS}
    return columns


def control_rows(study: SpaceStudy, images: LabelledImages) -> list[dict[str, Any]]:
    """Every control at every amount, as rows of the table `sparsity`."""
    rows = []
    for name, control in CONTROLS.items():
        for amount in AMOUNTS:
            scores = study.score_kept(images, control(images.floats(), amount))
            setting = {"method": name, "training": "", "beta": math.nan, "threshold": math.nan, "amount": amount}
            rows.append({**setting, **metric_columns(scores)})
    return rows
