"""Integrated Gradients: the image times the gradient of the score, averaged over the path from black."""

from __future__ import annotations

from typing import Literal

from captum import attr
from jaxtyping import Float, Int
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from torch import Tensor

from helpers.core.runtime import gradients
from helpers.core.types import Count
from helpers.methods.baselines.attribution import AttributionMethod, AttributionOptions


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class IntegratedGradientsOptions(AttributionOptions):
    """The options of the quadrature; the defaults are Captum's.

    Attributes:
        steps: points of the path.
        rule: of the quadrature, by Captum's names.
    """

    steps: Count = 50
    rule: Literal["gausslegendre", "riemann_trapezoid", "riemann_middle", "riemann_left", "riemann_right"] = (
        "gausslegendre"
    )


class IntegratedGradients(AttributionMethod):
    """Integrated Gradients (Sundararajan, Taly and Yan, ICML 2017), through Captum.

    A = x ∘ ∫ ∇s(t x) dt over t in [0, 1]. The attributions of an image sum to s(x) - s(0), up to the error of the
    quadrature, which is large if the score jumps within one step.
    """

    name = "integrated-gradients"
    Options = IntegratedGradientsOptions

    def _images_at_once(self, inputs: Float[Tensor, "batch 3 height width"]) -> int:
        return max(1, self.options.batch // self.options.steps)

    @gradients()
    def _attribute(
        self, images: Float[Tensor, "batch 3 height width"], targets: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch 3 height width"]:
        o = self.options
        return attr.IntegratedGradients(self._scores).attribute(
            images.clone().requires_grad_(),
            target=targets,
            n_steps=o.steps,
            method=o.rule,
            internal_batch_size=None if len(images) * o.steps <= o.batch else o.batch,
        ).to(images)  # fmt: skip
