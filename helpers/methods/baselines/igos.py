"""iGOS++: a deletion and an insertion mask per class, optimised by integrated gradients."""

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
from helpers.core.names import NamedOptions
from helpers.core.outputs import Logits, class_scores, score_name
from helpers.core.replica import unwrapped
from helpers.core.runtime import gradients, progress, random_generator
from helpers.core.types import Count, Variant
from helpers.methods.baselines.pairs import PairMethod

Positive = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class IGOSOptions(NamedOptions):
    """The options of the optimisation; the numbers are the published ones, the variant is not.

    Attributes:
        cells: of a mask, along each axis.
        iterations: steps of the optimisation.
        integration_steps: points of the path over which a gradient is averaged.
        mean_weight: of the mean of 1 - mask (published as L1).
        variation_weight, variation_width: of the bilateral total variation (published as L2), and its σ: edges of the
            mask are free where neighbouring cells of the image differ by much more than σ (published: neighbouring
            pixels of the normalised image, by much more than the root of σ).
        noise: standard deviation of the noise on the images of a gradient, in units of the classifier's normaliser.
        first_rate, rate_factor, last_rate: the largest step size of the line search, the ratio of consecutive ones, and
            a lower bound.
        sufficient: the share of the predicted decrease that a step must achieve (Armijo's condition).
        blur, blur_radius: sigma and radius of the blur behind hidden pixels, as shares of the image's shorter side (50
            and 25 pixels of 224).
        score: of a class: `"softmax"`, as published, or `"sigmoid"`; `"auto"` goes by the classifier's kind.
        seed: of the noise.
        variant: `"published"` swaps `iterations` and `integration_steps`, as the published call does by mistake, and
            differs in three parts of the arithmetic, see `IGOSPlusPlus`.
        pairs_at_once: pairs of image and class per batch.
        batch: images per forward pass, to bound the memory.
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
    score: Literal["auto", "softmax", "sigmoid"] = "auto"
    seed: Annotated[int, Field(ge=0)] = 0
    variant: Variant = "corrected"
    pairs_at_once: Count = 8
    batch: Count = 128

    @classmethod
    def fast(cls, **changes: Any) -> IGOSOptions:
        """A recipe of this book: coarser gradients and fewer step sizes, in more iterations.

        With a line search, 3 integration steps per term are accurate enough instead of 20. It reaches the published
        objective in a fraction of the time (`make bench`).
        """
        recipe = {"iterations": 25, "integration_steps": 3, "rate_factor": 0.1, "last_rate": 0.1}
        return cls(**{**recipe, **changes})

    @property
    def counts(self) -> tuple[int, int]:
        """Iterations and integration steps, in the order of the variant."""
        pair = (self.iterations, self.integration_steps)
        return pair[::-1] if self.variant == "published" else pair

    @property
    def rates(self) -> list[float]:
        """The step sizes of a line search, in descending order."""
        rates = [self.first_rate]
        while rates[-1] * self.rate_factor >= self.last_rate:
            rates.append(rates[-1] * self.rate_factor)
        return rates


class IGOSPlusPlus(PairMethod):
    """iGOS++ (Khorram, Lawson and Fuxin, CHIL 2021).

    Two coarse masks, x and y, are 1 at irrelevant pixels. With a blurred baseline, the objective of a pair of image and
    class (equation 7) is

        F(hide where x is 0) - F(show where y is 0) + F(hide where xy is 0) - F(show where xy is 0) + regulariser(xy).

    Each step follows the gradient, averaged over the path from the baseline to the masked image (integrated gradients),
    on noisy images, with a step size from a line search. The class mask is 1 - xy, min-max normalised.

    All pairs are optimised at once. The line search evaluates all step sizes in one pass and takes each pair's largest
    sufficient one, without a synchronisation. In every variant it evaluates the objective itself, while the published
    code evaluates noisy integrals of it, in four passes over all integration steps per step size; a pair without a
    sufficient step size keeps its masks and tries again with new noise; all pairs share the noise; and the blurred
    image is not rounded to 8 bits.

    By default three parts of the arithmetic differ from the published code; `variant="published"` takes its own:

    - It enlarges masks so that the centres of the outer cells lie on the image's border (`align_corners=True`); here
      they are enlarged as all other masks of this library are.
    - In the terms of xy, it enlarges x and y and multiplies them; here their product is enlarged, which is the mask
      that is returned.
    - Its regulariser's variation is half the mean squared difference of neighbouring cells plus half that of
      neighbouring pixels of the enlarged mask, which are free at the edges of the image (`pixel_edge_weights`); here it
      is that of neighbouring cells, free at the edges of the image of the cells, a 64th of the work at 224 pixels.
    """

    name = "igos++"
    Options = IGOSOptions

    def __init__(self, classifier: nn.Module, options: IGOSOptions | None = None, **overrides: Any) -> None:
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
        search = Search(self.classifier, o, images[image_index], class_index)
        generator = random_generator(o.seed, images.device)
        for _ in progress(range(o.counts[0]), label=self.name, show=show_progress):
            search.step(generator)
        return min_max_normalise(1 - search.enlarge(search.masks.prod(0)))


class Search:
    """The state of the optimisation of the two masks of each pair.

    Attributes:
        masks: x and y, (2, pairs, cells, cells).
        value: the objective of each pair; None before the first step.
    """

    def __init__(
        self,
        classifier: nn.Module,
        options: IGOSOptions,
        images: Float[Tensor, "pairs 3 height width"],
        class_index: Int[Tensor, " pairs"],
    ) -> None:
        self.classifier, self.logits, self.options, self.class_index = (
            classifier,
            Logits(classifier),
            options,
            class_index,
        )
        self.size, side = images.shape[-2:], min(images.shape[-2:])
        hidden = gaussian_blur(images, options.blur * side, max(1, round(options.blur_radius * side)))
        # the baseline of deletion is the blurred image, that of insertion the image; channels last
        stacked = torch.stack([hidden, images]).permute(0, 1, 3, 4, 2)  # (2, pairs, height, width, 3)
        self.start = stacked[[0, 1, 0, 1]].contiguous()  # (terms, pairs, height, width, 3)
        self.path = stacked[[1, 0, 1, 0]] - self.start
        self.signs = images.new_tensor([1.0, -1.0, 1.0, -1.0]).view(4, 1)
        self.published = options.variant == "published"
        self.edges = (
            pixel_edge_weights(images / self._deviation(-3), options.variation_width)
            if self.published
            else edge_weights(images, options.cells, options.variation_width)
        )
        self.masks = images.new_ones(2, len(images), options.cells, options.cells)
        self.rates = images.new_tensor(options.rates)
        self.value: Tensor | None = None

    def enlarge(self, masks: Float[Tensor, "*some rows columns"]) -> Float[Tensor, "*some height width"]:
        """Masks, resized to the images."""
        flat = masks.reshape(-1, 1, *masks.shape[-2:])  # (masks, 1, rows, columns)
        large = functional.interpolate(flat, self.size, mode="bilinear", align_corners=self.published)
        return large.view(*masks.shape[:-2], *self.size)

    def terms(self, masks: Float[Tensor, "2 *some rows columns"]) -> Float[Tensor, "4 *some height width"]:
        """The masks of the four terms of the objective, resized to the images."""
        return four_masks(self.enlarge(masks)) if self.published else self.enlarge(four_masks(masks))

    def step(self, generator: torch.Generator) -> None:
        """One gradient and one line search, for all pairs."""
        if self.value is None:
            self.value = self.objective(self.masks[:, None])[0]
        gradient = self.gradient(generator)
        # (2, rates, pairs, rows, columns)
        tried = (self.masks[:, None] - self.rates.view(-1, 1, 1, 1) * gradient[:, None]).clamp_(0, 1)
        values = self.objective(tried)  # (rates, pairs)
        required = self.options.sufficient * self.rates[:, None] * gradient.square().sum((0, 2, 3))
        sufficient = values <= self.value - required
        first = sufficient.int().argmax(0)
        better, pairs = sufficient.any(0), torch.arange(len(self.class_index), device=sufficient.device)
        self.masks = torch.where(better[:, None, None], tried[:, first, pairs], self.masks)
        self.value = torch.where(better, values[first, pairs], self.value)

    @torch.no_grad()
    def objective(self, masks: Float[Tensor, "2 tries pairs rows columns"]) -> Float[Tensor, "tries pairs"]:
        """The objective of several masks for each pair."""
        o, values = self.options, []
        for tries in masks.split(max(1, o.batch // (4 * len(self.class_index))), 1):
            terms = self.terms(tries).transpose(0, 1)[..., None]  # (tries, terms, pairs, ..., 1)
            scores = self._scores(torch.addcmul(self.start, self.path, terms))
            values.append((scores * self.signs).sum(1))
        return torch.cat(values) + self.regulariser(masks.prod(0))

    @gradients()
    def gradient(self, generator: torch.Generator) -> Float[Tensor, "2 pairs rows columns"]:
        """The gradient of the objective; for the scores, integrated gradients on noisy images, halved as published."""
        o = self.options
        leaf = self.masks.detach().requires_grad_()
        large = self.terms(leaf)  # (terms, pairs, height, width)
        end = large.detach().requires_grad_()
        count = o.counts[1]
        gradient = torch.zeros_like(large)
        for steps in torch.arange(1, count + 1).split(max(1, o.batch // (4 * len(self.class_index)))):
            shares = (steps / count).to(gradient).view(-1, 1, 1, 1, 1, 1)
            noise = torch.randn(len(steps), 1, 1, *self.size, 3, generator=generator, device=generator.device)
            noise = noise * (o.noise * self._deviation(-1))
            inputs = self.start + noise + shares * (self.path * end[..., None])  # (steps, terms, pairs, ..., 3)
            total = (self._scores(inputs) * self.signs).sum() / (2 * count)
            gradient += torch.autograd.grad(total, [end])[0]
        cost = self.regulariser(leaf.prod(0)).sum()
        return torch.autograd.grad([large, cost], [leaf], [gradient, torch.ones_like(cost)])[0]

    def regulariser(self, masks: Float[Tensor, "*some pairs rows columns"]) -> Float[Tensor, "*some pairs"]:
        """The weighted mean of 1 - mask, plus the bilateral total variation, which is free at image edges."""
        variation = self._published_variation(masks) if self.published else self._variation(masks)
        return self.options.mean_weight * (1 - masks).mean((-2, -1)) + self.options.variation_weight * variation

    def _variation(self, masks: Tensor) -> Tensor:
        down, right = self.edges
        variation = (down * masks.diff(dim=-2).square()).sum((-2, -1))
        variation = variation + (right * masks.diff(dim=-1).square()).sum((-2, -1))
        return variation / (masks.shape[-2] * masks.shape[-1])

    def _published_variation(self, masks: Tensor) -> Tensor:
        large, (down, right) = self.enlarge(masks), self.edges
        plain = masks.diff(dim=-2).square().mean((-2, -1)) + masks.diff(dim=-1).square().mean((-2, -1))
        bilateral = (down * large.diff(dim=-2).square()).mean((-2, -1))
        bilateral = bilateral + (right * large.diff(dim=-1).square()).mean((-2, -1))
        return (plain + bilateral) / 2

    def _scores(self, inputs: Float[Tensor, "some terms pairs height width 3"]) -> Float[Tensor, "some terms pairs"]:
        """The score of each input for its pair's class."""
        logits = self.logits(inputs.flatten(0, 2).permute(0, 3, 1, 2)).view(*inputs.shape[:3], -1)
        scores = class_scores(logits, score_name(self.classifier, self.options.score, logits.shape[-1]))
        return scores.gather(3, self.class_index.expand(inputs.shape[:3])[..., None])[..., 0]

    def _deviation(self, axis: int) -> Tensor | float:
        """The standard deviation of the classifier's normaliser, with channels at an axis (< 0); ¼ if it has none."""
        deviation = getattr(unwrapped(self.classifier), "std", 0.25)
        return deviation.view(3, *[1] * (-1 - axis)) if isinstance(deviation, Tensor) else deviation


