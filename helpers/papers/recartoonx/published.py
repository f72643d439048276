"""The published values of [Re] CartoonX.

The curves were read off the figures of the reproduction's notebook (± 0.005; 98 images, MobileNetV3-Small, no input
normalisation); times and hyperparameters are from its text ([Re] CartoonX, sections 3.5 and 3.6).
"""

from __future__ import annotations

import pandas as pd

_KEEP = {  # percent: (CartoonX, Pixel RDE)
    0: (0.704, 0.709),
    1: (0.41, 0.64),
    2: (0.31, 0.51),
    3: (0.276, 0.36),
    4: (0.261, 0.283),
    5: (0.263, 0.251),
    8: (0.263, 0.259),
    10: (0.271, 0.265),
    20: (0.299, 0.288),
    30: (0.332, 0.315),
    40: (0.341, 0.348),
    50: (0.341, 0.401),
    60: (0.347, 0.440),
    70: (0.339, 0.456),
    80: (0.299, 0.423),
    90: (0.207, 0.357),
    95: (0.128, 0.275),
    99: (0.041, 0.117),
}
_KEEP_RANDOM = {
    "random-wavelets": {0: 0.704, 60: 0.704, 80: 0.748, 85: 0.708, 90: 0.617, 95: 0.356},
    "random-pixels": {0: 0.70, 65: 0.70, 80: 0.647, 90: 0.508, 95: 0.376, 98: 0.209},
}
_RANDOMISE = {
    "cartoonx": {1: 0.794, 2: 0.776, 5: 0.754, 10: 0.733, 20: 0.715, 50: 0.705},
    "pixel-rde": {1: 0.30, 2: 0.367, 5: 0.485, 10: 0.602, 20: 0.702, 30: 0.729, 50: 0.712},
    "random-wavelets": {1: 0.14, 2: 0.206, 4: 0.35, 8: 0.50, 10: 0.592, 20: 0.766},
    "random-pixels": {10: 0.514},
}
_SWEEP = {
    "cartoonx": ((0.149, 0.158, 0.182, 0.217, 0.262), (0.011, 0.009, 0.008, 0.007, 0.006)),
    "pixel-rde": ((0.165, 0.183, 0.209, 0.270, 0.368), (0.024, 0.020, 0.018, 0.014, 0.011)),
}
SWEEP_WEIGHTS = (4, 8, 16, 32, 64)
MODEL_AGNOSTICISM_SECONDS = 272.0
"""Seconds per image of all explanations of the model-agnosticism experiment, on an NVIDIA Titan RTX (section 3.6)."""
_PERCENTS_KEPT = (1, 2, 5, 10, 20, 30, 50, 70, 80, 90, 95, 99)
_NORMALISED_KEEP = {  # per cent of the distortion of full noise, in the order of _PERCENTS_KEPT
    "cnn": (62, 50, 41, 41, 45, 49, 51, 53, 49, 35, 22, 8),
    "vit": (54, 52, 51, 50, 55, 57, 60, 52, 48, 38, 29, 18),
    "rollout": (101, 101, 97, 92, 85, 76, 66, 61, 58, 52, 43, 14),
}
_NORMALISED_RANDOMISE = {  # percent: value
    "cnn": {1: 111, 2: 110, 5: 107, 10: 105, 20: 103, 50: 100},
    "vit": {1: 98, 2: 101, 5: 102, 10: 102, 20: 101, 30: 101, 50: 102},
    "rollout": {1: 22, 2: 32, 5: 52, 10: 69, 20: 80, 30: 86, 50: 92},
}


def published_curves() -> pd.DataFrame:
    """Figure 3, left and middle: columns curve, direction, fraction, distortion."""
    rows = [
        (curve, "keep", percent / 100, value)
        for percent, values in _KEEP.items()
        for curve, value in zip(("cartoonx", "pixel-rde"), values, strict=True)
    ]
    for direction, curves in (("keep", _KEEP_RANDOM), ("randomise", _RANDOMISE)):
        rows += [(c, direction, percent / 100, v) for c, points in curves.items() for percent, v in points.items()]
    return pd.DataFrame(rows, columns=["curve", "direction", "fraction", "distortion"])


def published_normalised() -> pd.DataFrame:
    """Figure 5 (99 images, DeiT-tiny; the CNN is MobileNetV3-Small): columns curve, direction, fraction, percent."""
    rows = [
        (curve, "keep", kept / 100, float(value))
        for curve, values in _NORMALISED_KEEP.items()
        for kept, value in zip(_PERCENTS_KEPT, values, strict=True)
    ]
    rows += [
        (curve, "randomise", randomised / 100, float(value))
        for curve, points in _NORMALISED_RANDOMISE.items()
        for randomised, value in points.items()
    ]
    return pd.DataFrame(rows, columns=["curve", "direction", "fraction", "percent"])


def published_sweep() -> pd.DataFrame:
    """Figure 3, right: columns method, sparsity_weight, distortion, sparsity (‖s‖₁/k)."""
    rows = [
        (method, weight, distortion, sparsity)
        for method, (distortions, sparsities) in _SWEEP.items()
        for weight, distortion, sparsity in zip(SWEEP_WEIGHTS, distortions, sparsities, strict=True)
    ]
    return pd.DataFrame(rows, columns=["method", "sparsity_weight", "distortion", "sparsity"])


def published_seconds() -> dict[str, float]:
    """Seconds per image on an NVIDIA Titan RTX (section 3.6)."""
    return {"cartoonx": 96.0, "pixel-rde": 75.0}


def published_hours() -> dict[str, float]:
    """GPU hours on an NVIDIA Titan RTX: of each experiment, and of all as stated (section 3.6)."""
    return {"reproduction": 28.5, "model agnosticism": 7.5, "initial masks": 2.3, "all": 38.4}


def published_settings() -> pd.DataFrame:
    """Table 1 of the reproduction: one row per experiment."""
    rows = [
        ("reproduction", 20, None, 4, "ones"),
        ("model agnosticism", 20, 10, None, "ones"),
        ("runtime", 20, None, None, "various"),
    ]
    frame = pd.DataFrame(rows, columns=["experiment", "λk, CNN", "λk, ViT", "λk, Pixel RDE", "initial mask"])
    return frame.assign(steps=2000, samples=64, optimiser="Adam", rate=1e-3)
