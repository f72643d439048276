"""Constructors of the methods of the benchmark: from a classifier and settings to a method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.core.files import MODELS_FOLDER
from helpers.methods.baselines import GradCAM
from helpers.methods.explainer import load_explainer
from helpers.methods.initial_masks import explain_from_prediction
from helpers.methods.rde import CartoonX, PixelRDE, RateDistortionExplainer, ShearletX, WaveletX
from helpers.methods.space_vae import load_space_vae

Make = Callable[..., Any]

STEPS = 100
"""The steps of a search, as in profile family-scenes."""

_WARM_STEPS = 40  # from a predicted mask
_RECIPE = {"learning_rate": 0.1, "tolerance": None, "relative": True}  # relative: one price for sure and unsure images


def search(kind: type[RateDistortionExplainer], steps: int = STEPS) -> Make:
    """A constructor of one of the book's searches, with the steps of the benchmark.

    Args:
        kind: Pixel RDE, CartoonX, WaveletX or ShearletX.
        steps: of the search.
    """

    def make(classifier: Classifier, **setting: Any) -> RateDistortionExplainer:
        return kind(classifier, **{"steps": steps, **_RECIPE, **setting})

    return make


pixel_rde, cartoonx, waveletx, shearletx = (search(kind) for kind in (PixelRDE, CartoonX, WaveletX, ShearletX))


class FromPrediction:
    """A search that starts from the mask that a network predicts, in few steps or none.

    Args:
        method: Pixel RDE or CartoonX, whose classifier has a mask network.
        steps: of the search; 0 for the bare prediction.
    """

    def __init__(self, method: RateDistortionExplainer, steps: int) -> None:
        self.method, self.steps = method, steps

    def explain(self, images: Float[Tensor, "batch 3 height width"], targets: Int[Tensor, " batch"]) -> Explanation:
        """The explanations of the predicted classes, which the targets must be."""
        return explain_from_prediction(self.method, images, targets, steps=self.steps, tolerance=None)


def from_prediction(kind: type[RateDistortionExplainer], steps: int = _WARM_STEPS) -> Make:
    """A constructor of `FromPrediction`.

    Args:
        kind: Pixel RDE or CartoonX.
        steps: of the search; 0 for the bare prediction.
    """

    def make(classifier: Classifier, **setting: Any) -> FromPrediction:
        return FromPrediction(kind(classifier, **setting), steps)

    return make


class GridCAM:
    """Grad-CAM at the last layer whose map has a given stride, whatever the classifier's architecture.

    Args:
        classifier: a convolutional network.
        stride: pixels of the image per cell of the layer's map.
    """

    def __init__(self, classifier: Classifier, stride: int = 16) -> None:
        self.classifier, self.stride = classifier, stride

    def explain(self, images: Float[Tensor, "batch 3 height width"], targets: Int[Tensor, " batch"]) -> Explanation:
        """The maps of Grad-CAM.

        Raises:
            ValueError: no layer has such a map.
        """
        layer = last_layer(self.classifier, images[:1], self.stride)
        return GradCAM(self.classifier, layer=layer).explain(images, targets)


def last_layer(classifier: nn.Module, image: Float[Tensor, "1 3 height width"], stride: int) -> str:
    """The dotted name of the last module whose output is a map with a cell for every `stride` pixels.

    Raises:
        ValueError: there is none.
    """
    cells = -(-image.shape[-1] // stride)
    found: list[str] = []

    def listen(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim == 4 and output.shape[-1] == cells:
                found.append(name)

        return hook

    hooks = [module.register_forward_hook(listen(name)) for name, module in classifier.named_modules() if name]
    try:
        with torch.no_grad():
            classifier(image)
    finally:
        for each in hooks:
            each.remove()
    if not found:
        raise ValueError(f"the classifier has no layer with a map of {cells} x {cells} cells (stride {stride})")
    return found[-1]


def trained(objective: str) -> Make:
    """A constructor of a network that was trained to explain the classifier: "explainer" or "rtis"."""
    return lambda classifier: load_explainer(f"{classifier.name}-{objective}", classifier)


def space_vae(classifier: Classifier, beta: int = 10) -> Any:
    """The SpaCE-VAE of a classifier, trained with one weight of the classification loss."""
    return load_space_vae(f"{classifier.name}-beta-{beta}", classifier)


def has_file(suffix: str) -> Callable[[Classifier], bool]:
    """A condition on classifiers: there is a network `<classifier><suffix>` in models/."""
    return lambda classifier: (MODELS_FOLDER / f"{classifier.name}{suffix}.safetensors").is_file()


def is_transformer(classifier: Classifier) -> bool:
    """Whether a classifier has blocks with attention."""
    return any(type(module).__name__ == "Attention" for module in classifier.modules())


def is_convolutional(classifier: Classifier) -> bool:
    """Whether a classifier is no transformer."""
    return not is_transformer(classifier)


def is_small(classifier: Classifier) -> bool:
    """Whether a classifier is a small network of scenes that has no attention: a pass for each pixel is affordable."""
    return classifier.name.startswith("scenes-") and is_convolutional(classifier)
