"""The probability of the explained class on the kept part alone, and with noise elsewhere."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.core.runtime import random_generator
from helpers.methods.rde import RateDistortionExplainer


@torch.no_grad()
def kept_probabilities(
    classifier: Classifier,
    method: RateDistortionExplainer,
    images: Float[Tensor, "batch 3 height width"],
    explanation: Explanation,
    *,
    samples: int = 16,
    seed: int = 1,
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"], Float[Tensor, "batch 3 height width"]]:
    """The probabilities of the explained classes under noise and alone.

    Args:
        classifier: the one that was explained.
        method: the one that made the explanation.
        images: pixels in [0, 1].
        explanation: of these images.
        samples: noise draws.
        seed: of the noise.

    Returns:
        The mean probability of each image's class with noise in place of what was given up, that on the kept part
        alone, with black elsewhere, and the first obfuscation of each image.
    """
    problem, batch = method.problem(images), torch.arange(len(images))
    obfuscations = problem.obfuscate(explanation.representation_mask, problem.draw(samples, random_generator(seed)))
    under_noise = classifier(obfuscations.flatten(0, 1)).softmax(1).unflatten(0, obfuscations.shape[:2]).mean(0)
    alone = classifier(explanation.kept).softmax(1)
    return under_noise[batch, explanation.targets], alone[batch, explanation.targets], obfuscations[0]
