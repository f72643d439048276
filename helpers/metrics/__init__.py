"""Measures of explanations."""

from helpers.metrics.curves import Direction, random_ranks, rate_distortion_curve

__all__ = ["Direction", "random_ranks", "rate_distortion_curve"]
