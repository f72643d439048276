"""The hallucination score: edges in an explanation that the image does not have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy import ndimage
from skimage.feature import canny
from torch import Tensor

from helpers.core.types import Variant
from helpers.metrics.inputs import Pictures, checked_pair

# (grey images, contrast of each) -> edge pixels; see `CannyEdges`
EdgeDetector = Callable[
    [Float[Tensor, "batch 1 height width"], Float[Tensor, " batch"]], Bool[Tensor, "batch 1 height width"]
]


@dataclass(frozen=True)
class CannyEdges:
    """The Canny edge detector of scikit-image.

    The published scores use CoShREM, a shearlet-based detector that is no longer maintained, and cannot be compared
    with scores by this one.

    The thresholds are the gradients of straight steps, with heights relative to the *image's* contrast: an image and
    its explanation have the same thresholds, and a faint trace in a nearly black explanation is no edge.

    Attributes:
        sigma: standard deviation of the Gaussian that smooths first, in pixels.
        low: step height, as a share of the contrast, that continues an edge (hysteresis).
        high: step height, as a share of the contrast, that starts an edge.

    Raises:
        ValueError: the shares are not `0 < low <= high`, or sigma is not positive.
    """

    sigma: float = 1.0
    low: float = 0.05
    high: float = 0.1

    def __post_init__(self) -> None:
        if not (0 < self.low <= self.high and self.sigma > 0):
            raise ValueError(f"expected 0 < low <= high and sigma > 0, not {self}")

    def __call__(
        self, images: Float[Tensor, "batch 1 height width"], contrast: Float[Tensor, " batch"]
    ) -> Bool[Tensor, "batch 1 height width"]:
        """The edges of grey images, with thresholds relative to the contrast of each."""
        steps = (contrast * self._step_response()).tolist()
        edges = [
            self._edges(image, step) for image, step in zip(images[:, 0].double().cpu().numpy(), steps, strict=True)
        ]
        return torch.from_numpy(np.array(edges, dtype=bool).reshape(images.shape)).to(images.device)

    def _edges(self, image: np.ndarray, step: float) -> np.ndarray:
        if step == 0:  # a constant image has no edges
            return np.zeros(image.shape, dtype=bool)
        return canny(image, self.sigma, low_threshold=self.low * step, high_threshold=self.high * step, mode="nearest")

    def _step_response(self) -> float:
        """Canny's gradient at a straight step of height 1."""
        row = np.repeat([0.0, 1.0], 8 + int(4 * self.sigma))
        return float(ndimage.sobel(ndimage.gaussian_filter(np.tile(row, (3, 1)), (0, self.sigma)), axis=1)[1].max())


def hallucinated_edges(
    images: Pictures,
    kept: Pictures,
    *,
    detector: EdgeDetector | None = None,
    variant: Variant = "corrected",
) -> tuple[Bool[Tensor, "batch 1 height width"], Bool[Tensor, "batch 1 height width"]]:
    """The hallucinated edges of explanations, and the edges of the images.

    An edge pixel of the explanation is hallucinated if the 3 x 3 pixels around it contain no edge of the image.

    Args:
        images: the images, in [0, 1], of any number of channels, which are averaged.
        kept: the kept image of each explanation (`Explanation.kept`), on the same scale as the images.
        detector: `(grey images, contrasts) -> edges`; by default `CannyEdges()`. The contrast is the range of the grey
            values of the image, also for its explanation.
        variant: `corrected`, or `published`, in which grey values overflow before edges are sought: the code of Kolek
            et al. (2023) reads 255 times the grey value as a signed byte, which ends at 127. So an edge stands wherever
            brightness crosses mid-grey, however softly, and white, at -1, has none against black.

    Raises:
        TypeError, ValueError: images or kept images have a wrong shape, type or range, or the variant is unknown.
    """
    if variant not in get_args(Variant):
        raise ValueError(f"variant {variant!r} is not known; use 'corrected' or 'published'")
    detector = CannyEdges() if detector is None else detector
    grey, kept_grey = (pictures.mean(1, keepdim=True) for pictures in checked_pair(images, kept, channels=None))
    contrast = grey.amax((1, 2, 3)) - grey.amin((1, 2, 3))  # of the brightness itself in both variants
    if variant == "published":
        grey, kept_grey = _overflown(grey), _overflown(kept_grey)  # batch, 1, height, width
    true = detector(grey, contrast)
    near = torch.nn.functional.max_pool2d(true.float(), 3, stride=1, padding=1) > 0
    return detector(kept_grey, contrast) & ~near, true


def _overflown(grey: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 1 height width"]:
    """255 times the grey values in a signed byte, over 255: at mid-grey, they jump from 127/255 to -128/255."""
    levels = (255 * grey).floor()  # batch, 1, height, width: 0 to 255
    return torch.where(levels > 127, levels - 256, levels) / 255


def hallucination_score(
    images: Pictures,
    kept: Pictures,
    *,
    detector: EdgeDetector | None = None,
    variant: Variant = "corrected",
) -> Float[Tensor, " batch"]:
    """The number of hallucinated edge pixels, divided by the number of edge pixels of the image; lower is better.

    0 if every edge of the explanation is an edge of the image, as for an explanation that keeps everything or nothing:
    report it with the sparsity. The score may exceed 1. nan for an image without edges. Kolek et al. (2023), Explaining
    Image Classifiers with Multiscale Directional Image Representation, section 4.

    Args:
        images, kept, detector, variant: as for `hallucinated_edges`.

    Raises:
        TypeError, ValueError: as for `hallucinated_edges`.
    """
    hallucinated, true = hallucinated_edges(images, kept, detector=detector, variant=variant)
    count = true.sum((1, 2, 3))
    score = hallucinated.sum((1, 2, 3)) / count.clamp_min(1)
    return torch.where(count > 0, score, torch.nan)
