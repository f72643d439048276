"""Occlusion: what a class's score loses when a window of the image is hidden."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from captum.attr import Occlusion
from jaxtyping import Bool, Float
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from helpers.core.class_masks import ClassMaskMethod, check_classes
from helpers.core.masking import baseline_colour
from helpers.core.runtime import progress
from helpers.core.types import Count, Variant
from helpers.methods.baselines.pairs import count_classes, frozen, probabilities

_NUMBERS_AT_ONCE = 2**25
Share = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class OcclusionOptions:
    """Which windows are hidden. The Explainer paper does not have this method: the defaults are ours.

    Attributes:
        window, stride: the window's side, and how far it moves, as shares of the image's shorter side.
        score: what a class's score is: `"sigmoid"`, `"softmax"` or `"logit"`.
        batch: images in one call of the classifier.
        variant: `"corrected"` hides pixels behind black, `"published"` behind the classifier's mean colour.
    """

    window: Share = 0.25
    stride: Share = 0.0625
    score: Literal["sigmoid", "softmax", "logit"] = "logit"
    batch: Count = 64
    variant: Variant = "corrected"


class OcclusionMaps(ClassMaskMethod):
    """Occlusion (Zeiler and Fergus, ECCV 2014), through Captum.

    A pixel's relevance is what the score loses, on average over the windows that hide the pixel; gains count as 0, and
    each class's mask is divided by its largest entry. All classes and several images are dealt with in one pass.
    """

    name = "occlusion"

    def __init__(self, classifier: nn.Module, options: OcclusionOptions | None = None) -> None:
        self.classifier, self.options = classifier, options or OcclusionOptions()

    def class_masks(
        self,
        images: Float[Tensor, "batch 3 height width"],
        classes: Bool[Tensor, "batch classes"],
        *,
        show_progress: bool = False,
    ) -> Float[Tensor, "batch classes height width"]:
        """See `ClassMaskMethod.class_masks`."""
        check_classes(images, classes, count_classes(self.classifier, images))
        if not len(images):
            return images.new_zeros(*classes.shape, *images.shape[-2:])
        numbers = classes.shape[1] * images[0].numel()  # that Captum keeps for an image
        parts = images.split(max(1, min(self.options.batch, _NUMBERS_AT_ONCE // numbers)))
        with frozen(self.classifier):
            shown = progress(parts, label=self.name, show=show_progress)
            losses = torch.cat([self._losses(part) for part in shown])
        losses = losses.clamp_min(0)
        largest = losses.amax((2, 3), keepdim=True).clamp_min(torch.finfo(losses.dtype).tiny)
        return losses / largest * classes[..., None, None]

    @torch.no_grad()
    def _losses(self, images: Tensor) -> Float[Tensor, "batch classes height width"]:
        """Captum takes each class's score of each image for an output of its own, and gives every one its map."""
        o, side = self.options, min(images.shape[-2:])
        window, stride = max(1, round(o.window * side)), max(1, round(o.stride * side))
        colour = baseline_colour(self.classifier, o.variant)
        maps = Occlusion(lambda batch: probabilities(self.classifier(batch), o.score).flatten()).attribute(
            images,
            sliding_window_shapes=(3, window, window),
            strides=(3, min(stride, window), min(stride, window)),
            baselines=0 if colour is None else colour.expand_as(images),
            perturbations_per_eval=max(1, o.batch // len(images)),
        )
        return maps[:, 0].unflatten(0, (len(images), -1))  # the window covers all channels: their maps are equal
