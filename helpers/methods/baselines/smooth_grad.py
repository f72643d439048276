"""SmoothGrad: the gradient of a class's logit, averaged over noisy copies of the image."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Float, Int
from pydantic import ConfigDict, Field, NonNegativeFloat
from pydantic.dataclasses import dataclass
from torch import Tensor

from helpers.core.types import Count
from helpers.methods.baselines.attribution import AttributionMethod, AttributionOptions
from helpers.methods.baselines.wam import WAM


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class SmoothGradOptions(AttributionOptions):
    """The options of SmoothGrad.

    Attributes:
        score: as for every attribution method, but the logit by default.
        samples: noisy copies.
        noise: standard deviation of the noise, as a share of each image's range of pixels.
        seed: of the noise, which all images share.
    """

    score: Literal["confidence", "logit"] = "logit"
    samples: Count = 25
    noise: NonNegativeFloat = 0.15
    seed: int = Field(default=0, ge=0)


class SmoothGrad(AttributionMethod):
    """SmoothGrad (Smilkov et al., 2017): the mean of ∂s/∂x at x + ε over noisy copies.

    The mean gradient is that which `WAM` takes to its wavelet coefficients, before the transform.
    """

    name = "smooth-grad"
    Options = SmoothGradOptions

    def _images_at_once(self, inputs: Float[Tensor, "batch 3 height width"]) -> int:
        return self.options.batch

    def _attribute(
        self, images: Float[Tensor, "batch 3 height width"], targets: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch 3 height width"]:
        o = self.options
        wavelets = WAM(self.classifier, score=o.score, samples=o.samples, noise=o.noise, seed=o.seed)
        return wavelets._attribute(images, targets)
