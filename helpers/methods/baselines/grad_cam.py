"""Grad-CAM, for all classes of an image in one pass through the feature layers."""

from __future__ import annotations

from typing import Annotated, Any

import torch
from jaxtyping import Float, Int
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from helpers.core.class_masks import min_max_normalise
from helpers.core.names import NamedOptions
from helpers.core.outputs import Logits, as_input
from helpers.core.replica import replica
from helpers.core.runtime import gradients
from helpers.methods.baselines.feature_layers import FeatureLayer, last_feature_layer, named_feature_layer
from helpers.methods.baselines.pairs import PairMethod


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class GradCAMOptions(NamedOptions):
    """The options of Grad-CAM.

    Attributes:
        layer: the dotted name of a module of the classifier; None: the last feature layer, as in the Explainer paper's
            comparison (`last_feature_layer`).
        pairs_at_once: pairs of image and class per pass through the network.
    """

    layer: str | None = None
    pairs_at_once: Annotated[int, Field(ge=1)] = 64


class GradCAM(PairMethod):
    """Grad-CAM (Selvaraju et al., ICCV 2017).

    The sum of the channels of a feature layer, weighted by the mean gradient of the class's logit, with negative values
    set to 0, resized bilinearly; before and after, it is min-max normalised, so that every mask that is not constant
    has an entry of exactly 0 and one of exactly 1 (a constant one is 0). These are the steps of pytorch-grad-cam, which
    adds 1e-7 to the divisors, so that its masks of small activations do not reach 1. Each image passes through
    the network once for all its classes, and the backward pass ends at the layer.

    Attributes:
        layer_name: the layer that gave the last explanation's map; None before.

    Raises:
        ValueError: (in `explain`) the classifier has no such layer, or no layer with a map of features.
    """

    name = "grad-cam"
    Options = GradCAMOptions
    _has_own_progress = False

    def __init__(self, classifier: nn.Module, options: GradCAMOptions | None = None, **overrides: Any) -> None:
        self.options = self.options_with(options, overrides)
        super().__init__(classifier, self.options.pairs_at_once)
        self._layers: dict[tuple[int, int], FeatureLayer] = {}  # by the image's size, the last one used at the end

    @property
    def layer_name(self) -> str | None:
        """The dotted name of the layer that gave the last explanation's map; None before the first."""
        return next((layer.name for layer in reversed(list(self._layers.values()))), None)

    @gradients()
    def _pair_masks(
        self,
        images: Float[Tensor, "batch 3 height width"],
        image_index: Int[Tensor, " pairs"],
        class_index: Int[Tensor, " pairs"],
        *,
        show_progress: bool,
    ) -> Float[Tensor, "pairs height width"]:
        used, rows = image_index.unique_consecutive(return_inverse=True)
        images = images[used].detach().as_subclass(Tensor)
        layer = self._layer(images)
        features, logits = _features_and_logits(self.classifier, layer, images)
        maps = features.new_zeros(len(rows), *layer.grid, dtype=torch.float32)
        for pairs in _one_per_image(rows):
            score = logits[rows[pairs], class_index[pairs]].sum()
            (slopes,) = torch.autograd.grad(score, features, retain_graph=True)
            weights = layer.channels_first(slopes).float().mean((2, 3), keepdim=True)  # images, channels, 1, 1
            sums = (weights * layer.channels_first(features.detach()).float()).sum(1)  # images, rows, columns
            maps[pairs] = sums[rows[pairs]].clamp_min(0)
        enlarged = functional.interpolate(min_max_normalise(maps)[:, None], images.shape[-2:], mode="bilinear")
        return min_max_normalise(enlarged[:, 0])

    def _layer(self, images: Tensor) -> FeatureLayer:
        """The feature layer for images of this size."""
        size, images = (images.shape[-2], images.shape[-1]), as_input(images, self.classifier)
        layer = self._layers.pop(size, None)
        if layer is None and self.options.layer is None:
            layer = last_feature_layer(self.classifier, images)
        elif layer is None:
            layer = named_feature_layer(self.classifier, images, self.options.layer)
        self._layers[size] = layer
        return layer


def _features_and_logits(model: nn.Module, layer: FeatureLayer, images: Tensor) -> tuple[Tensor, Tensor]:
    """A layer's output, a leaf of the autograd graph, and the logits that depend on it."""
    hooked, leaves, calls = replica(model), [], 0

    def cut(module: nn.Module, inputs: Any, output: Tensor) -> Tensor | None:
        nonlocal calls
        calls += 1
        if calls < layer.calls:
            return None
        leaves.append(output.detach().requires_grad_())
        return leaves[-1].clone()  # the next layer may work in place, which a leaf does not allow

    hooked.get_submodule(layer.name).register_forward_hook(cut)
    logits = Logits(hooked)(images)
    return leaves[-1], logits


def _one_per_image(rows: Int[Tensor, " pairs"]) -> list[Int[Tensor, " some"]]:
    """The indices of pairs, ordered by image, in groups of at most one pair per image."""
    starts = torch.searchsorted(rows, rows)  # the first pair of each pair's image
    rank = torch.arange(len(rows), device=rows.device) - starts
    return [torch.nonzero(rank == number)[:, 0] for number in range(int(rank.max()) + 1)]
