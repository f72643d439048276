"""Pixel RDE and CartoonX: one algorithm over two representations."""

from __future__ import annotations

from abc import abstractmethod
from copy import copy
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.core.attribute import Attributable
from helpers.core.explanation import Convergence, Explanation
from helpers.core.inputs import ImageBatch, Target, checked_images
from helpers.core.mask_inputs import checked_masks
from helpers.core.names import known_names
from helpers.core.runtime import gradients
from helpers.methods.rde.frank_wolfe import largest_entries
from helpers.methods.rde.optimise import initial_mask, optimise
from helpers.methods.rde.options import RECIPES, RDEOptions, Recipe
from helpers.methods.rde.problem import RateDistortion
from helpers.methods.rde.representations import Pixels, Representation, Wavelets, shown_by


class RateDistortionExplainer(Attributable):
    """The rate-distortion explanation over any representation: the common part of Pixel RDE and CartoonX.

    Args:
        classifier: pixels in [0, 1] to logits (`load_classifier` returns one). It is not modified: a
            replica is explained if it is in training mode or not frozen.
        options: all options, or None for those of `recipe`.
        recipe: "fast" (the default), "published" (2000 steps, as in the papers) or "later" (the authors' code of 2023).
            The published one takes the slope of the rate at mask entries of 0 to be 0 (`RDEOptions.slope_at_zero`).
        overrides: single options by name, such as `sparsity_weight=10`, or `keep=200` for masks of at most 200
            coefficients (`keep=0.02`: 2 % of them) instead of those that λ makes worth it.

    Raises:
        ValueError: an option is unknown or out of range.
    """

    sparsity_weight: float  # the paper's λk for this representation
    Options = RDEOptions

    def __init__(
        self,
        classifier: nn.Module,
        options: RDEOptions | None = None,
        *,
        recipe: Recipe = "fast",
        **overrides: Any,
    ) -> None:
        if options is None:
            if recipe not in RECIPES:
                raise ValueError(f"recipe {recipe!r} is not known{known_names(recipe, RECIPES, 'use one of')}")
            options = self.recipe(recipe)
        self.classifier = classifier
        self.options = self.options_with(options, overrides)

    @classmethod
    def recipe(cls, name: Recipe) -> RDEOptions:
        """The options of a recipe, with the paper's λk for this method."""
        return RECIPES[name].with_options(sparsity_weight=cls.sparsity_weight)

    def with_options(self, **changes: Any) -> RateDistortionExplainer:
        """The same method with some options changed."""
        other = copy(self)
        other.options = self.options.with_options(**changes)
        return other

    @abstractmethod
    def representation(self, size: tuple[int, int]) -> Representation:
        """The representation for images of this height and width."""

    def problem(
        self,
        images: ImageBatch,
        targets: Target = None,
        sparsity_weights: Float[Tensor, " batch"] | None = None,
        *,
        perturbed: bool = False,
        check: bool = True,
    ) -> RateDistortion:
        """The rate-distortion problem of these images: their objective as a function of the masks.

        Args:
            images: pixels in [0, 1].
            targets: as in `explain`.
            sparsity_weights: λk per image; None for the option `sparsity_weight`.
            perturbed: accept pixels a little outside [0, 1].
            check: whether to check values, which waits for a GPU; a training does not at each step.

        Raises:
            TypeError, ValueError: images, targets, weights or the classifier's output do not fit.
        """
        if check:
            images = checked_images(images, self.classifier, perturbed=perturbed)
        representation = self.representation((images.shape[2], images.shape[3]))
        return RateDistortion(
            self.classifier, representation.to(images), images, self.options, targets, sparsity_weights, check=check
        )

    def explain(
        self,
        images: ImageBatch,
        targets: Target = None,
        *,
        initial: Float[Tensor, "batch 1 k"] | None = None,
        sparsity_weights: Float[Tensor, " batch"] | None = None,
        show_progress: bool = False,
    ) -> Explanation:
        """Explain a batch of images, each by its own mask.

        Args:
            images: pixels in [0, 1].
            targets: one class for all images or one per image, by index or by name; a callable `logits -> (batch,)`, or
                a list of callables on each image's logits; None for the predicted classes.
            initial: the initial mask, in [0, 1]; None for the option `initial_mask`.
            sparsity_weights: λk per image; None for the option `sparsity_weight`.
            show_progress: show a progress bar over steps.

        Raises:
            RuntimeError: the caller is under `torch.inference_mode`.
            TypeError, ValueError: images, targets, the initial mask, the weights or the classifier's output do not fit.
        """
        problem = self.problem(images, targets, sparsity_weights)
        return self._solve(problem, initial, show_progress=show_progress)

    @gradients()
    def _solve(self, problem: RateDistortion, initial: Tensor | None = None, *, show_progress: bool) -> Explanation:
        """The explanation by the solution of a problem."""
        if initial is None:
            start = initial_mask(problem)
        else:
            due = problem.coefficients[:, :1]
            start = checked_masks(initial, due.shape, name="initial masks", device=due.device).to(due)
        return self.to_explanation(problem, *optimise(problem, start, show_progress=show_progress))

    @torch.no_grad()
    def to_explanation(
        self,
        problem: RateDistortion,
        mask: Float[Tensor, "batch 1 k"],
        history: dict[str, Tensor],
        convergence: Convergence | None = None,
    ) -> Explanation:
        """The explanation given by a mask on the representation."""
        return Explanation(
            **shown_by(mask, problem.coefficients, problem.representation),
            targets=problem.measure.targets,
            history=history,
            convergence=convergence,
        )

    def binary(self, images: ImageBatch, explanation: Explanation) -> Explanation:
        """Explanations whose masks keep at most `keep` coefficients, and those completely.

        With the option `keep` the entries of a mask *add up* to at most `keep`: several may be kept in part, as long as
        the search has not decided between them. Here the `keep` largest entries become 1 and all others 0 (fewer than
        `keep` are 1 if fewer were above 0). The history and the convergence are those of the search.

        Args:
            images: the explained images.
            explanation: of this method.

        Raises:
            ValueError: the method has no `keep`, or images and explanation do not fit.
        """
        if self.options.keep is None:
            raise ValueError("a binary mask needs the option keep: the number of coefficients, such as keep=200")
        if len(images) != len(explanation.targets) or explanation.representation_mask is None:
            raise ValueError(f"{len(images)} images do not fit {len(explanation.targets)} explanations of this method")
        representation = self.representation((images.shape[2], images.shape[3])).to(images)
        with torch.no_grad():
            coefficients = representation.analyse(images)  # batch, channels, k
            keep = self.options.count(coefficients.shape[2])
            assert keep is not None
            mask = largest_entries(explanation.representation_mask, keep)  # batch, 1, k
            return replace(explanation, **shown_by(mask, coefficients, representation))

    def _relevance(self, inputs: ImageBatch, target: Target, **options: Any) -> Float[Tensor, "batch 3 height width"]:
        explanation = self._solve(self.problem(inputs, target, perturbed=True), **{"show_progress": False, **options})
        return explanation.mask.expand(-1, 3, -1, -1)


