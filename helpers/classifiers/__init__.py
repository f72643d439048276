"""Image classifiers of any origin behind one interface: pixels in [0, 1] to logits, frozen."""

from helpers.classifiers.classifier import Classifier
from helpers.classifiers.hubs import WeightsUnavailableError
from helpers.classifiers.loading import load_classifier
from helpers.classifiers.weight_files import WeightsFile, read_weights, save_weights

__all__ = [
    "Classifier",
    "WeightsFile",
    "WeightsUnavailableError",
    "load_classifier",
    "read_weights",
    "save_weights",
]
