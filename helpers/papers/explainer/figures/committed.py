"""Committed tables about class masks from larger runs."""

from __future__ import annotations

import pandas as pd


def committed_opening(table: pd.DataFrame, profile: str) -> str:
    """The sentence before a larger run's results: their origin, and the number of images per pair."""
    pairs = table.groupby(["dataset", "classifier"])
    images = pairs["image"].nunique() if "image" in table else pairs["images"].max()
    fewest, most = int(images.min()), int(images.max())
    count = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    return (
        f"The profile `{profile}` runs every method with its published settings. From `results/{profile}/`, "
        f"over {count} images for each dataset and classifier:"
    )
