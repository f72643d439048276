"""The rate-distortion curves of a CNN, a transformer and attention rollout: [Re] CartoonX, Figure 5."""

from __future__ import annotations

import pandas as pd
from torch import Tensor

from helpers.methods.rollout import AttentionRollout
from helpers.papers.recartoonx.experiments.curves import VARIANTS, curve_table
from helpers.papers.recartoonx.experiments.study import Study
from helpers.papers.recartoonx.experiments.transformer import rollout
from helpers.profiles import Variant
from helpers.results import code_digest

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
        own = curve_table(vit, variant, curves=tuple(OF_TRANSFORMER), relevance=_rollout_relevance)
        tables += [cnn, own.assign(curve=own["curve"].map(OF_TRANSFORMER))]
    return pd.concat(tables, ignore_index=True)


def _rollout_relevance(study: Study, variant: Variant, count: int) -> tuple[Tensor, dict[str, object]]:
    """The rollouts of some images as an order of their pixels, and what they depend on.

    A patch has one value, so that its pixels would tie: upsampled, as published.
    """
    assert study.profile.transformer is not None
    parts = {**study.profile.transformer.rollout.model_dump(), "code": code_digest(AttentionRollout)}
    return rollout(study, count=count, variant=variant).mask.flatten(2), parts
