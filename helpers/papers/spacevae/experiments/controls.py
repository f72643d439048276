"""What explains nothing and makes images sparse all the same: the controls that every method has to beat."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from jaxtyping import Float
from torch import Tensor

from helpers.data.labelled import LabelledImages
from helpers.papers.spacevae.experiments.rows import metric_columns
from helpers.papers.spacevae.experiments.study import SpaceStudy

Pixels = Float[Tensor, "images 3 height width"]

AMOUNTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""At which the controls are measured."""

_HALVINGS = 30


def subtract(images: Pixels, amount: float | int) -> Pixels:
    """max(x - amount, 0): every entry darker by the same amount, and the darkest ones black."""
    return (images - amount).clamp_min(0)


def darken(images: Pixels, amount: float | int) -> Pixels:
    """(1 - amount) x: no entry black, and an L1 sparsity of 100 amount per cent."""
    return (1 - amount) * images


CONTROLS: dict[str, Callable[[Tensor, float], Tensor]] = {"subtracted": subtract, "darkened": darken}


def amount_for(images: Pixels, control: str, sparsity: float | int) -> float:
    """The amount at which a control has a certain L1 sparsity, by bisection.

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
    low, high, whole = 0.0, 1.0, float(images.sum())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        found = 100 * (1 - float(CONTROLS[control](images, middle).sum()) / whole)
        low, high = (middle, high) if found < sparsity else (low, middle)
    return (low + high) / 2


def control_rows(study: SpaceStudy, images: LabelledImages) -> list[dict[str, Any]]:
    """Every control at every amount, as rows of the table `sparsity`."""
    rows = []
    for name, control in CONTROLS.items():
        for amount in AMOUNTS:
            scores = study.score_kept(images, control(images.floats(), amount))
            about = {"method": name, "training": "", "beta": math.nan, "threshold": math.nan, "amount": amount}
            rows.append({**about, **metric_columns(scores)})
    return rows
