"""Table 1 of the SpaCE-VAE paper: ours and the published one, and the thresholds by each rule."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.controls import control_rows
from helpers.papers.spacevae.figures.words import (
    METHOD_NAMES,
    METRIC_HEADS,
    METRICS,
    number,
    row_name,
    source_words,
    with_interval,
)
from helpers.papers.spacevae.measures.rows import COMPETITORS, Row, chosen_row, on_test_images, score
from helpers.papers.spacevae.measures.sparsity import original_score
from helpers.papers.spacevae.published import published_table_one

RULES = {
    "published": "L0 below 10 %, test",
    "validation": "L0 below 10 %, validation",
    "confident": "most confident, validation",
}
_DECIMALS = {"accuracy": 2, "agreement": 2, "confidence": 2, "l0": 1, "l1": 1}


def table_one_rows(table: pd.DataFrame, rule: str = "published") -> list[Row]:
    """The rows of Table 1 in the paper's order: baselines, competitors at their chosen thresholds, SpaCE-VAE by β."""
    rows = on_test_images(table)
    baselines = [row for name in ("original", "vq-vae") for row in rows[rows["method"] == name].to_dict("records")]
    chosen = [row for name in COMPETITORS if (row := chosen_row(table, name, rule)) is not None]
    return [*baselines, *chosen, *(row for row in rows[rows["method"] == "space-vae"].to_dict("records"))]


def table_one(table: pd.DataFrame, rule: str = "published", *, paper: bool = True) -> pd.DataFrame:
    """Table 1: one row per method, our values with 95 % intervals, each followed by the paper's (on CIFAR-10).

    The paper reports no agreement, only accuracy with true labels. Below each SpaCE-VAE are both controls that explain
    nothing, which the paper does not have, at its L1 sparsity.
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
        if row["method"] == "space-vae":
            rows += control_rows(table, row)
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


def image_numbers(study: SpaceStudy, table: pd.DataFrame) -> dict[str, Any]:
    """The numbers of the texts of Table 1 and Figure 4 about the images: source, accuracy on originals, counts.

    Args:
        study: the page's study.
        table: its table `sparsity`.
    """
    evaluation = study.settings.evaluation
    return {
        "source": source_words(table[table["split"] == "test"]),
        "original": with_interval(original_score(table)),
        "networks": evaluation.images,
        "competitors": evaluation.competitors,
    }
