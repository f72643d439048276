"""DeepLIFT: differences from a black reference, propagated back through the network."""

from __future__ import annotations

import copy
import threading
import warnings

import torch
from captum import attr
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR
from jaxtyping import Float, Int
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from helpers.core.outputs import Logits, class_scores
from helpers.core.replica import replica
from helpers.core.runtime import gradients
from helpers.core.types import Variant
from helpers.methods.baselines.attribution import AttributionMethod, AttributionOptions

_WARNINGS = threading.Lock()  # warning filters are shared by all threads
_SMALL = 1e-6  # smaller differences of centred logits count as 0


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class DeepLIFTOptions(AttributionOptions):
    """The options of DeepLIFT.

    Attributes:
        variant: `"published"` runs Captum unchanged: if an activation directly precedes a pooling, as in VGG, its rule
            reads a difference to which the pooling's rule has not been applied yet, and the attributions do not sum to
            s(x) - s(0) (captum issue 1104). `"corrected"` inserts an identity between the two.
    """

    variant: Variant = "corrected"


class DeepLIFT(AttributionMethod):
    """DeepLIFT with the rescale rule (Shrikumar, Greenside and Kundaje, ICML 2017), through Captum.

    The attributions of an image sum to s(x) - s(0). Captum's hooks are on a private copy of the classifier's modules,
    which shares its weights; in the copy no activation works in place, and an activation that the network uses several
    times is split. The sum is not exact for activations that are no modules, or for which Captum has no rule (it uses
    the plain gradient), and for overlapping poolings.

    For a softmax confidence, the class's logit minus the mean logit is attributed (section 3.6 of the paper), and the
    result multiplied by Δconfidence / Δ(logit minus mean): the rescale rule for the softmax. Captum's own rule for a
    softmax subtracts a mean over the batch, so that an image's result would depend on the others.
    """

    name = "deeplift"
    Options = DeepLIFTOptions

    def _images_at_once(self, inputs: Float[Tensor, "batch 3 height width"]) -> int:
        return max(1, self.options.batch // 2)  # each image has its reference in the batch

    @gradients()
    def _attribute(
        self, images: Float[Tensor, "batch 3 height width"], targets: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch 3 height width"]:
        self.logits(images[:1].clone().requires_grad_())  # refuses a classifier without gradients
        logits = self.logits(torch.cat([images, torch.zeros_like(images[:1])])).detach().double()
        score, separate = self._score_name(logits.shape[1]), self.options.variant == "corrected"
        model = nn.Sequential(
            Logits(private_copy(self.classifier, images[:1], separate=separate)),
            _Centred() if score == "softmax" else nn.Identity(),
        )
        with _WARNINGS, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="\\s*Setting forward, backward hooks", category=UserWarning)
            attributions = attr.DeepLift(model).attribute(images.clone().requires_grad_(), target=targets).detach()
        if score != "logit":
            attributions = attributions * _confidence_multiplier(logits, targets, score).to(attributions)
        return attributions


def _confidence_multiplier(
    logits: Float[Tensor, "images_and_black classes"], targets: Int[Tensor, " batch"], score: str
) -> Float[Tensor, "batch 1 1 1"]:
    """Δconfidence / Δlogit of each image, from black, whose logits come last; the derivative if the difference is 0.

    For a softmax, the logit is the class's minus the mean.
    """
    confidences, index = class_scores(logits, score), targets[:, None]
    confidence, black = confidences[:-1].gather(1, index), confidences[-1][index]  # each (batch, 1)
    derivative = confidence * (1 - confidence)
    if score == "softmax":
        classes = logits.shape[1]  # in the derivative, all other logits move alike and keep the mean at 0
        logits, derivative = logits - logits.mean(1, keepdim=True), derivative * classes / max(1, classes - 1)
    difference = logits[:-1].gather(1, index) - logits[-1][index]
    zero = difference.abs() < _SMALL
    return torch.where(zero, derivative, (confidence - black) / difference.masked_fill(zero, 1))[..., None, None]


class _Centred(nn.Module):
    """Logits minus their mean: a linear map, which leaves DeepLIFT's differences exact."""

    def forward(self, logits: Tensor) -> Tensor:
        return logits - logits.mean(1, keepdim=True)


class _Split(nn.Module):
    """Copies of a module that the network calls several times per forward pass, one per call."""

    def __init__(self, module: nn.Module, calls: int, *, separate: bool) -> None:
        super().__init__()
        self.copies = nn.ModuleList(copy.deepcopy(module) for _ in range(max(1, calls)))
        self.called, self.separate = 0, separate

    def forward(self, values: Tensor) -> Tensor:
        module = self.copies[self.called % len(self.copies)]
        self.called += 1
        result = module(values)
        # a view, since Captum hooks both a module's output and the next one's input, which must be different tensors
        return result.view_as(result) if self.separate else result


def private_copy(
    classifier: nn.Module, images: Float[Tensor, "batch 3 height width"], *, separate: bool = True
) -> nn.Module:
    """A copy of a classifier's modules for DeepLIFT's hooks, with shared weights.

    No activation works in place, and each is called once per forward pass: one that the network calls more often is
    replaced by copies.

    Args:
        classifier: any network; it is not modified.
        images: for a forward pass that counts the calls of each activation.
        separate: whether the output of each activation is another tensor than the input of the next module.
    """
    model = replica(classifier)
    activations = [module for module in model.modules() if type(module) in SUPPORTED_NON_LINEAR]
    for module in activations:
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
    split = {
        module: _Split(module, calls, separate=separate)
        for module, calls in _calls(Logits(model), activations, images).items()
    }
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if child in split:
                setattr(parent, name, split[child])
    return model


@torch.no_grad()
def _calls(model: nn.Module, modules: list[nn.Module], images: Tensor) -> dict[nn.Module, int]:
    """The number of calls of each module in a forward pass."""
    counts = dict.fromkeys(modules, 0)

    def count(module: nn.Module, *_: object) -> None:
        counts[module] += 1

    hooks = [module.register_forward_pre_hook(count) for module in modules]
    try:
        model(images)
    finally:
        for hook in hooks:
            hook.remove()
    return counts
