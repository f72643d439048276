"""The papers' protocols, at the scale that a profile names."""

from helpers.papers.recartoonx.experiments.catalogue import EXPERIMENTS, experiment_table
from helpers.papers.recartoonx.experiments.curves import CURVES, curve_seconds, curve_table
from helpers.papers.recartoonx.experiments.explanations import explanation_seconds, explanation_table
from helpers.papers.recartoonx.experiments.initial_masks import initial_mask_seconds, loss_curve_table, loss_end_table
from helpers.papers.recartoonx.experiments.objectives import (
    objective_seconds,
    objective_table,
    recipe_changes,
    step_seconds,
)
from helpers.papers.recartoonx.experiments.study import METHODS, MethodName, Study, load_images
from helpers.papers.recartoonx.experiments.sweep import sweep_seconds, sweep_table
from helpers.papers.recartoonx.experiments.transformer import (
    transformer_explanations,
    transformer_sweep,
    transformer_table,
)
from helpers.papers.recartoonx.experiments.transformer_curves import transformer_curve_seconds, transformer_curve_table
from helpers.papers.recartoonx.published import (
    published_curves,
    published_normalised,
    published_seconds,
    published_settings,
    published_sweep,
)

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
