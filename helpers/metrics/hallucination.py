"""The hallucination score: edges that an explanation shows and the image does not have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy import ndimage
from skimage.feature import canny
from torch import Tensor

# (grey pictures, each one's contrast) -> where their edges are; see `CannyEdges`
EdgeDetector = Callable[
    [Float[Tensor, "batch 1 height width"], Float[Tensor, " batch"]], Bool[Tensor, "batch 1 height width"]
]


@dataclass(frozen=True)
class CannyEdges:
    """Canny's edges, by scikit-image.

    The published scores use CoShREM, a detector made of shearlets that nobody maintains any more; this is the default
    in its stead. Scores of the two detectors must not be compared with each other.

    An edge must be as steep as a straight step of a given height, in shares of the *image's* contrast: an image and
    its explanation are then judged alike, and a faint trace in a nearly black explanation is no edge.

    Attributes:
        sigma: standard deviation of the Gaussian that smooths first, in pixels.
        low: a line of edge pixels goes on while each is as steep as a step of this share of the contrast.
        high: a line counts if one of its pixels is as steep as a step of this share of the contrast.

    Raises:
        ValueError: the shares are not `0 < low <= high`, or sigma is not positive.
    """

    sigma: float = 1.0
    low: float = 0.05
    high: float = 0.1

    def __post_init__(self) -> None:
        if not (0 < self.low <= self.high and self.sigma > 0):
            raise ValueError(f"wanted 0 < low <= high and sigma > 0, not {self}")

    def __call__(
        self, pictures: Float[Tensor, "batch 1 height width"], contrast: Float[Tensor, " batch"]
    ) -> Bool[Tensor, "batch 1 height width"]:
        """The edges of grey pictures, thresholds relative to a contrast for each."""
        steps = (contrast * self._response_to_a_step()).tolist()
        found = [
            self._edges(picture, step)
            for picture, step in zip(pictures[:, 0].double().cpu().numpy(), steps, strict=True)
        ]
        return torch.from_numpy(np.array(found, dtype=bool).reshape(pictures.shape)).to(pictures.device)

    def _edges(self, picture: np.ndarray, step: float) -> np.ndarray:
        if step == 0:  # a flat image: there is no scale on which an edge could be large
            return np.zeros(picture.shape, dtype=bool)
        return canny(
            picture, self.sigma, low_threshold=self.low * step, high_threshold=self.high * step, mode="nearest"
        )

    def _response_to_a_step(self) -> float:
        """The gradient that Canny measures at a straight step of height 1."""
        row = np.repeat([0.0, 1.0], 8 + int(4 * self.sigma))
        return float(ndimage.sobel(ndimage.gaussian_filter(np.tile(row, (3, 1)), (0, self.sigma)), axis=1)[1].max())


def hallucinated_edges(
    images: Float[Tensor, "batch channels height width"],
    pictures: Float[Tensor, "batch channels height width"],
    *,
    detector: EdgeDetector | None = None,
) -> tuple[Bool[Tensor, "batch 1 height width"], Bool[Tensor, "batch 1 height width"]]:
    """The edges of explanations that lie not even beside an edge of the image, and the edges of the images.

    Beside means: in the 3 x 3 pixels around an edge pixel of the image.

    Args:
        images: the images, in [0, 1]; channels are averaged.
        pictures: what each explanation keeps (`Explanation.kept`), on the same scale as the images.
        detector: `(grey pictures, contrasts) -> edges`; by default `CannyEdges()`. The contrast is the range of the
            image's grey values, for the image and for its explanation.
    """
    detector = CannyEdges() if detector is None else detector
    grey = images.mean(1, keepdim=True)
    contrast = grey.amax((1, 2, 3)) - grey.amin((1, 2, 3))
    true = detector(grey, contrast)
    near = torch.nn.functional.max_pool2d(true.float(), 3, stride=1, padding=1) > 0
    return detector(pictures.mean(1, keepdim=True), contrast) & ~near, true


def hallucination_score(
    images: Float[Tensor, "batch channels height width"],
    pictures: Float[Tensor, "batch channels height width"],
    *,
    detector: EdgeDetector | None = None,
) -> Float[Tensor, " batch"]:
    """Edge pixels that an explanation invents, divided by the edge pixels of the image; lower is better.

    0 where every edge of the explanation is an edge of the image, as for an explanation that keeps all, and for a
    black one, which has no edge: read the score beside one that says how much is kept. It may exceed 1. nan for an
    image without edges. Kolek et al. (2023), Explaining Image Classifiers with Multiscale Directional Image
    Representation, section 4.

    Args:
        images, pictures, detector: as for `hallucinated_edges`.
    """
    invented, true = hallucinated_edges(images, pictures, detector=detector)
    count = true.sum((1, 2, 3))
    score = invented.sum((1, 2, 3)) / count.clamp_min(1)
    return torch.where(count > 0, score, torch.nan).to(images.dtype)
