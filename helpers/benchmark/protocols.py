"""The protocols in one table: what the tables of sanity, stability, edges, leakage and cost say of each method."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.results import read_table

SIMILARITY = "rank"
"""The similarity of maps whose verdicts are shown."""


def protocol_summary(profile: str = "benchmark", *, root: Path | None = None) -> pd.DataFrame:
    """The verdicts and numbers of the protocols, from the committed tables.

    Args:
        profile: of the tables.
        root: the folder of results; None for the book's.

    Returns:
        One row per method and control, indexed by name: control, weights (all of the classifier's random), own network
        (its weights random; empty if it has none), labels (random ones), noise and shift (the larger ones), edges
        (verdicts, empty where a method was not tried); absent, absent_low, absent_high (the share of absent classes
        that a small network reads off the masks); operations (in forward passes of the classifier) and seconds, of one
        image; fewest and most (scenes on which a verdict rests).
    """
    sanity, stability, edges, leakage, cost = (
        read_table(profile, name, root=root)
        for name in ("sanity-checks", "stability", "edges-by-method", "leakage", "method-cost")
    )
    sanity, stability = (table[table["similarity"] == SIMILARITY] for table in (sanity, stability))
    counts = pd.concat([sanity, stability, edges]).groupby("method")["n"]
    weights = sanity[sanity["arm"] == "cascade"].groupby("method", sort=False).last()
    network = sanity[sanity["arm"] == "own network, cascade"].groupby("method").last()
    shown = {
        "control": weights["control"],
        "weights": weights["verdict"],
        "own network": network["verdict"],
        "labels": _of(sanity[sanity["arm"] == "labels"])["verdict"],
        **{arm: _largest(stability[stability["arm"] == arm])["verdict"] for arm in ("noise", "shift")},
        "edges": _of(edges[edges["variant"] == "corrected"])["verdict"],
    }
    absent = _of(leakage[leakage["test"] == "learned-absent"])
    shown |= {name: absent[column] for name, column in zip(_ABSENT, ("value", "low", "high"), strict=True)}
    whole = cost[cost["budget"] == 1]
    shown |= {name: _of(whole[whole["quantity"] == name])["value"] for name in ("operations", "seconds")}
    table = pd.DataFrame({**shown, "fewest": counts.min(), "most": counts.max()}).loc[weights.index]
    words = ["weights", "own network", "labels", "noise", "shift", "edges"]
    return table.assign(**{name: table[name].fillna("") for name in words})


_ABSENT = ("absent", "absent_low", "absent_high")


def _of(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.set_index("method")


def _largest(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of each method's largest change."""
    return rows.sort_values("size", kind="stable").groupby("method").last()
