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

# the random baselines are the transformer's, as in the paper
OF_TRANSFORMER = {
    "cartoonx": "vit",
    "rollout": "rollout",
    "random-wavelets": "random-wavelets",
    "random-pixels": "random-pixels",
}


def transformer_curve_table(study: Study) -> pd.DataFrame:
    """The curves of `curve_table` for the transformer's images, in both variants.

    The published variant ranks pixels by the published rollout, which normalises by the wrong sums; the corrected
    variant by the corrected rollout.

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
    """The rollouts of some images as a ranking of their pixels, and their cache key.

    The mask is upsampled, as published: otherwise the pixels of a patch would tie.
    """
    assert study.profile.transformer is not None
    key_parts = {**study.profile.transformer.rollout.model_dump(), "code": code_digest(AttentionRollout)}
    return rollout(study, count=count, variant=variant).mask.flatten(2), key_parts
