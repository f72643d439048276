"""Occlusion: the drop of a class's score when a window of the image is hidden."""

from __future__ import annotations

import math
from typing import Annotated, Any

import torch
from jaxtyping import Float, Int
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from helpers.core.class_masks import ClassMaskMethod
from helpers.core.masking import apply_mask, baseline_colour
from helpers.core.names import NamedOptions
from helpers.core.outputs import Logits, ScoreName, class_scores, score_name
from helpers.core.runtime import progress
from helpers.core.types import Count, Variant

Share = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class OcclusionOptions(NamedOptions):
    """The options of Occlusion. The method is not in the Explainer paper: the defaults are this book's.

    Attributes:
        window, stride: side and stride of the windows, as shares of the image's shorter side.
        score: of a class: `"logit"`, `"softmax"`, `"sigmoid"`, or `"auto"`, by the classifier's kind (`score_name`).
        batch: windows per forward pass.
        variant: of the baseline: `"corrected"` is black, `"published"` the classifier's mean colour.
    """

    window: Share = 0.25
    stride: Share = 0.0625
    score: ScoreName = "logit"
    batch: Count = 64
    variant: Variant = "corrected"


class OcclusionMaps(ClassMaskMethod):
    """Occlusion (Zeiler and Fergus, ECCV 2014), as in Captum.

    A pixel's relevance is the drop of the score, averaged over the windows that hide the pixel; increases count as 0,
    and each class's mask is divided by its largest entry. The classes of an image share its forward passes, and only
    the drops of the requested classes are kept. Windows at the right and the lower border may overhang.
    """

    name = "occlusion"
    Options = OcclusionOptions

    def __init__(self, classifier: nn.Module, options: OcclusionOptions | None = None, **overrides: Any) -> None:
        self.classifier, self.options = classifier, self.options_with(options, overrides)

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
        o, size = self.options, (images.shape[2], images.shape[3])
        side = min(size)
        window, stride = max(1, round(o.window * side)), max(1, round(o.stride * side))
        rows, columns = (_windows(length, window, min(stride, window), images) for length in size)
        used, counts = image_index.unique_consecutive(return_counts=True)
        jobs = list(zip(images[used], class_index.split(counts.tolist()), strict=True))
        drops = torch.cat(
            [self._drops(*job, rows, columns) for job in progress(jobs, label=self.name, show=show_progress)]
        )  # pairs, windows down, windows across
        means = torch.einsum("prc,rh,cw->phw", drops, rows, columns) / (rows.sum(0)[:, None] * columns.sum(0))
        means = means.clamp_min(0)
        return means / means.amax((1, 2), keepdim=True).clamp_min(torch.finfo(means.dtype).tiny)

    def _drops(
        self,
        image: Float[Tensor, "3 height width"],
        classes: Int[Tensor, " classes"],
        rows: Float[Tensor, "down height"],
        columns: Float[Tensor, "across width"],
    ) -> Float[Tensor, "classes down across"]:
        """How much each class's score falls when each window is hidden."""
        baseline, classifier = baseline_colour(self.classifier, self.options.variant), Logits(self.classifier)
        whole = classifier(image[None])
        score = score_name(self.classifier, self.options.score, whole.shape[1])
        before, after = class_scores(whole, score)[:, classes], []
        for windows in torch.arange(len(rows) * len(columns), device=image.device).split(self.options.batch):
            down, across = windows // len(columns), windows % len(columns)
            shown = 1 - rows[down][:, None, :, None] * columns[across][:, None, None, :]  # windows, 1, height, width
            hidden = apply_mask(image.expand(len(windows), -1, -1, -1), shown, baseline)
            after.append(class_scores(classifier(hidden), score)[:, classes])
        return (before - torch.cat(after)).T.unflatten(1, (len(rows), len(columns))).to(image)


def _windows(length: int, window: int, stride: int, like: Tensor) -> Float[Tensor, "windows length"]:
    """The windows along one axis: 1 inside, 0 outside."""
    starts = stride * torch.arange(math.ceil((length - window) / stride) + 1)[:, None]
    pixels = torch.arange(length)
    return ((pixels >= starts) & (pixels < starts + window)).to(like)
