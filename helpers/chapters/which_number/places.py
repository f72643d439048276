"""Places by simulation: how far a ranking of made-up methods, whose truth is known, changes with the images."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from helpers.core.statistics import LEVEL


def simulated_places(
    methods: int, images: int, *, studies: int = 1000, spread: float | int = 1.0, seed: int = 0
) -> Int[np.ndarray, "studies methods"]:
    """The places that made-up methods get in many studies; method 0 is truly the best, the next one second, and so on.

    Args:
        methods: how many, at even distances.
        images: of each study.
        studies: repetitions with other images.
        spread: from the worst to the best true mean, in standard deviations of a method's score over images.
        seed: of the noise.

    Returns:
        Places from 1, for the best mean.
    """
    truth = spread * np.linspace(1, 0, methods)
    generator = np.random.default_rng(seed)
    means = truth + generator.normal(size=(studies, methods)) / np.sqrt(images)  # studies, methods
    return 1 + (-means).argsort(1).argsort(1)


def place_intervals(places: Int[np.ndarray, "studies methods"]) -> Float[np.ndarray, "methods 2"]:
    """The places between which each method is found in 95 % of the studies."""
    return np.quantile(places, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0).T
