"""The methods that an Explainer is compared with, batched over images and classes, behind the same interface."""

from helpers.baselines.extremal import ExtremalOptions, ExtremalPerturbation
from helpers.baselines.grad_cam import GradCAM, GradCAMOptions
from helpers.baselines.igos import IGOSOptions, IGOSPlusPlus
from helpers.baselines.occlusion import OcclusionMaps, OcclusionOptions
from helpers.baselines.rise import RISE, RISEOptions
from helpers.baselines.rtis import RTISLoss, RTISOptions, rtis_loss
from helpers.baselines.signed import (
    DeepLIFT,
    FeatureAblation,
    IntegratedGradients,
    SignedAttribution,
    choose_threshold,
    signed_attributions,
    sweep_thresholds,
    threshold_images,
    to_unit_range,
)

__all__ = [
    "RISE",
    "DeepLIFT",
    "ExtremalOptions",
    "ExtremalPerturbation",
    "FeatureAblation",
    "GradCAM",
    "GradCAMOptions",
    "IGOSOptions",
    "IGOSPlusPlus",
    "IntegratedGradients",
    "OcclusionMaps",
    "OcclusionOptions",
    "RISEOptions",
    "RTISLoss",
    "RTISOptions",
    "SignedAttribution",
    "choose_threshold",
    "rtis_loss",
    "signed_attributions",
    "sweep_thresholds",
    "threshold_images",
    "to_unit_range",
]
