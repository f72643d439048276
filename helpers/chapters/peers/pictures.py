"""Pictures of the chapter on the Explainer's peers: how each method works, and its masks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from matplotlib.figure import Figure
from torch import Tensor, nn

from helpers.core.masking import apply_mask
from helpers.core.runtime import random_generator
from helpers.methods.baselines.rise import draw_masks
from helpers.plots import MASK_COLOURS, METHOD_COLOURS, panels, show_images

Queries = tuple[Float[Tensor, "queries _ height width"], list[str]]


@torch.no_grad()
def hidden_windows(
    classifier: nn.Module,
    image: Float[Tensor, "1 3 size size"],
    target: int,
    corners: Sequence[tuple[int, int]],
    window: int,
) -> Queries:
    """The image with one black window at each corner (row, column), and how much the class's logit falls."""
    hidden = image.repeat(len(corners), 1, 1, 1)
    for picture, (top, left) in zip(hidden, corners, strict=True):
        picture[:, top : top + window, left : left + window] = 0
    drops = classifier(image)[0, target] - classifier(hidden)[:, target]
    return hidden, [f"logit {-float(drop):+.1f}".replace("-", "−") for drop in drops]


@torch.no_grad()
def random_parts(
    classifier: nn.Module, image: Float[Tensor, "1 3 size size"], target: int, count: int, *, seed: int = 0
) -> Queries:
    """The image under random masks of RISE, and the class's probability under each."""
    size = (image.shape[2], image.shape[3])
    masked = apply_mask(image.expand(count, -1, -1, -1), draw_masks(count, 7, 0.5, size, random_generator(seed)))
    return masked, [f"{100 * float(p):.0f} %" for p in classifier(masked).sigmoid()[:, target]]


def strongest_channels(
    features: Float[Tensor, "channels rows columns"], weights: Float[Tensor, " channels"], count: int
) -> Queries:
    """The maps of the channels that add most to a weighted sum, scaled by their largest entry, with their weights."""
    largest: Int[Tensor, " count"] = (features.sum((1, 2)) * weights).topk(count).indices
    maps = features[largest] / features[largest].amax((1, 2), keepdim=True).clamp_min(1e-9)
    return maps[:, None], [f"weight {float(w):+.2f}" for w in weights[largest]]


def draw_method(
    image: Float[Tensor, "3 size size"],
    queries: Queries,
    masks: Float[Tensor, "masks size size"],
    names: Sequence[str],
) -> Figure:
    """One row: the image, what the method looks at on its way, and the mask of each class."""
    steps, titles = queries
    return show_images(
        [image, *steps, *masks[:, None]],
        ["the image", *titles, *(f"mask of {name}" for name in names)],
        columns=1 + len(steps) + len(masks),
        colours=MASK_COLOURS,
        width=9.5,
    )


def draw_path(shares: Sequence[float], probabilities: Sequence[float], slopes: Sequence[float]) -> Figure:
    """A probability along the path from the blurred image to the image, beside its slope."""
    with panels(1, 2, size=(7.0, 2.3)) as (figure, axes):
        for panel, values, label in zip(
            axes, (probabilities, slopes), ("probability", "slope of the probability"), strict=True
        ):
            panel.plot(shares, values, "o-", markersize=3, color=METHOD_COLOURS["neutral"])
            panel.set(xlabel="share of the image's details", ylabel=label)
    return figure
