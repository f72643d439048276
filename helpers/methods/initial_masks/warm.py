"""A whole explanation from the learned start: the prediction, and the few steps that it needs."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from jaxtyping import Float
from torch import Tensor

from helpers.core.explanation import Explanation
from helpers.methods.initial_masks.starting import starting_mask
from helpers.methods.rde import RateDistortionExplainer
from helpers.methods.rde.distortions import Target
from helpers.methods.rde.options import RECIPES, TOLERANCE

# Fewer and larger steps than from ones, and the rate ends higher: so short a run has no time for the smallest steps.
# The gap is measured after two thirds of them, when some images are done.
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
    images: Float[Tensor, "batch 3 height width"],
    targets: Target = None,
    **changes: Any,
) -> Explanation:
    """Explain images from the mask that a network predicts for them, each until the stopping rule says that it is done.

    Args:
        method: Pixel RDE or CartoonX, for whose classifier there is a mask network; its optimiser's options give way
            to `WARM_START`, those of the problem (λk, distortion, noise) stay.
        images: pixels in [0, 1].
        targets: None, or the predicted classes: networks are trained for these.
        changes: options other than those of `WARM_START`. Photographs want more and smaller steps, such as
            `steps=400, learning_rate=0.03`.

    Raises:
        ValueError: no network fits, or an option is out of range.
    """
    runner = method.but(**{**WARM_START, **changes})
    # no floor of ones under the start: in so few steps it would not be worn off everywhere
    return runner.explain(images, targets, initial=starting_mask("learned", method, images, targets, mix=0.0))
