"""The attention of all layers and heads, with the grid of patches that its tokens stand for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from helpers.methods.rde.distortions import DistortionMeasure, Target
from helpers.methods.rollout.recorder import AttentionRecorder
from helpers.methods.rollout.tokens import TokenGrid, check_class_token, token_grid


@dataclass(frozen=True)
class Attentions:
    """What one forward pass (and, for gradients, one backward pass) of a vision transformer tells.

    Attributes:
        layers: the attention of each layer, first layer first; entry (i, j) of a head says how much token i reads from
            token j, and rows sum to 1.
        gradients: the derivative of the target's logit by each of these, in the same order; empty if not asked for.
        grid: how many rows and columns of patches there are, and how many tokens come before them.
        logits: the model's output.
        targets: the class of each image, -1 where the target was a callable.
    """

    layers: tuple[Float[Tensor, "batch heads tokens tokens"], ...]
    gradients: tuple[Float[Tensor, "batch heads tokens tokens"], ...]
    grid: TokenGrid
    logits: Float[Tensor, "batch classes"]
    targets: Int[Tensor, " batch"]


def capture_attention(
    model: nn.Module,
    images: Float[Tensor, "batch 3 height width"],
    targets: Target = None,
    *,
    gradients: bool = False,
) -> Attentions:
    """Run a vision transformer once and return the attention of every layer and head.

    For timm's transformers with global attention (ViT, DeiT, EVA and others; with fused attention or without) and
    torchvision's, bare or inside a `Classifier`. The model is left as it was found. The maps of all heads are large:
    12 layers of ViT-tiny at 224 px take 5.6 MB an image; `AttentionRollout.explain` does not keep them.

    Args:
        model: in eval mode; for pixels in [0, 1] if it is a `Classifier`, else for what it expects.
        images: a batch that the model accepts.
        targets: whose logit to differentiate: a class, one per image, a callable `logits -> (batch,)`, or None for the
            predicted classes.
        gradients: whether to compute the gradients.

    Raises:
        ValueError: the model attends within windows, has no attention, or has no class token; it is in training mode;
            images or targets do not fit.
    """
    check_class_token(model)
    tap = AttentionRecorder(len(images), keep_graph=gradients)
    with torch.set_grad_enabled(gradients), tap:
        logits = model(images)
    grid = token_grid(model, images, tap.layers)
    measure = DistortionMeasure("label", logits.detach(), targets)  # checks the targets
    slopes: tuple[Tensor, ...] = ()
    if gradients:
        with torch.enable_grad():
            slopes = torch.autograd.grad(_score(logits, measure.targets, targets).sum(), tap.layers)
    return Attentions(tuple(layer.detach() for layer in tap.layers), slopes, grid, logits.detach(), measure.targets)


def _score(logits: Tensor, classes: Tensor, target: Target) -> Tensor:
    """(batch,): the numbers to differentiate."""
    if callable(target):
        return target(logits)
    return logits.gather(1, classes[:, None])[:, 0]
