"""CartoonX in the reader's browser, for the sliders of λk and of the number of coefficients."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from helpers.classifiers import Classifier
from helpers.widgets import InBrowser

SIDE = 64
"""Height and width of images in the browser, in pixels: a step takes a quarter of the time that it takes at 128."""


def live_price(
    classifier: Classifier,
    image: Float[Tensor, "3 height width"],
    weights: Sequence[float | int],
    *,
    start: float | int,
    steps: int,
) -> InBrowser:
    """The computation that can replace frames at some λk.

    Args:
        classifier: whose prediction is explained.
        image: pixels in [0, 1]; it is averaged down to `SIDE`.
        weights: the λk of the frames, ascending; in the browser there are more between the first and the last.
        start: the first λk.
        steps: of each optimisation.

    Raises:
        ValueError: the small image is predicted as another class, so that another class would be explained.
    """
    return _live("cartoonx-price", classifier, image, weights, start=start, steps=steps)


def live_number(
    classifier: Classifier, image: Float[Tensor, "3 height width"], keeps: Sequence[int], *, start: int, steps: int
) -> InBrowser:
    """The computation that can replace frames for some numbers of coefficients.

    Args:
        classifier, image, steps: as in `live_price`.
        keeps: the numbers of the frames, ascending; in the browser there are more between the first and the last.
        start: the first number.

    Raises:
        ValueError: the small image is predicted as another class, so that another class would be explained.
    """
    return _live("cartoonx-number", classifier, image, keeps, start=start, steps=steps)


def _live(
    name: str,
    classifier: Classifier,
    image: Float[Tensor, "3 height width"],
    values: Sequence[float | int],
    *,
    start: float | int,
    steps: int,
) -> InBrowser:
    """A computation on the image, averaged down to `SIDE`."""
    small = functional.interpolate(image[None], (SIDE, SIDE), mode="area")  # 1, 3, side, side
    before, after = (int(classifier.predict(pictures)[0]) for pictures in (image[None], small))
    if before != after:
        raise ValueError(
            f"the class {before} of the image becomes {after} at {SIDE} x {SIDE} pixels: take another image"
        )
    height, width = image.shape[1:]
    remark = f"The image has {SIDE} × {SIDE} pixels here, and {height} × {width} in the book's pictures."
    facts = {"least": values[0], "most": values[-1], "start": start, "steps": steps, "remark": remark}
    return InBrowser(name, small, facts)
