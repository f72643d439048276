"""The smallest variational auto-encoder there is: linear, and solved in closed form.

With a linear decoder and a fixed noise the best VAE is probabilistic principal component analysis: Tipping and Bishop
(1999) give the decoder, Lucas et al. (2019) show that a VAE's objective has the same optimum. So nothing is trained
here, and what one sees of collapsed directions is not the fault of any training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class PrincipalDirections:
    """Along which directions images differ, and how much.

    Attributes:
        mean: the mean image.
        directions: unit vectors in the space of pixels, at right angles, the one of the largest variance first.
        variances: of the images along each, descending.
    """

    mean: Float[Tensor, "3 height width"]
    directions: Float[Tensor, "directions pixels"]
    variances: Float[Tensor, " directions"]


def principal_directions(images: Float[Tensor, "images 3 height width"], count: int = 512) -> PrincipalDirections:
    """The directions of largest variance of some images.

    Args:
        images: at least two.
        count: how many directions at most; those without any variance are left out.

    Raises:
        ValueError: there are fewer than two images, or no direction was asked for.
    """
    if len(images) < 2 or count < 1:
        raise ValueError(f"{len(images)} images and count={count}: expected at least 2 images and 1 direction")
    mean = images.mean(0)
    centred = (images - mean).flatten(1).double()
    # the images span fewer directions than there are pixels: their products are the smaller matrix
    values, vectors = torch.linalg.eigh(centred @ centred.T / len(images))
    values, vectors = values.flip(0)[:count], vectors.flip(1)[:, :count]
    some = values > 1e-12 * values[0]
    directions = vectors.T[some] @ centred
    directions /= directions.norm(dim=1, keepdim=True)
    return PrincipalDirections(mean, directions.float(), values[some].float())


@dataclass(frozen=True)
class LinearVAE:
    """The best linear VAE for images with these directions: x = W z + mean + noise, with z from N(0, I).

    Attributes:
        principal: the directions of the images.
        noise: standard deviation of what the decoder is allowed to get wrong in each pixel, in units of [0, 1].
    """

    principal: PrincipalDirections
    noise: float | int

    def __post_init__(self) -> None:
        """Check the noise."""
        if not self.noise > 0:
            raise ValueError(f"noise={self.noise} must be greater than 0")

    @property
    def alive(self) -> int:
        """How many latent variables the decoder listens to: the directions with more variance than the noise."""
        return int((self.principal.variances > self.noise**2).sum())

    @property
    def bits(self) -> float:
        """The mean Kullback-Leibler divergence of code and prior, in bits per image: half log2 of variance by noise."""
        ratios = self.principal.variances[: self.alive].double() / self.noise**2
        return float(0.5 * ratios.log2().sum())

    @property
    def decoder(self) -> Float[Tensor, "alive pixels"]:
        """W, one row a living latent variable: its direction times sqrt(variance - noise^2)."""
        left = self.principal.variances[: self.alive] - self.noise**2
        return self.principal.directions[: self.alive] * left.sqrt()[:, None]

    def encode(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch alive"]:
        """The means of q(z | x), the exact posterior: W (x - mean) / variance."""
        centred = (images - self.principal.mean).flatten(1)
        return centred @ self.decoder.T / self.principal.variances[: self.alive]

    def decode(self, codes: Float[Tensor, "batch alive"]) -> Float[Tensor, "batch 3 height width"]:
        """W z + mean, not clamped."""
        return (codes @ self.decoder).unflatten(1, self.principal.mean.shape) + self.principal.mean

    def reconstruct(
        self, images: Float[Tensor, "batch 3 height width"], generator: torch.Generator | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """What the decoder makes of each image's code: of a draw from q(z | x), or of its mean without a generator.

        Only the draw is worth `bits`: a mean is a number of unlimited precision.
        """
        codes = self.encode(images)
        if generator is not None:
            spread = self.noise / self.principal.variances[: self.alive].sqrt()  # of q(z | x), in each direction
            codes = codes + spread * torch.randn(codes.shape, generator=generator)
        return self.decode(codes)

    def sample(self, count: int, generator: torch.Generator) -> Float[Tensor, "count 3 height width"]:
        """New images: codes from the prior, decoded."""
        return self.decode(torch.randn(count, self.alive, generator=generator))


def noise_for_bits(principal: PrincipalDirections, bits: float | int) -> float:
    """The noise at which the linear VAE of these directions spends a number of bits per image.

    With n living directions, bits = half the sum of log2(variance / noise^2), which is solved for the noise.

    Raises:
        ValueError: the bits are not positive, or need directions that are not there.
    """
    if not bits > 0:
        raise ValueError(f"bits={bits} must be greater than 0")
    logs = principal.variances.double().log2()
    for count in range(1, len(logs) + 1):
        level = float(logs[:count].sum() - 2 * bits) / count  # log2 of noise^2
        if count == len(logs) or level >= float(logs[count]):
            break
    if count == len(logs) and len(logs) < math.prod(principal.mean.shape):
        raise ValueError(f"{bits} bits need more than the {count} directions that are known; ask for more of them")
    return 2 ** (level / 2)
