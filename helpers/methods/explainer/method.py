"""The trained Explainer as a method like the others: one forward pass, a mask for every class."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from helpers.core.class_masks import ClassMaskMethod, check_classes
from helpers.methods.explainer.network import ExplainerNetwork


class Explainer(ClassMaskMethod):
    """A trained network that explains one classifier (What You See is What You Classify, section 3).

    Args:
        network: trained for the classifier; frozen here, and set to eval mode.
        classifier: it is asked only for the classes of `explain(targets=None)`; the masks need no look at it.
        name: what tables call the method.
        batch: how many images are looked at together.
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
        """As `ClassMaskMethod.class_masks`; all classes where `classes` is None, at no more cost."""
        if classes is not None:
            check_classes(images, classes, self.network.classes)
        masks = torch.cat([self.network(part).float().sigmoid() for part in images.split(self.batch)])
        return masks if classes is None else masks.masked_fill(~classes[..., None, None], 0)
