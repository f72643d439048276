"""Grad-CAM through pytorch-grad-cam, for all classes of an image in one pass through the feature layers."""

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
    """The options of Grad-CAM.

    Attributes:
        layer: the dotted name of a module of the classifier; None: the last feature layer, as in the Explainer paper's
            comparison (`last_feature_layer`).
        pairs_at_once: pairs of image and class per pass through the layers after it.
    """

    layer: str | None = None
    pairs_at_once: Annotated[int, Field(ge=1)] = 64


class GradCAM(PairMethod):
    """Grad-CAM (Selvaraju et al., ICCV 2017).

    The sum of the channels of a feature layer, weighted by the mean gradient of the class's logit, with negative values
    set to 0, resized and min-max normalised, all by pytorch-grad-cam. Here each image passes through the feature layers
    once for all its classes, and the backward pass ends at the layer.

    Raises:
        ValueError: the classifier has no such layer, or no layer with a feature map.
    """

    name = "grad-cam"
    _has_own_progress = False

    def __init__(self, classifier: nn.Module, options: GradCAMOptions | None = None) -> None:
        self.options = options or GradCAMOptions()
        super().__init__(classifier, self.options.pairs_at_once)

    @torch.enable_grad()
    def _pair_masks(
        self,
        images: Float[Tensor, "batch 3 height width"],
        image_index: Int[Tensor, " pairs"],
        class_index: Int[Tensor, " pairs"],
        *,
        show_progress: bool,
    ) -> Float[Tensor, "pairs height width"]:
        from pytorch_grad_cam import GradCAM as LibraryGradCAM  # takes seconds to import
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        used, image_index = image_index.unique_consecutive(return_inverse=True)
        images = images[used].detach()
        layer = self._layer(images)
        targets = [ClassifierOutputTarget(index) for index in class_index.tolist()]
        with _row_per_pair(layer, image_index):
            library = LibraryGradCAM(self.classifier, [layer])
            try:
                return torch.from_numpy(library(images, targets)).to(images)
            finally:
                library.activations_and_grads.release()  # its context manager swallows some errors

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
def _row_per_pair(layer: nn.Module, image_index: Tensor) -> Iterator[None]:
    """Repeat the layer's output for each pair, as a leaf of the autograd graph."""

    def repeat(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        return output.detach()[image_index].requires_grad_()

    handle = layer.register_forward_hook(repeat)
    try:
        yield
    finally:
        handle.remove()


@torch.no_grad()
def last_feature_layer(classifier: nn.Module, images: Float[Tensor, "batch 3 height width"]) -> nn.Module:
    """The last module, average pooling aside, whose output is a feature map of more than one pixel.

    For VGG it is `features`, for ResNet `layer4`.

    Raises:
        ValueError: no module has a feature map, as in a transformer.
    """
    feature_layers: list[nn.Module] = []

    def record(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and output.shape[-1] * output.shape[-2] > 1:
            feature_layers.append(module)

    modules = [m for m in classifier.modules() if not isinstance(m, (nn.AdaptiveAvgPool2d, nn.AvgPool2d))]
    handles = [module.register_forward_hook(record) for module in modules]
    try:
        classifier(images[:1])
    finally:
        for handle in handles:
            handle.remove()
    if not feature_layers:
        raise ValueError("this classifier has no layer with a map of features: Grad-CAM needs a convolutional network")
    return feature_layers[-1]
