"""Controls that explain nothing, and a second classifier that judges the kept images of every method."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.core.statistics import Effect
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.fig4 import CONTROLS, at_sparsity, on_test_images
from helpers.papers.spacevae.figures.words import METHOD_NAMES, difference, number, row_name, score, with_interval
from helpers.reporting.claims import Claim


def control_claims(table: pd.DataFrame, training: str = "beta-10") -> list[Claim]:
    """Claims: at equal L1 sparsity, SpaCE-VAE keeps more predictions than blind darkening.

    Args:
        table: the table `sparsity`; without controls in it, there are no claims.
        training: the compared network.
    """
    rows = on_test_images(table)
    claims = []
    for own in rows[rows["training"] == training].to_dict("records"):
        for method in CONTROLS:
            if method in set(rows["method"]):
                other = at_sparsity(table, method, "l1", own["l1"], "agreement")
                name = METHOD_NAMES[method]
                claims.append(
                    Claim(
                        f"at the same L1 sparsity SpaCE-VAE (β = {own['beta']:g}) keeps more predictions than “{name}”",
                        f"SpaCE-VAE − {name}, agreement",
                        difference(score(own, "agreement"), other),
                        1,
                    )
                )
    return claims


def control_amounts(table: pd.DataFrame) -> tuple[float, float]:
    """The smallest and the largest amount of darkening of the controls."""
    amounts = table[table["method"].isin(CONTROLS)]["amount"]
    return float(amounts.min()), float(amounts.max())


def transfer_table(study: SpaceStudy) -> pd.DataFrame | None:
    """The table `transfer`; None if the images are not scenes."""
    return study.table("space-vae-transfer") if study.scenes else None


def transfer_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: its L1 sparsity, and its agreement with its own and with the second classifier."""
    rows = []
    for row in table.to_dict("records"):
        cells = {"kept by": row_name(row), "L1 sparsity, %": with_interval(score(row, "l1"), 1)}
        cells["agreement, its own classifier"] = with_interval(score(row, "agreement"))
        rows.append({**cells, "agreement, the second classifier": with_interval(_second(row))})
    return pd.DataFrame(rows)


def transfer_claims(table: pd.DataFrame) -> list[Claim]:
    """Claims: a second classifier recognises SpaCE-VAE's images, and more often than equally dark images."""
    own = table[(table["method"] == "space-vae") & (table["training"] == "beta-10")]
    claims = []
    for row in own.to_dict("records"):
        claims.append(
            Claim(
                "a second classifier recognises SpaCE-VAE's kept images (β = 10) as often as its own, within 0.05",
                "second − own classifier, agreement",
                difference(_second(row), score(row, "agreement")),
                1,
                -0.05,
            )
        )
        for control in table[table["method"] == "subtracted"].to_dict("records"):
            claims.append(
                Claim(
                    f"a second classifier recognises them more often than “{METHOD_NAMES['subtracted']}” at the same "
                    f"L1 sparsity ({number(control['l1'], 0)} %)",
                    "SpaCE-VAE − subtracted, the second classifier's agreement",
                    difference(_second(row), _second(control)),
                    1,
                )
            )
    return claims


def _second(row: Any) -> Effect:
    return score(row, "second_agreement")
