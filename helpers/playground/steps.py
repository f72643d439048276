"""A step of Pixel RDE and CartoonX as a pure function, for an image and a class that are given from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.core.outputs import class_scores, score_name
from helpers.methods.initial_masks.learned import LARGEST_SHARE
from helpers.methods.rde.optimise import LION_BETAS
from helpers.methods.rde.problem import band_statistics
from helpers.methods.rde.representations import Representation, Wavelets
from helpers.methods.wavelets.bands import ORIENTATIONS, checked_filters, one_level_matrices

Pixels3 = Float[Tensor, "batch 3 height width"]


class PlainTransform(nn.Module):
    """A representation by whole matrices, one pair per level: traced and differentiated as it stands.

    `WaveletTransform` computes the same with small blocks and a gradient of its own, which a trace cannot enter. At
    64 px the whole matrices are small.
    """

    def __init__(self, representation: Representation, size: tuple[int, int]) -> None:
        super().__init__()
        self.representation, self.size = representation, size
        self.wavelets = representation.transform if isinstance(representation, Wavelets) else None
        if self.wavelets is None:
            return
        filters = checked_filters(self.wavelets.wavelet, self.wavelets.levels, self.wavelets.mode)
        for axis, side in zip(("rows", "columns"), size, strict=True):
            length = side
            for level in range(1, self.wavelets.levels + 1):
                analysis, synthesis = one_level_matrices(length, filters, self.wavelets.mode)
                self.register_buffer(f"analysis_{axis}_{level}", analysis.float(), persistent=False)  # 2 half, length
                self.register_buffer(f"synthesis_{axis}_{level}", synthesis.float(), persistent=False)  # length, 2 half
                length = len(analysis) // 2

    def _pair(self, direction: str, level: int) -> tuple[Tensor, Tensor]:
        rows: Tensor = getattr(self, f"{direction}_rows_{level}")
        columns: Tensor = getattr(self, f"{direction}_columns_{level}")
        return rows, columns

    def analyse(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels k"]:
        """Images to coefficients."""
        if self.wavelets is None:
            return images.flatten(2)
        image, details = images, []
        for level in range(1, self.wavelets.levels + 1):
            rows, columns = self._pair("analysis", level)
            upper, lower = (rows @ image @ columns.mT).chunk(2, -2)  # batch, channels, half height, full width
            image, vertical = upper.chunk(2, -1)
            horizontal, diagonal = lower.chunk(2, -1)
            details.append(torch.cat([band.flatten(2) for band in (horizontal, vertical, diagonal)], 2))
        return torch.cat([image.flatten(2), *details[::-1]], 2)

    def synthesise(self, coefficients: Float[Tensor, "batch channels k"]) -> Float[Tensor, "batch channels h w"]:
        """Coefficients to images."""
        if self.wavelets is None:
            return coefficients.unflatten(2, self.size)
        bands = {
            name: coefficients[..., self.wavelets.slices[name]].unflatten(-1, shape)
            for name, shape in self.wavelets.shapes.items()
        }
        image = bands["approximation"]  # batch, channels, height, width of the coarsest level
        for level in range(self.wavelets.levels, 0, -1):
            horizontal, vertical, diagonal = (bands[f"{orientation}-{level}"] for orientation in ORIENTATIONS)
            rows, columns = self._pair("synthesis", level)
            # of an odd side, the level below returns one entry too many
            image = image[..., : horizontal.shape[-2], : horizontal.shape[-1]]
            upper, lower = torch.cat([image, vertical], -1), torch.cat([horizontal, diagonal], -1)
            image = rows @ torch.cat([upper, lower], -2) @ columns.mT  # batch, channels, height, width
        return image


class Start(nn.Module):
    """What an optimisation needs to know of its image: coefficients, their statistics by band, probabilities."""

    def __init__(self, classifier: nn.Module, transform: PlainTransform) -> None:
        super().__init__()
        self.classifier, self.transform = classifier, transform

    def forward(
        self, images: Pixels3
    ) -> tuple[
        Float[Tensor, "batch 3 k"],
        Float[Tensor, "batch 1 k"],
        Float[Tensor, "batch 1 k"],
        Float[Tensor, "batch classes"],
    ]:
        """Coefficients, mean and deviation of each coefficient's band, and the classifier's probabilities."""
        coefficients = self.transform.analyse(images)
        mean, deviation = band_statistics(coefficients, self.transform.representation.bands)
        return coefficients, mean, deviation, probabilities_of(self.classifier, images)


class StepResult(NamedTuple):
    """The state after a step, the objective's terms before it, each (batch,)."""

    mask: Float[Tensor, "batch 1 k"]
    momentum: Float[Tensor, "batch 1 k"]
    distortion: Float[Tensor, " batch"]
    sparsity: Float[Tensor, " batch"]
    objective: Float[Tensor, " batch"]


