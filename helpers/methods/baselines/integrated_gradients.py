"""Integrated Gradients: the gradient of the score, averaged on the way from black to the image, times the image."""

from __future__ import annotations

from typing import Literal

from captum import attr
from jaxtyping import Float, Int
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from torch import Tensor

from helpers.core.types import Count
from helpers.methods.baselines.attribution import AttributionMethod, AttributionOptions


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class IntegratedGradientsOptions(AttributionOptions):
    """How the integral is approximated; the defaults are Captum's.

    Attributes:
        steps: points on the way at which the gradient is taken.
        rule: where they lie and how they are weighted, by Captum's names.
    """

    steps: Count = 50
    rule: Literal["gausslegendre", "riemann_trapezoid", "riemann_middle", "riemann_left", "riemann_right"] = (
        "gausslegendre"
    )


class IntegratedGradients(AttributionMethod):
    """Integrated Gradients (Sundararajan, Taly and Yan, ICML 2017), through Captum.

    A = x ∘ ∫ ∇s(t x) dt over t in [0, 1]. The attributions of an image sum to s(x) - s(0), as far as the points give
    the integral: a classifier that jumps from black to its class within one step needs more of them.
    """

    name = "integrated-gradients"
    Options = IntegratedGradientsOptions

    def _images_at_once(self, inputs: Float[Tensor, "batch 3 height width"]) -> int:
        return max(1, self.options.batch // self.options.steps)

    def _attribute(
        self, images: Float[Tensor, "part 3 height width"], targets: Int[Tensor, " part"]
    ) -> Float[Tensor, "part 3 height width"]:
        o = self.options
        return attr.IntegratedGradients(self._scores).attribute(
            images.clone().requires_grad_(),
            target=targets,
            n_steps=o.steps,
            method=o.rule,
            internal_batch_size=None if len(images) * o.steps <= o.batch else o.batch,
        ).to(images)  # fmt: skip
