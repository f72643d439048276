"""The starting mask that keeps the foreground, as GrabCut sees it."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

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
    """1 on the foreground that GrabCut finds, `background` elsewhere ([Re] CartoonX, section 3.4).

    For wavelets the picture of the foreground is resized bilinearly to each band's grid, and every entry that it
    touches is foreground: the same for the three orientations, and for the approximation.

    Args:
        method: whose representation is masked.
        images: pixels in [0, 1]; GrabCut runs on them as they are.
        rectangle: see `grabcut`.
        background: the mask's value outside the foreground, in [0, 1].
        seed: of GrabCut's clustering.

    Raises:
        ValueError: the background or the rectangle is not one of those above, or the images are too small.
    """
    if not 0 <= background <= 1:
        raise ValueError(f"background={background} is a mask's value: it must lie in [0, 1]")
    inside = grabcut(images, rectangle=rectangle, seed=seed).to(images)
    representation = method.representation((images.shape[2], images.shape[3]))
    if isinstance(representation, Pixels):
        kept = inside.flatten(2)
    elif isinstance(representation, Wavelets):
        shapes = representation.transform.shapes.values()
        resized = [functional.interpolate(inside, shape, mode="bilinear", align_corners=False) for shape in shapes]
        kept = (torch.cat([band.flatten(2) for band in resized], 2) > 0).to(images)
    else:
        raise ValueError(f"a foreground needs pixels or wavelets, not {type(representation).__name__}")
    return background + (1 - background) * kept


def grabcut(
    images: Float[Tensor, "batch 3 height width"], *, rectangle: Rectangle = "inside", seed: int = 0
) -> Bool[Tensor, "batch 1 height width"]:
    """Where each image's foreground is, by OpenCV's GrabCut (Rother et al., 2004), three iterations from a rectangle.

    Everything outside the rectangle is background for certain. `rectangle="inside"` leaves a border of one pixel.
    `rectangle="published"` does as the reproduction's code: the rectangle begins one pixel inside, but its width is the
    image's height and its height the image's width. So on a wide image the right part can only be background, and on a
    tall one the bottom.

    Where GrabCut finds no foreground at all, the whole image counts as foreground (but not under "published"): a mask
    that starts from nothing never recovers.

    Raises:
        ValueError: the rectangle is not known, or the images are smaller than 8 pixels.
    """
    if rectangle not in ("inside", "published"):
        raise ValueError(f"rectangle {rectangle!r} is not known; use 'inside' or 'published'")
    height, width = images.shape[2:]
    if min(height, width) < 8:
        raise ValueError(f"images of {height} × {width} pixels are too small for GrabCut; use 8 × 8 at least")
    extent = (width - 2, height - 2) if rectangle == "inside" else (height, width)
    found = []
    pixels = (images.detach().flip(1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()  # OpenCV: BGR, last
    for image in pixels:
        inside = _grabcut_one(np.ascontiguousarray(image), (1, 1, *extent), seed)
        found.append(np.ones_like(inside) if rectangle == "inside" and not inside.any() else inside)
    return torch.from_numpy(np.stack(found)).unsqueeze(1).to(images.device)


def _grabcut_one(image: np.ndarray, rectangle: tuple[int, int, int, int], seed: int) -> np.ndarray:
    """One image's foreground, definite and probable, as booleans."""
    cv2.setRNGSeed(seed)  # for each image anew, so that its result does not depend on its batch mates
    labels = np.zeros(image.shape[:2], np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(image, labels, rectangle, *models, ITERATIONS, cv2.GC_INIT_WITH_RECT)  # writes into labels
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
