"""Sparsity of images in wavelet coefficients."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.core.runtime import random_generator
from helpers.data.scenes import make_scenes
from helpers.methods.wavelets import WaveletTransform


def three_images(photograph: Float[Tensor, "1 3 size _size"]) -> tuple[Float[Tensor, "3 3 size _size"], list[str]]:
    """A drawn scene, a photograph, and noise of its size, with their names."""
    size = photograph.shape[-1]
    scene = make_scenes(1, start=9, size=size, seed=0, objects=(2, 4)).images
    noise = torch.randn(photograph.shape, generator=random_generator(0))
    return torch.cat([scene, photograph, (0.5 + 0.2 * noise).clamp(0, 1)]), ["scene", "photograph", "noise"]


def keep_largest(
    coefficients: Float[Tensor, "batch channels k"], share: float | int
) -> Float[Tensor, "batch channels k"]:
    """Keep the share of the positions with the most energy, summed over channels; set the others to 0.

    Args:
        coefficients: of any representation.
        share: in [0, 1]; the number of positions is rounded up.

    Raises:
        ValueError: the share is outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be in [0, 1], not {share}")
    energy = coefficients.square().sum(1, keepdim=True)
    kept = energy.topk(math.ceil(share * energy.shape[-1]), dim=-1).indices
    return coefficients * torch.zeros_like(energy).scatter_(-1, kept, 1.0)


def discarded_energy(
    coefficients: Float[Tensor, "batch channels k"], shares: Sequence[float | int]
) -> Float[Tensor, "batch shares"]:
    """The share of the energy that is lost if only the largest coefficients are kept, for each share of them.

    For an orthogonal wavelet, this is the relative squared error of the image.
    """
    energy = coefficients.double().square().sum(1).sort(dim=-1, descending=True).values
    left = 1 - energy.cumsum(-1) / energy.sum(-1, keepdim=True)
    counts = torch.tensor([math.ceil(share * energy.shape[-1]) for share in shares], device=energy.device)
    everything = torch.ones_like(left[:, :1])  # discarded when nothing is kept
    return torch.cat([everything, left], dim=-1)[:, counts].clamp_min(0)


def share_needed(coefficients: Float[Tensor, "batch channels k"], energy: float) -> Float[Tensor, " batch"]:
    """The smallest share of the coefficients that holds a share of the energy, both in [0, 1]."""
    sorted_energy = coefficients.double().square().sum(1).sort(dim=-1, descending=True).values
    held = sorted_energy.cumsum(-1) / sorted_energy.sum(-1, keepdim=True)
    return ((held < energy).sum(-1) + 1).clamp_max(held.shape[-1]) / held.shape[-1]


def decibels(
    images: Float[Tensor, "batch channels height width"], originals: Float[Tensor, "batch channels height width"]
) -> list[float]:
    """The peak signal-to-noise ratio of each image, in dB: +10 is a tenth of the squared error; 100 at most."""
    error = (images - originals).double().square().mean((1, 2, 3))
    return (-10 * error.clamp_min(1e-10).log10()).tolist()


def there_and_back(transform: WaveletTransform, coefficients: Float[Tensor, "batch channels k"]) -> Float[Tensor, ""]:
    """By how much coefficients change if their image is made and transformed again, as a share of their norm.

    It is 0 exactly if the coefficients are the transform of an image.
    """
    again = transform.analyse(transform.synthesise(coefficients))
    return (again - coefficients).norm() / coefficients.norm()
