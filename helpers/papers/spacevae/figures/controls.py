"""Controls that explain nothing, and a second classifier that judges the kept images of every method."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.core.statistics import Effect
from helpers.papers.spacevae.experiments.study import PLAIN, SpaceStudy
from helpers.papers.spacevae.figures.larger import CifarRuns
from helpers.papers.spacevae.figures.words import METHOD_NAMES, METRIC_HEADS, METRICS, row_name, share, with_interval
from helpers.papers.spacevae.measures.rows import CONTROLS, Row, at_sparsity, on_test_images, one_row, score

CONTROL_HEADS = {name: f"agreement, {METHOD_NAMES[name]}" for name in CONTROLS}
"""The heads of columns with the agreement of each control at a network's L1 sparsity."""

_DECIMALS = {"l0": 1, "l1": 1}


def control_amounts(table: pd.DataFrame) -> tuple[float, float]:
    """The smallest and the largest amount of darkening of the controls."""
    amounts = table[table["method"].isin(CONTROLS)]["amount"]
    return float(amounts.min()), float(amounts.max())


def controls_at(table: pd.DataFrame, sparsity: float | int, metric: str = "agreement") -> dict[str, Effect]:
    """A metric of each control of the table `sparsity` at an L1 sparsity in per cent; empty without controls."""
    return {name: at_sparsity(table, name, "l1", sparsity, metric) for name in CONTROLS if name in set(table["method"])}


def control_cells(row: Any) -> dict[str, str]:
    """The agreement of both controls from a row that has it, as cells by column head."""
    return {head: with_interval(score(row, f"{name}_agreement")) for name, head in CONTROL_HEADS.items()}


def control_rows(table: pd.DataFrame, own: Row) -> list[dict[str, str]]:
    """Rows of Table 1: all metrics of each control at the L1 sparsity of a network."""
    rows = []
    for name in CONTROLS:
        if name in set(table["method"]):
            cells = {"method": f"— {METHOD_NAMES[name]}, to the same L1"}
            for metric in METRICS:
                effect = at_sparsity(table, name, "l1", own["l1"], metric)
                cells[METRIC_HEADS[metric]] = with_interval(effect, _DECIMALS.get(metric, 2))
            rows.append(cells)
    return rows


def control_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per network of the table `sparsity`: its L1 sparsity, and its agreement beside that of both controls."""
    tested = on_test_images(table)
    rows = []
    for row in tested[tested["method"] == "space-vae"].to_dict("records"):
        cells = {"kept by": row_name(row), "L1, %": with_interval(score(row, "l1"), 1)}
        cells["agreement, SpaCE-VAE"] = with_interval(score(row, "agreement"))
        effects = controls_at(table, row["l1"])
        rows.append(cells | {CONTROL_HEADS[name]: with_interval(effect) for name, effect in effects.items()})
    return pd.DataFrame(rows)


def control_numbers(table: pd.DataFrame, training: str = PLAIN) -> dict[str, str]:
    """The numbers of a sentence about the controls: a network's agreement, and theirs at its L1 sparsity.

    Returns:
        `own`, `own-l1`, `darkened` and `subtracted`, as shares in per cent.
    """
    row = one_row(table, split="test", training=training)
    effects = controls_at(table, row["l1"])
    return {
        "own": share(row["agreement"]),
        "own-l1": f"{row['l1']:.0f} %",
        **{name: share(effect.value) for name, effect in effects.items()},
    }


def warning_words(cifar: CifarRuns, transfer: pd.DataFrame | None) -> str:
    """What controls and a second classifier make of SpaCE-VAE's kept images (β = 10): the first sentences of a page.

    Args:
        cifar: the runs on CIFAR-10, with the table `sparsity`.
        transfer: the table `transfer` of the page's profile; None if its images are not scenes.
    """
    sentences = []
    for name, (table, *_) in cifar.tables.items():
        if PLAIN not in set(table["training"]):  # a run whose networks are not trained yet
            continue
        found = control_numbers(table)
        sentences.append(
            f"On CIFAR-10 (profile `{name}`) the classifier keeps its prediction for {found['own']} of SpaCE-VAE's "
            f"images (β = 10, {found['own-l1']} of the brightness removed), for {found['darkened']} of images that are "
            f"merely dimmed as much, and for {found['subtracted']} of images from which a constant is subtracted."
        )
    if transfer is not None:
        found = transfer_numbers(transfer)
        sentences.append(
            f"On scenes, its own classifier recognises {found['first-own']} of SpaCE-VAE's images. A second one, which "
            f"no method ever saw, recognises {found['second-own']} of them, {found['second-darkened']} of equally "
            f"dimmed images, and {found['second-subtracted']} of equally dark ones with a constant subtracted."
        )
    return f"**Before you compare.** {' '.join(sentences)}" if sentences else ""


def transfer_table(study: SpaceStudy) -> pd.DataFrame | None:
    """The table `transfer`; None if the images are not scenes."""
    return study.table("space-vae-transfer") if study.scenes else None


def transfer_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: its L1 sparsity, and its agreement with its own and with the second classifier."""
    rows = []
    for row in table.to_dict("records"):
        cells = {"kept by": row_name(row), "L1 sparsity, %": with_interval(score(row, "l1"), 1)}
        cells["agreement, its own classifier"] = with_interval(score(row, "agreement"))
        rows.append({**cells, "agreement, the second classifier": with_interval(score(row, "second_agreement"))})
    return pd.DataFrame(rows)


def transfer_numbers(table: pd.DataFrame, training: str = "beta-10") -> dict[str, str]:
    """The numbers of a sentence about the second classifier, as shares in per cent.

    Returns:
        `first-own` and `second-own` for a network's kept images, `second-subtracted` and `second-darkened` for equally
        dark ones.
    """
    own = one_row(table, training=training)
    seconds = {name: one_row(table, method=name)["second_agreement"] for name in CONTROLS}
    return {
        "first-own": share(own["agreement"]),
        "second-own": share(own["second_agreement"]),
        **{f"second-{name}": share(value) for name, value in seconds.items()},
    }
