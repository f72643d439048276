"""Evaluation of a classifier of scenes on held-out scenes, on noise, and under harder conditions."""

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
    """Measures of a classifier on held-out scenes with one object each, and on noise of their mean and deviation.

    Attributes:
        count: number of scenes.
        accuracy: share of correct predictions.
        interval: 95 % interval of the accuracy (Wilson).
        class_accuracies: the accuracy on the scenes of each class.
        confidence: the mean probability of the predicted class.
        confident_share: share of scenes with a confidence of at least 0.9.
        calibration_error: expected calibration error, 15 bins of equal width (Guo et al., ICML 2017).
        noise_confidence: the mean probability of the predicted class on noise.
        noise_predictions: share of each class among the predictions on noise.
        noise_label_probability: the mean probability, on noise, of the label of the scene that it replaces.
    """

    count: int
    accuracy: float
    interval: tuple[float, float]
    class_accuracies: dict[str, float]
    confidence: float
    confident_share: float
    calibration_error: float
    noise_confidence: float
    noise_predictions: dict[str, float]
    noise_label_probability: float


@torch.no_grad()
def evaluate_scene_classifier(classifier: Classifier, count: int = 2000, *, seed: int = TEST_SERIES) -> Evaluation:
    """Evaluate a classifier on `count` scenes of the series `seed`, by default one without training scenes."""
    generator = torch.Generator().manual_seed(seed)
    outputs = []
    for pixels, labels, _ in held_out_loader(count, size=classifier.input_size, seed=seed):
        images = pixels.float() / 255
        noise = noise_like(images, generator)
        outputs.append((classifier(images).softmax(dim=1), classifier(noise).softmax(dim=1), labels))
    probabilities, on_noise, labels = (torch.cat(tensors) for tensors in zip(*outputs, strict=True))
    confidence, predicted = probabilities.max(dim=1)
    correct = predicted == labels
    noise_predictions = torch.bincount(on_noise.argmax(dim=1), minlength=len(SCENE_CLASSES)) / count
    return Evaluation(
        count=count,
        accuracy=correct.float().mean().item(),
        interval=wilson_interval(int(correct.sum()), count),
        class_accuracies={name: correct[labels == k].float().mean().item() for k, name in enumerate(SCENE_CLASSES)},
        confidence=confidence.mean().item(),
        confident_share=(confidence >= 0.9).float().mean().item(),
        calibration_error=calibration_error(probabilities, labels),
        noise_confidence=on_noise.amax(dim=1).mean().item(),
        noise_predictions=dict(zip(SCENE_CLASSES, noise_predictions.tolist(), strict=True)),
        noise_label_probability=on_noise.gather(1, labels[:, None]).mean().item(),
    )


@dataclass(frozen=True)
class RobustnessEvaluation:
    """Accuracies of a classifier under conditions harder than those of `Evaluation`.

    Attributes:
        count: number of scenes per condition.
        by_objects: on scenes with two, three and four objects.
        by_noise: with Gaussian noise of this standard deviation added to every pixel.
        by_size: on scenes painted at this size.
        object_in_noise: with all but the object replaced by Gaussian noise of the image's mean and standard deviation.
    """

    count: int
    by_objects: dict[int, float]
    by_noise: dict[float, float]
    by_size: dict[int, float]
    object_in_noise: float


def evaluate_robustness(
    classifier: Classifier, count: int = 500, *, seed: int = TEST_SERIES + 1
) -> RobustnessEvaluation:
    """Evaluate a classifier on scenes of the series `seed`, by default one without training scenes."""
    generator = torch.Generator().manual_seed(seed)
    size = classifier.input_size
    single = make_scenes(count, size=size, seed=seed, objects=(1, 1))

    def accuracy(images: torch.Tensor, labels: torch.Tensor) -> float:
        predicted = torch.cat([classifier.predict(batch)[0] for batch in images.split(128)])
        return (predicted == labels).float().mean().item()

    def noisy(deviation: float) -> torch.Tensor:
        return (single.images + deviation * torch.randn(single.images.shape, generator=generator)).clamp(0, 1)

    mean, deviation = (f(single.images, dim=(1, 2, 3), keepdim=True) for f in (torch.mean, torch.std))
    noise = mean + deviation * torch.randn(single.images.shape, generator=generator)
    amid_noise = torch.where(single.object_masks[:, :1], single.images, noise).clamp(0, 1)
    several = {k: make_scenes(count, size=size, seed=seed, objects=(k, k)) for k in (2, 3, 4)}
    others = {side: make_scenes(count, size=side, seed=seed, objects=(1, 1)) for side in SIZES}
    return RobustnessEvaluation(
        count=count,
        by_objects={k: accuracy(scenes.images, scenes.label) for k, scenes in several.items()},
        by_noise={level: accuracy(noisy(level), single.label) for level in NOISE_LEVELS},
        by_size={side: accuracy(scenes.images, scenes.label) for side, scenes in others.items()},
        object_in_noise=accuracy(amid_noise, single.label),
    )


def wilson_interval(hits: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """The interval of a proportion (Wilson, 1927), 95 % by default; it never leaves [0, 1].

    Args:
        hits: number of successes.
        count: number of trials.
        z: quantile of the normal distribution.
    """
    share, correction = hits / count, z * z / count
    middle = (share + correction / 2) / (1 + correction)
    half = z * math.sqrt(share * (1 - share) / count + correction / (4 * count)) / (1 + correction)
    return max(0.0, middle - half), min(1.0, middle + half)


def calibration_error(
    probabilities: Float[Tensor, "batch classes"], labels: Int[Tensor, " batch"], bins: int = 15
) -> float:
    """The expected calibration error: the mean gap of confidence and accuracy over equal bins of confidence.

    Args:
        probabilities: of all classes.
        labels: the true classes.
        bins: number of bins, each weighted by its number of images.
    """
    confidence, predicted = probabilities.max(dim=1)
    index = (confidence * bins).long().clamp(max=bins - 1)
    gap = torch.zeros(bins).index_add_(0, index, (predicted == labels).float() - confidence)
    return (gap.abs().sum() / len(labels)).item()
