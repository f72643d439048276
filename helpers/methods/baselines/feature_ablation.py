"""Feature Ablation: the drop of the score when a pixel turns black."""

from __future__ import annotations

from typing import Literal

import torch
from captum import attr
from jaxtyping import Float, Int
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from torch import Tensor

from helpers.methods.baselines.attribution import AttributionMethod, AttributionOptions
from helpers.methods.baselines.pixel_removal import PixelRemoval


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class FeatureAblationOptions(AttributionOptions):
    """The options of Feature Ablation.

    Attributes:
        channels: `"tied"`: ablate whole pixels, so that an image of 32 x 32 pixels takes 1,024 forward passes and all
            three channels have the same attribution; `"apart"`: ablate single entries, in three times as many passes.
        windows: recompute only the receptive field of an ablated pixel, if the classifier allows it (`PixelRemoval`):
            the same result, except for float rounding, in about two thirds of the time. Otherwise, and for other
            classifiers, Captum runs the whole classifier.
    """

    channels: Literal["tied", "apart"] = "tied"
    windows: bool = True


class FeatureAblation(AttributionMethod):
    """Feature Ablation as the SpaCE-VAE paper uses it (section 2, Figure 2), through Captum.

    A feature's attribution is the drop of the score, s(x) - s(x with the feature black), exactly 0 for black features.
    """

    name = "feature-ablation"
    Options = FeatureAblationOptions

    def _images_at_once(self, inputs: Float[Tensor, "batch 3 height width"]) -> int:
        size = (inputs.shape[2], inputs.shape[3])
        calls = _features(inputs, self.options.channels).numel()
        if self._in_windows(size):
            calls = (size[0] // 8) * (size[1] // 8)  # windows per image in each batch
        return max(1, self.options.batch // calls)

    @torch.no_grad()
    def _attribute(
        self, images: Float[Tensor, "batch 3 height width"], targets: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch 3 height width"]:
        size = (images.shape[2], images.shape[3])
        drops = self._window_drops(images, targets) if self._in_windows(size) else self._captum(images, targets)
        black = images == 0 if self.options.channels == "apart" else (images == 0).all(1, keepdim=True)
        return drops.masked_fill(black, 0).to(images)

    def _in_windows(self, size: tuple[int, int]) -> bool:
        return self.options.windows and PixelRemoval.fits(self.classifier, size)

    def _captum(self, images: Tensor, targets: Tensor) -> Float[Tensor, "batch 3 height width"]:
        return attr.FeatureAblation(self._scores).attribute(
            images,
            target=targets,
            feature_mask=_features(images, self.options.channels),
            perturbations_per_eval=max(1, self.options.batch // len(images)),
        )

    def _window_drops(self, images: Tensor, targets: Tensor) -> Float[Tensor, "batch 3 height width"]:
        removal = PixelRemoval(self.classifier, (images.shape[2], images.shape[3]))
        groups = torch.eye(3, dtype=torch.bool) if self.options.channels == "apart" else torch.ones(1, 3).bool()
        drops = []
        for channels in groups:
            before, after = (self._as_scores(logits) for logits in removal.logits(images, channels))
            index = targets[:, None, None, None].expand(*after.shape[:3], 1)
            drops.append(before.gather(1, targets[:, None])[..., None] - after.gather(3, index).squeeze(3))
        return torch.stack(drops, 1).expand(-1, 3, -1, -1)


def _features(images: Tensor, channels: str) -> Int[Tensor, "1 channels height width"]:
    """The index of the feature of each entry, as Captum's `feature_mask`."""
    shape = (3 if channels == "apart" else 1, *images.shape[-2:])
    return torch.arange(torch.Size(shape).numel(), device=images.device).view(1, *shape)
