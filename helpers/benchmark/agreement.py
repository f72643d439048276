"""Agreement of orders: Spearman's correlation and Kendall's coefficient of concordance, for many samples at once."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata


def spearman(
    first: Float[np.ndarray, "*#samples items"], second: Float[np.ndarray, "*#samples items"]
) -> Float[np.ndarray, "*_samples"]:
    """Spearman's rank correlation of each pair of rows, which broadcast; ties share their mean rank.

    A constant row has no order, hence no agreement: 0, where SciPy returns nan and so leaves the row out of a mean.
    """
    first, second = np.broadcast_arrays(first, second)
    ranks = [rankdata(values, axis=-1) for values in (first, second)]
    centred = [rank - rank.mean(-1, keepdims=True) for rank in ranks]
    covariance = (centred[0] * centred[1]).sum(-1)
    scale = np.sqrt((centred[0] ** 2).sum(-1) * (centred[1] ** 2).sum(-1))
    return np.where(scale > 0, covariance / np.where(scale > 0, scale, 1), 0.0)


def kendall_w(values: Float[np.ndarray, "*samples judges items"]) -> Float[np.ndarray, "*samples"]:
    """Kendall's W: 1 if all judges put the items in the same order, about 0 if their orders have nothing in common.

    With the correction for ties (Kendall and Babington Smith, Ann. Math. Statist. 10, 1939); 0 if all items are tied
    for every judge.
    """
    judges, items = values.shape[-2:]
    ranks = rankdata(values, axis=-1)
    sums = ranks.sum(-2)  # samples, items
    spread = ((sums - sums.mean(-1, keepdims=True)) ** 2).sum(-1)
    # each judge's largest possible spread, less what ties take away
    own = ((ranks - (items + 1) / 2) ** 2).sum((-2, -1))
    return np.where(own > 0, spread / (judges * np.where(own > 0, own, 1)), 0.0)
