"""Warm start: explanations from the predicted mask, in few steps."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from helpers.core.explanation import Explanation
from helpers.core.inputs import ImageBatch, Target
from helpers.methods.initial_masks.starting import starting_mask
from helpers.methods.rde import RateDistortionExplainer
from helpers.methods.rde.options import RECIPES, TOLERANCE

# Fewer and larger steps than from ones, and a higher final rate: the smallest steps take too long for so short a run.
# The duality gap is estimated after two thirds of the steps, when some images have converged.
WARM_START = MappingProxyType(
    {
        **{name: getattr(RECIPES["fast"], name) for name in ("samples", "antithetic", "optimiser", "schedule")},
        "steps": 150,
        "learning_rate": 0.08,
        "final_rate": 0.1,
        "tolerance": TOLERANCE,
        "check_every": 100,
    }
)


def explain_from_prediction(
    method: RateDistortionExplainer,
    images: ImageBatch,
    targets: Target = None,
    **changes: Any,
) -> Explanation:
    """Explain images from the mask that a network predicts for them, each until it has converged.

    Args:
        method: Pixel RDE or CartoonX with a classifier that has a mask network. `WARM_START` replaces the options of
            its optimiser; those of the problem (λk, distortion, noise) stay.
        images: pixels in [0, 1].
        targets: None, or the predicted classes.
        changes: options that replace those of `WARM_START`. Photographs need more and smaller steps, such as
            `steps=400, learning_rate=0.03`.

    Raises:
        ValueError: no network fits, or an option is out of range.
    """
    runner = method.with_options(**{**WARM_START, **changes})
    # no ones mixed in: in so few steps they would not vanish everywhere
    return runner.explain(images, targets, initial=starting_mask("learned", method, images, targets, ones_fraction=0.0))
