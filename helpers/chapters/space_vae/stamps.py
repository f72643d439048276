"""Controls for kept images that keep their class but tell nothing of their image, and adversarial patterns."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from helpers.chapters.correlations import correlations
from helpers.classifiers import Classifier


def darkest_of_each_class(
    classifier: Classifier, kept: Float[Tensor, "images 3 height width"], *, least: float = 0.9
) -> Float[Tensor, "classes 3 height width"]:
    """For each class the darkest kept image that the classifier assigns to it: a stamp for all images of the class.

    Args:
        classifier: the explained classifier.
        kept: in [0, 1].
        least: the smallest probability that counts.

    Raises:
        ValueError: a class has no such image.
    """
    predicted, confidence = classifier.predict(kept)
    brightness, stamps = kept.sum((1, 2, 3)), []
    for number, name in enumerate(classifier.class_names):
        rows = ((predicted == number) & (confidence > least)).nonzero()[:, 0]
        if not len(rows):
            raise ValueError(f"no kept image of class {name!r} has a probability above {least}")
        stamps.append(kept[rows[brightness[rows].argmin()]])
    return torch.stack(stamps)


def another_of_its_class(classes: Int[Tensor, " images"]) -> Int[Tensor, " images"]:
    """For each image the row of the next image of its class, and for the last one the first."""
    rows = torch.arange(len(classes))
    for number in classes.unique():
        same = (classes == number).nonzero()[:, 0]
        rows[same] = same.roll(-1)
    return rows


def brightness_correlation(
    first: Float[Tensor, "images 3 height width"], second: Float[Tensor, "images 3 height width"]
) -> Float[Tensor, " images"]:
    """The correlation of the brightness of two images over their pixels, in pairs; 0 for a constant one."""
    return correlations(first.mean(1), second.mean(1)).nan_to_num(0.0)


def targeted_patterns(
    classifier: nn.Module,
    images: Float[Tensor, "images 3 height width"],
    targets: Int[Tensor, " images"],
    *,
    largest: float,
    steps: int = 10,
) -> Float[Tensor, "images 3 height width"]:
    """Images with an adversarial pattern for the target classes, by steps along the sign of the gradient.

    Args:
        classifier: pixels in [0, 1] to logits.
        images: in [0, 1].
        targets: the class that each pattern should evoke.
        largest: the largest change of an entry.
        steps: of the search, each a quarter of the largest change.
    """
    changed = images.clone()
    for _ in range(steps):
        changed.requires_grad_()
        loss = functional.cross_entropy(classifier(changed), targets, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, changed)
        with torch.no_grad():
            step = changed - largest / 4 * gradient.sign()
            changed = torch.min(torch.max(step, images - largest), images + largest).clamp(0, 1)
    return changed.detach()
