"""Metrics without truth: what happens to the classifier's answer as pixels are kept, removed or replaced."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.benchmark.case import FILLS, Trial
from helpers.benchmark.registry import Metric, register
from helpers.core.runtime import random_generator
from helpers.metrics import conciseness_preciseness, curve_area, hallucination_score, infidelity, score_explanations
from helpers.metrics.curves import random_ranks

SPARSE_SHARES = (0.02, 0.05, 0.1, 0.2, 0.4)
"""The shares of pixels at which the prediction on the kept part is compared with the explained class."""


@register("keep", higher=True, domain="order")
class Keep(Metric):
    """How much less distortion the most relevant pixels leave, kept among noise, than as many random ones."""

    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image; 0 for pixels in random order."""
        return trial.case.random_areas["keep"] - trial.case.area(trial.maps, "keep")


@register("randomise", higher=True, domain="order")
class Randomise(Metric):
    """How much more distortion the most relevant pixels cause, replaced by noise, than as many random ones."""

    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image; 0 for pixels in random order."""
        return trial.case.area(trial.maps, "randomise") - trial.case.random_areas["randomise"]


class _WithFill(Metric):
    """A metric that puts something in the place of removed pixels."""

    def __init__(self, fill: str) -> None:
        self.fill = fill


@register("deletion", higher=False, domain="order", fills=FILLS)
class Deletion(_WithFill):
    """The area under the class's probability as the most relevant pixels are removed first."""

    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image."""
        return curve_area(trial.curve(self.fill, "delete"))


@register("insertion", higher=True, domain="order", fills=FILLS)
class Insertion(_WithFill):
    """The area under the class's probability as the most relevant pixels are shown first."""

    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image."""
        return curve_area(trial.curve(self.fill, "insert"))


@register("srg", higher=True, domain="order", fills=FILLS)
class SymmetricGain(_WithFill):
    """Least relevant first minus most relevant first: insertion minus deletion with one fill (Blücher et al., 2024).

    To insert the most relevant pixels first is to remove the least relevant ones first, read backwards.
    """

    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image; about 0 for pixels in random order."""
        return curve_area(trial.curve(self.fill, "insert")) - curve_area(trial.curve(self.fill, "delete"))


@register("sparse-accuracy", higher=True, domain="order")
class SparseAccuracy(Metric):
    """The share of sparsities at which the most relevant pixels on black still have the explained class.

    The test of SpaCE-VAE, with equal sparsity for all methods.
    """

    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image."""
        case, flat = trial.case, trial.maps.flatten(1)
        ranks = random_ranks(flat, 1, random_generator(case.seed, flat.device))[0]  # batch, pixels
        right = []
        for share in SPARSE_SHARES:
            kept = case.images * (ranks < share * flat.shape[1]).view_as(trial.maps)[:, None]
            scores = score_explanations(case.classifier, case.images, kept, case.targets, predicted=case.targets)
            right.append(scores.predicted_after == case.targets)
        return torch.stack(right).to(flat.dtype).mean(0)


@register("conciseness-preciseness", higher=True, domain="picture")
class ConcisenessPreciseness(Metric):
    """The share of the probability kept over the share of the pixels' sum kept, for the image times its map."""

    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image."""
        images = trial.case.images
        return conciseness_preciseness(trial.case.classifier, images, images * trial.maps[:, None], trial.case.targets)


@register("hallucinated-edges", higher=False, domain="picture")
class HallucinatedEdges(Metric):
    """Edges of the image times its map that the image does not have, over those that it has."""

    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image."""
        return hallucination_score(trial.case.images, trial.case.images * trial.maps[:, None])


@register("infidelity", higher=False, domain="values")
class Infidelity(Metric):
    """How badly a map predicts the change of the probability as grey squares hide parts of the image."""

    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image."""
        case = trial.case
        return infidelity(case.classifier, case.images, trial.maps[:, None], case.targets, case.perturbed)
