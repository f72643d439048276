"""The rate-distortion problem of a batch of images: obfuscate, classify, compare."""

from __future__ import annotations

from copy import copy

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from helpers.core.inputs import Target, class_names
from helpers.core.outputs import Logits, checked_logits, score_name
from helpers.core.replica import frozen
from helpers.core.runtime import random_generator
from helpers.methods.rde.distortions import DistortionMeasure, Images
from helpers.methods.rde.options import Noise, RDEOptions
from helpers.methods.rde.representations import Representation


def band_statistics(
    coefficients: Float[Tensor, "batch channels k"], bands: dict[str, slice]
) -> tuple[Float[Tensor, "batch 1 k"], Float[Tensor, "batch 1 k"]]:
    """Mean and unbiased standard deviation of each image's bands over all channels, expanded to every coefficient.

    They make the noise adaptive: it has the statistics of the coefficients it replaces ([Re] CartoonX, section 3.1).
    """
    if not len(coefficients):
        return coefficients[:, :1], coefficients[:, :1]
    means, deviations = [], []
    for indices in bands.values():
        band = coefficients[..., indices]  # batch, channels, entries of the band
        deviation, mean = torch.std_mean(band, dim=(1, 2), keepdim=True)
        means.append(mean.expand(-1, -1, band.shape[2]))
        deviations.append(deviation.expand(-1, -1, band.shape[2]))
    return torch.cat(means, 2), torch.cat(deviations, 2)


