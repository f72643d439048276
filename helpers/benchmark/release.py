"""The benchmark's scores for others: a tidy CSV and Parquet file, a data card, and maps as evidence bundles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from jaxtyping import Float
from torch import Tensor

from helpers.benchmark.case import Case
from helpers.benchmark.registry import load_metrics
from helpers.core.evidence import library_versions
from helpers.core.explanation import Explanation
from helpers.core.files import atomic_file, atomic_write

SCORES, CARD = "scores", "README.md"
"""The names of the tables, `scores.csv` and `scores.parquet`, and of the card."""

FIELDS = {
    "method": ("text", "the name of the method or control"),
    "control": ("true or false", "whether it knows nothing of the classifier"),
    "image": ("number", "of the scene, from 0"),
    "silent": ("true or false", "whether the map is constant, or has values that are not finite"),
    "seconds": ("seconds", "for one map of a batch, on the machine that made the row; stored rows: of the processor"),
    "metric": ("text", "one of the metrics below"),
    "value": ("no unit", "the score; empty where it is not defined for the image"),
    "higher": ("true or false", "whether higher is better"),
}
"""The columns of the scores: unit and meaning."""


def tidy(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method, metric and image.

    Args:
        table: rows of `helpers.benchmark.contest.scores_of`, one per method and image.

    Returns:
        The columns of `FIELDS`.
    """
    metrics = {name: entry for name, entry in load_metrics().items() if name in table}
    first = [name for name in FIELDS if name in table]
    rows = table.melt(first, list(metrics), "metric", "value")
    rows["higher"] = [metrics[name].higher for name in rows["metric"]]
    return rows[[name for name in FIELDS if name in rows]]


def write_scores(folder: Path, table: pd.DataFrame, *, command: str, made: Mapping[str, str]) -> list[Path]:
    """Write the scores and their card into a folder, which is made.

    Args:
        folder: a file of the same name is replaced.
        table: rows of `helpers.benchmark.contest.scores_of`.
        command: that makes the files again.
        made: of what the scores are made, in words by name, for the card.

    Returns:
        The paths of the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = tidy(table)
    csv, parquet, card = folder / f"{SCORES}.csv", folder / f"{SCORES}.parquet", folder / CARD
    atomic_write(csv, rows.to_csv(index=False, lineterminator="\n").encode())
    with atomic_file(parquet) as file:
        rows.to_parquet(file, index=False)
    bundles = sorted((folder / "maps").glob("*.zip"))
    atomic_write(card, _card(rows, [csv, parquet, *bundles], command, made).encode())
    return [csv, parquet, *bundles, card]


def write_maps(
    folder: Path, method: str, case: Case, maps: Float[Tensor, "batch height width"], settings: Mapping[str, str]
) -> Path:
    """Write the maps of one method as an evidence bundle, `maps/METHOD.zip`, in half precision.

    `helpers.core.explanation.Explanation.load` reads it, and any program that reads zip files and safetensors.

    Args:
        folder: of the scores.
        method: its name.
        case: the images.
        maps: of the method, in [0, 1].
        settings: what the bundle says of their origin.
    """
    path = folder / "maps" / f"{method}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = maps.detach()[:, None]  # batch, 1, height, width
    kept = (case.images * mask).half()
    explanation = Explanation(mask.half(), kept, case.targets)
    explanation.save(path, images=case.images.half(), settings={"method": method, **settings})
    return path


def _card(rows: pd.DataFrame, files: Sequence[Path], command: str, made: Mapping[str, str]) -> str:
    """The data card, in Markdown."""
    metrics = {name: load_metrics()[name] for name in rows["metric"].unique()}
    fields = [f"| {name} | {unit} | {meaning} |" for name, (unit, meaning) in FIELDS.items() if name in rows]
    described = [
        f"| {name} | {('lower', 'higher')[entry.higher]} | {entry.domain} | {entry.truth} | {_words(entry.metric)} |"
        for name, entry in metrics.items()
    ]
    origin = {**made, **{f"version of {name}": version for name, version in library_versions().items()}}
    digests = [f"| {path.relative_to(files[0].parent)} | {path.stat().st_size} | `{_digest(path)}` |" for path in files]
    return "\n".join(
        [
            "# Scores of explanations",
            "",
            f"{rows['method'].nunique()} methods and controls explain {rows['image'].nunique()} scenes; "
            f"{len(metrics)} metrics score the maps: {len(rows)} rows, one per method, metric and image.",
            "",
            *("## Fields", "", "| field | unit | meaning |", "|:---|:---|:---|", *fields, ""),
            *("## Metrics", "", "| metric | better | reads | truth | score |", "|:---|:---|:---|:---|:---|"),
            *(*described, ""),
            *("## How they were made", "", "```bash", command, "```", ""),
            *("| what | which |", "|:---|:---|", *(f"| {name} | {value} |" for name, value in origin.items()), ""),
            "The scenes are drawn by a program, so that they show nobody and nothing that is protected.",
            "",
            *("## Licence", "", "That of the book, MIT: use them as you like, and name their origin.", ""),
            *("## Files", "", "| file | bytes | SHA-256 |", "|:---|---:|:---|", *digests, ""),
        ]
    )


def _words(metric: object) -> str:
    """The first line of a metric's description."""
    return (type(metric).__doc__ or "").strip().splitlines()[0]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
