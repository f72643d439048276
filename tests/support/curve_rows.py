"""A table of curves from a few numbers, in the form of the table `curves`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd


def curve_rows(
    kept: Mapping[str, Mapping[str, Sequence[float]]], fractions: Sequence[float], variant: str = "corrected"
) -> pd.DataFrame:
    """Curves of keeping, by name and image; those of randomising are the same the other way round."""
    rows = []
    for curve, images in kept.items():
        for image, values in images.items():
            for fraction, keep, randomise in zip(fractions, values, values[::-1], strict=True):
                rows += [(image, curve, "keep", fraction, keep), (image, curve, "randomise", fraction, randomise)]
    table = pd.DataFrame(rows, columns=["image", "curve", "direction", "fraction", "distortion"])
    return table.assign(variant=variant)
