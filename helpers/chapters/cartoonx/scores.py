"""Scores of masks that CartoonX shares with Pixel RDE."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Bool, Float
from torch import Tensor

from helpers.core.explanation import Explanation
from helpers.methods.rde import RateDistortion
from helpers.metrics.truth_scores import border_to_mass_ratio, relevance_mass_accuracy

# score: its name on the page
MASK_SCORES = {
    "border": "border-to-mass\nratio",
    "inside": "share of the mask\non the object",
    "rate": "rate",
    "distortion": "distortion\nunder noise",
}


def mask_scores(
    explanation: Explanation,
    problem: RateDistortion,
    region: Bool[Tensor, "batch 1 height width"],
    *,
    samples: int = 32,
) -> dict[str, Float[Tensor, " batch"]]:
    """Each of `MASK_SCORES` of an explanation, one value per image.

    Args:
        explanation: with masks on the problem's representation.
        problem: of the explained images.
        region: the pixels of the explained class.
        samples: noise draws of the distortion.
    """
    values = problem.evaluate(explanation.representation_mask, samples=samples)
    return {
        "border": border_to_mass_ratio(explanation.mask),
        "inside": relevance_mass_accuracy(explanation.mask, region),
        "rate": values["sparsity"],
        "distortion": values["distortion"],
    }


def kept_per_scale(masks: Float[Tensor, "batch 1 k"], bands: Mapping[str, slice]) -> dict[str, float]:
    """The number of coefficients that a mask keeps at each scale, the mean over images."""
    return {name: float(masks[:, 0, band].sum()) / len(masks) for name, band in bands.items()}
