"""The wavelet family: one method or control against another on the same images.

The unit is the image, and differences are paired.
"""

from __future__ import annotations

from typing import get_args

import numpy as np
import pandas as pd

from helpers.core.statistics import Effect, difference_effect, mean_effect
from helpers.profiles.family_sections import FamilyMethodName

KEYS = ["kind", "image"]


def difference(family: pd.DataFrame, method: str, other: str, score: str, kind: str | None = None) -> Effect:
    """The mean of a score of one method − that of another; images without one of the two scores are left out.

    Args:
        family: the table `family`.
        method, other: methods or controls.
        score: a column, such as "iou".
        kind: of the images; None for all.
    """
    return mean_effect(paired(family, method, other, score, kind))


def ratio(family: pd.DataFrame, method: str, other: str, score: str, kind: str | None = None) -> Effect:
    """The geometric mean of a positive score of one method ÷ that of another.

    Images on which one of the two is 0 or not defined are left out.

    Args:
        family, method, other, score, kind: as for `difference`.
    """
    logarithms = family.assign(**{score: np.log(family[score].where(family[score] > 0))})
    return mean_effect(paired(logarithms, method, other, score, kind)).exponential()


def between_kinds(
    family: pd.DataFrame, method: str, other: str, score: str, kind: str = "curved", other_kind: str = "straight"
) -> Effect:
    """The paired difference of two methods on images of one kind − that on images of another kind.

    Args:
        family, method, other, score: as for `difference`.
        kind, other_kind: the two kinds of images.
    """
    return difference_effect(*(paired(family, method, other, score, each) for each in (kind, other_kind)))


def paired(family: pd.DataFrame, method: str, other: str, score: str, kind: str | None = None) -> pd.Series:
    """The difference of a score on each image that both explain; nan where one of the two has no score.

    Raises:
        ValueError: a method has an unknown name.
    """
    unknown = {method, other} - set(get_args(FamilyMethodName))
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} is no method of the wavelet family")
    rows = family if kind is None else family[family["kind"] == kind]
    first, second = (rows[rows["method"] == name].set_index(KEYS)[score] for name in (method, other))
    both = first.index.intersection(second.index)
    return first.reindex(both) - second.reindex(both)
