"""The scores of WAM and its peers as they are printed, and the subtraction that defines one of them."""

from __future__ import annotations

import pandas as pd

# Kasmi et al. (2025), table 1: insertion, deletion and faithfulness of sounds, images and volumes
_PRINTED = {
    "Integrated Gradients": (0.267, 0.047, 0.264, 0.113, 0.113, 0.000, 0.666, 0.743, -0.077),
    "SmoothGrad": (0.251, 0.067, 0.184, 0.129, 0.119, 0.010, 0.680, 0.731, -0.051),
    "Grad-CAM": (0.274, 0.201, 0.072, 0.364, 0.303, 0.061, 0.689, 0.744, -0.055),
    "saliency": (0.220, 0.154, 0.066, 0.148, 0.140, 0.008, 0.751, 0.742, 0.009),
    "WAM, path": (0.436, 0.260, 0.176, 0.447, 0.049, 0.370, 0.719, 0.621, 0.098),
    "WAM, gradient": (0.449, 0.252, 0.197, 0.419, 0.097, 0.350, 0.718, 0.648, 0.070),
}
MODALITIES = ("sounds", "images", "volumes")
ROUNDING = 0.0015
"""The most by which two scores, rounded to three decimals, can differ from their difference, rounded as well."""


def printed_faithfulness() -> pd.DataFrame:
    """The printed scores: a row per modality and method.

    Returns:
        Columns modality, method, insertion, deletion, printed (the faithfulness), difference (insertion − deletion,
        which defines it), and agrees (but for rounding).
    """
    rows = [
        (modality, method, *scores[3 * number : 3 * number + 3])
        for number, modality in enumerate(MODALITIES)
        for method, scores in _PRINTED.items()
    ]
    table = pd.DataFrame(rows, columns=["modality", "method", "insertion", "deletion", "printed"])
    difference = table["insertion"] - table["deletion"]
    agrees = (table["printed"] - difference).abs() < ROUNDING + 1e-9
    return table.assign(difference=difference.round(3), agrees=agrees)
