"""Feature Ablation: what the score loses when a pixel turns black."""

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
    """What is removed at a time, and how the scores without it are computed.

    Attributes:
        channels: `"tied"`: a whole pixel, so that 32 x 32 pixels take 1,024 calls of the classifier an image and all
            three channels get the same number; `"apart"`: one entry, three times as many calls.
        windows: whether only what a removed pixel reaches is computed anew, where the classifier allows it
            (`PixelRemoval`): the same numbers, but for float rounding, in about two thirds of the time. Otherwise, or
            for other classifiers, Captum calls the whole classifier.
    """

    channels: Literal["tied", "apart"] = "tied"
    windows: bool = True


class FeatureAblation(AttributionMethod):
    """Feature Ablation as the SpaCE-VAE paper uses it (section 2, Figure 2), through Captum.

    A feature's attribution is s(x) - s(x with the feature black): what the score loses. A feature that is black
    already has exactly 0.
    """

    name = "feature-ablation"
    Options = FeatureAblationOptions

    def _images_at_once(self, inputs: Float[Tensor, "batch 3 height width"]) -> int:
        size = (inputs.shape[2], inputs.shape[3])
        calls = _features(inputs, self.options.channels).numel()
        if self._in_windows(size):
            calls = (size[0] // 8) * (size[1] // 8)  # of each of the image's batches
        return max(1, self.options.batch // calls)

    @torch.no_grad()
    def _attribute(
        self, images: Float[Tensor, "part 3 height width"], targets: Int[Tensor, " part"]
    ) -> Float[Tensor, "part 3 height width"]:
        size = (images.shape[2], images.shape[3])
        lost = self._window_losses(images, targets) if self._in_windows(size) else self._captum(images, targets)
        black = images == 0 if self.options.channels == "apart" else (images == 0).all(1, keepdim=True)
        return lost.masked_fill(black, 0).to(images)

    def _in_windows(self, size: tuple[int, int]) -> bool:
        return self.options.windows and PixelRemoval.fits(self.classifier, size)

    def _captum(self, images: Tensor, targets: Tensor) -> Float[Tensor, "part 3 height width"]:
        return attr.FeatureAblation(self._scores).attribute(
            images,
            target=targets,
            feature_mask=_features(images, self.options.channels),
            perturbations_per_eval=max(1, self.options.batch // len(images)),
        )

    def _window_losses(self, images: Tensor, targets: Tensor) -> Float[Tensor, "part 3 height width"]:
        removal = PixelRemoval(self.classifier, (images.shape[2], images.shape[3]))
        together = torch.eye(3, dtype=torch.bool) if self.options.channels == "apart" else torch.ones(1, 3).bool()
        losses = []
        for channels in together:
            whole, without = (self._as_scores(logits) for logits in removal.logits(images, channels))
            places = targets[:, None, None, None].expand(*without.shape[:3], 1)
            losses.append(whole.gather(1, targets[:, None])[..., None] - without.gather(3, places).squeeze(3))
        return torch.stack(losses, 1).expand(-1, 3, -1, -1)


def _features(images: Tensor, channels: str) -> Int[Tensor, "1 channels height width"]:
    """The number of the feature that each entry belongs to."""
    shape = (3 if channels == "apart" else 1, *images.shape[-2:])
    return torch.arange(torch.Size(shape).numel(), device=images.device).view(1, *shape)
