"""Grad-CAM through pytorch-grad-cam, for all classes of an image from one pass through the features."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import torch
from jaxtyping import Float, Int
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from helpers.methods.baselines.pairs import PairMethod


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class GradCAMOptions:
    """Where Grad-CAM looks.

    Attributes:
        layer: the dotted name of a module of the classifier; None: the last feature layer, as in the Explainer paper's
            comparison (`last_feature_layer`).
        pairs_at_once: images times classes in one pass through what follows that layer.
    """

    layer: str | None = None
    pairs_at_once: Annotated[int, Field(ge=1)] = 64


class GradCAM(PairMethod):
    """Grad-CAM (Selvaraju et al., ICCV 2017).

    The channels of a feature layer, weighted by the mean slope of the class's logit in each, added up, negative values
    cut off, enlarged and stretched to [0, 1]: pytorch-grad-cam does all that. Here each image passes through the
    features once, however many of its classes are asked for, and the gradient goes no further back than the layer.

    Raises:
        ValueError: the classifier has no such layer, or no layer with a map of features.
    """

    name = "grad-cam"
    _takes_steps = False

    def __init__(self, classifier: nn.Module, options: GradCAMOptions | None = None) -> None:
        self.options = options or GradCAMOptions()
        super().__init__(classifier, self.options.pairs_at_once)

    @torch.enable_grad()
    def _pair_masks(
        self,
        images: Float[Tensor, "batch 3 height width"],
        places: Int[Tensor, " pairs"],
        kinds: Int[Tensor, " pairs"],
        *,
        show_progress: bool,
    ) -> Float[Tensor, "pairs height width"]:
        from pytorch_grad_cam import GradCAM as LibraryGradCAM  # it takes seconds to import
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        used, places = places.unique_consecutive(return_inverse=True)
        images = images[used].detach()
        layer = self._layer(images)
        targets = [ClassifierOutputTarget(kind) for kind in kinds.tolist()]
        with _one_row_a_pair(layer, places):
            library = LibraryGradCAM(self.classifier, [layer])
            try:
                return torch.from_numpy(library(images, targets)).to(images)
            finally:
                library.activations_and_grads.release()  # used as a context, the library swallows some errors

    def _layer(self, images: Tensor) -> nn.Module:
        if self.options.layer is None:
            return last_feature_layer(self.classifier, images)
        try:
            return self.classifier.get_submodule(self.options.layer)
        except AttributeError as error:
            raise ValueError(
                f"layer={self.options.layer!r} is no module of this classifier; named_modules() lists them"
            ) from error


@contextmanager
def _one_row_a_pair(layer: nn.Module, places: Tensor) -> Iterator[None]:
    """Inside, the layer's output is repeated for each pair, and gradients start from there."""

    def repeat(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        return output.detach()[places].requires_grad_()

    handle = layer.register_forward_hook(repeat)
    try:
        yield
    finally:
        handle.remove()


@torch.no_grad()
def last_feature_layer(classifier: nn.Module, images: Float[Tensor, "batch 3 height width"]) -> nn.Module:
    """The module whose output is the last map of features: VGG's `features`, ResNet's `layer4`, and so on.

    It is the last one to give a map of more than one pixel, average pooling left aside.

    Raises:
        ValueError: no module gives a map of features, as in a transformer.
    """
    found: list[nn.Module] = []

    def look(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and output.shape[-1] * output.shape[-2] > 1:
            found.append(module)

    looked_at = [m for m in classifier.modules() if not isinstance(m, (nn.AdaptiveAvgPool2d, nn.AvgPool2d))]
    handles = [module.register_forward_hook(look) for module in looked_at]
    try:
        classifier(images[:1])
    finally:
        for handle in handles:
            handle.remove()
    if not found:
        raise ValueError("this classifier has no layer with a map of features: Grad-CAM needs a convolutional network")
    return found[-1]
