"""The experiments of [Re] CartoonX, at the scale of a profile."""

from helpers.papers.recartoonx.experiments.curves import CURVES, curve_table
from helpers.papers.recartoonx.experiments.explanations import explanation_table
from helpers.papers.recartoonx.experiments.initial_masks import loss_curve_table, loss_end_table
from helpers.papers.recartoonx.experiments.objectives import (
    objective_table,
    recipe_changes,
    step_seconds,
)
from helpers.papers.recartoonx.experiments.study import METHODS, MethodName, Study, load_images
from helpers.papers.recartoonx.experiments.sweep import sweep_table
from helpers.papers.recartoonx.experiments.transformer import (
    transformer_explanations,
    transformer_sweep,
    transformer_table,
)
from helpers.papers.recartoonx.experiments.transformer_curves import transformer_curve_table
from helpers.papers.recartoonx.published import (
    published_curves,
    published_normalised,
    published_seconds,
    published_settings,
    published_sweep,
)

__all__ = [
    "CURVES",
    "METHODS",
    "MethodName",
    "Study",
    "curve_table",
    "explanation_table",
    "load_images",
    "loss_curve_table",
    "loss_end_table",
    "objective_table",
    "published_curves",
    "published_normalised",
    "published_seconds",
    "published_settings",
    "published_sweep",
    "recipe_changes",
    "step_seconds",
    "sweep_table",
    "transformer_curve_table",
    "transformer_explanations",
    "transformer_sweep",
    "transformer_table",
]
