"""LIME and KernelSHAP: a linear model of the class's logit on squares of the image that are shown or black."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import Any, Literal

import torch
from captum import attr
from jaxtyping import Float, Int
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from helpers.core.types import Count
from helpers.methods.baselines.attribution import AttributionMethod, AttributionOptions


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class SurrogateOptions(AttributionOptions):
    """The options of LIME and KernelSHAP.

    Attributes:
        score: as for every attribution method, but the logit by default.
        cells: squares along each axis; the squares are the features of the linear model.
        samples: pictures with some of the squares, per image.
        seed: of the samples; Captum draws them from the global generator, whose state is kept.
    """

    score: Literal["confidence", "logit"] = "logit"
    cells: Count = 8
    samples: Count = 500
    seed: int = Field(default=0, ge=0)


class Surrogate(AttributionMethod):
    """What LIME and KernelSHAP have in common: one linear model per image, whose weights are the attributions."""

    Options = SurrogateOptions

    def _images_at_once(self, inputs: Float[Tensor, "batch 3 height width"]) -> int:
        return 1

    @torch.no_grad()
    def _attribute(
        self, images: Float[Tensor, "batch 3 height width"], targets: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch 3 height width"]:
        o, (height, width) = self.options, images.shape[2:]
        rows, columns = (torch.arange(n, device=images.device) * o.cells // n for n in (height, width))
        squares = (rows[:, None] * o.cells + columns).expand(1, 1, height, width)  # their numbers
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            torch.manual_seed(o.seed)
            warnings.simplefilter("ignore")  # Captum's and scikit-learn's advice on single images
            found = self._captum().attribute(
                images, target=targets, feature_mask=squares, n_samples=o.samples, perturbations_per_eval=o.batch
            )
        return found.to(images).expand_as(images)

    @abstractmethod
    def _captum(self) -> Any:
        """Captum's method for the scores."""


class LIME(Surrogate):
    """LIME (Ribeiro, Singh and Guestrin, KDD 2016), through Captum with its defaults, on a grid of squares.

    Captum's linear model has an L1 penalty of 0.01, and weights samples by their cosine distance from the image.
    """

    name = "lime"

    def _captum(self) -> Any:
        return attr.Lime(self._scores)


class KernelSHAP(Surrogate):
    """KernelSHAP (Lundberg and Lee, NeurIPS 2017), through Captum, on a grid of squares."""

    name = "kernel-shap"

    def _captum(self) -> Any:
        return attr.KernelShap(self._scores)
