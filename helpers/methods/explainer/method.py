"""A trained Explainer as an explanation method: one forward pass, one mask per class."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from helpers.core.class_masks import ClassMaskMethod
from helpers.core.inputs import ImageBatch, checked_images
from helpers.core.replica import frozen
from helpers.methods.explainer.network import ExplainerNetwork


class Explainer(ClassMaskMethod):
    """A trained network that explains one classifier (What You See is What You Classify, section 3).

    Args:
        network: trained for the classifier; it is frozen and set to eval mode.
        classifier: used only to predict the classes of `explain(targets=None)`.
        name: of the method in tables.
        batch: images per forward pass.
    """

    def __init__(
        self, network: ExplainerNetwork, classifier: nn.Module, *, name: str = "explainer", batch: int = 64
    ) -> None:
        self.network = network.eval().requires_grad_(False)
        self.classifier = classifier
        self.name = name
        self.batch = batch

    @torch.no_grad()
    def class_masks(
        self,
        images: ImageBatch,
        classes: Bool[Tensor, "batch classes"] | None = None,
        *,
        show_progress: bool = False,
    ) -> Float[Tensor, "batch classes height width"]:
        """See `ClassMaskMethod.class_masks`; None for all classes, at no extra cost."""
        if classes is not None:
            return super().class_masks(images, classes, show_progress=show_progress)
        return self._all_masks(checked_images(images, self.network))

    @torch.no_grad()
    def _masks_of(
        self,
        images: Float[Tensor, "batch 3 height width"],
        image_index: Int[Tensor, " pairs"],
        class_index: Int[Tensor, " pairs"],
        *,
        show_progress: bool,
    ) -> Float[Tensor, "pairs height width"]:
        """See `ClassMaskMethod._masks_of`."""
        return self._all_masks(images)[image_index, class_index]

    def _all_masks(self, images: Tensor) -> Float[Tensor, "batch classes height width"]:
        network = frozen(self.network)
        images = images.to(next(network.parameters()).dtype)  # float64, where the classifier is
        return torch.cat([network(batch).float().sigmoid() for batch in images.split(self.batch)])
