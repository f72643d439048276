"""The linear variational auto-encoder, solved in closed form.

With a linear decoder and a fixed noise the best VAE is probabilistic principal component analysis: Tipping and Bishop
(1999) give the decoder, Lucas et al. (2019) show that a VAE's objective has the same optimum. Nothing is trained here,
so collapsed directions cannot be blamed on the training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class PrincipalDirections:
    """The principal directions of images, with their variances.

    Attributes:
        mean: the mean image.
        directions: orthonormal vectors in the space of pixels, by descending variance.
        variances: of the images along each, descending.
    """

    mean: Float[Tensor, "3 height width"]
    directions: Float[Tensor, "directions pixels"]
    variances: Float[Tensor, " directions"]


def principal_directions(images: Float[Tensor, "images 3 height width"], count: int = 512) -> PrincipalDirections:
    """The directions of largest variance of images.

    Args:
        images: at least two.
        count: the largest number of directions; those without variance are left out.

    Raises:
        ValueError: there are fewer than two images, or the count is below 1.
    """
    if len(images) < 2 or count < 1:
        raise ValueError(f"{len(images)} images and count={count}: expected at least 2 images and 1 direction")
    mean = images.mean(0)
    centred = (images - mean).flatten(1).double()
    # the Gram matrix of the images is smaller than the covariance of the pixels
    values, vectors = torch.linalg.eigh(centred @ centred.T / len(images))
    values, vectors = values.flip(0)[:count], vectors.flip(1)[:, :count]
    varying = values > 1e-12 * values[0]
    directions = vectors.T[varying] @ centred
    directions /= directions.norm(dim=1, keepdim=True)
    return PrincipalDirections(mean, directions.float(), values[varying].float())


@dataclass(frozen=True)
class LinearVAE:
    """The best linear VAE for images with these directions: x = W z + mean + noise, with z from N(0, I).

    Attributes:
        principal: the directions of the images.
        noise: the standard deviation σ of the decoder's error in each pixel, in units of [0, 1].
    """

    principal: PrincipalDirections
    noise: float | int

    def __post_init__(self) -> None:
        """Check the noise."""
        if not self.noise > 0:
            raise ValueError(f"noise={self.noise} must be greater than 0")

    @property
    def active(self) -> int:
        """The number of latent variables in use: the directions with more variance than the noise."""
        return int((self.principal.variances > self.noise**2).sum())

    @property
    def bits(self) -> float:
        """The mean Kullback-Leibler divergence of code and prior, in bits per image: half log2 of variance by noise."""
        ratios = self.principal.variances[: self.active].double() / self.noise**2
        return float(0.5 * ratios.log2().sum())

    @property
    def decoder(self) -> Float[Tensor, "active pixels"]:
        """W, one row per latent variable in use: its direction times sqrt(variance - noise^2)."""
        left = self.principal.variances[: self.active] - self.noise**2
        return self.principal.directions[: self.active] * left.sqrt()[:, None]

    def encode(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch active"]:
        """The means of q(z | x), the exact posterior: W (x - mean) / variance."""
        centred = (images - self.principal.mean).flatten(1)
        return centred @ self.decoder.T / self.principal.variances[: self.active]

    def decode(self, codes: Float[Tensor, "batch active"]) -> Float[Tensor, "batch 3 height width"]:
        """W z + mean, not clamped."""
        return (codes @ self.decoder).unflatten(1, self.principal.mean.shape) + self.principal.mean

    def reconstruct(
        self, images: Float[Tensor, "batch 3 height width"], generator: torch.Generator | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Each image's reconstruction from a draw of q(z | x), or from its mean without a generator.

        Only the draw costs `bits`: the mean has unlimited precision.
        """
        codes = self.encode(images)
        if generator is not None:
            deviation = self.noise / self.principal.variances[: self.active].sqrt()  # of q(z | x), in each direction
            codes = codes + deviation * torch.randn(codes.shape, generator=generator)
        return self.decode(codes)

    def sample(self, count: int, generator: torch.Generator) -> Float[Tensor, "count 3 height width"]:
        """New images: codes from the prior, decoded."""
        return self.decode(torch.randn(count, self.active, generator=generator))


def noise_for_bits(principal: PrincipalDirections, bits: float | int) -> float:
    """The noise at which the linear VAE of these directions spends the given bits per image.

    With n directions in use, bits = half the sum of log2(variance / noise^2), which is solved for the noise.

    Raises:
        ValueError: the bits are not positive, or need more directions than are known.
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
