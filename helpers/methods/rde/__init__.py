"""The rate-distortion explanation of the papers: Pixel RDE and CartoonX."""

from helpers.methods.rde.convergence import DualityGap, duality_gap, estimate_duality_gap, judge_duality_gap
from helpers.methods.rde.distortions import DistortionMeasure
from helpers.methods.rde.methods import CartoonX, PixelRDE, RateDistortionExplainer
from helpers.methods.rde.options import RECIPES, RDEOptions
from helpers.methods.rde.path import CalibratedExplanation, RatePath, explain_at, rate_distortion_path
from helpers.methods.rde.problem import RateDistortion, band_statistics
from helpers.methods.rde.representations import Pixels, Representation, Wavelets

__all__ = [
    "RECIPES",
    "CalibratedExplanation",
    "CartoonX",
    "DistortionMeasure",
    "DualityGap",
    "PixelRDE",
    "Pixels",
    "RDEOptions",
    "RateDistortion",
    "RateDistortionExplainer",
    "RatePath",
    "Representation",
    "Wavelets",
    "band_statistics",
    "duality_gap",
    "estimate_duality_gap",
    "explain_at",
    "judge_duality_gap",
    "rate_distortion_path",
]
