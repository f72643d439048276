"""Feature Ablation: what the score loses when a pixel turns black."""

from __future__ import annotations

from typing import Literal

import torch
from captum import attr
from jaxtyping import Float, Int
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from torch import Tensor

from helpers.baselines.attribution import AttributionOptions, SignedAttribution


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class FeatureAblationOptions(AttributionOptions):
    """What is removed at a time.

    Attributes:
        channels: `"tied"`: a whole pixel, so that 32 x 32 pixels take 1,024 calls of the classifier an image and all
            three channels get the same number; `"apart"`: one entry, three times as many calls.
    """

    channels: Literal["tied", "apart"] = "tied"


class FeatureAblation(SignedAttribution):
    """Feature Ablation as the SpaCE-VAE paper uses it (section 2, Figure 2), through Captum.

    A feature's attribution is s(x) - s(x with the feature black): what the score loses.
    """

    name = "feature-ablation"
    Options = FeatureAblationOptions

    def _images_at_once(self, inputs: Float[Tensor, "batch 3 height width"]) -> int:
        return max(1, self.options.batch // _features(inputs, self.options.channels).numel())

    def _attribute(
        self, images: Float[Tensor, "part 3 height width"], targets: Int[Tensor, " part"]
    ) -> Float[Tensor, "part 3 height width"]:
        return attr.FeatureAblation(self._scores).attribute(
            images,
            target=targets,
            feature_mask=_features(images, self.options.channels),
            perturbations_per_eval=max(1, self.options.batch // len(images)),
        )


def _features(images: Tensor, channels: str) -> Int[Tensor, "1 channels height width"]:
    """The number of the feature that each entry belongs to."""
    shape = (3 if channels == "apart" else 1, *images.shape[-2:])
    return torch.arange(torch.Size(shape).numel(), device=images.device).view(1, *shape)
