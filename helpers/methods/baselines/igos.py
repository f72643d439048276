"""iGOS++: two masks, one that deletes a class and one that inserts it, found by integrated gradients."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import torch
from jaxtyping import Float, Int
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from helpers.core.blur import gaussian_blur
from helpers.core.class_masks import min_max_normalise
from helpers.core.runtime import progress, random_generator
from helpers.core.types import Count, Variant
from helpers.methods.baselines.pairs import PairMethod, probabilities

Positive = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class IGOSOptions:
    """How the two masks are searched for; the defaults are the published ones.

    Attributes:
        cells: of a mask, in each direction.
        iterations: steps of the search.
        integration_steps: images between the mask's start and itself over which a gradient is averaged.
        mean_weight: of the mean of 1 - mask (published as L1).
        variation_weight, variation_width: of the bilateral total variation (published as L2), and its σ: where
            neighbouring cells of the image differ by much more than σ, the mask may have an edge for free.
        noise: its standard deviation, in units of the classifier's normaliser, on the images of a gradient.
        first_rate, rate_factor, last_rate: the step sizes of a line search: from the first down to the last.
        sufficient: the share of the expected decrease that a step must bring.
        blur, blur_radius: sigma and radius of the blur that hides, as shares of the image's shorter side (50 and 25
            pixels of 224).
        score: what a class's score is: `"softmax"`, as published, or `"sigmoid"`.
        seed: of the noise.
        variant: `"published"` swaps `iterations` and `integration_steps`, as the published call does by mistake.
        pairs_at_once: images times classes that are searched together.
        batch: images in one call of the classifier; it bounds the memory.
    """

    cells: Count = 28
    iterations: Count = 15
    integration_steps: Count = 20
    mean_weight: Weight = 1.0
    variation_weight: Weight = 20.0
    variation_width: Positive = 0.01
    noise: Weight = 0.2
    first_rate: Positive = 1000.0
    rate_factor: Annotated[float, Field(gt=0, lt=1)] = 0.2
    last_rate: Positive = 1e-5
    sufficient: Annotated[float, Field(ge=0, lt=1)] = 1e-4
    blur: Annotated[float, Field(ge=0)] = 50 / 224
    blur_radius: Annotated[float, Field(ge=0)] = 25 / 224
    score: Literal["softmax", "sigmoid"] = "softmax"
    seed: Annotated[int, Field(ge=0)] = 0
    variant: Variant = "corrected"
    pairs_at_once: Count = 8
    batch: Count = 128

    @classmethod
    def fast(cls, **changes: Any) -> IGOSOptions:
        """A recipe of this book: rougher gradients and fewer step sizes, in more iterations.

        A gradient from 3 images a term instead of 20 is good enough for one step of a search that measures its steps.
        The published objective is reached in a fraction of the time (`make bench`).
        """
        recipe = {"iterations": 25, "integration_steps": 3, "rate_factor": 0.1, "last_rate": 0.1}
        return cls(**{**recipe, **changes})

    @property
    def counts(self) -> tuple[int, int]:
        """Iterations and integration steps, as the variant has them."""
        pair = (self.iterations, self.integration_steps)
        return pair[::-1] if self.variant == "published" else pair

    @property
    def rates(self) -> list[float]:
        """The step sizes that a line search tries, the largest first."""
        found = [self.first_rate]
        while found[-1] * self.rate_factor >= self.last_rate:
            found.append(found[-1] * self.rate_factor)
        return found


class IGOSPlusPlus(PairMethod):
    """iGOS++ (Khorram, Lawson and Fuxin, CHIL 2021).

    Two coarse masks, x and y, 1 where pixels do not matter. With blur standing where pixels are hidden, the objective
    of a pair of an image and a class (equation 7) is

        F(hide where x is 0) - F(show where y is 0) + F(hide where xy is 0) - F(show where xy is 0) + regulariser(xy).

    Each step follows its gradient, averaged over the way from the start to the masks (integrated gradients) on noisy
    images, as far as a line search finds it good. The class mask is 1 - xy, stretched to [0, 1].

    All pairs are searched at once. A line search tries all of its step sizes in one pass, and takes each pair's first
    good one, so that nothing has to wait for the device; it measures the objective itself, where the published code
    measures noisy integrals of it with four passes over all integration steps a try. A pair without a good step size
    stays where it is and tries again with new noise. The noise is the same for all pairs.
    """

    name = "igos++"

    def __init__(self, classifier: nn.Module, options: IGOSOptions | None = None) -> None:
        self.options = options or IGOSOptions()
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
        search = Search(self.classifier, o, images[places], kinds)
        generator = random_generator(o.seed, images.device)
        for _ in progress(range(o.counts[0]), label=self.name, show=show_progress):
            search.step(generator)
        return min_max_normalise(1 - search.enlarge(search.masks.prod(0)))


class Search:
    """The two masks of each pair while they are searched for.

    Attributes:
        masks: x and y, (2, pairs, cells, cells).
        value: the objective of each pair; None before it is known.
    """

    def __init__(
        self,
        classifier: nn.Module,
        options: IGOSOptions,
        images: Float[Tensor, "pairs 3 height width"],
        kinds: Int[Tensor, " pairs"],
    ) -> None:
        self.classifier, self.options, self.kinds = classifier, options, kinds
        self.size, side = images.shape[-2:], min(images.shape[-2:])
        hidden = gaussian_blur(images, options.blur * side, max(1, round(options.blur_radius * side)))
        # deletion starts where all is hidden, insertion where all is shown; channels are last in memory
        last = torch.stack([hidden, images]).permute(0, 1, 3, 4, 2)
        self.start = last[[0, 1, 0, 1]].contiguous()  # (terms, pairs, height, width, 3)
        self.way = last[[1, 0, 1, 0]] - self.start
        self.signs = images.new_tensor([1.0, -1.0, 1.0, -1.0]).view(4, 1)
        self.edges = edge_weights(images, options.cells, options.variation_width)
        self.masks = images.new_ones(2, len(images), options.cells, options.cells)
        self.rates = images.new_tensor(options.rates)
        self.value: Tensor | None = None

    def enlarge(self, masks: Float[Tensor, "*some rows columns"]) -> Float[Tensor, "*some height width"]:
        """Masks at the images' size."""
        flat = masks.reshape(-1, 1, *masks.shape[-2:])
        large = functional.interpolate(flat, self.size, mode="bilinear", align_corners=False)
        return large.view(*masks.shape[:-2], *self.size)

    def step(self, generator: torch.Generator) -> None:
        """One gradient and one line search, for all pairs."""
        if self.value is None:
            self.value = self.objective(self.masks[:, None])[0]
        slope = self.gradient(generator)
        tried = (self.masks[:, None] - self.rates.view(-1, 1, 1, 1) * slope[:, None]).clamp_(0, 1)
        values = self.objective(tried)  # (rates, pairs)
        wanted = self.options.sufficient * self.rates[:, None] * slope.square().sum((0, 2, 3))
        good = values <= self.value - wanted
        first = good.int().argmax(0)
        better, pairs = good.any(0), torch.arange(len(self.kinds), device=good.device)
        self.masks = torch.where(better[:, None, None], tried[:, first, pairs], self.masks)
        self.value = torch.where(better, values[first, pairs], self.value)

    @torch.no_grad()
    def objective(self, masks: Float[Tensor, "2 tries pairs rows columns"]) -> Float[Tensor, "tries pairs"]:
        """The objective of several masks for each pair."""
        o, values = self.options, []
        for part in masks.split(max(1, o.batch // (4 * len(self.kinds))), 1):
            terms = self.enlarge(four_masks(part)).transpose(0, 1)[..., None]  # (tries, terms, pairs, ...)
            scores = self._scores(torch.addcmul(self.start, self.way, terms))
            values.append((scores * self.signs).sum(1))
        return torch.cat(values) + self.regulariser(masks.prod(0))

    @torch.enable_grad()
    def gradient(self, generator: torch.Generator) -> Float[Tensor, "2 pairs rows columns"]:
        """The slope of the objective, its scores by integrated gradients on noisy images and halved, as published."""
        o = self.options
        leaf = self.masks.detach().requires_grad_()
        large = self.enlarge(four_masks(leaf))
        wanted = large.detach().requires_grad_()
        count = o.counts[1]
        slope = torch.zeros_like(large)
        for steps in torch.arange(1, count + 1).split(max(1, o.batch // (4 * len(self.kinds)))):
            shares = (steps / count).to(slope).view(-1, 1, 1, 1, 1, 1)
            noise = torch.randn(len(steps), 1, 1, *self.size, 3, generator=generator, device=generator.device)
            noise = noise * (o.noise * self._deviation())
            seen = self.start + noise + shares * (self.way * wanted[..., None])
            total = (self._scores(seen) * self.signs).sum() / (2 * count)
            slope += torch.autograd.grad(total, [wanted])[0]
        cost = self.regulariser(leaf.prod(0)).sum()
        return torch.autograd.grad([large, cost], [leaf], [slope, torch.ones_like(cost)])[0]

    def regulariser(self, masks: Float[Tensor, "*some pairs rows columns"]) -> Float[Tensor, "*some pairs"]:
        """The mean of 1 - mask, and the bilateral total variation: squared differences, free where the image jumps."""
        o, (down, right) = self.options, self.edges
        variation = (down * masks.diff(dim=-2).square()).sum((-2, -1))
        variation = variation + (right * masks.diff(dim=-1).square()).sum((-2, -1))
        cells = masks.shape[-2] * masks.shape[-1]
        return o.mean_weight * (1 - masks).mean((-2, -1)) + o.variation_weight * variation / cells

    def _scores(self, seen: Float[Tensor, "some terms pairs height width 3"]) -> Float[Tensor, "some terms pairs"]:
        """Each picture's score for its pair's class."""
        logits = self.classifier(seen.flatten(0, 2).permute(0, 3, 1, 2)).view(*seen.shape[:3], -1)
        scores = probabilities(logits, self.options.score)
        return scores.gather(3, self.kinds.expand(seen.shape[:3])[..., None])[..., 0]

    def _deviation(self) -> Tensor | float:
        """One unit of the classifier's normaliser, channels last; ¼ where it has none."""
        deviation = getattr(self.classifier, "std", 0.25)
        return deviation.view(3) if isinstance(deviation, Tensor) else deviation


def four_masks(masks: Float[Tensor, "2 *some rows columns"]) -> Float[Tensor, "4 *some rows columns"]:
    """The masks of the objective's four terms: the product twice, then x and y."""
    product = masks[0] * masks[1]
    return torch.stack([product, product, masks[0], masks[1]])


def edge_weights(
    images: Float[Tensor, "pairs 3 height width"], cells: int, width: float
) -> tuple[Float[Tensor, "pairs _ _"], Float[Tensor, "pairs _ _"]]:
    """exp(-(difference/σ)²) of neighbouring cells, down and to the right, of the grey image averaged over each cell."""
    grey = functional.adaptive_avg_pool2d(images.mean(1, keepdim=True), cells)[:, 0]
    down, right = (torch.exp(-(grey.diff(dim=axis) / width).square()) for axis in (1, 2))
    return down, right
