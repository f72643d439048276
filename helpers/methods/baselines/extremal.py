"""Extremal Perturbation: the mask of a given area that best preserves the class."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import torch
from jaxtyping import Float, Int
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from helpers.core.blur import gaussian_blur
from helpers.core.class_masks import min_max_normalise
from helpers.core.names import NamedOptions
from helpers.core.outputs import Logits
from helpers.core.runtime import gradients, progress
from helpers.core.types import Count
from helpers.methods.baselines.pairs import PairMethod
from helpers.methods.baselines.pyramid import BlurPyramid
from helpers.methods.baselines.smooth_max import SmoothMasks

Area = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ExtremalOptions(NamedOptions):
    """The options of the optimisation; the defaults are those of the Explainer paper's comparison.

    Lengths are relative to the image size; the published ones are for 224 pixels.

    Attributes:
        areas: shares of the frame (the image and its margin) that a mask fills; one optimisation for each.
        steps: of the optimisation.
        reward: to maximise on the perturbed image: `"contrastive"`, the class's logit minus the largest other one, or
            `"simple"`, the class's logit.
        cells: of the mask's grid, along the image's shorter side (published: a cell every 7 pixels).
        spread: sigma of the smooth masks, in cells (published: 21 pixels).
        blur: sigma of the strongest blur, as a share of the shorter side (published: 20 pixels).
        levels: of the blur pyramid.
        learning_rate, momentum, dampening: of stochastic gradient descent.
        area_weight, area_growth: weight of the area penalty, and its growth factor per step.
        smooth: sigma of the final blur of the mask, as a share of the shorter side.
        pairs_at_once: pairs of image and class per batch; each has a mask for every area.
    """

    areas: Annotated[tuple[Area, ...], Field(min_length=1)] = (0.05, 0.1, 0.2, 0.3)
    steps: Count = 800
    reward: Literal["contrastive", "simple"] = "contrastive"
    cells: Count = 32
    spread: Annotated[float, Field(ge=1)] = 3.0
    blur: Share = 20 / 224
    levels: Annotated[int, Field(ge=2)] = 8
    learning_rate: Positive = 0.01
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    dampening: Annotated[float, Field(ge=0, lt=1)] = 0.9
    area_weight: Annotated[float, Field(ge=0)] = 300.0
    area_growth: Annotated[float, Field(ge=1)] = 1.0035
    smooth: Share = 0.09
    pairs_at_once: Count = 16

    @classmethod
    def fast(cls, **changes: Any) -> ExtremalOptions:
        """A recipe of this book: a tenth of the steps, with ten times the learning rate and growth of the area weight.

        Fewer steps alone would not converge: the entries of a mask move by little more than the rate per step.
        """
        return cls(**{"steps": 80, "learning_rate": 0.1, "area_growth": 1.0035**10, **changes})


class ExtremalPerturbation(PairMethod):
    """Extremal Perturbation (Fong, Patrick and Vedaldi, ICCV 2019).

    For each area a, a smooth mask is optimised to maximise the reward of the perturbed image (sharp where the mask is
    1, blurred where it is 0), minus a penalty on the distance from a mask that fills exactly the share a. The class
    mask is that of the smallest area whose perturbed image has at least the logit of the image (or of the largest area,
    if there is none), blurred and min-max normalised.

    All pairs of image and class, with all areas, are optimised independently in one batch. Differences from the
    published comparison: the classifier is in eval mode (there, VGG's dropout was active), each class of an image is
    explained once instead of once per object, equal entries of a mask, as at initialisation, share the gradient of the
    area penalty instead of an arbitrary order, and blurs mirror the image and the mask at the border, which TorchRay
    continues by 0 (for the image the mean colour; `BlurPyramid`).
    """

    name = "extremal-perturbation"
    Options = ExtremalOptions

    def __init__(self, classifier: nn.Module, options: ExtremalOptions | None = None, **overrides: Any) -> None:
        self.options = self.options_with(options, overrides)
        super().__init__(classifier, self.options.pairs_at_once)

    def _pair_masks(
        self,
        images: Float[Tensor, "batch 3 height width"],
        image_index: Int[Tensor, " pairs"],
        class_index: Int[Tensor, " pairs"],
        *,
        show_progress: bool,
    ) -> Float[Tensor, "pairs height width"]:
        o = self.options
        used, image_index = image_index.unique_consecutive(return_inverse=True)
        search = _Search(self.classifier, o, images[used], image_index, class_index)
        for step in progress(range(o.steps), label=self.name, show=show_progress):
            search.step(step)
        masks = search.best()
        return min_max_normalise(gaussian_blur(masks, o.smooth * min(images.shape[-2:])))


class _Search:
    """The state of the optimisation for a batch of pairs; masks are ordered by area, then by pair."""

    def __init__(
        self, classifier: nn.Module, options: ExtremalOptions, images: Tensor, image_index: Tensor, class_index: Tensor
    ) -> None:
        height, width = images.shape[-2:]
        step = -(-min(height, width) // options.cells)
        self.classifier, self.logits, self.options, self.images = classifier, Logits(classifier), options, images
        self.areas = sorted(options.areas)
        self.smooth = SmoothMasks(height, width, step, max(step, round(options.spread * step)))
        self.pyramid = BlurPyramid(images, options.blur * min(height, width), options.levels)
        self.image_index = image_index.repeat(len(self.areas))
        self.class_index = class_index.repeat(len(self.areas))
        self.grids = images.new_ones(len(self.class_index), *self.smooth.cells, requires_grad=True)
        self.optimiser = torch.optim.SGD(
            [self.grids], lr=options.learning_rate, momentum=options.momentum, dampening=options.dampening
        )

    @gradients()
    def step(self, number: int) -> None:
        """One step for all masks; every other step on mirrored images."""
        o = self.options
        masks = self.smooth(self.grids)  # (masks, frame height, frame width)
        perturbed = self.pyramid(self.smooth.crop(masks), self.image_index)
        logits = self.logits(perturbed.flip(3) if number % 2 == 0 else perturbed)
        penalties = area_penalty(masks, self.areas) * (o.area_weight * o.area_growth**number)
        loss = penalties.sum() - rewards(logits, self.class_index, o.reward).sum()
        (self.grids.grad,) = torch.autograd.grad(loss, [self.grids])
        self.optimiser.step()
        self.grids.data.clamp_(0, 1)

    @torch.no_grad()
    def best(self) -> Float[Tensor, "pairs height width"]:
        """The mask of the smallest area whose perturbed image has the logit of the image."""
        masks = self.smooth.crop(self.smooth(self.grids))
        count = len(self.areas)
        perturbed = self.pyramid(masks, self.image_index)
        logits = rewards(self.logits(perturbed), self.class_index, "simple").view(count, -1)  # (areas, pairs)
        pairs = logits.shape[1]
        original = rewards(self.logits(self.images)[self.image_index[:pairs]], self.class_index[:pairs], "simple")
        enough = logits >= original
        enough[-1] = True
        chosen = enough.int().argmax(0)
        return masks.unflatten(0, (count, pairs))[chosen, torch.arange(pairs, device=masks.device)]


def rewards(
    logits: Float[Tensor, "masks classes"], class_index: Int[Tensor, " masks"], reward: str
) -> Float[Tensor, " masks"]:
    """The logit of each mask's class; for `"contrastive"` minus the largest of the others."""
    own = logits.gather(1, class_index[:, None])
    if reward == "simple" or logits.shape[1] == 1:
        return own[:, 0]
    return own[:, 0] - logits.scatter(1, class_index[:, None], -torch.inf).amax(1)


def area_penalty(masks: Float[Tensor, "masks height width"], areas: list[float]) -> Float[Tensor, " masks"]:
    """The mean squared distance between the sorted entries of a mask and those of a binary mask of the given area.

    The distance is (Σ m² + k - 2 S) / n, with S the sum of the k largest entries. With t the k-th largest entry,
    S = k t + Σ max(m - t, 0), which needs no sort. Entries equal to t share the gradient.

    Args:
        masks: ordered by area, with the same number for each; k is the area's share of the n pixels.
        areas: shares of the frame.
    """
    flat = masks.flatten(1)
    pixels = flat.shape[1]
    counts = [int(area * pixels) for area in areas]
    with torch.no_grad():
        by_area = flat.unflatten(0, (len(areas), -1))  # (areas, masks per area, pixels)
        kth = [group.kthvalue(pixels - count + 1).values for group, count in zip(by_area, counts, strict=True)]
        bound = torch.stack(kth).view(-1, 1)  # (masks, 1)
        above, equal = flat > bound, flat == bound
        largest = torch.tensor(counts, device=flat.device).repeat_interleave(by_area.shape[1])[:, None]  # k per mask
        share = (largest - above.sum(1, keepdim=True)) / equal.sum(1, keepdim=True)
        template = above + equal * share
    return (flat * (flat - 2 * template)).mean(1) + largest[:, 0] / pixels
