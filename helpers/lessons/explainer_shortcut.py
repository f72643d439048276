"""The shortcut story: the same scenes without and with the planted mark, and what is true of a class mask there."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from helpers.scenes import SCENE_CLASSES, Scenes, make_scenes


def marked_pairs(
    count: int, *, size: int, seed: int, showing: str | None, marked_class: str = "fish"
) -> tuple[Scenes, Scenes]:
    """The same scenes twice: without the planted mark, and with it. Nothing else differs.

    Args:
        count: how many pairs.
        size: side in pixels.
        seed: which series of scenes.
        showing: the class of the largest object; None for scenes that do not show `marked_class` at all.
        marked_class: the class that the mark comes with in the training of the classifier with the shortcut.

    Returns:
        The scenes without and with the mark.
    """
    drawn: list[tuple[Scenes, Scenes]] = []
    found, start, series = 0, 0, 16 * count
    while found < count:
        plain, marked = (
            make_scenes(
                series,
                size=size,
                seed=seed,
                start=start,
                objects=(1, 2),
                shortcut_base_rate=rate,
                shortcut_class=marked_class,
            )
            for rate in (0.0, 1.0)
        )
        if showing is None:
            wanted = ~plain.labels[:, SCENE_CLASSES.index(marked_class)]
        else:
            wanted = plain.label == SCENE_CLASSES.index(showing)
        rows = wanted.nonzero()[: count - found, 0]
        drawn.append((plain[rows], marked[rows]))
        found, start = found + len(rows), start + series
    return _joined([pair[0] for pair in drawn]), _joined([pair[1] for pair in drawn])


def _joined(parts: list[Scenes]) -> Scenes:
    return Scenes(**{name: torch.cat([getattr(part, name) for part in parts]) for name in vars(parts[0])})


@torch.no_grad()
def probability_of(
    classifier: nn.Module, images: Float[Tensor, "batch 3 height width"], target: int
) -> Float[Tensor, " batch"]:
    """The classifier's probability of one class, by itself (a sigmoid), for each image."""
    return classifier(images).sigmoid()[:, target]


def mean_in(
    masks: Float[Tensor, "batch 1 height width"], region: Bool[Tensor, "batch height width"]
) -> Float[Tensor, " batch"]:
    """The mean of each mask over a region of its image; nan where the region is empty."""
    inside = torch.where(region[:, None], masks, torch.zeros_like(masks)).sum((1, 2, 3))
    size = region.sum((1, 2))
    return torch.where(size > 0, inside / size.clamp_min(1), torch.nan)