def draw_noise(
    noise: Noise, shape: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Noise symmetric about 0: standard normal, or uniform in [-1, 1] (so that the bounds are mean ± std)."""
    if noise == "uniform":
        return torch.rand(shape, generator=generator, device=generator.device, dtype=dtype) * 2 - 1
    return torch.randn(shape, generator=generator, device=generator.device, dtype=dtype)


class RateDistortion:
    """The objective D(s) + λk · mean(s) of each image of a batch, as a function of its mask s.

    With a `spatial_weight` γ there is a third term, WaveletX's γ · mean |clamp(synthesise(s · grey coefficients))|
    (Kolek et al., CVPR 2023), which asks for sparsity in pixels too.

    An obfuscation is y = synthesise(s·h + (1 - s)·n), with h the image's coefficients and n the noise
    ([Re] CartoonX, section 3.1). All images of the batch share one draw of the noise, scaled by their own statistics:
    it is drawn once, and an image's result does not depend on the batch.

    Args:
        classifier: pixels in [0, 1] to logits, frozen.
        representation: of the masked coefficients.
        images: pixels in [0, 1].
        options: all but those of the optimiser are used here.
        target: see `DistortionMeasure`.
        sparsity_weights: λk per image; None for the option `sparsity_weight`, or for 0 with the option `keep`.
        check: whether to check the values of the classifier's logits, which waits for a GPU.

    Raises:
        ValueError: the target or the weights do not fit.
    """

    def __init__(
        self,
        classifier: nn.Module,
        representation: Representation,
        images: Float[Tensor, "batch 3 height width"],
        options: RDEOptions,
        target: Target = None,
        sparsity_weights: Float[Tensor, " batch"] | None = None,
        *,
        check: bool = True,
    ) -> None:
        self.classifier = Logits(frozen(classifier))
        self.representation, self.options = representation, options
        with torch.no_grad():
            logits = self.classifier(images)
            if check:
                checked_logits(logits, classifier, images)
            score = score_name(classifier, options.score, logits.shape[1])
            names = class_names(classifier)
            self.coefficients = representation.analyse(images)
            self.mean, self.deviation = band_statistics(self.coefficients, representation.bands)
            self.measure = DistortionMeasure(
                options.distortion, logits, target, relative=options.relative, score=score, names=names
            )
            self.grey = representation.analyse(images.mean(1, keepdim=True)) if options.spatial_weight else None
        self.keep = options.count(self.coefficients.shape[2])  # the largest sum of a mask
        self.sparsity_weights = self._weights(sparsity_weights)
        if options.noise == "none":
            self.mean, self.deviation = torch.zeros_like(self.mean), torch.zeros_like(self.deviation)

    def _weights(self, weights: Tensor | None) -> Float[Tensor, " batch"]:
        """λk per image, checked; 0 where the rate is given."""
        if self.keep is not None:
            if weights is not None:
                raise ValueError(f"keep={self.options.keep} is a rate, sparsity weights its price; give one of them")
            return self.coefficients.new_zeros(len(self.coefficients))
        if weights is None:
            return self.coefficients.new_full((len(self.coefficients),), self.options.sparsity_weight)
        if len(weights) != len(self.coefficients):
            raise ValueError(
                f"{len(weights)} sparsity weights do not fit {len(self.coefficients)} images: one per image"
            )
        if not bool((weights >= 0).all()):
            raise ValueError(f"sparsity weights must be at least 0, not {weights.tolist()}")
        return weights.to(self.coefficients)

    def select(self, images: Images) -> RateDistortion:
        """The same problem for some images of the batch."""
        subset = copy(self)
        subset.coefficients, subset.measure = self.coefficients[images], self.measure.select(images)
        subset.mean, subset.deviation = self.mean[images], self.deviation[images]
        subset.sparsity_weights = self.sparsity_weights[images]
        subset.grey = None if self.grey is None else self.grey[images]
        return subset

    def draw(self, draws: int, generator: torch.Generator) -> Float[Tensor, "draws channels k"]:
        """Noise draws, shared by all images of the batch."""
        return draw_noise(self.options.noise, (draws, *self.coefficients.shape[1:]), generator, self.coefficients.dtype)

    def obfuscate(
        self,
        mask: Float[Tensor, "batch 1 k"],
        noise: Float[Tensor, "draws channels k"],
        *,
        antithetic: bool = False,
    ) -> Float[Tensor, "samples batch channels height width"]:
        """The obfuscations for each draw; with `antithetic`, also for its negative.

        The synthesis is linear: the mean is synthesised once, and so is the noise of an antithetic pair.
        """
        kept = self.coefficients * mask + self.mean * (1 - mask)  # batch, channels, k
        amplitude = (1 - mask) * self.deviation  # batch, 1, k
        centre = self.representation.synthesise(kept)  # batch, channels, height, width
        scaled = noise.unsqueeze(1) * amplitude  # draws, batch, channels, k
        offset = self.representation.synthesise(scaled.flatten(0, 1)).unflatten(0, scaled.shape[:2])
        images = torch.cat([centre + offset, centre - offset]) if antithetic else centre + offset
        return images.clamp(0, 1) if self.options.clamp else images

    def distortions(
        self,
        mask: Float[Tensor, "batch 1 k"],
        noise: Float[Tensor, "draws channels k"],
        *,
        antithetic: bool = False,
    ) -> Float[Tensor, "samples batch"]:
        """The distortion of each obfuscation."""
        images = self.obfuscate(mask, noise, antithetic=antithetic)
        logits = self.classifier(images.flatten(0, 1))  # samples * batch, classes
        return self.measure(logits.unflatten(0, images.shape[:2]))

    def replacement_distortions(
        self, keep: Bool[Tensor, "cases 1 k"], noise: Float[Tensor, "cases channels k"]
    ) -> Float[Tensor, " cases"]:
        """The distortion of one image for several binary masks, each with its own noise draw."""
        coefficients = torch.where(keep, self.coefficients, self.mean + self.deviation * noise)
        images = self.representation.synthesise(coefficients)
        images = images.clamp(0, 1) if self.options.clamp else images
        return self.measure(self.classifier(images).unsqueeze(1)).squeeze(1)

    def sparsity(self, mask: Float[Tensor, "batch 1 k"]) -> Float[Tensor, " batch"]:
        """The rate: the mask's mean, ‖s‖₁/k."""
        return mask.mean((1, 2))

    def penalty(self, mask: Float[Tensor, "batch 1 k"], *, slope_at_zero: int = 1) -> Float[Tensor, " batch"]:
        """The objective without the distortion: λk · mean(s), plus the spatial term.

        Masks are at least 0, so that ‖s‖₁ is their sum, whose slope is 1 everywhere. `slope_at_zero=0` gives entries at
        exactly 0 the slope 0 instead, as `torch.abs` does: then nothing but the distortion moves such an entry.
        """
        penalty = self.sparsity_weights * self.sparsity(mask if slope_at_zero else mask.abs())
        if self.grey is None:
            return penalty
        picture = self.representation.synthesise(mask * self.grey).clamp(0, 1)  # batch, 1, height, width
        return penalty + self.options.spatial_weight * picture.mean((1, 2, 3))

    @torch.no_grad()
    def evaluate(
        self, mask: Float[Tensor, "batch 1 k"], *, samples: int = 256, seed: int = 1, chunk: int = 16
    ) -> dict[str, Float[Tensor, " batch"]]:
        """Distortion (with its standard error over fresh noise), sparsity and objective of masks.

        The `samples` draws are independent; `chunk` of them are classified at a time.
        """
        generator = random_generator(seed, mask.device)
        sizes = [min(chunk, samples - start) for start in range(0, samples, chunk)]
        values = torch.cat([self.distortions(mask, self.draw(size, generator)) for size in sizes])  # samples, batch
        distortion = values.mean(0)
        error = values.std(0) / samples**0.5 if samples > 1 else torch.full_like(distortion, torch.nan)
        sparsity = self.sparsity(mask)
        return {
            "distortion": distortion,
            "distortion_error": error,
            "sparsity": sparsity,
            "objective": distortion + self.penalty(mask),
        }
