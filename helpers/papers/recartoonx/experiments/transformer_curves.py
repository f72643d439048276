"""The rate-distortion curves of a CNN, a transformer and attention rollout: [Re] CartoonX, Figure 5."""

from __future__ import annotations

import pandas as pd

from helpers.papers.recartoonx.experiments.curves import curve_seconds, curve_table
from helpers.papers.recartoonx.experiments.study import Study
from helpers.profiles import Variant

VARIANTS: tuple[Variant, ...] = ("corrected", "published")
# As in the paper the random baselines are the transformer's
OF_TRANSFORMER = {
    "cartoonx": "vit",
    "rollout": "rollout",
    "random-wavelets": "random-wavelets",
    "random-pixels": "random-pixels",
}


def transformer_curve_table(study: Study) -> pd.DataFrame:
    """The curves of `curve_table` for the transformer's images, in both variants.

    The published variant ranks pixels by the published rollout, which divides by the wrong sums; the corrected one by
    the corrected rollout.

    Returns:
        Columns image, curve (cnn: CartoonX of the CNN; vit: CartoonX of the transformer; rollout; random-wavelets and
        random-pixels: random orders for the transformer), direction, fraction, distortion, standard_error, variant.
    """
    vit = study.with_transformer()
    count = len(vit.images)
    tables = []
    for variant in VARIANTS:
        cnn = curve_table(study, variant, curves=("cartoonx",), count=count).assign(curve="cnn")
        own = curve_table(vit, variant, curves=tuple(OF_TRANSFORMER))
        tables += [cnn, own.assign(curve=own["curve"].map(OF_TRANSFORMER))]
    return pd.concat(tables, ignore_index=True)


def transformer_curve_seconds(study: Study) -> float:
    """How long these stored curves took in all, of every run that contributed."""
    vit = study.with_transformer()
    count = len(vit.images)
    return sum(
        curve_seconds(study, variant, curves=("cartoonx",), count=count)
        + curve_seconds(vit, variant, curves=tuple(OF_TRANSFORMER))
        for variant in VARIANTS
    )
