"""DeepLIFT: differences from black, handed back through the network layer by layer."""

from __future__ import annotations

import copy
import warnings

import torch
from captum import attr
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR
from jaxtyping import Float, Int
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from helpers.core.types import Variant
from helpers.methods.baselines.attribution import AttributionMethod, AttributionOptions

_SMALL = 1e-6  # a difference of centred logits below it counts as none


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class DeepLIFTOptions(AttributionOptions):
    """Whether Captum's hooks are kept apart.

    Attributes:
        variant: `"published"` runs Captum as it comes: where an activation stands directly before a pooling, as in
            VGG, the activation's rule reads a difference to which the pooling's rule has not been applied yet, and the
            attributions do not sum to s(x) - s(0) (captum issue 1104). `"corrected"` puts a step that does nothing
            between the two.
    """

    variant: Variant = "corrected"


class DeepLIFT(AttributionMethod):
    """DeepLIFT with the rescale rule (Shrikumar, Greenside and Kundaje, ICML 2017), through Captum.

    The attributions of an image sum to s(x) - s(0). Captum's hooks sit on a private copy of the classifier's modules,
    which shares its weights; in the copy no activation works in place, and one that the network uses several times
    is split into as many. Activations that are no modules or of a kind that Captum has no rule for get the plain
    gradient, and of overlapping poolings Captum drops a part: then the sum is not exact.

    For the confidence, the differences are those of the class's logit minus the mean logit (section 3.6 of the paper),
    times Δconfidence / Δ(logit minus mean): the rescale rule for the softmax. Captum's own rule for a softmax
    subtracts a mean over the batch, so that an image's result would depend on the others.
    """

    name = "deeplift"
    Options = DeepLIFTOptions

    def _images_at_once(self, inputs: Float[Tensor, "batch 3 height width"]) -> int:
        return max(1, self.options.batch // 2)  # each image is accompanied by its reference

    @torch.enable_grad()
    def _attribute(
        self, images: Float[Tensor, "part 3 height width"], targets: Int[Tensor, " part"]
    ) -> Float[Tensor, "part 3 height width"]:
        confidence = self.options.score == "confidence"
        apart = self.options.variant == "corrected"
        model = nn.Sequential(
            private_copy(self.classifier, images[:1], apart=apart), _Centred() if confidence else nn.Identity()
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="\\s*Setting forward, backward hooks", category=UserWarning)
            found = attr.DeepLift(model).attribute(images.clone().requires_grad_(), target=targets).detach()
        return found * self._last_step(images, targets).to(found) if confidence else found

    @torch.no_grad()
    def _last_step(self, images: Tensor, targets: Tensor) -> Float[Tensor, "part 1 1 1"]:
        """Δconfidence / Δ(logit minus mean) of each image, from black; the derivative where there is no difference."""
        logits = self.classifier(torch.cat([images, torch.zeros_like(images[:1])])).double()
        probabilities, places = logits.softmax(1), targets[:, None]
        now, black = probabilities[:-1].gather(1, places), probabilities[-1][places]
        centred = logits - logits.mean(1, keepdim=True)
        difference = centred[:-1].gather(1, places) - centred[-1][places]
        classes = logits.shape[1]  # moving all other logits alike, by what keeps the mean at 0
        slope = now * (1 - now) * classes / max(1, classes - 1)
        none = difference.abs() < _SMALL
        return torch.where(none, slope, (now - black) / difference.masked_fill(none, 1))[..., None, None]


class _Centred(nn.Module):
    """Logits minus their mean: linear, so that differences pass as they are."""

    def forward(self, logits: Tensor) -> Tensor:
        return logits - logits.mean(1, keepdim=True)


class _InTurn(nn.Module):
    """As many copies of a module as the network calls it in one pass, used one after the other."""

    def __init__(self, module: nn.Module, calls: int, *, apart: bool) -> None:
        super().__init__()
        self.copies = nn.ModuleList(copy.deepcopy(module) for _ in range(max(1, calls)))
        self.called, self.apart = 0, apart

    def forward(self, values: Tensor) -> Tensor:
        module = self.copies[self.called % len(self.copies)]
        self.called += 1
        result = module(values)
        # a tensor of its own: Captum hooks both a module's output and the next one's input, which may not be the same
        return result.view_as(result) if self.apart else result


def private_copy(
    classifier: nn.Module, images: Float[Tensor, "batch 3 height width"], *, apart: bool = True
) -> nn.Module:
    """A copy of a classifier's modules that DeepLIFT's hooks may sit on.

    The weights are shared, not copied. No activation works in place, and each is called once a pass: one that the
    network calls more often is replaced by copies that take turns.

    Args:
        classifier: any network; it stays as it is.
        images: with which one pass shows how often each activation is called.
        apart: whether the output of each activation is a tensor of its own, not the very input of the next one.
    """
    tensors = [*classifier.parameters(), *classifier.buffers()]
    model = copy.deepcopy(classifier, {id(tensor): tensor for tensor in tensors})
    activations = [module for module in model.modules() if type(module) in SUPPORTED_NON_LINEAR]
    for module in activations:
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
    split = {
        module: _InTurn(module, calls, apart=apart) for module, calls in _calls(model, activations, images).items()
    }
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if child in split:
                setattr(parent, name, split[child])
    return model


@torch.no_grad()
def _calls(model: nn.Module, modules: list[nn.Module], images: Tensor) -> dict[nn.Module, int]:
    """How often each module is called in one pass."""
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
