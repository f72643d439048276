"""The training loss of the Explainer (the paper, section 3.1, equations 1 to 8)."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from helpers.core.masking import apply_mask, baseline_colour
from helpers.core.outputs import as_logits
from helpers.methods.explainer.aggregation import target_and_other_masks
from helpers.methods.explainer.options import LossOptions

Pairs = tuple[Int[Tensor, " pairs"], Int[Tensor, " pairs"]]


class ExplainerLoss:
    """The four terms of the loss, the third, on the area, in three parts.

    A step takes a single forward pass of the classifier, for both masked versions of all images.
    """

    def __init__(self, options: LossOptions | None = None) -> None:
        self.options = options or LossOptions()

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each term."""
        o = self.options
        return {
            "classification": 1.0,
            "entropy": o.entropy,
            "area_target": o.target_area,
            "area_other": o.other_area,
            "bound": o.bound,
            "smoothness": o.smoothness,
        }

    def __call__(
        self,
        classifier: nn.Module,
        images: Float[Tensor, "batch 3 height width"],
        labels: Bool[Tensor, "batch classes"],
        logits: Float[Tensor, "batch classes height width"],
        present: Pairs | None = None,
    ) -> Float[Tensor, ""]:
        """The weighted sum of all terms (equation 1); arguments as for `terms`."""
        weights = self.weights
        terms = self.terms(classifier, images, labels, logits, present)
        return torch.stack([weights[name] * value for name, value in terms.items()]).sum()

    def terms(
        self,
        classifier: nn.Module,
        images: Float[Tensor, "batch 3 height width"],
        labels: Bool[Tensor, "batch classes"],
        logits: Float[Tensor, "batch classes height width"],
        present: Pairs | None = None,
    ) -> dict[str, Float[Tensor, ""]]:
        """Each term, a mean over the batch, without its weight.

        Args:
            classifier: pixels in [0, 1] to logits; frozen, in eval mode.
            images: pixels in [0, 1].
            labels: the classes in each image.
            logits: of the class masks.
            present: `labels.nonzero(as_tuple=True)`, if the caller has it: computing it synchronises with the GPU.

        Returns:
            `classification` (equation 2), `entropy` (3), `area_target`, `area_other` and `bound` (4 to 6), and
            `smoothness` (7 and 8).
        """
        o = self.options
        logits = logits.float()
        target, other = target_and_other_masks(logits, labels)  # each (batch, 1, height, width)
        baseline = baseline_colour(classifier, o.variant)
        both = torch.cat([apply_mask(images, target, baseline), apply_mask(images, 1 - target, baseline)])
        kept, removed = as_logits(classifier(both)).chunk(2)  # each (batch, classes)
        variation = reflected_variation if o.variant == "published" else total_variation
        return {
            "classification": functional.binary_cross_entropy_with_logits(kept, labels.to(kept)),
            "entropy": negative_entropy(removed, o.probabilities).mean(),
            "area_target": target.mean(),
            "area_other": other.mean(),
            "bound": self._bound(logits, labels, present),
            "smoothness": variation(target).mean() + variation(other).mean(),
        }

    def _bound(self, logits: Tensor, labels: Tensor, present: Pairs | None) -> Float[Tensor, ""]:
        """The area bound B of the present classes' masks: their mean per image (equation 6); published: their sum."""
        image, label = labels.nonzero(as_tuple=True) if present is None else present  # each (pairs,)
        bounds = area_bound(logits[image, label].sigmoid(), self.options.least_area, self.options.most_area)  # (pairs,)
        if self.options.variant != "published":
            bounds = bounds / labels.sum(1).clamp_min(1)[image]
        return bounds.sum() / len(labels)


def negative_entropy(logits: Float[Tensor, "batch classes"], probabilities: str = "softmax") -> Float[Tensor, " batch"]:
    """The mean over the classes of p log p (equation 3); minimal for a uniform distribution."""
    logs = logits.log_softmax(-1) if probabilities == "softmax" else functional.logsigmoid(logits)  # batch, classes
    return (logs.exp() * logs).mean(-1)


def area_bound(masks: Float[Tensor, "masks height width"], least: float, most: float) -> Float[Tensor, " masks"]:
    """The area bound B: a penalty on areas outside of [a, b], as shares of the image (equations 4 and 5).

    With a mask's Z entries sorted in descending order, B is the sum of 1 - m over the first ⌊aZ⌋ entries and of m over
    all after the first ⌊bZ⌋, divided by Z. Only the largest entries are sorted; the rest is the total minus their sum.

    Args:
        masks: in [0, 1].
        least, most: a and b, with 0 < a < b < 1.
    """
    flat = masks.flatten(1)  # masks, pixels
    pixels = flat.shape[1]
    fewest, most_pixels = int(pixels * least), int(pixels * most)
    largest = flat.topk(most_pixels, dim=1).values  # masks, most_pixels
    return ((1 - largest[:, :fewest]).sum(1) + flat.sum(1) - largest.sum(1)) / pixels


def total_variation(masks: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, " batch"]:
    """The sum of the absolute differences of neighbours, below and to the right, over the number of pixels (eq. 7)."""
    down = (masks[:, :, 1:] - masks[:, :, :-1]).abs().sum((1, 2, 3))
    right = (masks[..., 1:] - masks[..., :-1]).abs().sum((1, 2, 3))
    return (down + right) / masks[0].numel()


def reflected_variation(masks: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, " batch"]:
    """Total variation as in the published code: by reflection, the last row and column count twice."""
    last_row = (masks[:, :, -1] - masks[:, :, -2]).abs().sum((1, 2))
    last_column = (masks[..., -1] - masks[..., -2]).abs().sum((1, 2))
    return total_variation(masks) + (last_row + last_column) / masks[0].numel()