class PixelRDE(RateDistortionExplainer):
    """The rate-distortion explanation in pixels ([Re] CartoonX, section 3.1; MacDonald et al., 2019).

    The published code clamps obfuscations to [0, 1] for CartoonX but not for Pixel RDE; nor does the recipe
    "published".
    """

    sparsity_weight = 4.0

    @classmethod
    def recipe(cls, name: Recipe) -> RDEOptions:
        """The options of a recipe, with the paper's λk for pixels."""
        return super().recipe(name).with_options(clamp=name != "published")

    def representation(self, size: tuple[int, int]) -> Pixels:
        """One coefficient per pixel and channel."""
        return Pixels(size)


class CartoonX(RateDistortionExplainer):
    """The rate-distortion explanation in wavelet coefficients ([Re] CartoonX, section 3.1; Kolek et al., 2022).

    Args:
        wavelet, levels, mode: the transform, as in `WaveletTransform`; the defaults are the paper's.
    """

    sparsity_weight = 20.0

    def __init__(
        self,
        classifier: nn.Module,
        options: RDEOptions | None = None,
        *,
        recipe: Recipe = "fast",
        wavelet: str = "db3",
        levels: int = 5,
        mode: str = "zero",
        **overrides: Any,
    ) -> None:
        super().__init__(classifier, options, recipe=recipe, **overrides)
        self.wavelet, self.levels, self.mode = wavelet, levels, mode

    def representation(self, size: tuple[int, int]) -> Wavelets:
        """Wavelet coefficients."""
        return Wavelets(size, wavelet=self.wavelet, levels=self.levels, mode=self.mode)

    @torch.no_grad()
    def cartoon(
        self, images: Float[Tensor, "batch 3 height width"], explanation: Explanation
    ) -> Float[Tensor, "batch 1 height width"]:
        """The published picture: the masked wavelet coefficients of the grey image, synthesised, in [0, 1]."""
        representation = self.representation((images.shape[2], images.shape[3])).to(images)
        grey = representation.analyse(images.mean(1, keepdim=True))  # batch, 1, k
        return representation.synthesise(explanation.representation_mask * grey).clamp(0, 1)
