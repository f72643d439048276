"""Attention rollout and gradient rollout as a method of the book."""

from __future__ import annotations

from typing import get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from helpers.core.explanation import Explanation
from helpers.core.types import Variant
from helpers.methods.rde.distortions import DistortionMeasure, Target
from helpers.methods.rollout.capture import Attentions, capture_attention
from helpers.methods.rollout.multiply import Fusion, class_token_relevance, discard_lowest, fuse_heads
from helpers.methods.rollout.recorder import AttentionRecorder
from helpers.methods.rollout.tokens import TokenGrid, check_class_token, token_grid

_IMAGES_AT_ONCE = 16  # on a CPU, larger batches are slower: the tokens of a layer leave the cache


class AttentionRollout:
    """Which patches a vision transformer's class token has read, through all layers (Abnar and Zuidema, 2020).

    Each layer's attention A (heads fused, the lowest entries discarded) becomes a matrix N(A + I), where I stands for
    the residual connection and N makes the rows sum to 1. The product of these matrices says how much of each token at
    the input has reached each token at the output, if reading were all that a layer does. Its row of the class token,
    over the patches, is the explanation ([Re] CartoonX, section 4.2, which uses mean and 0.9).

    It looks neither at the values that are read nor at the class: an image has one rollout. Gradient rollout weighs the
    attention by the gradient of the target's logit, negative products set to 0 (Chefer et al., ICCV 2021, equation 5).

    The variant `published` computes what the public implementation (jacobgil/vit-explain) computes, for each image by
    itself: columns are divided by the sums of the rows, the discarding spares one entry only (see `multiply`), and
    gradient rollout pairs the layers with the gradients in reverse order and sets negative numbers to 0 after fusing.

    Args:
        classifier: a vision transformer with global attention and a class token, of timm or torchvision, in eval mode;
            `load_classifier` returns one that takes pixels in [0, 1].
        fusion: how the heads of a layer become one map: "mean", "max" or "min".
        discard_ratio: the share of a layer's entries that is set to 0, in [0, 1).
        residual: whether the identity is added.
        gradient: whether to weigh by gradients.
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

    def explain(self, images: Float[Tensor, "batch 3 height width"], targets: Target = None) -> Explanation:
        """Explain a batch of images.

        Args:
            images: pixels in [0, 1].
            targets: a class, one class an image, a callable `logits -> (batch,)`, or None for the predicted classes.
                Only gradient rollout depends on it.

        Returns:
            The mask is the map of patches, resized bilinearly; `representation_mask` is the map itself, one entry a
            patch; both are divided by the largest entry. `kept` is the image times the mask.

        Raises:
            ValueError: the model has no global attention or no class token; images or targets do not fit.
        """
        if images.ndim != 4:
            raise ValueError(f"images must be (batch, 3, height, width), not {tuple(images.shape)}")
        if self.gradient:
            found = self.capture(images, targets)
            return self._finish(images, self.rollout(found), found.grid, found.targets)
        patches, logits, grid = self._stream(images)
        return self._finish(images, patches, grid, DistortionMeasure("label", logits, targets).targets)

    def attribute(
        self, inputs: Float[Tensor, "batch 3 height width"], target: Target = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """The relevance of each pixel under Captum's convention: a tensor like the inputs (channels are equal)."""
        return self.explain(inputs, target).mask.expand_as(inputs)

    def capture(self, images: Float[Tensor, "batch 3 height width"], targets: Target = None) -> Attentions:
        """The attention of all layers and heads (for gradient rollout its gradients too), once for many rollouts."""
        return capture_attention(self.classifier, images, targets, gradients=self.gradient)

    @torch.no_grad()
    def rollout(self, attentions: Attentions, *, layers: int | None = None) -> Float[Tensor, "batch patches"]:
        """The relevance of each patch, from captured attention, not yet divided by its largest entry.

        Args:
            attentions: as `capture` returns them.
            layers: how many layers to multiply, from the first one; None for all. After l layers, the result says what
                the class token has read by then.

        Raises:
            ValueError: there are not so many layers, or gradients are missing.
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
        """The fused map of a layer of captured attention, its lowest entries discarded."""
        attention = attentions.layers[index]
        if not self.gradient:
            return self._reduce(attention)
        if self.variant == "published":
            fused = fuse_heads(attention * attentions.gradients[-1 - index], self.fusion).clamp_min(0)
        else:
            fused = fuse_heads((attention * attentions.gradients[index]).clamp_min(0), self.fusion)
        return discard_lowest(fused, self.discard_ratio, self.variant)

    def _reduce(self, attention: Tensor) -> Tensor:
        """(batch, heads, tokens, tokens) to (batch, tokens, tokens): fuse and discard."""
        return discard_lowest(fuse_heads(attention, self.fusion), self.discard_ratio, self.variant)

    def _patches(self, maps: list[Tensor], grid: TokenGrid) -> Tensor:
        """(batch, patches): the class token's row over the patches."""
        return class_token_relevance(maps, residual=self.residual, variant=self.variant)[:, grid.prefix :]

    @torch.no_grad()
    def _stream(self, images: Tensor) -> tuple[Tensor, Tensor, TokenGrid]:
        """Patch relevance and logits, with no more attention in memory than the fused maps of a few images."""
        check_class_token(self.classifier)
        at_once = _IMAGES_AT_ONCE if images.device.type == "cpu" else max(1, len(images))
        patches, logits = [], []
        for part in images.split(at_once):
            tap = AttentionRecorder(len(part), self._reduce)
            with tap:
                logits.append(self.classifier(part))
            grid = token_grid(self.classifier, part, tap.layers)
            patches.append(self._patches(tap.layers, grid))
        return torch.cat(patches), torch.cat(logits), grid

    @staticmethod
    @torch.no_grad()
    def _finish(images: Tensor, patches: Tensor, grid: TokenGrid, targets: Tensor) -> Explanation:
        """The explanation of images whose patches have this relevance."""
        tiny = torch.finfo(patches.dtype).tiny
        patches = patches / patches.amax(1, keepdim=True).clamp_min(tiny)
        square = patches.unflatten(1, (1, grid.rows, grid.columns))
        mask = functional.interpolate(square, images.shape[-2:], mode="bilinear", align_corners=False).clamp_(0, 1)
        return Explanation(mask=mask, kept=images * mask, targets=targets, representation_mask=patches[:, None])
