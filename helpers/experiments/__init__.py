"""The papers' protocols, at the scale that a profile names."""

from helpers.experiments.curves import CURVES, curve_seconds, curve_table
from helpers.experiments.explanations import explanation_table
from helpers.experiments.objectives import objective_table, recipe_changes, step_seconds
from helpers.experiments.published_values import (
    published_curves,
    published_seconds,
    published_settings,
    published_sweep,
)
from helpers.experiments.study import METHODS, MethodName, Study, load_images
from helpers.experiments.sweep import sweep_table

__all__ = [
    "CURVES",
    "METHODS",
    "MethodName",
    "Study",
    "curve_seconds",
    "curve_table",
    "explanation_table",
    "load_images",
    "objective_table",
    "published_curves",
    "published_seconds",
    "published_settings",
    "published_sweep",
    "recipe_changes",
    "step_seconds",
    "sweep_table",
]
