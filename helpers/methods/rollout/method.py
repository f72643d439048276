"""Attention rollout and gradient rollout as explanation methods."""

from __future__ import annotations

from typing import get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from helpers.core.attribute import Attributable
from helpers.core.explanation import Explanation
from helpers.core.inputs import ImageBatch, Target, checked_images
from helpers.core.outputs import Logits, as_logits
from helpers.core.replica import replica
from helpers.core.types import Variant
from helpers.methods.rollout.capture import Attentions, capture_attention, explained_classes
from helpers.methods.rollout.multiply import Fusion, class_token_relevance, discard_lowest, fuse_heads
from helpers.methods.rollout.recorder import AttentionRecorder
from helpers.methods.rollout.tokens import TokenGrid, check_class_token, token_grid

_IMAGES_AT_ONCE = 16  # on a CPU; the tokens of larger batches do not fit in its cache


class AttentionRollout(Attributable):
    """Attention rollout through all layers of a vision transformer (Abnar and Zuidema, 2020).

    Each layer's attention A (heads fused, the lowest entries discarded) becomes a matrix N(A + I), where I models the
    residual connection and N normalises the rows to a sum of 1. The product of these matrices estimates the share of
    each input token in each output token. The class token's row, over the patches, is the explanation ([Re] CartoonX,
    section 4.2, with mean fusion and a discard ratio of 0.9).

    The rollout depends neither on the values of the tokens nor on the class. Gradient rollout weights the attention by
    the gradient of the target's logit with respect to the attention, sets negative products to 0 and takes the mean
    over the heads, as equation 5 of Chefer et al. (ICCV 2021) does. The layers are then multiplied as in rollout, with
    rows normalised after the identity is added: their equation 6 updates the relevance by R + ĀR, without normalising.

    The variant `published` reproduces the public implementation (jacobgil/vit-explain), image by image: it divides
    columns by the sums of rows and exempts a single entry from discarding (see `multiply`). Its gradient rollout (with
    the fusion "mean") exempts none, takes the gradient with respect to the *scores before the softmax*, pairs the
    layers with these gradients in reverse order, and sets negative entries to 0 only after the fusion. With A the
    attention and G the gradient with respect to it, the gradient with respect to the scores is A ∘ (G - rowsum(G ∘ A)):
    its hook stands on the dropout after the softmax, which is the identity in eval mode and leaves no node of its own
    in the autograd graph.

    Args:
        classifier: a vision transformer with global attention and a class token, on its own or in wrappers
            (`capture_attention`); `load_classifier` returns one that takes pixels in [0, 1].
        fusion: of the heads of a layer: "mean", "max" or "min".
        discard_ratio: the share of a layer's entries set to 0, in [0, 1).
        residual: whether to add the identity.
        gradient: whether to weight by gradients.
        variant: "corrected" or "published".

    Raises:
        ValueError: an option is not known or out of range.
    """

    def __init__(
        self,
        classifier: nn.Module,
        *,
        fusion: Fusion = "mean",
        discard_ratio: float = 0.9,
        residual: bool = True,
        gradient: bool = False,
        variant: Variant = "corrected",
    ) -> None:
        for name, value, known in (("fusion", fusion, get_args(Fusion)), ("variant", variant, get_args(Variant))):
            if value not in known:
                raise ValueError(f"{name}={value!r} is not known; use one of {', '.join(known)}")
        if not 0 <= discard_ratio < 1:
            raise ValueError(f"discard_ratio={discard_ratio} is the share of entries set to 0: it must lie in [0, 1)")
        self.classifier = classifier
        self.fusion, self.discard_ratio, self.residual = fusion, discard_ratio, residual
        self.gradient, self.variant = gradient, variant

    def explain(self, images: ImageBatch, targets: Target = None) -> Explanation:
        """Explain a batch of images.

        Args:
            images: pixels in [0, 1].
            targets: one class for all images, one per image, a callable `logits -> (batch,)`, or None for the predicted
                classes. Only gradient rollout depends on them.

        Returns:
            `representation_mask` is the relevance of each patch, divided by the largest; `mask` is the same, resized
            bilinearly. `kept` is the image times the mask.

        Raises:
            ValueError: the model has no global attention or no class token; images or targets do not fit.
        """
        return self._explain(images, targets)

    def _explain(self, images: ImageBatch, targets: Target, *, perturbed: bool = False) -> Explanation:
        images = checked_images(images, self.classifier, perturbed=perturbed)
        if not len(images):  # the number of patches is the model's
            return self._explain(images.new_zeros(1, *images.shape[1:]), None)[:0]
        if self.gradient:
            attentions = self.capture(images, targets)
            return self._to_explanation(images, self.rollout(attentions), attentions.grid, attentions.targets)
        patches, logits, grid = self._stream(images)
        classes = explained_classes(self.classifier, images, logits, targets)
        return self._to_explanation(images, patches, grid, classes)

    def _relevance(self, inputs: ImageBatch, target: Target) -> Float[Tensor, "batch 3 height width"]:
        return self._explain(inputs, target, perturbed=True).mask.expand(-1, 3, -1, -1)

    def capture(self, images: Float[Tensor, "batch 3 height width"], targets: Target = None) -> Attentions:
        """The attention of all layers and heads (for gradient rollout, its gradients too), for several rollouts."""
        return capture_attention(self.classifier, images, targets, gradients=self.gradient)

    @torch.no_grad()
    def rollout(self, attentions: Attentions, *, layers: int | None = None) -> Float[Tensor, "batch patches"]:
        """The unnormalised relevance of each patch, from captured attention.

        Args:
            attentions: from `capture`.
            layers: number of layers to multiply, from the first; None for all.

        Raises:
            ValueError: `layers` is out of range, or gradients are missing.
        """
        count = len(attentions.layers)
        layers = count if layers is None else layers
        if not 1 <= layers <= count:
            raise ValueError(f"layers={layers} must lie between 1 and {count}, the number of layers of this model")
        if self.gradient and not attentions.gradients:
            raise ValueError("gradient rollout needs gradients; use capture_attention(..., gradients=True)")
        maps = [self._layer_map(attentions, index) for index in range(layers)]
        return self._patches(maps, attentions.grid)

    def _layer_map(self, attentions: Attentions, index: int) -> Tensor:
        """The fused attention of a layer, with its lowest entries discarded: (batch, tokens, tokens)."""
        attention = _precise(attentions.layers[index])  # batch, heads, tokens, tokens
        if not self.gradient:
            return self._reduce(attention)
        if self.variant == "published":
            fused = fuse_heads(attention * _score_gradient(attentions, -1 - index), self.fusion).clamp_min(0)
        else:
            fused = fuse_heads((attention * attentions.gradients[index]).clamp_min(0), self.fusion)
        return discard_lowest(fused, self.discard_ratio, self.variant, gradient=True)

    def _reduce(self, attention: Tensor) -> Tensor:
        """(batch, heads, tokens, tokens) to (batch, tokens, tokens): fuse and discard, at least in single precision."""
        return discard_lowest(fuse_heads(_precise(attention), self.fusion), self.discard_ratio, self.variant)

    def _patches(self, maps: list[Tensor], grid: TokenGrid) -> Tensor:
        """(batch, patches): the class token's row over the patches."""
        return class_token_relevance(maps, residual=self.residual, variant=self.variant)[:, grid.prefix :]

    @torch.no_grad()
    def _stream(self, images: Tensor) -> tuple[Tensor, Tensor, TokenGrid]:
        """Patch relevance and logits, storing only the fused maps of a few images at a time."""
        check_class_token(self.classifier)
        model = replica(self.classifier)  # of a compiled model, whose inside is hidden; and in eval mode
        at_once = _IMAGES_AT_ONCE if images.device.type == "cpu" else max(1, len(images))
        patches, logits = [], []
        for batch in images.split(at_once):
            recorder = AttentionRecorder(len(batch), self._reduce)
            with recorder:
                output = Logits(model).output(batch)
            grid = token_grid(model, batch, recorder.layers)
            logits.append(as_logits(output))
            patches.append(self._patches(recorder.layers, grid))
        return torch.cat(patches), torch.cat(logits), grid

    @staticmethod
    @torch.no_grad()
    def _to_explanation(images: Tensor, patches: Tensor, grid: TokenGrid, targets: Tensor) -> Explanation:
        """The explanation of images by the relevance of their patches."""
        tiny = torch.finfo(patches.dtype).tiny
        patches = patches / patches.amax(1, keepdim=True).clamp_min(tiny)
        maps = patches.unflatten(1, (1, grid.rows, grid.columns))  # batch, 1, rows, columns
        mask = functional.interpolate(maps, images.shape[-2:], mode="bilinear", align_corners=False)
        mask = mask.clamp_(0, 1).to(images)
        return Explanation(mask=mask, kept=images * mask, targets=targets, representation_mask=patches[:, None])


def _score_gradient(attentions: Attentions, index: int) -> Tensor:
    """The target's gradient with respect to a layer's scores before the softmax: (batch, heads, tokens, tokens)."""
    attention, gradient = _precise(attentions.layers[index]), _precise(attentions.gradients[index])
    return attention * (gradient - (gradient * attention).sum(-1, keepdim=True))


def _precise(attention: Tensor) -> Tensor:
    """Half precision as single precision: the product of all layers needs it."""
    return attention.float() if attention.dtype in (torch.float16, torch.bfloat16) else attention
