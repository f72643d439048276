"""A trained Explainer as an explanation method: one forward pass, one mask per class."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from helpers.core.class_masks import ClassMaskMethod, check_classes
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
        images: Float[Tensor, "batch 3 height width"],
        classes: Bool[Tensor, "batch classes"] | None = None,
        *,
        show_progress: bool = False,
    ) -> Float[Tensor, "batch classes height width"]:
        """See `ClassMaskMethod.class_masks`; None for all classes, at no extra cost."""
        if classes is not None:
            check_classes(images, classes, self.network.classes)
        masks = torch.cat([self.network(batch).float().sigmoid() for batch in images.split(self.batch)])
        return masks if classes is None else masks.masked_fill(~classes[..., None, None], 0)
