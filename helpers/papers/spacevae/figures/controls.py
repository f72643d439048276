"""Controls that explain nothing beside SpaCE-VAE, and a second classifier that judges what every method keeps."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.core.statistics import Effect
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.fig4 import CONTROLS, at_sparsity, on_test_images
from helpers.papers.spacevae.figures.words import METHOD_NAMES, difference, number, row_name, score, with_interval
from helpers.reporting.claims import Claim


def control_claims(table: pd.DataFrame, training: str = "beta-10") -> list[Claim]:
    """At equal L1 sparsity, SpaCE-VAE's images keep more predictions than images that are darkened without any look.

    Args:
        table: the table `sparsity`; without controls in it there is no claim.
        training: which network is compared.
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
    """The least and the largest amount by which the controls darken."""
    amounts = table[table["method"].isin(CONTROLS)]["amount"]
    return float(amounts.min()), float(amounts.max())


def transfer_table_of(study: SpaceStudy) -> pd.DataFrame | None:
    """The table `transfer`, which only scenes have."""
    return study.table("space-vae-transfer") if study.scenes else None


def transfer_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: its L1 sparsity, and its agreement before its own classifier and before the second one."""
    rows = []
    for row in table.to_dict("records"):
        cells = {"kept by": row_name(row), "L1 sparsity, %": with_interval(score(row, "l1"), 1)}
        cells["agreement, its own classifier"] = with_interval(score(row, "agreement"))
        rows.append({**cells, "agreement, the second classifier": with_interval(_second(row))})
    return pd.DataFrame(rows)


def transfer_claims(table: pd.DataFrame) -> list[Claim]:
    """Is a SpaCE-VAE's image recognised by a classifier that it was not made for, and as often as a darker image?"""
    own = table[(table["method"] == "space-vae") & (table["training"] == "beta-10")]
    claims = []
    for row in own.to_dict("records"):
        claims.append(
            Claim(
                "a second classifier recognises SpaCE-VAE's kept images (β = 10) as often, but for 0.05, as their own",
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
