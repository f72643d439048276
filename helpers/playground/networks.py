"""The networks of the playground as modules with tensors for arguments and results, as an ONNX file has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from helpers.core.class_masks import min_max_normalise
from helpers.core.outputs import class_scores, score_name
from helpers.methods.explainer.network import ExplainerNetwork
from helpers.methods.initial_masks.learned import LAMBDA_SHRINK, ONES_FRACTION
from helpers.methods.initial_masks.network import MaskNetwork
from helpers.methods.rollout.method import AttentionRollout
from helpers.methods.rollout.multiply import class_token_relevance
from helpers.methods.space_vae.method import brightness_kept
from helpers.methods.space_vae.network import SpaceVAENetwork

Images = Float[Tensor, "batch 3 height width"]


class Classify(nn.Module):
    """A classifier with its probabilities."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, images: Images) -> tuple[Float[Tensor, "batch classes"], Float[Tensor, "batch classes"]]:
        """Logits and probabilities."""
        logits = self.classifier(images)
        return logits, class_scores(logits, score_name(self.classifier, "auto", logits.shape[1]))


class ClassMasks(nn.Module):
    """An Explainer: one mask per class."""

    def __init__(self, network: ExplainerNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Images) -> Float[Tensor, "batch classes height width"]:
        """The masks, in [0, 1]."""
        return self.network(images).sigmoid()


class LearnedStart(nn.Module):
    """A refinement of the learned initial mask, as `helpers.methods.initial_masks.learned.learned_mask` takes it.

    The gradient is that of `helpers.playground.steps.Step` with a price of 0 and a risk.
    """

    def __init__(self, network: MaskNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        images: Images,
        coefficients: Float[Tensor, "batch 3 k"],
        sparsity_weight: Float[Tensor, " 1"],
        mask: Float[Tensor, "batch 1 k"],
        gradient: Float[Tensor, "batch 1 k"],
    ) -> tuple[Float[Tensor, "batch 1 k"], Float[Tensor, "batch 1 k"]]:
        """The refined mask, and the initial mask that it gives: with the share `ONES_FRACTION` of ones."""
        weights = sparsity_weight.expand(len(images)) / LAMBDA_SHRINK  # batch
        refined = self.network(images, weights, coefficients=coefficients, mask=mask, gradient=gradient)  # batch, 1, k
        return refined, ONES_FRACTION + (1 - ONES_FRACTION) * refined


class SparseImages(nn.Module):
    """A SpaCE-VAE that is conditioned on β."""

    def __init__(self, network: SpaceVAENetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, images: Images, beta: Float[Tensor, " 1"]
    ) -> tuple[Float[Tensor, "batch 1 height width"], Images, Float[Tensor, "batch grid grid"]]:
        """The kept share of each pixel's brightness, the kept image, and the codes as numbers."""
        decoded = self.network(images, beta.expand(len(images)))
        kept = decoded.raw.clamp(0, 1)
        return brightness_kept(images, kept), kept, decoded.codes.float()


class DecodedCodes(nn.Module):
    """The decoder of a SpaCE-VAE that is conditioned on β."""

    def __init__(self, network: SpaceVAENetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, codes: Float[Tensor, "batch grid grid"], beta: Float[Tensor, " 1"]) -> Images:
        """The picture of a grid of codes, each code's number as a float."""
        vectors = self.network.quantiser.look_up(codes.long())  # batch, embedding, grid, grid
        return self.network.decode(vectors, beta.expand(len(codes))).clamp(0, 1)


class Rollout(nn.Module):
    """Attention rollout with the discard ratio as an argument, through the first layer, the first two, and so on."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(
        self, images: Images, discard_ratio: Float[Tensor, " 1"]
    ) -> tuple[
        Float[Tensor, "batch layers height width"],
        Float[Tensor, "batch layers rows columns"],
        Float[Tensor, "batch classes"],
    ]:
        """A mask per number of layers, its patches, whose largest is 1, and the classifier's probabilities."""
        captured = AttentionRollout(self.classifier, discard_ratio=0.0).capture(images)
        fused = torch.stack([layer.mean(1) for layer in captured.layers], 1)  # batch, layers, tokens, tokens
        kept = _discard_lowest(fused, discard_ratio)  # batch, layers, tokens, tokens
        grid, layers = captured.grid, list(kept.unbind(1))
        patches = torch.stack(
            [class_token_relevance(layers[: count + 1])[:, grid.prefix :] for count in range(len(layers))], 1
        )  # batch, layers, patches
        patches = patches / patches.amax(2, keepdim=True).clamp_min(torch.finfo(patches.dtype).tiny)
        maps = patches.unflatten(2, (grid.rows, grid.columns))  # batch, layers, rows, columns
        masks = functional.interpolate(maps, images.shape[-2:], mode="bilinear", align_corners=False)
        score = score_name(self.classifier, "auto", captured.logits.shape[1])
        return masks.clamp(0, 1), maps, class_scores(captured.logits, score)


class ClassActivation(nn.Module):
    """Grad-CAM of one image at a named layer, a mask per class, as `helpers.methods.baselines.GradCAM` computes it."""

    def __init__(self, classifier: nn.Module, layer: str, classes: int) -> None:
        super().__init__()
        self.classifier, self.layer, self.classes = classifier, layer, classes

    def forward(self, images: Float[Tensor, "1 3 height width"]) -> Float[Tensor, "1 classes height width"]:
        """The masks, in [0, 1]."""
        features: list[Tensor] = []
        with self._at_layer(features.append):
            self.classifier(images)

        def scores(features: Tensor) -> Tensor:
            with self._at_layer(lambda _: features):
                # a copy of the features per class, so that one pass gives the slopes of all classes
                logits = self.classifier(images.expand(self.classes, -1, -1, -1))  # classes, classes
            return (logits * torch.eye(self.classes)).sum()

        copies = features[0].expand(self.classes, -1, -1, -1)  # classes, channels, rows, columns
        weights = torch.func.grad(scores)(copies).mean((2, 3), keepdim=True)  # classes, channels, 1, 1
        maps = (weights * copies).sum(1).clamp_min(0)  # classes, rows, columns
        enlarged = functional.interpolate(min_max_normalise(maps)[:, None], images.shape[-2:], mode="bilinear")
        return min_max_normalise(enlarged[:, 0])[None]

    @contextmanager
    def _at_layer(self, hook: Callable[[Tensor], Tensor | None]) -> Iterator[None]:
        handle = self.classifier.get_submodule(self.layer).register_forward_hook(lambda _m, _i, output: hook(output))
        try:
            yield
        finally:
            handle.remove()


def _discard_lowest(
    fused: Float[Tensor, "batch layers tokens tokens"], ratio: Float[Tensor, " 1"]
) -> Float[Tensor, "batch layers tokens tokens"]:
    """As `helpers.methods.rollout.multiply.discard_lowest`, for a ratio that is a tensor."""
    flat = fused.flatten(2)  # batch, layers, tokens²
    # the product in float32 may fall just below a whole number: 0.9 is 0.89999998
    rank = (ratio.double() * flat.shape[2] + 1e-4).floor().long().clamp_max(flat.shape[2] - 1)  # 1
    lowest = flat.sort(2).values.index_select(2, rank)[..., None]  # batch, layers, 1, 1
    kept = torch.where(fused >= lowest, fused, 0.0)  # batch, layers, tokens, tokens
    return torch.cat([fused[:, :, :1], kept[:, :, 1:]], 2)
