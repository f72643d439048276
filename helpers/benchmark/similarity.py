"""How alike two maps of an image are: rank correlation and structural similarity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Float
from skimage.metrics import structural_similarity
from torch import Tensor

from helpers.benchmark.agreement import spearman
from helpers.benchmark.case import silent
from helpers.benchmark.rows import effect_row
from helpers.core.statistics import Effect, mean_effect

Maps = Float[Tensor, "batch height width"]

OTHERS = (1, 2, 3)
"""Which of the next images' maps a map is compared with."""


def rank_similarity(first: Maps, second: Maps) -> Float[np.ndarray, " batch"]:
    """Spearman's correlation of the pixels of each pair of maps; a constant map agrees with none: 0."""
    return spearman(*(maps.flatten(1).double().numpy() for maps in (first, second)))


def structural(first: Maps, second: Maps) -> Float[np.ndarray, " batch"]:
    """The structural similarity (SSIM; Wang et al., 2004) of each pair of maps in [0, 1], by scikit-image.

    1 for equal maps, constant ones too. Maps that are mostly 0 are alike by that alone, so read it beside a control.
    """
    pairs = zip(first.double().numpy(), second.double().numpy(), strict=True)
    return np.array([structural_similarity(one, other, data_range=1.0) for one, other in pairs])


SIMILARITIES: dict[str, Callable[[Maps, Maps], Float[np.ndarray, " batch"]]] = {
    "rank": rank_similarity,
    "ssim": structural,
}
"""The similarities by name."""


def compared(
    before: Maps, after: Maps, verdict: Callable[[Effect, Effect, bool], str], **names: Any
) -> Iterator[dict[str, Any]]:
    """One row per similarity of maps before and after a change, beside that with the maps of other images.

    Args:
        before, after: in [0, 1], of the same images.
        verdict: from the similarity, the gain, and whether most maps were silent before, to a word.
        names: the first columns.

    Returns:
        Columns names, value, low, high (of the similarity), similarity ("rank", "ssim"), other (the similarity of the
        map before with the map after of another image), gain, gain_low, gain_high (value less other, paired over the
        images), silent (the share of constant maps after), verdict, n (images).
    """
    was_silent, is_silent = (float(silent(maps).double().mean()) for maps in (before, after))
    for name, similarity in SIMILARITIES.items():
        own = similarity(before, after)
        other = np.mean([similarity(before, after.roll(shift, 0)) for shift in OTHERS], axis=0)
        alike, gain = mean_effect(own, limits=(-1, 1)), mean_effect(own - other)
        row = effect_row(alike, **names, similarity=name)
        count = row.pop("n")
        further = {"other": float(other.mean()), "gain": gain.value, "gain_low": gain.low, "gain_high": gain.high}
        rounded = {key: round(value, 6) for key, value in further.items()}
        yield {**row, **rounded, "silent": is_silent, "verdict": verdict(alike, gain, was_silent > 0.5), "n": count}
