"""What methods share that give every class of an image a mask of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from helpers.core.explanation import Explanation

ClassTarget = int | Int[Tensor, " batch"] | None


class ClassMaskMethod(ABC):
    """A method that explains any classes of an image, several of them in one call.

    Attributes:
        name: what tables call the method.
        classifier: pixels in [0, 1] to logits, one per class, frozen and in eval mode.
    """

    name: str
    classifier: nn.Module

    @abstractmethod
    def class_masks(
        self,
        images: Float[Tensor, "batch 3 height width"],
        classes: Bool[Tensor, "batch classes"],
        *,
        show_progress: bool = False,
    ) -> Float[Tensor, "batch classes height width"]:
        """One mask for each class that is asked for.

        Args:
            images: pixels in [0, 1].
            classes: which classes of which image.
            show_progress: show a bar, where the method takes long.

        Returns:
            Masks in [0, 1]; 0 everywhere for a class that was not asked for.

        Raises:
            ValueError: images or classes do not fit.
        """

    def explain(
        self, images: Float[Tensor, "batch 3 height width"], targets: ClassTarget = None, *, show_progress: bool = False
    ) -> Explanation:
        """Explain one class of each image.

        Args:
            images: pixels in [0, 1].
            targets: a class, one class an image, or None for the class with the largest logit.
            show_progress: show a bar, where the method takes long.

        Returns:
            `mask` is the class's mask, `kept` the image times the mask.

        Raises:
            ValueError: images or targets do not fit.
        """
        wanted, count = self._targets(images, targets)
        classes = nn.functional.one_hot(wanted, count).bool()
        masks = self.class_masks(images, classes, show_progress=show_progress)
        mask = masks[torch.arange(len(images), device=images.device), wanted][:, None]
        return Explanation(mask=mask, kept=images * mask, targets=wanted)

    def attribute(
        self, inputs: Float[Tensor, "batch 3 height width"], target: ClassTarget = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """The relevance of each pixel under Captum's convention: a tensor like the inputs (channels are equal)."""
        return self.explain(inputs, target).mask.expand_as(inputs)

    @torch.no_grad()
    def _targets(self, images: Tensor, targets: ClassTarget) -> tuple[Int[Tensor, " batch"], int]:
        """The class of each image, and how many classes there are."""
        if images.ndim != 4:
            raise ValueError(f"images must be (batch, 3, height, width), not {tuple(images.shape)}")
        logits = self.classifier(images)
        count = logits.shape[1]
        if targets is None:
            return logits.argmax(1), count
        if callable(targets):
            raise ValueError("masks belong to classes: the target is a class index or one index an image, no callable")
        wanted = torch.as_tensor(targets, device=images.device)
        if wanted.is_floating_point() or wanted.shape not in ((), (len(images),)):
            raise ValueError(
                f"targets must be one class index, or one for each of {len(images)} images; got {wanted.dtype} of "
                f"shape {tuple(wanted.shape)}"
            )
        if int(wanted.min()) < 0 or int(wanted.max()) >= count:
            raise ValueError(f"targets must be class indices from 0 to {count - 1}; got {wanted.tolist()}")
        return wanted.long().expand(len(images)), count


def check_classes(images: Tensor, classes: Tensor, count: int | None = None) -> None:
    """Raise a ValueError where `classes` does not say which classes of these images are meant."""
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"images must be (batch, 3, height, width), not {tuple(images.shape)}")
    if classes.dtype != torch.bool or classes.ndim != 2 or len(classes) != len(images):
        raise ValueError(
            f"classes must be booleans of shape ({len(images)}, classes), one row per image; got {classes.dtype} of "
            f"shape {tuple(classes.shape)}"
        )
    if count is not None and classes.shape[1] != count:
        raise ValueError(f"classes has {classes.shape[1]} columns, but the classifier has {count} classes")


def merge_classes(
    masks: Float[Tensor, "batch classes height width"], classes: Bool[Tensor, "batch classes"]
) -> Float[Tensor, "batch 1 height width"]:
    """The pixelwise maximum over some classes of each image; 0 where there are none (the paper, section 3)."""
    return masks.masked_fill(~classes[..., None, None], 0).amax(1, keepdim=True)


def min_max_normalise(masks: Float[Tensor, "*batch height width"]) -> Float[Tensor, "*batch height width"]:
    """Each mask moved and scaled so that its least entry is 0 and its largest 1; 0 where all entries are equal."""
    low, high = masks.amin((-2, -1), keepdim=True), masks.amax((-2, -1), keepdim=True)
    return (masks - low) / (high - low).clamp_min(torch.finfo(masks.dtype).tiny)
