"""The methods that an Explainer is compared with, batched over images and classes, behind the same interface."""

from helpers.methods.baselines.extremal import ExtremalOptions, ExtremalPerturbation
from helpers.methods.baselines.grad_cam import GradCAM, GradCAMOptions
from helpers.methods.baselines.igos import IGOSOptions, IGOSPlusPlus
from helpers.methods.baselines.occlusion import OcclusionMaps, OcclusionOptions
from helpers.methods.baselines.rise import RISE, RISEOptions
from helpers.methods.baselines.rtis import RTISLoss, RTISOptions, rtis_loss
from helpers.methods.baselines.signed import (
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
