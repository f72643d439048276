"""The rate-distortion explanation of the papers: Pixel RDE and CartoonX."""

from helpers.methods.rde.convergence import Gap, judge_gap, measure_gap, promised_decrease
from helpers.methods.rde.distortions import DistortionMeasure
from helpers.methods.rde.methods import CartoonX, PixelRDE, RateDistortionExplainer
from helpers.methods.rde.options import RECIPES, RDEOptions
from helpers.methods.rde.path import Priced, RatePath, explain_at, rate_distortion_path
from helpers.methods.rde.problem import RateDistortion, band_statistics
from helpers.methods.rde.representations import Pixels, Representation, Wavelets

__all__ = [
    "RECIPES",
    "CartoonX",
    "DistortionMeasure",
    "Gap",
    "PixelRDE",
    "Pixels",
    "Priced",
    "RDEOptions",
    "RateDistortion",
    "RateDistortionExplainer",
    "RatePath",
    "Representation",
    "Wavelets",
    "band_statistics",
    "explain_at",
    "judge_gap",
    "measure_gap",
    "promised_decrease",
    "rate_distortion_path",
]
