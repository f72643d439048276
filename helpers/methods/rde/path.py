"""The rate-distortion path of an image, and the λk at which its mask is as sparse, or as faithful, as wanted.

One λk does not fit all images. With the label distortion an all-black mask costs at most p², with p the classifier's
confidence, so that a λk that suits a sure prediction leaves nothing of an unsure one (the black explanations in
[Re] CartoonX, section 4.2). Here each image has its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.core.explanation import Explanation
from helpers.methods.rde.distortions import Target
from helpers.methods.rde.methods import RateDistortionExplainer

Images = Float[Tensor, "batch 3 height width"]
PerImage = Float[Tensor, " batch"]
SAMPLES = 64  # draws that measure a mask's distortion


@dataclass(frozen=True)
class RatePath:
    """Masks of the same images at several λk, each found from the one before.

    Attributes:
        weights: λk, ascending.
        explanations: one a λk.
        distortion: measured on fresh noise.
        sparsity: the masks' means.
    """

    weights: tuple[float, ...]
    explanations: tuple[Explanation, ...]
    distortion: Float[Tensor, "weights batch"]
    sparsity: Float[Tensor, "weights batch"]


@dataclass(frozen=True)
class CalibratedExplanation:
    """Explanations, each at a λk of its own.

    Attributes:
        explanation: the explanations.
        sparsity_weights: each image's λk.
        distortion: of the masks, on fresh noise.
        sparsity: the masks' means.
        reached: whether the wish was met: a sparsity within a tenth of the wanted one, or a distortion not above it.
    """

    explanation: Explanation
    sparsity_weights: PerImage
    distortion: PerImage
    sparsity: PerImage
    reached: Bool[Tensor, " batch"]


def rate_distortion_path(
    method: RateDistortionExplainer,
    images: Images,
    targets: Target = None,
    *,
    weights: Sequence[float | int],
    initial: Float[Tensor, "batch 1 k"] | None = None,
    steps: int | None = None,
) -> RatePath:
    """Explain images at several λk, from the smallest up: each mask starts from the one before, which keeps more.

    Upwards, since a mask that is too sparse seldom finds back, while one that keeps too much lets go.

    Args:
        method: CartoonX or Pixel RDE.
        images: pixels in [0, 1].
        targets: as in `explain`.
        weights: λk, ascending and positive.
        initial: where the first starts; None for the method's own start.
        steps: of all but the first, which takes the method's; None for a quarter of those.

    Raises:
        ValueError: the weights do not ascend.
    """
    if not weights or any(low >= high for low, high in pairwise(weights)) or weights[0] <= 0:
        raise ValueError(f"weights must be positive and ascend, without repeats, not {list(weights)}")
    first, later = method, _shorter(method, steps)
    explanations, measured, mask = [], [], initial
    for weight in weights:
        sparsity_weights = images.new_full((len(images),), weight)
        explanation = first.explain(images, targets, initial=mask, sparsity_weights=sparsity_weights)
        mask, first = _mask(explanation), later
        explanations.append(explanation)
        measured.append(method.problem(images, targets, sparsity_weights).evaluate(mask, samples=SAMPLES))
    return RatePath(
        weights=tuple(float(weight) for weight in weights),
        explanations=tuple(explanations),
        distortion=torch.stack([each["distortion"] for each in measured]),
        sparsity=torch.stack([each["sparsity"] for each in measured]),
    )


def explain_at(
    method: RateDistortionExplainer,
    images: Images,
    targets: Target = None,
    *,
    sparsity: float | None = None,
    distortion: float | None = None,
    between: tuple[float | int, float | int] = (1.0, 400.0),
    rounds: int = 6,
    steps: int | None = None,
) -> CalibratedExplanation:
    """Explain each image at the λk that gives it the wanted sparsity, or the wanted distortion.

    A bisection of log λk for all images at once, along a path that starts warm: the first run, at the lower end, takes
    the method's steps, and each round starts from the sparsest mask that is known to keep more than wanted, so that
    no round has to win back what another one lost. All rounds together cost about two and a half plain runs.

    Args:
        method: CartoonX or Pixel RDE. Its own `sparsity_weight` plays no part.
        images: pixels in [0, 1].
        targets: as in `explain`.
        sparsity: the wanted mean of each mask, in (0, 1): the mask that comes closest is taken.
        distortion: the wanted distortion, greater than 0, in the units of the method's (`relative=True` suits it):
            the sparsest mask that does not exceed it is taken, or the most faithful where all do.
        between: the lowest and the highest λk.
        rounds: of the bisection.
        steps: of a round; None for a quarter of the method's.

    Raises:
        ValueError: not exactly one of `sparsity` and `distortion` is given, or a value is out of range.
    """
    wish = _Wish(sparsity, distortion)
    low, high = between
    if not 0 < low < high or rounds < 1:
        raise ValueError(f"between={between} must be 0 < lowest < highest, and rounds={rounds} at least 1")
    sparsity_weights = images.new_full((len(images),), low)
    found = _measured(
        method, images, targets, method.explain(images, targets, sparsity_weights=sparsity_weights), sparsity_weights
    )
    best, dense = found, _mask(found.explanation)
    bottom, top = sparsity_weights.log(), torch.full_like(sparsity_weights, high).log()
    later = _shorter(method, steps)
    for _ in range(rounds):
        middle = (bottom + top) / 2
        sparsity_weights = middle.exp()
        explanation = later.explain(images, targets, initial=dense, sparsity_weights=sparsity_weights)
        found = _measured(method, images, targets, explanation, sparsity_weights)
        more = wish.may_be_sparser(found)  # this image's λk may rise, and the next round starts from here
        bottom, top = torch.where(more, middle, bottom), torch.where(more, top, middle)
        dense = torch.where(more[:, None, None], _mask(explanation), dense)
        best = _better(wish.prefers(found, best), found, best)
    return CalibratedExplanation(
        best.explanation, best.sparsity_weights, best.distortion, best.sparsity, wish.met_by(best)
    )


class _Wish:
    """What is wanted of an image's mask."""

    def __init__(self, sparsity: float | None, distortion: float | None) -> None:
        if (sparsity is None) == (distortion is None):
            raise ValueError("exactly one of `sparsity` and `distortion` is wanted")
        if sparsity is not None and not 0 < sparsity < 1:
            raise ValueError(f"sparsity={sparsity} is the mean of a mask: it must lie between 0 and 1")
        if distortion is not None and not distortion > 0:
            raise ValueError(f"distortion={distortion} must be greater than 0")
        self.sparsity, self.distortion = sparsity, distortion

    def may_be_sparser(self, found: CalibratedExplanation) -> Bool[Tensor, " batch"]:
        """Whether λk may still rise."""
        return found.sparsity > self.sparsity if self.sparsity is not None else found.distortion <= self.distortion

    def prefers(self, new: CalibratedExplanation, old: CalibratedExplanation) -> Bool[Tensor, " batch"]:
        """Where the new one is better than the old one."""
        if self.sparsity is not None:
            distance = [(each.sparsity.clamp_min(1e-12) / self.sparsity).log().abs() for each in (new, old)]
            return distance[0] < distance[1]
        good, was_good = new.distortion <= self.distortion, old.distortion <= self.distortion
        both = torch.where(good, new.sparsity < old.sparsity, new.distortion < old.distortion)
        return torch.where(good == was_good, both, good)

    def met_by(self, found: CalibratedExplanation) -> Bool[Tensor, " batch"]:
        """Where the wish is met."""
        if self.sparsity is not None:
            return (found.sparsity / self.sparsity - 1).abs() <= 0.1
        return found.distortion <= self.distortion


