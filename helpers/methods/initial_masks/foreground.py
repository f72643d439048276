"""The initial mask that keeps the foreground, as segmented by GrabCut."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from helpers.core.inputs import ImageBatch, checked_images
from helpers.methods.rde import Pixels, RateDistortionExplainer, Wavelets

ITERATIONS = 3
Rectangle = Literal["inside", "published"]


def foreground_mask(
    method: RateDistortionExplainer,
    images: Float[Tensor, "batch 3 height width"],
    *,
    rectangle: Rectangle = "inside",
    background: float = 0.0,
    seed: int = 0,
) -> Float[Tensor, "batch 1 k"]:
    """1 on the GrabCut foreground, `background` elsewhere ([Re] CartoonX, section 3.4).

    For wavelets the foreground is resized bilinearly to the grid of each band, and every entry above 0 is foreground.

    Args:
        method: Pixel RDE or CartoonX, with its representation.
        images: pixels in [0, 1].
        rectangle: see `grabcut`.
        background: the mask's value outside the foreground, in [0, 1].
        seed: of GrabCut's clustering.

    Raises:
        ValueError: the background or the rectangle is not one of those above, or the images are too small.
    """
    if not 0 <= background <= 1:
        raise ValueError(f"background={background} is a mask's value: it must lie in [0, 1]")
    foreground = grabcut(images, rectangle=rectangle, seed=seed).to(images)
    representation = method.representation((images.shape[2], images.shape[3]))
    if isinstance(representation, Pixels):
        kept = foreground.flatten(2)
    elif isinstance(representation, Wavelets):
        shapes = representation.transform.shapes.values()
        resized = [functional.interpolate(foreground, shape, mode="bilinear", align_corners=False) for shape in shapes]
        kept = (torch.cat([band.flatten(2) for band in resized], 2) > 0).to(images)
    else:
        raise ValueError(f"a foreground needs pixels or wavelets, not {type(representation).__name__}")
    return background + (1 - background) * kept


def grabcut(
    images: ImageBatch, *, rectangle: Rectangle = "inside", seed: int = 0
) -> Bool[Tensor, "batch 1 height width"]:
    """The foreground of each image by OpenCV's GrabCut (Rother et al., 2004), three iterations from a rectangle.

    Everything outside the rectangle is definite background. `rectangle="inside"` leaves a border of one pixel.
    `rectangle="published"` follows the reproduction's code: it swaps the rectangle's width and height, so that the
    right of a wide image, and the bottom of a tall one, is always background.

    If GrabCut finds no foreground, the whole image counts as foreground (except under "published"): an empty initial
    mask never recovers.

    Raises:
        ValueError: the rectangle is not known, or the images are smaller than 8 pixels.
    """
    if rectangle not in ("inside", "published"):
        raise ValueError(f"rectangle {rectangle!r} is not known; use 'inside' or 'published'")
    images = checked_images(images)
    height, width = images.shape[2:]
    if min(height, width) < 8:
        raise ValueError(f"images of {height} × {width} pixels are too small for GrabCut; use 8 × 8 at least")
    extent = (width - 2, height - 2) if rectangle == "inside" else (height, width)
    masks = []
    # OpenCV takes BGR, channels last: (batch, height, width, 3)
    pixels = (images.detach().flip(1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    for image in pixels:
        foreground = _grabcut_image(np.ascontiguousarray(image), (1, 1, *extent), seed)
        masks.append(np.ones_like(foreground) if rectangle == "inside" and not foreground.any() else foreground)
    return torch.from_numpy(np.stack(masks)).unsqueeze(1).to(images.device)


def _grabcut_image(image: np.ndarray, rectangle: tuple[int, int, int, int], seed: int) -> np.ndarray:
    """The definite and probable foreground of one image, (height, width) booleans."""
    cv2.setRNGSeed(seed)  # for each image, so that its result does not depend on the batch
    labels = np.zeros(image.shape[:2], np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(image, labels, rectangle, *models, ITERATIONS, cv2.GC_INIT_WITH_RECT)  # writes into labels
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
