"""Where a classifier of scenes begins to fail: several objects, noise, other sizes."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from helpers.classifiers import Classifier
from helpers.data.scenes import make_scenes
from helpers.training.options import TEST_SERIES

NOISE_LEVELS = (0.05, 0.1, 0.2)
SIZES = (64, 96, 160, 224)


@dataclass(frozen=True)
class RobustnessEvaluation:
    """Accuracies of a classifier under conditions other than those of its card's headline.

    Attributes:
        count: how many scenes each number rests on.
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
        answers = torch.cat([classifier.predict(part)[0] for part in images.split(128)])
        return (answers == labels).float().mean().item()

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
