"""Small images with one label each: scenes of 32 px, CIFAR-10."""

from helpers.data.labelled.cifar import CIFAR10_CLASSES
from helpers.data.labelled.data import LabelledImages
from helpers.data.labelled.loading import LOSSY, load_labelled

__all__ = ["CIFAR10_CLASSES", "LOSSY", "LabelledImages", "load_labelled"]
