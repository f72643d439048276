"""Extremal perturbations: of all masks of a given area, the one that keeps the class best."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import torch
from jaxtyping import Float, Int
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from helpers.core.blur import gaussian_blur
from helpers.core.class_masks import min_max_normalise
from helpers.core.runtime import progress
from helpers.core.types import Count
from helpers.methods.baselines.pairs import PairMethod
from helpers.methods.baselines.pyramid import BlurPyramid
from helpers.methods.baselines.smooth_max import SmoothMasks

Area = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ExtremalOptions:
    """How masks are searched for; the defaults are those of the Explainer paper's comparison.

    Lengths are relative to the image, so that the same options fit any size; the published ones are for 224 pixels.

    Attributes:
        areas: shares of the frame (the image and its margin) that a mask may fill; one search for each.
        steps: of the search.
        reward: what the perturbed image is to have much of: `"contrastive"`, the class's logit minus the largest other
            one, or `"simple"`, the class's logit.
        cells: of the mask's grid, along the image's shorter side (published: a cell every 7 pixels).
        spread: sigma of the smooth masks, in cells (published: 21 pixels).
        blur: sigma of the strongest blur, as a share of the shorter side (published: 20 pixels).
        levels: of the blur pyramid.
        learning_rate, momentum, dampening: of stochastic gradient descent.
        area_weight, area_growth: the area's weight, and the factor by which it grows each step.
        smooth: sigma of a last blur of the mask, as a share of the shorter side.
        pairs_at_once: images times classes searched together; each has a mask for every area.
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
        """A recipe of this book: a tenth of the steps, each ten times as far, the area's weight growing as far too.

        Fewer steps alone would stop the search half-way: a mask's entries move by little more than the rate a step.
        """
        return cls(**{"steps": 80, "learning_rate": 0.1, "area_growth": 1.0035**10, **changes})


class ExtremalPerturbation(PairMethod):
    """Extremal Perturbation (Fong, Patrick and Vedaldi, ICCV 2019).

    For each area a it searches the smooth mask whose picture, sharp where the mask is 1 and blurred where it is 0,
    earns the largest reward, minus a penalty on the mask's distance from one that fills exactly the share a. The class
    mask is that of the smallest area at which the perturbed image has at least the whole image's logit (of the largest
    area, where none has), blurred once more and stretched to [0, 1].

    All pairs of an image and a class, with all areas, are searched in one optimisation; the searches do not influence
    each other. Against the published comparison: the classifier is in eval mode (there, VGG's dropout was active), and
    each class of an image is explained once, not once an object. Where many entries of a mask are equal, as at the
    start, the area's pull is shared among them, not given to those that a sort happens to put first.
    """

    name = "extremal-perturbation"

    def __init__(self, classifier: nn.Module, options: ExtremalOptions | None = None) -> None:
        self.options = options or ExtremalOptions()
        super().__init__(classifier, self.options.pairs_at_once)

    def _pair_masks(
        self,
        images: Float[Tensor, "batch 3 height width"],
        places: Int[Tensor, " pairs"],
        kinds: Int[Tensor, " pairs"],
        *,
        show_progress: bool,
    ) -> Float[Tensor, "pairs height width"]:
        o = self.options
        used, places = places.unique_consecutive(return_inverse=True)
        search = _Search(self.classifier, o, images[used], places, kinds)
        for step in progress(range(o.steps), label=self.name, show=show_progress):
            search.step(step)
        masks = search.best()
        return min_max_normalise(gaussian_blur(masks, o.smooth * min(images.shape[-2:])))


class _Search:
    """The masks of a batch of pairs while they are searched for; areas are the slower dimension."""

    def __init__(
        self, classifier: nn.Module, options: ExtremalOptions, images: Tensor, places: Tensor, kinds: Tensor
    ) -> None:
        height, width = images.shape[-2:]
        step = -(-min(height, width) // options.cells)
        self.classifier, self.options, self.images = classifier, options, images
        self.areas = sorted(options.areas)
        self.smooth = SmoothMasks(height, width, step, max(step, round(options.spread * step)))
        self.pyramid = BlurPyramid(images, options.blur * min(height, width), options.levels)
        self.places, self.kinds = places.repeat(len(self.areas)), kinds.repeat(len(self.areas))
        self.grids = images.new_ones(len(self.kinds), *self.smooth.cells, requires_grad=True)
        self.optimiser = torch.optim.SGD(
            [self.grids], lr=options.learning_rate, momentum=options.momentum, dampening=options.dampening
        )

    @torch.enable_grad()
    def step(self, number: int) -> None:
        """One step of all searches; every other one on mirrored images."""
        o = self.options
        masks = self.smooth(self.grids)
        seen = self.pyramid(self.smooth.crop(masks), self.places)
        logits = self.classifier(seen.flip(3) if number % 2 == 0 else seen)
        penalties = area_penalty(masks, self.areas) * (o.area_weight * o.area_growth**number)
        loss = penalties.sum() - rewards(logits, self.kinds, o.reward).sum()
        (self.grids.grad,) = torch.autograd.grad(loss, [self.grids])
        self.optimiser.step()
        self.grids.data.clamp_(0, 1)

    @torch.no_grad()
    def best(self) -> Float[Tensor, "pairs height width"]:
        """The mask of the smallest area whose picture has the whole image's logit."""
        masks = self.smooth.crop(self.smooth(self.grids))
        count = len(self.areas)
        logits = rewards(self.classifier(self.pyramid(masks, self.places)), self.kinds, "simple").view(count, -1)
        pairs = logits.shape[1]
        whole = rewards(self.classifier(self.images)[self.places[:pairs]], self.kinds[:pairs], "simple")
        enough = logits >= whole
        enough[-1] = True
        chosen = enough.int().argmax(0)
        return masks.unflatten(0, (count, pairs))[chosen, torch.arange(pairs, device=masks.device)]


def rewards(
    logits: Float[Tensor, "masks classes"], kinds: Int[Tensor, " masks"], reward: str
) -> Float[Tensor, " masks"]:
    """The logit of each mask's class; for `"contrastive"` less the largest of the others."""
    own = logits.gather(1, kinds[:, None])
    if reward == "simple" or logits.shape[1] == 1:
        return own[:, 0]
    return own[:, 0] - logits.scatter(1, kinds[:, None], -torch.inf).amax(1)


def area_penalty(masks: Float[Tensor, "masks height width"], areas: list[float]) -> Float[Tensor, " masks"]:
    """How far the sorted entries of a mask are from those of a mask that fills its area: the mean squared distance.

    Only the sum S of the k largest entries has to be known: the distance is (sum m² + k - 2 S) / n. With t the k-th
    largest entry, S = k t + sum max(m - t, 0), and no sort is needed. Entries equal to t share the slope.

    Args:
        masks: as many for each area, those of the first area first; k is the area's share of the n pixels.
        areas: shares of the frame.
    """
    flat = masks.flatten(1)
    pixels = flat.shape[1]
    counts = [int(area * pixels) for area in areas]
    with torch.no_grad():
        parts = flat.unflatten(0, (len(areas), -1))
        bounds = [part.kthvalue(pixels - count + 1).values for part, count in zip(parts, counts, strict=True)]
        bound = torch.stack(bounds).view(-1, 1)
        above, equal = flat > bound, flat == bound
        wanted = torch.tensor(counts, device=flat.device).repeat_interleave(parts.shape[1])[:, None]
        share = (wanted - above.sum(1, keepdim=True)) / equal.sum(1, keepdim=True)
        template = above + equal * share
    return (flat * (flat - 2 * template)).mean(1) + wanted[:, 0] / pixels
