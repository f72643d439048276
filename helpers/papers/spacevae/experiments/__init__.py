"""The experiments of "SpaCE-VAE", at the scale of a profile."""

from helpers.papers.spacevae.experiments.competitors import (
    COMPETITORS,
    attributions,
    attributions_at,
    competitor_images,
    keep_above,
    seconds_per_image,
)
from helpers.papers.spacevae.experiments.reference import recomposed_scenes
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.published import (
    PUBLISHED_CLASSIFIER_ACCURACY,
    published_table_one,
)

__all__ = [
    "COMPETITORS",
    "PUBLISHED_CLASSIFIER_ACCURACY",
    "SpaceStudy",
    "attributions",
    "attributions_at",
    "competitor_images",
    "keep_above",
    "published_table_one",
    "recomposed_scenes",
    "seconds_per_image",
]
