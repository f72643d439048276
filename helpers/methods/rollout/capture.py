"""Capture the attention of all layers and heads of a vision transformer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from helpers.core.inputs import Target, checked_images, checked_targets, class_names, is_score
from helpers.core.outputs import Logits, as_logits, check_differentiable, checked_logits, checked_score, target_scores
from helpers.core.replica import replica
from helpers.core.runtime import gradients as recording
from helpers.methods.rollout.recorder import AttentionRecorder
from helpers.methods.rollout.tokens import TokenGrid, check_class_token, token_grid


@dataclass(frozen=True)
class Attentions:
    """The attention in one forward pass of a vision transformer, and its gradients from one backward pass.

    Attributes:
        layers: the attention of each layer, first layer first; entry (i, j) of a head is the attention of token i to
            token j, and rows sum to 1.
        gradients: of the target's logit with respect to each of these, in the same order; empty if not requested.
        grid: rows and columns of patches, and the number of tokens before them.
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

    For transformers with global attention of timm (ViT, DeiT, EVA and others; with or without fused attention),
    torchvision, transformers and others. The model is not modified. The maps of all heads are large, 5.6 MB per
    image for the 12 layers of ViT-tiny at 224 px; `AttentionRollout.explain` does not store them.

    Args:
        model: the transformer, on its own or in wrappers (`Classifier`, `nn.Sequential`, `DataParallel`, a compiled
            module, a module of transformers); it is run in eval mode. A `Classifier` takes pixels in [0, 1].
        images: a batch that the model accepts.
        targets: of the gradients: one class for all images, one per image, a callable `logits -> (batch,)`, or None for
            the predicted classes.
        gradients: whether to compute the gradients.

    Raises:
        ValueError: the model attends within windows, has no attention, or has no class token; images or targets do
            not fit.
    """
    check_class_token(model)
    images = checked_images(images, model, perturbed=True)
    model = replica(model)  # of a compiled model, whose inside is hidden; and in eval mode, without dropout
    recorder = AttentionRecorder(len(images), keep_graph=gradients)
    with recording() if gradients else torch.no_grad():
        with recorder:
            output = Logits(model).output(images)
        grid = token_grid(model, images, recorder.layers)
        logits = as_logits(output)
        classes = explained_classes(model, images, logits.detach(), targets)
        layer_gradients: tuple[Tensor, ...] = ()
        if gradients:
            check_differentiable(logits)
            layer_gradients = torch.autograd.grad(_score(logits, classes, targets).sum(), recorder.layers)
    layers = tuple(layer.detach() for layer in recorder.layers)
    return Attentions(layers, layer_gradients, grid, logits.detach(), classes)


def explained_classes(
    model: nn.Module,
    images: Float[Tensor, "batch 3 height width"],
    logits: Float[Tensor, "rows classes"],
    targets: Target,
) -> Int[Tensor, " batch"]:
    """The class of each image, -1 where the target is a callable; logits and targets are checked."""
    logits = checked_logits(logits, model, images)
    checked_score(targets, logits)
    return checked_targets(targets, logits, class_names(model))


def _score(logits: Tensor, classes: Tensor, target: Target) -> Tensor:
    """(batch,): the scores to differentiate."""
    if is_score(target):
        return target_scores(target, logits)
    return logits.gather(1, classes[:, None])[:, 0]
