"""The common interface of methods that give each class of an image its own mask."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from helpers.core.explanation import Explanation
from helpers.core.replica import frozen

ClassTarget = int | Int[Tensor, " batch"] | None


class ClassMaskMethod(ABC):
    """A method that explains any classes of an image, several in one call.

    Attributes:
        name: the method's name in tables.
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
        """One mask per requested class.

        Args:
            images: pixels in [0, 1].
            classes: the requested classes of each image.
            show_progress: show a progress bar, if the method is slow.

        Returns:
            Masks in [0, 1]; all 0 for classes that were not requested.

        Raises:
            ValueError: images or classes have a wrong shape or type.
        """

    def explain(
        self, images: Float[Tensor, "batch 3 height width"], targets: ClassTarget = None, *, show_progress: bool = False
    ) -> Explanation:
        """Explain one class of each image.

        Args:
            images: pixels in [0, 1].
            targets: one class for all images, one class per image, or None for the class with the largest logit.
            show_progress: show a progress bar, if the method is slow.

        Returns:
            `mask` is the class's mask, `kept` the image times the mask.

        Raises:
            ValueError: images or targets have a wrong shape, type or range.
        """
        target_classes, count = self._targets(images, targets)
        classes = nn.functional.one_hot(target_classes, count).bool()
        masks = self.class_masks(images, classes, show_progress=show_progress)
        mask = masks[torch.arange(len(images), device=images.device), target_classes][:, None]
        return Explanation(mask=mask, kept=images * mask, targets=target_classes)

    def attribute(
        self, inputs: Float[Tensor, "batch 3 height width"], target: ClassTarget = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """The relevance of each pixel in Captum's convention: a tensor of the inputs' shape with equal channels."""
        return self.explain(inputs, target).mask.expand_as(inputs)

    @torch.no_grad()
    def _targets(self, images: Tensor, targets: ClassTarget) -> tuple[Int[Tensor, " batch"], int]:
        """The target class of each image, and the number of classes."""
        if images.ndim != 4:
            raise ValueError(f"images must be (batch, 3, height, width), not {tuple(images.shape)}")
        logits = frozen(self.classifier)(images)
        count = logits.shape[1]
        if targets is None:
            return logits.argmax(1), count
        if callable(targets):
            raise ValueError("masks belong to classes: targets are one class index, or one per image, not a callable")
        classes = torch.as_tensor(targets, device=images.device)
        if classes.is_floating_point() or classes.shape not in ((), (len(images),)):
            raise ValueError(
                f"targets must be one class index, or one for each of {len(images)} images; got {classes.dtype} of "
                f"shape {tuple(classes.shape)}"
            )
        if int(classes.min()) < 0 or int(classes.max()) >= count:
            raise ValueError(f"targets must be class indices from 0 to {count - 1}; got {classes.tolist()}")
        return classes.long().expand(len(images)), count


def check_classes(images: Tensor, classes: Tensor, count: int | None = None) -> None:
    """Raise a ValueError unless `classes` holds one boolean per image and class."""
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
    """The pixelwise maximum over the given classes of each image; 0 for images without any (WYSIWYC, section 3)."""
    return masks.masked_fill(~classes[..., None, None], 0).amax(1, keepdim=True)


def min_max_normalise(masks: Float[Tensor, "*batch height width"]) -> Float[Tensor, "*batch height width"]:
    """Each mask shifted and scaled so that its smallest entry is 0 and its largest 1; 0 if all entries are equal."""
    low, high = masks.amin((-2, -1), keepdim=True), masks.amax((-2, -1), keepdim=True)
    return (masks - low) / (high - low).clamp_min(torch.finfo(masks.dtype).tiny)
