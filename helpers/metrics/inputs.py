"""What measures are given, through the one door: images in pairs, and the classifier's answers to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from helpers.core.inputs import checked_images, checked_targets, class_names, is_score
from helpers.core.outputs import Logits, checked_logits
from helpers.core.replica import frozen

Pictures = Float[Tensor, "batch channels height width"] | np.ndarray
"""Images with pixels in [0, 1] and any number of channels: a tensor, or an array of NumPy."""

ImagePair = tuple[Float[Tensor, "batch channels height width"], Float[Tensor, "batch channels height width"]]


def checked_pair(
    images: Pictures,
    other: Pictures,
    classifier: nn.Module | None = None,
    *,
    names: tuple[str, str] = ("images", "kept images"),
    channels: int | None = 3,
) -> ImagePair:
    """Two batches of images of the same shape, such as images and what explanations keep of them.

    Args:
        images, other: pixels in [0, 1].
        classifier: that will see them; None for none.
        names: what the two are, for the messages.
        channels: their number of channels; None for any.

    Raises:
        TypeError, ValueError: as `checked_images`; or the two differ in shape.
    """
    first, second = (
        checked_images(batch, classifier, channels=channels, name=name)
        for batch, name in zip((images, other), names, strict=True)
    )
    if first.shape != second.shape:
        raise ValueError(
            f"{names[1]} must be {tuple(first.shape)}, the shape of the {names[0]}, not {tuple(second.shape)}"
        )
    return first, second


@torch.no_grad()
def answers(
    classifier: nn.Module,
    images: Float[Tensor, "batch 3 height width"],
    *,
    name: str = "images",
    at_once: int = 256,
) -> Float[Tensor, "batch classes"]:
    """The classifier's logits for checked images, in eval mode whatever mode it is in.

    Args:
        classifier: pixels in [0, 1] to logits.
        images: checked images.
        name: what they are, for the messages.
        at_once: images per forward pass.

    Raises:
        TypeError, ValueError: it does not return finite logits, one row per image.
    """
    logits = Logits(frozen(classifier))
    values = torch.cat([logits(some) for some in images.split(at_once)])
    return checked_logits(values, classifier, images, name=name)


def checked_labels(
    labels: Any, logits: Float[Tensor, "batch classes"], classifier: nn.Module, *, name: str = "targets"
) -> Int[Tensor, " batch"]:
    """The index of one given class per image, from indices or names.

    Raises:
        ValueError: as `checked_targets`; or there are none, or they are callables.
    """
    if labels is None or is_score(labels):
        raise ValueError(f"{name} must be class indices or names, one per image, not {labels!r}")
    return checked_targets(labels, logits, class_names(classifier))
