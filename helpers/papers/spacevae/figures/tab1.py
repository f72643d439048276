"""Table 1 of the SpaCE-VAE paper: ours and the published one, the thresholds by each rule, and the claims."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.core.statistics import Effect
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.words import (
    COMPETITORS,
    METHOD_NAMES,
    METRIC_HEADS,
    METRIC_NAMES,
    METRICS,
    difference,
    number,
    one_row,
    row_name,
    score,
    source_words,
    with_interval,
)
from helpers.papers.spacevae.published import published_table_one
from helpers.reporting.claims import Claim

Row = dict[str, Any]
"""A row of a table, by column."""

RULES = {
    "published": "L0 below 10 %, test",
    "validation": "L0 below 10 %, validation",
    "confident": "most confident, validation",
}
HALF_BRIGHTNESS = 45.0
"""The smallest sparsity, in per cent, that counts as "an L1-sparsity around 50 %" (section 4.2)."""

_DECIMALS = {"accuracy": 2, "agreement": 2, "confidence": 2, "l0": 1, "l1": 1}


def on_test_images(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the table `sparsity` on test images, for the paper's trainings: one VQ-VAE, and one network per β."""
    rows = table[table["split"] == "test"]
    training = rows["training"].astype(str)
    plain = (rows["method"] != "space-vae") | training.str.match(r"beta-[\d.]+$")
    other = (rows["method"] == "vq-vae") & (training != "vq-vae")  # VQ-VAEs from which networks with another grid start
    return (
        rows[plain & ~other]
        .sort_values(["beta", "threshold"], kind="stable", na_position="first")
        .reset_index(drop=True)
    )


def chosen_row(table: pd.DataFrame, method: str, rule: str = "published") -> Row | None:
    """A competitor's row on the test images at the threshold chosen by a rule; None if the rule chose none."""
    rows = on_test_images(table)
    rows = rows[rows["method"] == method]
    rows = rows[rows["chosen"].astype(object).fillna("").astype(str).str.split().map(lambda rules: rule in rules)]
    return None if rows.empty else rows.to_dict("records")[-1]


def table_one_rows(table: pd.DataFrame, rule: str = "published") -> list[Row]:
    """The rows of Table 1 in the paper's order: baselines, competitors at their chosen thresholds, SpaCE-VAE by β."""
    rows = on_test_images(table)
    baselines = [row for name in ("original", "vq-vae") for row in rows[rows["method"] == name].to_dict("records")]
    chosen = [row for name in COMPETITORS if (row := chosen_row(table, name, rule)) is not None]
    return [*baselines, *chosen, *(row for row in rows[rows["method"] == "space-vae"].to_dict("records"))]


def table_one(table: pd.DataFrame, rule: str = "published", *, paper: bool = True) -> pd.DataFrame:
    """Table 1: one row per method, our values with 95 % intervals, each followed by the paper's (on CIFAR-10).

    The paper reports no agreement, only accuracy with true labels.
    """
    published, rows = published_table_one(), []
    for row in table_one_rows(table, rule):
        theirs = published[published["method"] == row["method"]]
        if row["method"] == "space-vae":
            theirs = theirs[theirs["beta"] == row["beta"]]
        cells = {"method": row_name(row)}
        for metric in METRICS:
            cell = with_interval(score(row, metric), _DECIMALS[metric])
            if paper and metric in theirs and len(theirs):
                cell += f" (paper {number(theirs[metric].iloc[0], _DECIMALS[metric])})"
            cells[METRIC_HEADS[metric]] = cell
        rows.append(cells)
    return pd.DataFrame(rows)


def paper_thresholds() -> str:
    """The thresholds of the paper's Table 1, in words."""
    rows = published_table_one()
    return ", ".join(row_name(row) for row in rows[rows["method"].isin(COMPETITORS)].to_dict("records"))


def thresholds_by_rule(table: pd.DataFrame) -> pd.DataFrame:
    """One row per competitor and rule: the chosen σ and its results on the test images."""
    summary = []
    for method in COMPETITORS:
        for rule, words in RULES.items():
            row = chosen_row(table, method, rule)
            cells = {"method": METHOD_NAMES[method], "rule": words, "σ": "none" if row is None else ""}
            if row is not None:
                cells["σ"] = number(row["threshold"], 1)
                cells |= {METRIC_HEADS[m]: with_interval(score(row, m), _DECIMALS[m]) for m in METRICS}
            summary.append(cells)
    return pd.DataFrame(summary).fillna("–")


