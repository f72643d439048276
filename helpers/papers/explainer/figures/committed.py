"""Tables about class masks that larger runs have left in the repository."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.reporting.committed import committed_table
from helpers.results.registry import find_table


def committed_tables(profile: str, name: str, *, root: Path | None = None) -> pd.DataFrame | None:
    """A table of all its pairs that lie in `results/<profile>/`, as `table_of_pairs` returns it; None where none does.

    Args:
        profile: of the larger run, such as "scenes".
        name: of the table, such as "explainer-segmentation".
        root: another folder than the project's `results/`.
    """
    table, parts = find_table(name), []
    for dataset in table.datasets:
        for classifier in table.classifiers:
            stored = f"{table.name}-{dataset}-{classifier}"
            found = committed_table(profile, stored, root=root)
            if found is not None:
                parts.append(found.assign(dataset=dataset, classifier=classifier))
    return pd.concat(parts, ignore_index=True) if parts else None


def committed_words(table: pd.DataFrame | None, profile: str, larger: str = "scenes") -> str:
    """A sentence that says how many images a larger run has, or that it is not there."""
    if profile == larger:
        return f"This page shows the profile `{larger}` itself."
    if table is None:
        return f"The profile `{larger}` has not been run yet: its table is not in `results/{larger}/`."
    images = table.groupby(["dataset", "classifier"])["image"].nunique()
    fewest, most = int(images.min()), int(images.max())
    count = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    return (
        f"The profile `{larger}` runs every method with its published settings. From `results/{larger}/`, "
        f"over {count} images for each dataset and classifier:"
    )
