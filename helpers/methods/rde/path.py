"""The rate-distortion path of images, and explanations calibrated to a given sparsity or distortion.

No single λk suits all images. With the label distortion an empty mask costs at most p², with p the classifier's
confidence: a λk that suits a confident prediction leaves nothing of an unsure one (the black explanations in
[Re] CartoonX, section 4.2). Here each image has its own λk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.core.explanation import Explanation
from helpers.core.inputs import ImageBatch, Target, checked_images
from helpers.methods.rde.methods import RateDistortionExplainer

PerImage = Float[Tensor, " batch"]
SAMPLES = 64  # noise draws for the distortion of a mask


@dataclass(frozen=True)
class RatePath:
    """Masks of the same images at several λk, each optimised from the previous one.

    Attributes:
        weights: λk, ascending.
        explanations: one per λk.
        distortion: of the masks, on fresh noise.
        sparsity: the means of the masks.
    """

    weights: tuple[float, ...]
    explanations: tuple[Explanation, ...]
    distortion: Float[Tensor, "weights batch"]
    sparsity: Float[Tensor, "weights batch"]


@dataclass(frozen=True)
class CalibratedExplanation:
    """Explanations, each at its own λk.

    Attributes:
        explanation: the explanations.
        sparsity_weights: λk per image.
        distortion: of the masks, on fresh noise.
        sparsity: the means of the masks.
        reached: whether the goal was reached: a sparsity within a tenth of the given one, or a distortion not above it.
    """

    explanation: Explanation
    sparsity_weights: PerImage
    distortion: PerImage
    sparsity: PerImage
    reached: Bool[Tensor, " batch"]


def rate_distortion_path(
    method: RateDistortionExplainer,
    images: ImageBatch,
    targets: Target = None,
    *,
    weights: Sequence[float | int],
    initial: Float[Tensor, "batch 1 k"] | None = None,
    steps: int | None = None,
) -> RatePath:
    """Explain images at ascending λk, each mask warm-started from the previous, denser one.

    In this order, since a mask that is too sparse seldom recovers, while one that is too dense still shrinks.

    Args:
        method: CartoonX or Pixel RDE.
        images: pixels in [0, 1].
        targets: as in `explain`.
        weights: λk, ascending and positive.
        initial: the initial mask at the first λk; None for the method's own.
        steps: for all λk but the first, which has the method's steps; None for a quarter of those.

    Raises:
        ValueError: the weights do not ascend.
    """
    if not weights or any(low >= high for low, high in pairwise(weights)) or weights[0] <= 0:
        raise ValueError(f"weights must be positive and ascend, without repeats, not {list(weights)}")
    images = checked_images(images, method.classifier)
    first, later = method, _shorter(method, steps)
    explanations, evaluations, mask = [], [], initial
    for weight in weights:
        sparsity_weights = images.new_full((len(images),), weight)
        explanation = first.explain(images, targets, initial=mask, sparsity_weights=sparsity_weights)
        mask, first = _mask(explanation), later
        explanations.append(explanation)
        evaluations.append(method.problem(images, targets, sparsity_weights).evaluate(mask, samples=SAMPLES))
    return RatePath(
        weights=tuple(float(weight) for weight in weights),
        explanations=tuple(explanations),
        distortion=torch.stack([evaluation["distortion"] for evaluation in evaluations]),
        sparsity=torch.stack([evaluation["sparsity"] for evaluation in evaluations]),
    )


def explain_at(
    method: RateDistortionExplainer,
    images: ImageBatch,
    targets: Target = None,
    *,
    sparsity: float | None = None,
    distortion: float | None = None,
    weight_range: tuple[float | int, float | int] = (1.0, 400.0),
    rounds: int = 6,
    steps: int | None = None,
) -> CalibratedExplanation:
    """Explain each image at the λk that gives it the required sparsity, or the required distortion.

    A bisection of log λk for all images at once. The first run, at the lowest λk, takes the method's steps. Each round
    starts from the sparsest mask so far that is still denser than required, so that no round has to recover entries
    that another one lost. All rounds together cost about two and a half plain runs.

    Args:
        method: CartoonX or Pixel RDE. Its option `sparsity_weight` is not used.
        images: pixels in [0, 1].
        targets: as in `explain`.
        sparsity: the required mean of each mask, in (0, 1): the closest mask is returned.
        distortion: the largest acceptable distortion, greater than 0, in the units of the method's (it suits
            `relative=True`): the sparsest acceptable mask is returned, or the most faithful if none is acceptable.
        weight_range: the lowest and the highest λk.
        rounds: of the bisection.
        steps: per round; None for a quarter of the method's.

    Raises:
        ValueError: not exactly one of `sparsity` and `distortion` is given, or a value is out of range.
    """
    goal = _Goal(sparsity, distortion)
    low, high = weight_range
    if not 0 < low < high or rounds < 1:
        raise ValueError(f"weight_range={weight_range} must be 0 < lowest < highest, and rounds={rounds} at least 1")
    images = checked_images(images, method.classifier)
    sparsity_weights = images.new_full((len(images),), low)
    explanation = method.explain(images, targets, sparsity_weights=sparsity_weights)
    best, dense = _evaluated(method, images, targets, explanation, sparsity_weights), _mask(explanation)
    bottom, top = sparsity_weights.log(), torch.full_like(sparsity_weights, high).log()
    later = _shorter(method, steps)
    for _ in range(rounds):
        middle = (bottom + top) / 2
        sparsity_weights = middle.exp()
        explanation = later.explain(images, targets, initial=dense, sparsity_weights=sparsity_weights)
        candidate = _evaluated(method, images, targets, explanation, sparsity_weights)
        rises = goal.may_be_sparser(candidate)  # λk may rise, and the next round starts from this mask
        bottom, top = torch.where(rises, middle, bottom), torch.where(rises, top, middle)
        dense = torch.where(rises[:, None, None], _mask(explanation), dense)
        best = _choose(goal.prefers(candidate, best), candidate, best)
    return replace(best, reached=goal.reached_by(best))


class _Goal:
    """The required sparsity, or the largest acceptable distortion, of each image's mask."""

    def __init__(self, sparsity: float | None, distortion: float | None) -> None:
        if (sparsity is None) == (distortion is None):
            raise ValueError("give exactly one of `sparsity` and `distortion`")
        if sparsity is not None and not 0 < sparsity < 1:
            raise ValueError(f"sparsity={sparsity} is the mean of a mask: it must lie between 0 and 1")
        if distortion is not None and not distortion > 0:
            raise ValueError(f"distortion={distortion} must be greater than 0")
        self.sparsity, self.distortion = sparsity, distortion

    def may_be_sparser(self, result: CalibratedExplanation) -> Bool[Tensor, " batch"]:
        """Whether a larger λk may come closer to the goal."""
        return result.sparsity > self.sparsity if self.sparsity is not None else result.distortion <= self.distortion

    def prefers(self, new: CalibratedExplanation, old: CalibratedExplanation) -> Bool[Tensor, " batch"]:
        """Whether the new mask of each image is better than the old one."""
        if self.sparsity is not None:
            errors = [(each.sparsity.clamp_min(1e-12) / self.sparsity).log().abs() for each in (new, old)]
            return errors[0] < errors[1]
        good, was_good = new.distortion <= self.distortion, old.distortion <= self.distortion
        both = torch.where(good, new.sparsity < old.sparsity, new.distortion < old.distortion)
        return torch.where(good == was_good, both, good)

    def reached_by(self, result: CalibratedExplanation) -> Bool[Tensor, " batch"]:
        """Whether each image has reached the goal."""
        if self.sparsity is not None:
            return (result.sparsity / self.sparsity - 1).abs() <= 0.1
        return result.distortion <= self.distortion


