"""The experiments of "SpaCE-VAE", at the scale that a profile names."""

from helpers.space_vae_experiments.catalogue import SPACE_TABLES, possible_tables, space_table, table_name
from helpers.space_vae_experiments.competitors import (
    COMPETITORS,
    attributions,
    attributions_at,
    competitor_images,
    keep_above,
    seconds_an_image,
)
from helpers.space_vae_experiments.published_values import (
    PUBLISHED_CLASSIFIER_ACCURACY,
    published_figure_four,
    published_table_one,
)
from helpers.space_vae_experiments.reference import recomposed_scenes
from helpers.space_vae_experiments.study import SpaceStudy

__all__ = [
    "COMPETITORS",
    "PUBLISHED_CLASSIFIER_ACCURACY",
    "SPACE_TABLES",
    "SpaceStudy",
    "attributions",
    "attributions_at",
    "competitor_images",
    "keep_above",
    "possible_tables",
    "published_figure_four",
    "published_table_one",
    "recomposed_scenes",
    "seconds_an_image",
    "space_table",
    "table_name",
]
