"""The Explainer: a network that learns to explain a classifier, one mask a class in one forward pass."""

from helpers.methods.explainer.aggregation import apply_mask, baseline_colour, target_and_other_masks
from helpers.methods.explainer.files import ExplainerFile, load_explainer, read_explainer, save_explainer
from helpers.methods.explainer.loss import ExplainerLoss
from helpers.methods.explainer.method import Explainer
from helpers.methods.explainer.network import ExplainerNetwork
from helpers.methods.explainer.options import ExplainerOptions, LossOptions, NetworkOptions

__all__ = [
    "Explainer",
    "ExplainerFile",
    "ExplainerLoss",
    "ExplainerNetwork",
    "ExplainerOptions",
    "LossOptions",
    "NetworkOptions",
    "apply_mask",
    "baseline_colour",
    "load_explainer",
    "read_explainer",
    "save_explainer",
    "target_and_other_masks",
]