class Step(nn.Module):
    """One step of the fast recipe: an antithetic pair, the objective and its gradient, Lion's step, the clamp.

    The same as `helpers.methods.rde.optimise` with `RECIPES["fast"]`, without the stopping rule; Lion is that of Chen
    et al. (2023), algorithm 2, without weight decay.
    """

    def __init__(self, classifier: nn.Module, transform: PlainTransform) -> None:
        super().__init__()
        self.classifier, self.transform = classifier, transform

    def forward(
        self,
        mask: Float[Tensor, "batch 1 k"],
        momentum: Float[Tensor, "batch 1 k"],
        coefficients: Float[Tensor, "batch 3 k"],
        mean: Float[Tensor, "batch 1 k"],
        deviation: Float[Tensor, "batch 1 k"],
        noise: Float[Tensor, "1 3 k"],
        target: Float[Tensor, "batch classes"],
        reference: Float[Tensor, " batch"],
        sparsity_weight: Float[Tensor, " 1"],
        rate: Float[Tensor, " 1"],
        risk: Float[Tensor, " 1"],
    ) -> StepResult:
        """A step.

        Args:
            mask, momentum: the state; a run starts with a momentum of 0, and after a momentum of 0 the new one is the
                gradient times 1 - `LION_BETAS[1]`.
            coefficients, mean, deviation: of the image, by `Start`.
            noise: one standard normal draw; its negative is the other half of the pair.
            target: one-hot.
            reference: the target's probability on the image.
            sparsity_weight: λk.
            rate: the learning rate of this step.
            risk: β of the risk-averse distortion, whose gradient refines learned masks
                (`helpers.methods.initial_masks.learned.risk_gradient`); 0 in an optimisation.
        """

        def measure(mask: Tensor) -> tuple[Tensor, Tensor]:
            centre = self.transform.synthesise(coefficients * mask + mean * (1 - mask))  # batch, 3, height, width
            offset = self.transform.synthesise(noise * ((1 - mask) * deviation))  # batch, 3, height, width
            images = torch.cat([centre + offset, centre - offset]).clamp(0, 1)  # 2 batch, 3, height, width
            scores = (probabilities_of(self.classifier, images) * torch.cat([target, target])).sum(1)  # 2 batch
            distances = (scores - torch.cat([reference, reference])).square()  # 2 batch
            distortion = distances.unflatten(0, (2, -1)).mean(0)  # batch
            share = (distances / torch.cat([reference, reference]).square()).clamp_max(1)  # 2 batch
            lost = torch.log1p(-LARGEST_SHARE * share).unflatten(0, (2, -1)).mean(0)  # batch
            return distortion, -risk * lost

        gradient, terms = objective_gradient(measure, mask, sparsity_weight)
        fast, slow = LION_BETAS
        update = torch.sign(momentum * fast + gradient * (1 - fast))  # batch, 1, k
        stepped = (mask - rate * update).clamp(0, 1)  # batch, 1, k
        return StepResult(stepped, momentum * slow + gradient * (1 - slow), *terms)


class KeepStep(nn.Module):
    """A Frank-Wolfe step for masks whose entries add up to at most `keep`, from a gradient that `Step` returned.

    The same as `helpers.methods.rde.frank_wolfe.FrankWolfe`, with all that changes from step to step as arguments.
    """

    def forward(
        self,
        mask: Float[Tensor, "batch 1 k"],
        average: Float[Tensor, "batch 1 k"],
        gradient: Float[Tensor, "batch 1 k"],
        keep: Float[Tensor, " 1"],
        share: Float[Tensor, " 1"],
        rate: Float[Tensor, " 1"],
    ) -> tuple[Float[Tensor, "batch 1 k"], Float[Tensor, "batch 1 k"]]:
        """The mask and the averaged gradient after the step.

        Args:
            mask, average: the state; a run starts with an average of 0.
            gradient: of the distortion at the mask.
            keep: the largest sum of a mask at this step.
            share: of the new gradient in the average.
            rate: the share of the way to the corner.
        """
        average = average + share * (gradient - average)  # batch, 1, k
        values, places = average.sort(dim=2)  # batch, 1, k; steepest descent first
        chosen = (values < 0) & (torch.arange(1, mask.shape[2] + 1) <= keep)  # batch, 1, k
        corner = torch.zeros_like(mask).scatter(2, places, chosen.to(mask))  # batch, 1, k
        mask = mask + rate * (corner - mask)  # batch, 1, k
        return mask * (keep / mask.sum(2, keepdim=True).clamp_min(1e-12)).clamp_max(1), average


def objective_gradient(
    measure: Callable[[Tensor], tuple[Tensor, Tensor | float]],
    mask: Float[Tensor, "batch 1 k"],
    sparsity_weight: Float[Tensor, " 1"],
) -> tuple[Float[Tensor, "batch 1 k"], tuple[Tensor, Tensor, Tensor]]:
    """The gradient of D(s) + λk · mean(s), and distortion, sparsity and objective, each (batch,).

    Args:
        measure: a mask's distortion, and what else is to be minimised, which the objective does not show.
        mask: s.
        sparsity_weight: λk.
    """

    def objective(mask: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
        distortion, further = measure(mask)
        sparsity = mask.mean((1, 2))  # batch
        total = distortion + sparsity_weight * sparsity  # batch
        return (total + further).sum(), (distortion, sparsity, total)

    gradient, (_, terms) = torch.func.grad_and_value(objective, has_aux=True)(mask)
    return gradient, terms


class Show(nn.Module):
    """The pictures of a mask: the relevance of each pixel, and the kept part of the image."""

    def __init__(self, transform: PlainTransform) -> None:
        super().__init__()
        self.transform = transform

    def forward(
        self, mask: Float[Tensor, "batch 1 k"], coefficients: Float[Tensor, "batch 3 k"]
    ) -> tuple[Float[Tensor, "batch 1 height width"], Pixels3]:
        """As `RateDistortionExplainer.to_explanation` draws them."""
        relevance = self.transform.representation.relevance(mask, coefficients).clamp(0, 1)
        return relevance, self.transform.synthesise(mask * coefficients).clamp(0, 1)


def probabilities_of(classifier: nn.Module, images: Pixels3) -> Float[Tensor, "batch classes"]:
    """The classifier's probabilities: softmax, or one sigmoid per class for a multi-label classifier."""
    logits = classifier(images)
    return class_scores(logits, score_name(classifier, "auto", logits.shape[1]))
