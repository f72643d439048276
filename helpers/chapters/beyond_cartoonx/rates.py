"""A number of coefficients that is given, beside the price that leads to as many."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import torch

from helpers.core.explanation import Explanation
from helpers.core.inputs import ImageBatch
from helpers.methods.rde import RateDistortionExplainer

SAMPLES = 64  # noise draws of a final distortion


@torch.no_grad()
def compare_masks(
    method: RateDistortionExplainer, images: ImageBatch, explanations: Mapping[str, Explanation]
) -> pd.DataFrame:
    """The masks of several searches for the same images and classes.

    Args:
        method: any method over the representation of the masks.
        images: pixels in [0, 1].
        explanations: of these images, by name.

    Returns:
        One row per search and image. Columns search, image, coefficients (the mask's sum), distortion (in fresh noise,
        of the same draws for all) and kept (whether the kept picture is taken for the explained class).
    """
    tables = []
    for name, found in explanations.items():
        mask = found.representation_mask
        assert mask is not None
        values = method.problem(images, found.targets).evaluate(mask, samples=SAMPLES)
        columns = {
            "search": name,
            "image": range(len(images)),
            "coefficients": mask.sum((1, 2)).tolist(),
            "distortion": values["distortion"].tolist(),
            "kept": (method.classifier(found.kept).argmax(1) == found.targets).tolist(),
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)
