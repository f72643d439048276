"""The methods that an Explainer is compared with, batched over images and classes, behind the same interface."""

from helpers.baselines.extremal import ExtremalOptions, ExtremalPerturbation
from helpers.baselines.grad_cam import GradCAM, GradCAMOptions
from helpers.baselines.igos import IGOSOptions, IGOSPlusPlus
from helpers.baselines.occlusion import OcclusionMaps, OcclusionOptions
from helpers.baselines.rise import RISE, RISEOptions
from helpers.baselines.rtis import RTISLoss, RTISOptions, rtis_loss

__all__ = [
    "RISE",
    "ExtremalOptions",
    "ExtremalPerturbation",
    "GradCAM",
    "GradCAMOptions",
    "IGOSOptions",
    "IGOSPlusPlus",
    "OcclusionMaps",
    "OcclusionOptions",
    "RISEOptions",
    "RTISLoss",
    "RTISOptions",
    "rtis_loss",
]
