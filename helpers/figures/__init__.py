"""What the figure notebooks draw, and what they compute from tables of numbers: choices, claims, intervals, words."""

from helpers.figures.claims import (
    Claim,
    curve_claims,
    hypothesis_claims,
    lower_at_small_rates,
    non_sparsity_above,
    optimised_with_l2_keeps_more,
    rise_after_the_drop,
    sharper_increase,
    sweep_claims,
)
from helpers.figures.committed import committed_table
from helpers.figures.curve_panels import draw_curves_and_sweep, draw_hypothesis
from helpers.figures.effects import Effect, mean_effect
from helpers.figures.made import how_it_was_made
from helpers.figures.misclassified import Screened, pointing_scores, screen
from helpers.figures.pictures import PictureGroup, draw_groups, pictures_of
from helpers.figures.runtime import draw_seconds, objective_comparison, recipe_seconds, wall_seconds
from helpers.figures.selection import extremes, first_part_gap, wins
from helpers.figures.settings import settings_table
from helpers.figures.summaries import curve_summary, figure_three, sweep_summary, values_beside
from helpers.figures.truth import mass_inside, object_of_class, scene_truth
from helpers.figures.words import claim_table, claims_in_words, join_words, show_table

__all__ = [
    "Claim",
    "Effect",
    "PictureGroup",
    "Screened",
    "claim_table",
    "claims_in_words",
    "committed_table",
    "curve_claims",
    "curve_summary",
    "draw_curves_and_sweep",
    "draw_groups",
    "draw_hypothesis",
    "draw_seconds",
    "extremes",
    "figure_three",
    "first_part_gap",
    "how_it_was_made",
    "hypothesis_claims",
    "join_words",
    "lower_at_small_rates",
    "mass_inside",
    "mean_effect",
    "non_sparsity_above",
    "object_of_class",
    "objective_comparison",
    "optimised_with_l2_keeps_more",
    "pictures_of",
    "pointing_scores",
    "recipe_seconds",
    "rise_after_the_drop",
    "scene_truth",
    "screen",
    "settings_table",
    "sharper_increase",
    "show_table",
    "sweep_claims",
    "sweep_summary",
    "values_beside",
    "wall_seconds",
    "wins",
]
