"""How good a classifier of scenes is on held-out scenes and on noise, and where it begins to fail."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.classifiers import Classifier
from helpers.data.scenes import SCENE_CLASSES, make_scenes
from helpers.training.augment import noise_like
from helpers.training.options import TEST_SERIES
from helpers.training.recipes.scene_data import held_out_loader

NOISE_LEVELS = (0.05, 0.1, 0.2)
SIZES = (64, 96, 160, 224)


@dataclass(frozen=True)
class Evaluation:
    """Measures of a classifier on held-out scenes with one object each.

    Attributes:
        count: how many scenes.
        accuracy: share of correct answers, with the ends of its 95 % interval (Wilson).
        by_class: the accuracy on the scenes of each class.
        confidence: the mean probability of the predicted class.
        confident: the share of scenes with a confidence of at least 0.9.
        calibration_error: expected calibration error, 15 bins of equal width (Guo et al., ICML 2017).
        noise_confidence: the mean largest probability on noise with the images' mean and spread.
        noise_answers: the share of each class among the predictions for that noise.
        noise_target: the mean probability on that noise of the class of the image it replaced.
    """

    count: int
    accuracy: float
    interval: tuple[float, float]
    by_class: dict[str, float]
    confidence: float
    confident: float
    calibration_error: float
    noise_confidence: float
    noise_answers: dict[str, float]
    noise_target: float


@torch.no_grad()
def evaluate_scene_classifier(classifier: Classifier, count: int = 2000, *, seed: int = TEST_SERIES) -> Evaluation:
    """Measure a classifier on `count` scenes of the series `seed`, which no training draws from."""
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for pixels, labels, _ in held_out_loader(count, size=classifier.input_size, seed=seed):
        images = pixels.float() / 255
        noise = noise_like(images, generator)
        parts.append((classifier(images).softmax(dim=1), classifier(noise).softmax(dim=1), labels))
    probabilities, on_noise, labels = (torch.cat(part) for part in zip(*parts, strict=True))
    confidence, answers = probabilities.max(dim=1)
    right = answers == labels
    noise_answers = torch.bincount(on_noise.argmax(dim=1), minlength=len(SCENE_CLASSES)) / count
    return Evaluation(
        count=count,
        accuracy=right.float().mean().item(),
        interval=wilson_interval(int(right.sum()), count),
        by_class={n: right[labels == c].float().mean().item() for c, n in enumerate(SCENE_CLASSES)},
        confidence=confidence.mean().item(),
        confident=(confidence >= 0.9).float().mean().item(),
        calibration_error=calibration_error(probabilities, labels),
        noise_confidence=on_noise.amax(dim=1).mean().item(),
        noise_answers=dict(zip(SCENE_CLASSES, noise_answers.tolist(), strict=True)),
        noise_target=on_noise.gather(1, labels[:, None]).mean().item(),
    )


@dataclass(frozen=True)
class RobustnessEvaluation:
    """Accuracies of a classifier under conditions other than those of its card's headline.

    Attributes:
        count: scenes behind each number.
        by_objects: with two, three and four objects.
        by_noise: with Gaussian noise of this standard deviation added to every pixel.
        by_size: on scenes painted at this size.
        object_in_noise: with all but the object replaced by Gaussian noise of the image's mean and spread.
    """

    count: int
    by_objects: dict[int, float]
    by_noise: dict[float, float]
    by_size: dict[int, float]
    object_in_noise: float


def evaluate_robustness(
    classifier: Classifier, count: int = 500, *, seed: int = TEST_SERIES + 1
) -> RobustnessEvaluation:
    """Measure a classifier on scenes of the series `seed`, which no training draws from."""
    generator = torch.Generator().manual_seed(seed)
    size = classifier.input_size
    single = make_scenes(count, size=size, seed=seed, objects=(1, 1))

    def right(images: torch.Tensor, labels: torch.Tensor) -> float:
        predicted = torch.cat([classifier.predict(batch)[0] for batch in images.split(128)])
        return (predicted == labels).float().mean().item()

    def noisy(deviation: float) -> torch.Tensor:
        return (single.images + deviation * torch.randn(single.images.shape, generator=generator)).clamp(0, 1)

    mean, spread = (f(single.images, dim=(1, 2, 3), keepdim=True) for f in (torch.mean, torch.std))
    noise = mean + spread * torch.randn(single.images.shape, generator=generator)
    amid_noise = torch.where(single.object_masks[:, :1], single.images, noise).clamp(0, 1)
    several = {k: make_scenes(count, size=size, seed=seed, objects=(k, k)) for k in (2, 3, 4)}
    others = {side: make_scenes(count, size=side, seed=seed, objects=(1, 1)) for side in SIZES}
    return RobustnessEvaluation(
        count=count,
        by_objects={k: right(scenes.images, scenes.label) for k, scenes in several.items()},
        by_noise={deviation: right(noisy(deviation), single.label) for deviation in NOISE_LEVELS},
        by_size={side: right(scenes.images, scenes.label) for side, scenes in others.items()},
        object_in_noise=right(amid_noise, single.label),
    )


def wilson_interval(hits: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % interval of a proportion (Wilson, 1927); it stays inside [0, 1] near the ends."""
    share, spread = hits / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def calibration_error(
    probabilities: Float[Tensor, "batch classes"], labels: Int[Tensor, " batch"], bins: int = 15
) -> float:
    """The mean distance between confidence and accuracy over bins of confidence, weighted by the bins' sizes."""
    confidence, answers = probabilities.max(dim=1)
    index = (confidence * bins).long().clamp(max=bins - 1)
    gap = torch.zeros(bins).index_add_(0, index, (answers == labels).float() - confidence)
    return (gap.abs().sum() / len(labels)).item()
