"""The common interface of methods that give each class of an image its own mask."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from helpers.core.attribute import Attributable
from helpers.core.explanation import Explanation
from helpers.core.inputs import (
    ClassTarget,
    ImageBatch,
    Target,
    checked_classes,
    checked_images,
    checked_targets,
    class_count,
    class_names,
    is_score,
)
from helpers.core.mask_inputs import checked_booleans, checked_masks
from helpers.core.outputs import Logits, checked_logits
from helpers.core.replica import frozen, with_frozen_classifier


class ClassMaskMethod(Attributable):
    """A method that explains any classes of an image, several in one call.

    Attributes:
        name: the method's name in tables.
        classifier: pixels in [0, 1] to logits, one per class, frozen and in eval mode.
    """

    name: str
    classifier: nn.Module

    @abstractmethod
    def _masks_of(
        self,
        images: Float[Tensor, "batch 3 height width"],
        image_index: Int[Tensor, " pairs"],
        class_index: Int[Tensor, " pairs"],
        *,
        show_progress: bool,
    ) -> Float[Tensor, "pairs height width"]:
        """The mask, in [0, 1], for class `class_index[i]` of `images[image_index[i]]`; image indices ascend.

        The classifier is frozen and in eval mode, and everything is checked.
        """

    def class_masks(
        self,
        images: ImageBatch,
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
            TypeError, ValueError: images, classes or the classifier's output have a wrong shape, type or range.
        """
        images, logits = self._classified(images)
        classes = checked_classes(classes, images, logits.shape[1] if len(images) else None)
        masks = images.new_zeros(*classes.shape, *images.shape[-2:])
        image_index, class_index = classes.nonzero(as_tuple=True)
        if len(image_index):
            method = with_frozen_classifier(self)
            pairs = method._masks_of(images, image_index, class_index, show_progress=show_progress)
            masks[image_index, class_index] = pairs.to(masks)
        return masks

    def explain(self, images: ImageBatch, targets: ClassTarget = None, *, show_progress: bool = False) -> Explanation:
        """Explain one class of each image.

        Args:
            images: pixels in [0, 1].
            targets: one class for all images, one class per image, by index or by name, or None for the class with the
                largest logit.
            show_progress: show a progress bar, if the method is slow.

        Returns:
            `mask` is the class's mask, `kept` the image times the mask.

        Raises:
            TypeError, ValueError: images, targets or the classifier's output have a wrong shape, type or range.
        """
        return self._explain(images, targets, show_progress=show_progress)

    def _explain(
        self, images: ImageBatch, targets: Target, *, perturbed: bool = False, show_progress: bool
    ) -> Explanation:
        images, logits = self._classified(images, perturbed=perturbed)
        classes = self._targets(targets, logits)
        mask = images[:, :1]
        if len(images):
            image_index = torch.arange(len(images), device=images.device)
            method = with_frozen_classifier(self)
            mask = method._masks_of(images, image_index, classes, show_progress=show_progress)[:, None].to(images)
        return Explanation(mask=mask, kept=images * mask, targets=classes)

    def _relevance(self, inputs: ImageBatch, target: Target, **options: Any) -> Float[Tensor, "batch 3 height width"]:
        explanation = self._explain(inputs, target, perturbed=True, **{"show_progress": False, **options})
        return explanation.mask.expand(-1, 3, -1, -1)

    @torch.no_grad()
    def _classified(
        self, images: ImageBatch, *, perturbed: bool = False
    ) -> tuple[Float[Tensor, "batch 3 height width"], Tensor]:
        """The images and the classifier's logits (batch, classes), both checked."""
        images = checked_images(images, self.classifier, perturbed=perturbed)
        if not len(images):
            return images, images.new_zeros(0, class_count(self.classifier) or 1)
        return images, checked_logits(Logits(frozen(self.classifier))(images), self.classifier, images)

    def _targets(self, targets: Target, logits: Tensor) -> Int[Tensor, " batch"]:
        """The target class of each image."""
        if is_score(targets):
            raise ValueError("masks belong to classes: targets are class indices or names, not callables")
        return checked_targets(targets, logits, class_names(self.classifier))


def merge_classes(
    masks: Float[Tensor, "batch classes height width"], classes: Bool[Tensor, "batch classes"]
) -> Float[Tensor, "batch 1 height width"]:
    """The pixelwise maximum over the given classes of each image; 0 for images without any (WYSIWYC, section 3).

    Raises:
        TypeError, ValueError: masks or classes have a wrong shape, type or range.
    """
    masks = checked_masks(masks, ("batch", "classes", "height", "width"))
    classes = checked_booleans(classes, masks.shape[:2], name="classes", device=masks.device)
    return masks.masked_fill(~classes[..., None, None], 0).amax(1, keepdim=True)


def min_max_normalise(masks: Float[Tensor, "*batch height width"]) -> Float[Tensor, "*batch height width"]:
    """Each mask shifted and scaled so that its smallest entry is 0 and its largest 1; 0 if all entries are equal."""
    low, high = masks.amin((-2, -1), keepdim=True), masks.amax((-2, -1), keepdim=True)
    return (masks - low) / (high - low).clamp_min(torch.finfo(masks.dtype).tiny)
