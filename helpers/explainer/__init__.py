"""The Explainer: a network that learns to explain a classifier, one mask a class in one forward pass."""

from helpers.explainer.aggregation import hidden_colour, hide, target_and_other_masks
from helpers.explainer.files import ExplainerFile, load_explainer, read_explainer, save_explainer
from helpers.explainer.loss import ExplainerLoss
from helpers.explainer.method import Explainer
from helpers.explainer.network import ExplainerNetwork
from helpers.explainer.options import ExplainerOptions, LossOptions, NetworkOptions

__all__ = [
    "Explainer",
    "ExplainerFile",
    "ExplainerLoss",
    "ExplainerNetwork",
    "ExplainerOptions",
    "LossOptions",
    "NetworkOptions",
    "hidden_colour",
    "hide",
    "load_explainer",
    "read_explainer",
    "save_explainer",
    "target_and_other_masks",
]
