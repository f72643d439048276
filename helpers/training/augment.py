"""Augmentation of batches of scenes."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

Images = Float[Tensor, "batch 3 height width"]
ClassMaps = UInt8[Tensor, "batch rows columns"]


def augment(images: Images, class_maps: ClassMaps, generator: torch.Generator) -> tuple[Images, ClassMaps]:
    """Mirror half of the images, vary brightness and contrast, and permute the colour channels of a fifth.

    Args:
        images: pixels in [0, 1].
        class_maps: the class visible at each position.
        generator: generator of the random choices.

    Returns:
        The changed images, in [0, 1], and the class maps, mirrored with them.
    """
    count = images.shape[0]
    draw = torch.rand(4, count, 1, 1, 1, generator=generator).to(images.device)
    mirrored = draw[0] < 0.5
    images = torch.where(mirrored, images.flip(3), images)
    class_maps = torch.where(mirrored[:, 0].to(class_maps.device), class_maps.flip(2), class_maps)
    permuted = images[:, torch.randperm(3, generator=generator)]
    images = torch.where(draw[1] < 0.2, permuted, images)
    middle = images.mean(dim=(1, 2, 3), keepdim=True)
    images = middle + (0.75 + 0.5 * draw[2]) * (images - middle) + 0.2 * (draw[3] - 0.5)
    return images.clamp(0, 1), class_maps


def noise_like(images: Images, generator: torch.Generator) -> Images:
    """Gaussian noise around the mean of each image, with its standard deviation, at random scales from fine to coarse.

    It resembles the noise with which explanation methods replace pixels and wavelet coefficients.

    Args:
        images: pixels in [0, 1].
        generator: generator of the noise.

    Returns:
        Noise clamped to [0, 1], independent for each image.
    """
    count, _, height, width = images.shape
    mean, deviation = images.mean(dim=(1, 2, 3), keepdim=True), images.std(dim=(1, 2, 3), keepdim=True)
    noise = torch.zeros_like(images)
    weights = torch.rand(4, count, 1, 1, 1, generator=generator) ** 3
    weights = weights / weights.square().sum(dim=0, keepdim=True).sqrt().clamp_min(1e-3)
    for level, weight in enumerate(weights.to(images.device)):
        side = (max(1, height // 3**level), max(1, width // 3**level))
        coarse = torch.randn(count, 3, *side, generator=generator).to(images.device)
        noise += weight * functional.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)
    return (mean + 1.3 * deviation * noise).clamp(0, 1)


def hide_blobs(images: Images, generator: torch.Generator) -> Images:
    """Replace blobs that cover a quarter to three fifths of each image by noise, at an opacity of at least a half.

    Args:
        images: pixels in [0, 1].
        generator: generator of the blobs and the noise.
    """
    count, _, height, width = images.shape
    share, strength = torch.rand(2, count, 1, 1, 1, generator=generator).to(images.device)
    blobs = torch.rand(count, 1, 9, 9, generator=generator).to(images.device)
    blobs = functional.interpolate(blobs, (height, width), mode="bilinear", align_corners=False)
    # most bilinear interpolations of uniform numbers lie between 0.2 and 0.8
    hidden = (20 * (0.33 + 0.22 * share - blobs) + 0.5).clamp(0, 1) * (0.5 + 0.5 * strength)
    return images + hidden * (noise_like(images, generator) - images)
