"""The roles of the loss's terms on several scenes: what each setting keeps, and what the classifier sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from helpers.chapters.explainer.terms import TERMS, MaskSearch, search_masks
from helpers.methods.explainer.loss import ExplainerLoss


def search_scenes(
    loss: ExplainerLoss,
    classifier: nn.Module,
    images: Float[Tensor, "scenes 3 height width"],
    labels: Bool[Tensor, "scenes classes"],
    settings: Mapping[str, Sequence[str]],
    *,
    steps: int = 25,
    learning_rate: float = 0.4,
) -> list[MaskSearch]:
    """`search_masks` for each of several scenes, with masks recorded at the start and at the end."""
    options: dict[str, Any] = {"record": (0, steps), "learning_rate": learning_rate}
    return [
        search_masks(loss, classifier, image[None], shown[None], settings, **options)
        for image, shown in zip(images, labels, strict=True)
    ]


@torch.no_grad()
def roles_table(
    searches: Sequence[MaskSearch],
    classifier: nn.Module,
    images: Float[Tensor, "scenes 3 height width"],
    labels: Bool[Tensor, "scenes classes"],
    regions: Bool[Tensor, "scenes classes height width"],
) -> pd.DataFrame:
    """What the masks at the end of the searches keep, one row per scene and setting of the loss.

    Args:
        searches: one per scene (`search_scenes`).
        classifier: pixels in [0, 1] to logits of classes with a probability each.
        images, labels: the scenes.
        regions: the objects of each class.

    Returns:
        Columns scene, loss, m and n (means of the target and of the non-target mask), on (the target mask's mean on the
        objects of the present classes), kept and rest (the mean probability of the present classes on the kept part and
        on the rest), grey (the share of the target mask's entries between 0.1 and 0.9) and variation (the term for
        smoothness).
    """
    rows = []
    for number, (search, image, shown, of_scene) in enumerate(zip(searches, images, labels, regions, strict=True)):
        objects = of_scene[shown].any(0)
        m, n = search.merged(shown[None]), search.merged(~shown[None])  # settings, 1, height, width
        kept, rest = (classifier(image * mask).sigmoid()[:, shown].mean(1) for mask in (m, 1 - m))
        for row, name in enumerate(search.settings):
            mask = m[row, 0]
            numbers = {
                "m": mask.mean(),
                "n": n[row].mean(),
                "on": mask[objects].mean(),
                "kept": kept[row],
                "rest": rest[row],
                "grey": ((mask > 0.1) & (mask < 0.9)).float().mean(),
                "variation": search.terms[row, -1, TERMS.index("smoothness")],
            }
            rows.append({"scene": number, "loss": name} | {key: float(value) for key, value in numbers.items()})
    return pd.DataFrame(rows)