def _shorter(method: RateDistortionExplainer, steps: int | None) -> RateDistortionExplainer:
    return method.but(steps=max(1, method.options.steps // 4) if steps is None else steps)


def _mask(explanation: Explanation) -> Tensor:
    assert explanation.representation_mask is not None  # Pixel RDE and CartoonX have one
    return explanation.representation_mask


def _measured(
    method: RateDistortionExplainer,
    images: Images,
    targets: Target,
    explanation: Explanation,
    sparsity_weights: PerImage,
) -> CalibratedExplanation:
    """An explanation with what its masks cost, on fresh noise."""
    result = method.problem(images, targets, sparsity_weights).evaluate(_mask(explanation), samples=SAMPLES)
    nothing = torch.zeros_like(sparsity_weights, dtype=torch.bool)
    return CalibratedExplanation(explanation, sparsity_weights, result["distortion"], result["sparsity"], nothing)


def _better(
    new_is: Bool[Tensor, " batch"], new: CalibratedExplanation, old: CalibratedExplanation
) -> CalibratedExplanation:
    """Each image's better one of two."""
    pairs = [(new.explanation[place : place + 1], old.explanation[place : place + 1]) for place in range(len(new_is))]
    picked = [pair[0] if better else pair[1] for pair, better in zip(pairs, new_is.tolist(), strict=True)]
    rest = [
        torch.where(new_is, getattr(new, n), getattr(old, n)) for n in ("sparsity_weights", "distortion", "sparsity")
    ]
    return CalibratedExplanation(Explanation.join(picked), rest[0], rest[1], rest[2], old.reached)
