"""ShearletX and WaveletX: rate-distortion explanations with a second penalty, on the picture that they show."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.methods.rde.methods import CartoonX, RateDistortionExplainer
from helpers.methods.rde.options import RECIPES, RDEOptions, Recipe
from helpers.methods.rde.problem import RateDistortion
from helpers.methods.rde.representations import Transformed
from helpers.methods.shearlets import ShearletTransform


class Shearlets(Transformed):
    """The shearlet transform: each band is a scale, all directions together (ShearletX)."""

    def __init__(self, size: tuple[int, int], *, scales: int = 4) -> None:
        super().__init__()
        self.size = size
        self.transform = ShearletTransform(scales, size=size)
        slices = self.transform.slices
        self.bands = {"approximation": slices["approximation"]}
        for level in range(scales, 0, -1):
            details = [slices[b.name] for b in self.transform.bands if b.level == level and b.angle is not None]
            self.bands[f"details-{level}"] = slice(details[0].start, details[-1].stop)

    def relevance(
        self, mask: Float[Tensor, "batch 1 k"], coefficients: Float[Tensor, "batch channels k"]
    ) -> Float[Tensor, "batch 1 height width"]:
        """The share of the shearlet amplitude that the mask m keeps at each pixel, as in `Wavelets.relevance`."""
        amplitude = coefficients.abs().mean(1, keepdim=True)  # batch, 1, k
        spectra = torch.fft.rfft2(self.waves(amplitude).abs())  # bands, height, half width
        maps = torch.cat([mask * amplitude, amplitude]).unflatten(2, (len(spectra), *self.size))
        totals = torch.fft.irfft2((torch.fft.rfft2(maps) * spectra).sum(2), s=self.size)  # 2 batch, 1, height, width
        kept, total = totals.clamp_min(0).chunk(2)  # rounding may leave values just below 0
        return kept / total.clamp_min(torch.finfo(total.dtype).tiny)

    def waves(self, like: Tensor) -> Float[Tensor, "bands height width"]:
        """The shearlet of each band at pixel (0, 0), in the type and on the device of `like`."""
        return torch.fft.irfft2(self.transform.filters(like), s=self.size)

    def norms(self, like: Tensor) -> Float[Tensor, " k"]:
        """The Euclidean norm of the shearlet of each coefficient: at most 1, and less in narrower bands."""
        return self.waves(like).square().sum((1, 2)).sqrt().repeat_interleave(self.size[0] * self.size[1])


class SpatialPenalty(RateDistortionExplainer):
    """The common part of WaveletX and ShearletX: the recipes have a `spatial_weight` too.

    The recipe "published" is that of the authors' code of 2024: 300 steps of Adam, 16 samples of uniform noise, and the
    distortion (1 - p)², which rewards a higher probability than the image's.
    """

    spatial_weight: float  # γ, of the mean of the synthesised kept grey image
    published_weights: tuple[float, float]  # λk and γ of the published code

    @classmethod
    def recipe(cls, name: Recipe) -> RDEOptions:
        """The options of a recipe, with λk and γ for this method."""
        if name == "published":
            weights = dict(zip(("sparsity_weight", "spatial_weight"), cls.published_weights, strict=True))
            return RECIPES["later"].with_options(noise="uniform", distortion="maximise", slope_at_zero=0, **weights)
        return super().recipe(name).with_options(spatial_weight=cls.spatial_weight)


class WaveletX(SpatialPenalty, CartoonX):
    """CartoonX with a penalty on the brightness of the kept picture (Kolek et al., CVPR 2023)."""

    sparsity_weight, spatial_weight = published_weights = 2.0, 10.0


class ShearletX(SpatialPenalty):
    """The rate-distortion explanation in shearlet coefficients, with WaveletX's penalty (Kolek et al., CVPR 2023).

    The shearlets are this book's (`ShearletTransform`), as many as the published ones. Their coefficients are
    redundant, so that the synthesis of independent noise is weaker than the parts of the image that it replaces: it has
    5 % of their energy at the finest of four scales and less than 1 % at the coarsest, and an empty mask shows little
    but a mean colour. With `matched_noise`, the noise of each band is divided by the norm of its shearlets, and has the
    energy of what it replaces, as in CartoonX.

    The published code clamps coefficients to [0, 1] before the synthesis, which drops the negative ones; here, as in
    CartoonX, the images are clamped. Its noise is grey and has the statistics of each direction of the grey image; here
    it is coloured, and has those of each scale.

    Args:
        scales: of the transform.
        matched_noise: see above; None: not with the recipe "published", since its noise is independent.
    """

    # λk = 1 keeps 29 % of the coefficients of scenes against matched noise, 5 keeps 10 % (8 scenes, 64 px)
    # Not tuned on photographs: on two of 128 px, 120 steps leave the distortion of an empty mask (MobileNetV3-Small)
    sparsity_weight, spatial_weight = 5.0, 2.0
    published_weights = 1.0, 2.0

    def __init__(
        self,
        classifier: nn.Module,
        options: RDEOptions | None = None,
        *,
        recipe: Recipe = "fast",
        scales: int = 4,
        matched_noise: bool | None = None,
        **overrides: Any,
    ) -> None:
        super().__init__(classifier, options, recipe=recipe, **overrides)
        self.scales = scales
        self.matched_noise = recipe != "published" if matched_noise is None else matched_noise

    def representation(self, size: tuple[int, int]) -> Shearlets:
        """Shearlet coefficients."""
        return Shearlets(size, scales=self.scales)

    def problem(self, *args: Any, **kwargs: Any) -> RateDistortion:
        """As for every method; with `matched_noise`, the noise is as strong as what it replaces."""
        problem = super().problem(*args, **kwargs)
        if self.matched_noise:
            assert isinstance(problem.representation, Shearlets)
            problem.deviation = problem.deviation / problem.representation.norms(problem.deviation)
        return problem