def table_one_claims(table: pd.DataFrame) -> list[Claim]:
    """The claims of section 4.2 about Table 1, as far as the table has their rows."""
    rows = {(row["method"], row["beta"]): row for row in table_one_rows(table)}
    competitors = {name: row for name in COMPETITORS if (row := chosen_row(table, name)) is not None}
    middle = rows.get(("space-vae", 10.0))
    claims = []
    if middle is not None:
        claims += [
            Claim(
                f"SpaCE-VAE's kept images (β = 10) are recognised more often than those of {METHOD_NAMES[name]}",
                f"SpaCE-VAE − {METHOD_NAMES[name]} at its σ of Table 1, accuracy (true labels)",
                difference(score(middle, "accuracy"), score(row, "accuracy")),
                1,
            )
            for name, row in competitors.items()
        ]
        claims.append(
            Claim(
                f"SpaCE-VAE (β = 10) removes about half of the brightness (at least {HALF_BRIGHTNESS:.0f} %)",
                "L1 sparsity, %",
                score(middle, "l1"),
                1,
                null=HALF_BRIGHTNESS,
            )
        )
    claims += [
        Claim(
            f"the kept images of {METHOD_NAMES[name]} are recognised less than half of the time",
            f"{METHOD_NAMES[name]} at its σ of Table 1, accuracy (true labels)",
            score(row, "accuracy"),
            -1,
            null=0.5,
        )
        for name, row in competitors.items()
        if name != "feature-ablation"
    ]
    return claims + _beta_claims(rows)


def _beta_claims(rows: dict) -> list[Claim]:
    """The effects of a larger weight β of the classification loss, and the comparison with the plain VQ-VAE."""
    claims = []
    high, low, plain = (rows.get(key) for key in (("space-vae", 100.0), ("space-vae", 1.0), _plain_key(rows)))
    if high is not None and low is not None:
        for metric, words, expected in (
            ("accuracy", "more kept images are recognised with β = 100 than with β = 1", 1),
            ("l1", "less brightness is removed with β = 100 than with β = 1", -1),
            ("l0", "fewer pixels are black with β = 100 than with β = 1", -1),
        ):
            effect = difference(score(high, metric), score(low, metric))
            claims.append(Claim(words, f"β = 100 − β = 1, {METRIC_NAMES[metric]}", effect, expected))  # type: ignore[arg-type]
    if plain is not None and low is not None:
        effect = difference(score(low, "accuracy"), score(plain, "accuracy"))
        words = "a SpaCE-VAE's image (β = 1) is recognised more often than the plain VQ-VAE's reconstruction"
        claims.append(Claim(words, "β = 1 − VQ-VAE, accuracy (true labels)", effect, 1))
    return claims


def _plain_key(rows: dict) -> tuple | None:
    return next((key for key in rows if key[0] == "vq-vae"), None)


def original_accuracy(table: pd.DataFrame) -> Effect:
    """The classifier's accuracy on the test images as they are."""
    return score(one_row(on_test_images(table), method="original"), "accuracy")


def image_numbers(study: SpaceStudy, table: pd.DataFrame) -> dict[str, Any]:
    """The numbers of the texts of Table 1 and Figure 4 about the images: source, accuracy on originals, counts.

    Args:
        study: the page's study.
        table: its table `sparsity`.
    """
    evaluation = study.settings.evaluation
    return {
        "source": source_words(table[table["split"] == "test"]),
        "original": with_interval(original_accuracy(table)),
        "networks": evaluation.images,
        "competitors": evaluation.competitors,
    }


def label_claims(table: pd.DataFrame) -> list[Claim]:
    """The difference between predicted and true labels for SpaCE-VAE: agreement − accuracy."""
    return [
        Claim(
            f"{row_name(row)}: agreement exceeds accuracy",
            "agreement − accuracy",
            difference(score(row, "agreement"), score(row, "accuracy")),
            1,
        )
        for row in table_one_rows(table)
        if row["method"] == "space-vae"
    ]
