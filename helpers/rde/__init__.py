"""The rate-distortion explanation of the papers: Pixel RDE and CartoonX."""

from helpers.rde.distortions import DistortionMeasure
from helpers.rde.methods import CartoonX, PixelRDE, RateDistortionExplainer
from helpers.rde.options import RECIPES, RDEOptions
from helpers.rde.problem import RateDistortion, band_statistics
from helpers.rde.representations import Pixels, Representation, Wavelets

__all__ = [
    "RECIPES",
    "CartoonX",
    "DistortionMeasure",
    "PixelRDE",
    "Pixels",
    "RDEOptions",
    "RateDistortion",
    "RateDistortionExplainer",
    "Representation",
    "Wavelets",
    "band_statistics",
]
