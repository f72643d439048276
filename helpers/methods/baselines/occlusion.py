"""Occlusion: the drop of a class's score when a window of the image is hidden."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from captum.attr import Occlusion
from jaxtyping import Float, Int
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from helpers.core.class_masks import ClassMaskMethod
from helpers.core.masking import baseline_colour
from helpers.core.outputs import class_scores
from helpers.core.runtime import progress
from helpers.core.types import Count, Variant

_ENTRIES_AT_ONCE = 2**25  # of attributions, to bound the memory
Share = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class OcclusionOptions:
    """The options of Occlusion. The method is not in the Explainer paper: the defaults are this book's.

    Attributes:
        window, stride: side and stride of the windows, as shares of the image's shorter side.
        score: of a class: `"sigmoid"`, `"softmax"` or `"logit"`.
        batch: images per forward pass.
        variant: of the baseline: `"corrected"` is black, `"published"` the classifier's mean colour.
    """

    window: Share = 0.25
    stride: Share = 0.0625
    score: Literal["sigmoid", "softmax", "logit"] = "logit"
    batch: Count = 64
    variant: Variant = "corrected"


class OcclusionMaps(ClassMaskMethod):
    """Occlusion (Zeiler and Fergus, ECCV 2014), through Captum.

    A pixel's relevance is the drop of the score, averaged over the windows that hide the pixel; increases count as 0,
    and each class's mask is divided by its largest entry. All classes and several images share one pass.
    """

    name = "occlusion"

    def __init__(self, classifier: nn.Module, options: OcclusionOptions | None = None) -> None:
        self.classifier, self.options = classifier, options or OcclusionOptions()

    @torch.no_grad()
    def _masks_of(
        self,
        images: Float[Tensor, "batch 3 height width"],
        image_index: Int[Tensor, " pairs"],
        class_index: Int[Tensor, " pairs"],
        *,
        show_progress: bool,
    ) -> Float[Tensor, "pairs height width"]:
        """See `ClassMaskMethod._masks_of`."""
        size = self.logits(images[:1]).shape[1] * images[0].numel()  # of the attributions of an image
        batches = images.split(max(1, min(self.options.batch, _ENTRIES_AT_ONCE // size)))
        drops = torch.cat([self._drops(batch) for batch in progress(batches, label=self.name, show=show_progress)])
        drops = drops[image_index, class_index].clamp_min(0)  # pairs, height, width
        return drops / drops.amax((1, 2), keepdim=True).clamp_min(torch.finfo(drops.dtype).tiny)

    @torch.no_grad()
    def _drops(self, images: Tensor) -> Float[Tensor, "batch classes height width"]:
        """The mean drops; Captum attributes the score of each class of each image as a separate output."""
        o, side = self.options, min(images.shape[-2:])
        window, stride = max(1, round(o.window * side)), max(1, round(o.stride * side))
        baseline = baseline_colour(self.classifier, o.variant)
        maps = Occlusion(lambda batch: class_scores(self.logits(batch), o.score).flatten()).attribute(
            images,
            sliding_window_shapes=(3, window, window),
            strides=(3, min(stride, window), min(stride, window)),
            baselines=0 if baseline is None else baseline.expand_as(images),
            perturbations_per_eval=max(1, o.batch // len(images)),
        )
        return maps[:, 0].unflatten(0, (len(images), -1))  # windows cover all channels, whose maps are equal
