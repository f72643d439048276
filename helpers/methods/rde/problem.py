"""The rate-distortion problem of a batch of images: obfuscate, classify, compare."""

from __future__ import annotations

from copy import copy

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from helpers.core.runtime import random_generator
from helpers.methods.rde.distortions import DistortionMeasure, Images, Target
from helpers.methods.rde.options import Noise, RDEOptions
from helpers.methods.rde.representations import Representation


def band_statistics(
    coefficients: Float[Tensor, "batch channels k"], bands: dict[str, slice]
) -> tuple[Float[Tensor, "batch 1 k"], Float[Tensor, "batch 1 k"]]:
    """Each image's mean and (unbiased) standard deviation over a band and all channels, at every coefficient.

    These make the noise adaptive: it has the statistics of what it replaces ([Re] CartoonX, section 3.1).
    """
    means, deviations = [], []
    for part in bands.values():
        band = coefficients[..., part]
        deviation, mean = torch.std_mean(band, dim=(1, 2), keepdim=True)
        means.append(mean.expand(-1, -1, band.shape[2]))
        deviations.append(deviation.expand(-1, -1, band.shape[2]))
    return torch.cat(means, 2), torch.cat(deviations, 2)


def draw_noise(
    noise: Noise, shape: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Noise of the wanted shape, symmetric about 0: standard normal, or uniform in [-1, 1] (the bounds mean ± std)."""
    if noise == "uniform":
        return torch.rand(shape, generator=generator, device=generator.device, dtype=dtype) * 2 - 1
    return torch.randn(shape, generator=generator, device=generator.device, dtype=dtype)


class RateDistortion:
    """The objective D(s) + λk · mean(s) of each image of a batch, as a function of its mask s.

    With a `spatial_weight` γ there is a third term, WaveletX's γ · mean |clamp(synthesise(s · grey coefficients))|
    (Kolek et al., CVPR 2023): what is kept must be sparse as a picture too.

    An obfuscation is y = synthesise(s·h + (1 - s)·n), with h the image's coefficients and n the noise
    ([Re] CartoonX, section 3.1). One draw of the noise serves all images of the batch, scaled by each image's
    statistics: an image's result then does not depend on its batch mates, and the draw costs once.

    Args:
        classifier: pixels in [0, 1] to logits, frozen.
        representation: where the mask lives.
        images: pixels in [0, 1].
        options: the options; `samples`, `steps` and the rate are the optimiser's.
        target: see `DistortionMeasure`.
        sparsity_weights: each image's own λk; None for the options' for all.

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
    ) -> None:
        self.classifier, self.representation, self.options = classifier, representation, options
        with torch.no_grad():
            self.coefficients = representation.analyse(images)
            self.mean, self.deviation = band_statistics(self.coefficients, representation.bands)
            self.measure = DistortionMeasure(options.distortion, classifier(images), target, relative=options.relative)
            self.grey = representation.analyse(images.mean(1, keepdim=True)) if options.spatial_weight else None
        self.sparsity_weights = self._weights(sparsity_weights)
        if options.noise == "none":
            self.mean, self.deviation = torch.zeros_like(self.mean), torch.zeros_like(self.deviation)

    def _weights(self, wanted: Tensor | None) -> Float[Tensor, " batch"]:
        """Each image's λk, checked."""
        if wanted is None:
            return self.coefficients.new_full((len(self.coefficients),), self.options.sparsity_weight)
        if len(wanted) != len(self.coefficients):
            raise ValueError(
                f"{len(wanted)} sparsity weights do not fit {len(self.coefficients)} images: one per image"
            )
        if not bool((wanted >= 0).all()):
            raise ValueError(f"sparsity weights must be at least 0, not {wanted.tolist()}")
        return wanted.to(self.coefficients)

    def select(self, images: Images) -> RateDistortion:
        """The same problem for some images of the batch."""
        part = copy(self)
        part.coefficients, part.measure = self.coefficients[images], self.measure.select(images)
        part.mean, part.deviation = self.mean[images], self.deviation[images]
        part.sparsity_weights = self.sparsity_weights[images]
        part.grey = None if self.grey is None else self.grey[images]
        return part

    def draw(self, draws: int, generator: torch.Generator) -> Float[Tensor, "draws channels k"]:
        """Noise for all images of the batch."""
        return draw_noise(self.options.noise, (draws, *self.coefficients.shape[1:]), generator, self.coefficients.dtype)

    def obfuscate(
        self,
        mask: Float[Tensor, "batch 1 k"],
        noise: Float[Tensor, "draws channels k"],
        *,
        antithetic: bool = False,
    ) -> Float[Tensor, "samples batch channels height width"]:
        """The images with noise where the mask is small, for each draw, and with `antithetic` for its opposite too.

        The synthesis is linear, so that the part without noise needs it once, and an antithetic pair once.
        """
        kept = self.coefficients * mask + self.mean * (1 - mask)
        amplitude = (1 - mask) * self.deviation
        centre = self.representation.synthesise(kept)
        spread = self.representation.synthesise((noise.unsqueeze(1) * amplitude).flatten(0, 1))
        spread = spread.unflatten(0, (len(noise), len(mask)))
        images = torch.cat([centre + spread, centre - spread]) if antithetic else centre + spread
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
        logits = self.classifier(images.flatten(0, 1))
        return self.measure(logits.unflatten(0, images.shape[:2]))

    def replaced(
        self, keep: Bool[Tensor, "cases 1 k"], noise: Float[Tensor, "cases channels k"]
    ) -> Float[Tensor, " cases"]:
        """The distortion of one image's obfuscations, each with its own entries kept and its own noise elsewhere."""
        coefficients = torch.where(keep, self.coefficients, self.mean + self.deviation * noise)
        images = self.representation.synthesise(coefficients)
        images = images.clamp(0, 1) if self.options.clamp else images
        return self.measure(self.classifier(images).unsqueeze(1)).squeeze(1)

    def sparsity(self, mask: Float[Tensor, "batch 1 k"]) -> Float[Tensor, " batch"]:
        """The mask's mean, ‖s‖₁/k: the rate."""
        return mask.mean((1, 2))

    def penalty(self, mask: Float[Tensor, "batch 1 k"]) -> Float[Tensor, " batch"]:
        """All of the objective that is not distortion: λk · mean(s), and the spatial term where it is asked for."""
        penalty = self.sparsity_weights * self.sparsity(mask)
        if self.grey is None:
            return penalty
        picture = self.representation.synthesise(mask * self.grey).clamp(0, 1)
        return penalty + self.options.spatial_weight * picture.mean((1, 2, 3))

    @torch.no_grad()
    def evaluate(
        self, mask: Float[Tensor, "batch 1 k"], *, samples: int = 256, seed: int = 1, chunk: int = 16
    ) -> dict[str, Float[Tensor, " batch"]]:
        """Distortion (with its standard error over fresh noise), sparsity and objective of finished masks.

        The draws are independent and taken `chunk` at a time.
        """
        generator = random_generator(seed, mask.device)
        sizes = [min(chunk, samples - start) for start in range(0, samples, chunk)]
        parts = [self.distortions(mask, self.draw(size, generator)) for size in sizes]
        values = torch.cat(parts)
        distortion = values.mean(0)
        error = values.std(0) / samples**0.5 if samples > 1 else torch.full_like(distortion, torch.nan)
        sparsity = self.sparsity(mask)
        return {
            "distortion": distortion,
            "distortion_error": error,
            "sparsity": sparsity,
            "objective": distortion + self.penalty(mask),
        }
