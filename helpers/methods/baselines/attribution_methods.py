"""The competitors of SpaCE-VAE: attributions, turned into sparse images by a threshold."""

from __future__ import annotations

from typing import Any

from torch import nn

from helpers.core.names import known_names
from helpers.methods.baselines.attribution import AttributionMethod, AttributionOptions
from helpers.methods.baselines.deep_lift import DeepLIFT, DeepLIFTOptions
from helpers.methods.baselines.feature_ablation import FeatureAblation, FeatureAblationOptions
from helpers.methods.baselines.integrated_gradients import IntegratedGradients, IntegratedGradientsOptions
from helpers.methods.baselines.thresholds import (
    LARGEST_L0,
    PUBLISHED_THRESHOLDS,
    choose_threshold,
    sweep_thresholds,
    threshold_images,
    to_unit_range,
)

__all__ = [
    "LARGEST_L0",
    "METHODS",
    "PUBLISHED_THRESHOLDS",
    "AttributionMethod",
    "AttributionOptions",
    "DeepLIFT",
    "DeepLIFTOptions",
    "FeatureAblation",
    "FeatureAblationOptions",
    "IntegratedGradients",
    "IntegratedGradientsOptions",
    "attribution_method",
    "choose_threshold",
    "sweep_thresholds",
    "threshold_images",
    "to_unit_range",
]

METHODS: dict[str, type[AttributionMethod]] = {
    method.name: method for method in (DeepLIFT, IntegratedGradients, FeatureAblation)
}
"""The attribution methods by name, in the order of the paper's Table 1."""


def attribution_method(classifier: nn.Module, name: str, **options: Any) -> AttributionMethod:
    """One of the competitors of the SpaCE-VAE paper (section 4), all through Captum, with a black baseline.

    Args:
        classifier: pixels in [0, 1] to logits.
        name: `"deeplift"`, `"integrated-gradients"` or `"feature-ablation"`.
        options: fields of the method's `Options`, such as `score="logit"` or `steps=100`.

    Raises:
        ValueError: the name is not known, or an option is out of range (pydantic's ValidationError, which is one).
    """
    if name not in METHODS:
        raise ValueError(f"method {name!r} is not known{known_names(name, METHODS, 'the methods are')}")
    return METHODS[name](classifier, **options)