def _shorter(method: RateDistortionExplainer, steps: int | None) -> RateDistortionExplainer:
    return method.with_options(steps=max(1, method.options.steps // 4) if steps is None else steps)


def _mask(explanation: Explanation) -> Tensor:
    assert explanation.representation_mask is not None  # Pixel RDE and CartoonX have one
    return explanation.representation_mask


def _evaluated(
    method: RateDistortionExplainer,
    images: Float[Tensor, "batch 3 height width"],
    targets: Target,
    explanation: Explanation,
    sparsity_weights: PerImage,
) -> CalibratedExplanation:
    """An explanation with the distortion and the sparsity of its masks, on fresh noise."""
    result = method.problem(images, targets, sparsity_weights).evaluate(_mask(explanation), samples=SAMPLES)
    unknown = torch.zeros_like(sparsity_weights, dtype=torch.bool)
    return CalibratedExplanation(explanation, sparsity_weights, result["distortion"], result["sparsity"], unknown)


def _choose(
    choose_new: Bool[Tensor, " batch"], new: CalibratedExplanation, old: CalibratedExplanation
) -> CalibratedExplanation:
    """The new result of each image for which it is chosen, and the old result of the others."""
    batch = len(choose_new)
    rows = torch.arange(batch, device=choose_new.device) + batch * ~choose_new  # the old ones are joined to the new
    return CalibratedExplanation(
        explanation=Explanation.join([new.explanation, old.explanation])[rows],
        sparsity_weights=torch.where(choose_new, new.sparsity_weights, old.sparsity_weights),
        distortion=torch.where(choose_new, new.distortion, old.distortion),
        sparsity=torch.where(choose_new, new.sparsity, old.sparsity),
        reached=old.reached,
    )
