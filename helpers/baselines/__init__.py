"""The methods that an Explainer is compared with, batched over images and classes, behind the same interface."""

from helpers.baselines.rtis import RTISLoss, RTISOptions, rtis_loss

__all__ = ["RTISLoss", "RTISOptions", "rtis_loss"]
