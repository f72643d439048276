"""Two trivial rivals for Figure 4: ways to take brightness away that know nothing of the image or the classifier."""

from __future__ import annotations

import math

import pandas as pd
from torch import Tensor

from helpers.figures.claims import Claim
from helpers.figures.space_vae_curves import at_sparsity
from helpers.figures.space_vae_words import METHOD_NAMES, difference, one_row, score
from helpers.space_vae_experiments.rows import metric_columns
from helpers.space_vae_experiments.study import SpaceStudy

SUBTRACTED, DIMMED = "subtracted", "dimmed"
STEPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
"""What is subtracted from every pixel value, and the share by which every one is dimmed."""


def control_table(study: SpaceStudy) -> pd.DataFrame:
    """max(x − s, 0) and (1 − s) · x for several s, scored as the table `sparsity` scores its methods.

    Returns:
        Columns split (`"test"`), method, training, beta, threshold (s), the metrics, images, source, chosen: rows that
        stand beside those of the table `sparsity`.
    """
    rows = []
    for method in (SUBTRACTED, DIMMED):
        for step in STEPS:

            def keep(part: Tensor, _: slice, method: str = method, step: float = step) -> Tensor:
                return (part - step).clamp_min(0) if method == SUBTRACTED else (1 - step) * part

            about = {"split": "test", "method": method, "training": "", "beta": math.nan, "threshold": step}
            rows.append({**about, **metric_columns(study.score(study.test, keep))})
    return pd.DataFrame(rows).assign(source=study.test.source, chosen="")


def control_claims(table: pd.DataFrame, controls: pd.DataFrame, training: str = "beta-10") -> list[Claim]:
    """At equal L1 sparsity, SpaCE-VAE's images keep more predictions than those of either rival.

    Args:
        table: the table `sparsity`.
        controls: the `control_table` of the same images.
        training: which network is compared.
    """
    own = one_row(table, split="test", training=training)
    claims = []
    for method in (SUBTRACTED, DIMMED):
        effect = difference(score(own, "agreement"), at_sparsity(controls, method, "l1", own["l1"], "agreement"))
        name = METHOD_NAMES[method]
        claims.append(
            Claim(
                f"at the same L1 sparsity SpaCE-VAE (β = {own['beta']:g}) keeps more predictions than “{name}”",
                f"SpaCE-VAE − {name} at the same L1 sparsity, agreement",
                effect,
                1,
            )
        )
    return claims
