"""The papers' protocols, at the scale that a profile names."""

from helpers.experiments.catalogue import EXPERIMENTS, experiment_table
from helpers.experiments.curves import CURVES, curve_seconds, curve_table
from helpers.experiments.explanations import explanation_seconds, explanation_table
from helpers.experiments.initial_masks import initial_mask_seconds, loss_curve_table, loss_end_table
from helpers.experiments.objectives import objective_seconds, objective_table, recipe_changes, step_seconds
from helpers.experiments.published_values import (
    published_curves,
    published_normalised,
    published_seconds,
    published_settings,
    published_sweep,
)
from helpers.experiments.study import METHODS, MethodName, Study, load_images
from helpers.experiments.sweep import sweep_seconds, sweep_table
from helpers.experiments.transformer import transformer_explanations, transformer_sweep, transformer_table
from helpers.experiments.transformer_curves import transformer_curve_seconds, transformer_curve_table

__all__ = [
    "CURVES",
    "EXPERIMENTS",
    "METHODS",
    "MethodName",
    "Study",
    "curve_seconds",
    "curve_table",
    "experiment_table",
    "explanation_seconds",
    "explanation_table",
    "initial_mask_seconds",
    "load_images",
    "loss_curve_table",
    "loss_end_table",
    "objective_seconds",
    "objective_table",
    "published_curves",
    "published_normalised",
    "published_seconds",
    "published_settings",
    "published_sweep",
    "recipe_changes",
    "step_seconds",
    "sweep_seconds",
    "sweep_table",
    "transformer_curve_seconds",
    "transformer_curve_table",
    "transformer_explanations",
    "transformer_sweep",
    "transformer_table",
]
