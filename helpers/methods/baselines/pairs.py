"""Methods that explain an image and a class at a time, many such pairs in one batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from helpers.core.class_masks import ClassMaskMethod, check_classes
from helpers.core.runtime import progress


class PairMethod(ClassMaskMethod):
    """A method that works on pairs of an image and a class.

    Args:
        classifier: pixels in [0, 1] to logits.
        pairs_at_once: how many pairs are worked on together; it bounds the memory, whatever is asked for.
    """

    _takes_steps = True  # whether one portion of pairs takes long enough for a bar of its own

    def __init__(self, classifier: nn.Module, pairs_at_once: int) -> None:
        self.classifier, self._pairs_at_once = classifier, pairs_at_once

    def class_masks(
        self,
        images: Float[Tensor, "batch 3 height width"],
        classes: Bool[Tensor, "batch classes"],
        *,
        show_progress: bool = False,
    ) -> Float[Tensor, "batch classes height width"]:
        """See `ClassMaskMethod.class_masks`."""
        check_classes(images, classes, count_classes(self.classifier, images))
        masks = images.new_zeros(*classes.shape, *images.shape[-2:])
        places, kinds = classes.nonzero(as_tuple=True)
        if not len(places):
            return masks
        parts = list(zip(places.split(self._pairs_at_once), kinds.split(self._pairs_at_once), strict=True))
        many = len(parts) > 1 or not self._takes_steps
        with frozen(self.classifier):
            for place, kind in progress(parts, label=self.name, show=show_progress and many):
                found = self._pair_masks(images, place, kind, show_progress=show_progress and not many)
                masks[place, kind] = found.to(masks)
        return masks

    @abstractmethod
    def _pair_masks(
        self,
        images: Float[Tensor, "batch 3 height width"],
        places: Int[Tensor, " pairs"],
        kinds: Int[Tensor, " pairs"],
        *,
        show_progress: bool,
    ) -> Float[Tensor, "pairs height width"]:
        """The masks, in [0, 1], of pairs: `kinds[i]` of `images[places[i]]`; the images come in ascending order."""


@torch.no_grad()
def count_classes(classifier: nn.Module, images: Float[Tensor, "batch 3 height width"]) -> int | None:
    """How many classes a classifier tells apart; None where there is no image to find out with."""
    names = getattr(classifier, "class_names", None)
    if names is not None:
        return len(names)
    return classifier(images[:1]).shape[1] if images.ndim == 4 and len(images) else None


def probabilities(logits: Float[Tensor, "*batch classes"], score: str) -> Float[Tensor, "*batch classes"]:
    """The scores of all classes: each one's own `"sigmoid"`, the `"softmax"` of all, or the `"logit"` itself."""
    if score == "logit":
        return logits
    return logits.softmax(-1) if score == "softmax" else logits.sigmoid()


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """Inside, the model is frozen and in eval mode; afterwards all is as before, gradients of parameters included."""
    modes = [(module, module.training) for module in model.modules()]
    parameters = [(each, each.requires_grad, each.grad) for each in model.parameters()]
    try:
        model.eval()
        for parameter, _, _ in parameters:
            parameter.requires_grad_(False)
        yield
    finally:
        for module, training in modes:
            module.training = training
        for parameter, wanted, gradient in parameters:
            parameter.requires_grad_(wanted)
            parameter.grad = gradient