def four_masks(masks: Float[Tensor, "2 *some rows columns"]) -> Float[Tensor, "4 *some rows columns"]:
    """The masks of the four terms of the objective: xy twice, then x and y."""
    product = masks[0] * masks[1]
    return torch.stack([product, product, masks[0], masks[1]])


def edge_weights(
    images: Float[Tensor, "pairs 3 height width"], cells: int, width: float
) -> tuple[Float[Tensor, "pairs _ _"], Float[Tensor, "pairs _ _"]]:
    """exp(-(difference/σ)²) of vertical and of horizontal neighbours among the cells of the grey image."""
    grey = functional.adaptive_avg_pool2d(images.mean(1, keepdim=True), cells)[:, 0]  # (pairs, cells, cells)
    down, right = (torch.exp(-(grey.diff(dim=axis) / width).square()) for axis in (1, 2))
    return down, right


def pixel_edge_weights(
    images: Float[Tensor, "pairs 3 height width"], width: float
) -> tuple[Float[Tensor, "pairs _ _"], Float[Tensor, "pairs _ _"]]:
    """exp(-difference²/σ) of vertical and of horizontal neighbours among the pixels, as in the published code.

    It averages the differences of the three channels before the exponential for vertical neighbours, and the
    exponentials for horizontal ones.
    """
    down = torch.exp(-images.diff(dim=2).mean(1).square() / width)  # (pairs, height - 1, width)
    right = torch.exp(-images.diff(dim=3).square() / width).mean(1)  # (pairs, height, width - 1)
    return down, right
