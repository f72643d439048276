"""WAM: the gradient of a class's logit with respect to wavelet coefficients, averaged over noise or along a path."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import ConfigDict, Field, NonNegativeFloat
from pydantic.dataclasses import dataclass
from torch import Tensor

from helpers.core.explanation import Explanation
from helpers.core.inputs import ClassTarget, ImageBatch, Target, checked_images
from helpers.core.replica import with_frozen_classifier
from helpers.core.runtime import gradients, random_generator
from helpers.core.types import Count
from helpers.methods.baselines.attribution import AttributionMethod, AttributionOptions
from helpers.methods.rde.representations import Wavelets


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class WAMOptions(AttributionOptions):
    """The options of WAM; the defaults are the published ones, with pixels in [0, 1].

    Attributes:
        score: as for every attribution method, but the logit by default.
        path: integrate the gradient from the black image to the image (WAM-IG), instead of averaging it over noisy
            copies (WAM-SG).
        samples: noisy copies, or points of the path.
        noise: standard deviation of the noise, as a share of each image's range of pixels.
        bands: the order of the coefficients. "apart" divides the sizes of each band of an image by their largest, as is
            published, so that all bands have a coefficient in the first place; "together" compares them as they are.
        wavelet, levels, mode: of the transform (`WaveletTransform`).
        seed: of the noise.
    """

    score: Literal["confidence", "logit"] = "logit"
    path: bool = False
    samples: Count = 25
    noise: NonNegativeFloat = 0.25
    bands: Literal["apart", "together"] = "apart"
    wavelet: str = "haar"
    levels: Count = 3
    mode: str = "reflect"
    seed: int = Field(default=0, ge=0)


class WAM(AttributionMethod):
    """The Wavelet Attribution Method (Kasmi et al., ICML 2025), on this book's wavelet transform.

    With h the wavelet coefficients of the image x and s the score of a class, the attributions of the coefficients are

    - gradient: the mean of ∂s/∂h at x + ε over noisy copies (SmoothGrad);
    - path: h ∘ ∫ ∂s/∂h at t h dt over t in [0, 1] (Integrated Gradients). They sum to s(x) - s(0), up to the error of
      the quadrature, which is Gauss and Legendre's.

    Synthesis is linear, so that ∂s/∂h is its adjoint, applied to the gradient in pixels: one transform per image
    suffices, however many samples there are.

    The published code differs in the following, and its maps with it:

    - Magnitudes are divided by their maximum in each noisy copy or point of the path before they are averaged, so that
      the mean is not SmoothGrad's, and the path's attributions have no sum to obey. Here signed gradients are averaged.
    - These maxima are taken over the *batch*, so that an explanation depends on the other images. Here each image's
      bands are divided by their own maxima, once, at the end.
    - Images draw their noise one after the other from one stream, so that it depends on an image's place in the batch.
      Here all images share the draws.
    - Gradients are averaged over the channels first, so that opposite ones cancel. Here the Euclidean norm over the
      channels counts.
    - The approximation band of the map by scale is written for the last image of a batch only; here for all.
    - The path is integrated with the wrong step, 1 instead of 1/(samples - 1), which scales all maps alike.

    Args:
        classifier: pixels in [0, 1] to logits.
        options: of the method; None for the defaults.
        overrides: single options by name, such as `path=True`.
    """

    name = "wam"
    Options = WAMOptions

    def representation(self, size: tuple[int, int]) -> Wavelets:
        """The wavelet coefficients of images of this height and width."""
        o = self.options
        return Wavelets(size, wavelet=o.wavelet, levels=o.levels, mode=o.mode)

    def coefficient_attributions(
        self, images: ImageBatch, targets: ClassTarget = None, *, show_progress: bool = False
    ) -> Float[Tensor, "batch 3 coefficients"]:
        """The signed attribution of each wavelet coefficient.

        In units of the score per unit of a coefficient (gradient), or of the score (path).

        Args:
            images: pixels in [0, 1].
            targets: one class for all images or one per image, by index or by name; None for the predicted classes.
            show_progress: show a progress bar over batches.

        Raises:
            RuntimeError: the caller is under `torch.inference_mode`.
            TypeError, ValueError: images, targets or the classifier's output have a wrong shape, type or range, or the
                images are too small for the transform.
        """
        return self._explained(checked_images(images, self.classifier), targets, show_progress=show_progress)[1]

    def explain(self, images: ImageBatch, targets: ClassTarget = None, *, show_progress: bool = False) -> Explanation:
        """Explain one class of each image.

        Args:
            images, targets, show_progress: as for `coefficient_attributions`.

        Returns:
            `representation_mask` is the size of the attributions, relative to the largest of the image or of its band
            (the option `bands`): the order of the coefficients. `mask` superposes the magnitudes of all wavelets,
            weighted by it, again relative to the largest. `kept` is the image with its coefficients multiplied by
            `representation_mask`.

        Raises:
            RuntimeError, TypeError, ValueError: as for `coefficient_attributions`.
        """
        return self._explained(checked_images(images, self.classifier), targets, show_progress=show_progress)[0]

    def _explained(
        self, images: Float[Tensor, "batch 3 height width"], targets: Target, *, show_progress: bool
    ) -> tuple[Explanation, Float[Tensor, "batch 3 coefficients"]]:
        """The explanations and the signed attributions of the coefficients."""
        representation = self.representation((images.shape[2], images.shape[3])).to(images)
        method = with_frozen_classifier(self)
        classes = method._targets(images, targets)
        slopes = super(WAM, method)._relevance(images, classes, show_progress=show_progress)  # batch, 3, height, width
        coefficients = representation.analyse(images)  # batch, 3, k
        with gradients():
            leaf = torch.zeros_like(coefficients).requires_grad_()
            (values,) = torch.autograd.grad(representation.synthesise(leaf), leaf, slopes)  # batch, 3, k
        values = coefficients * values if self.options.path else values  # batch, 3, k
        sizes = values.norm(dim=1, keepdim=True)  # batch, 1, k
        bands = [band.stop - band.start for band in representation.transform.slices.values()]
        groups = sizes.split(bands if self.options.bands == "apart" else sizes.shape[2], dim=2)
        mask = torch.cat([_relative(group) for group in groups], 2)  # batch, 1, k
        return Explanation(
            mask=_relative(representation.relevance(mask, torch.ones_like(mask)).flatten(2)).view_as(images[:, :1]),
            kept=representation.synthesise(mask * coefficients).clamp(0, 1),
            targets=classes,
            representation_mask=mask,
        ), values

    def _relevance(self, inputs: ImageBatch, target: Target, **options: Any) -> Float[Tensor, "batch 3 height width"]:
        images = checked_images(inputs, self.classifier, perturbed=True)
        return self._explained(images, target, **{"show_progress": False, **options})[0].mask.expand(-1, 3, -1, -1)

    def _images_at_once(self, inputs: Float[Tensor, "batch 3 height width"]) -> int:
        return self.options.batch

    @gradients()
    def _attribute(
        self, images: Float[Tensor, "batch 3 height width"], targets: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """The mean gradient in pixels, over noisy copies or along the path."""
        o, total = self.options, torch.zeros_like(images)
        spread = o.noise * (images.amax((1, 2, 3), keepdim=True) - images.amin((1, 2, 3), keepdim=True))
        generator = random_generator(o.seed)  # on the CPU, so that every device gets the same noise
        for node, weight in zip(*np.polynomial.legendre.leggauss(o.samples), strict=True):
            if o.path:  # from [-1, 1] to [0, 1]
                inputs, share = images * float(node + 1) / 2, float(weight) / 2
            else:
                draw = torch.randn(images.shape[1:], generator=generator).to(images)  # 3, height, width
                inputs, share = images + spread * draw, 1 / o.samples
            inputs = inputs.requires_grad_()  # batch, 3, height, width
            scores = self._scores(inputs).gather(1, targets[:, None]).sum()
            total += share * torch.autograd.grad(scores, inputs)[0]  # batch, 3, height, width
        return total


def _relative(values: Float[Tensor, "batch 1 entries"]) -> Float[Tensor, "batch 1 entries"]:
    """Values of at least 0, divided by the largest of each image; 0 where all are."""
    return values / values.amax(2, keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)
