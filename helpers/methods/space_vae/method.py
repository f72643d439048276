"""A trained SpaCE-VAE as an explanation method: sparse images that keep the predicted class."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from helpers.core.attribute import Attributable
from helpers.core.explanation import Explanation
from helpers.core.inputs import ClassTarget, ImageBatch, Target, checked_images, checked_targets, class_names, is_score
from helpers.core.outputs import Logits, checked_logits
from helpers.core.replica import frozen
from helpers.methods.space_vae.network import SpaceVAENetwork


class SpaceVAE(Attributable):
    """Explain a prediction by a sparse, darker image for which the classifier predicts the same class.

    Args:
        network: trained for the classifier; it is frozen and set to eval mode.
        classifier: pixels in [0, 1] to logits; it predicts the classes of the originals, no more.
        beta: the weight of the classification loss, for a conditioned network; None for any other.
        name: of the method in tables: `"space-vae"`, or `"vq-vae"` for a network trained with alpha = beta = 0.
        batch: images per forward pass.

    Raises:
        ValueError: beta is missing for a conditioned network, given to another one, or not positive.
    """

    def __init__(
        self,
        network: SpaceVAENetwork,
        classifier: nn.Module,
        *,
        beta: float | int | None = None,
        name: str = "space-vae",
        batch: int = 250,
    ) -> None:
        if (beta is not None) != network.options.conditioned:
            raise ValueError(
                "this network is conditioned on beta: give one, such as beta=10"
                if network.options.conditioned
                else f"beta={beta}: this network was trained with one beta, which is fixed"
            )
        if beta is not None and beta <= 0:
            raise ValueError(f"beta={beta} must be positive")
        self.network = network.eval().requires_grad_(False)
        self.classifier = classifier
        self.beta, self.name, self.batch = beta, name, batch

    def with_beta(self, beta: float | int) -> SpaceVAE:
        """The same network with another beta."""
        return SpaceVAE(self.network, self.classifier, beta=beta, name=self.name, batch=self.batch)

    @property
    def bits(self) -> float:
        """The information in one image's codes, in bits."""
        return self.network.options.bits

    @torch.no_grad()
    def explain(self, images: ImageBatch, targets: ClassTarget = None, *, perturbed: bool = False) -> Explanation:
        """Explain a batch of images.

        Args:
            images: pixels in [0, 1], of the size that the network was trained for.
            targets: None, or the predicted classes: the network was trained to keep these and no others.
            perturbed: accept pixels a little outside [0, 1].

        Returns:
            `kept` is the network's output, in [0, 1]; `mask` is the share of each pixel's brightness that it keeps.

        Raises:
            ValueError: the images do not fit, or a target is not the predicted class.
        """
        images = checked_images(images, self.classifier, perturbed=perturbed)
        if is_score(targets):
            raise ValueError("a SpaCE-VAE explains predicted classes: targets are None, not callables")
        batches = images.split(self.batch)
        network, classify = frozen(self.network), Logits(frozen(self.classifier))
        own = next(network.parameters()).dtype  # the images are float64, where the classifier is
        kept = torch.cat([network(batch.to(own), self._betas(batch.to(own))).kept for batch in batches]).to(images)
        logits = torch.cat([classify(batch) for batch in batches])
        classes = checked_logits(logits, self.classifier, images).argmax(1)
        names = class_names(self.classifier)
        if targets is not None and not torch.equal(checked_targets(targets, logits, names), classes):
            raise ValueError(
                "a SpaCE-VAE explains the class that the classifier predicts, and no other: leave targets out"
            )
        return Explanation(mask=brightness_kept(images, kept), kept=kept, targets=classes)

    @torch.no_grad()
    def codes(self, images: Float[Tensor, "batch 3 height width"]) -> Int[Tensor, "batch grid grid"]:
        """The grid of codes of each image."""
        images = checked_images(images, self.network)
        network = frozen(self.network)
        return torch.cat([network(batch, self._betas(batch)).codes for batch in images.split(self.batch)])

    def _relevance(self, inputs: ImageBatch, target: Target) -> Float[Tensor, "batch 3 height width"]:
        """The share of each pixel's brightness that is kept."""
        return self.explain(inputs, target, perturbed=True).mask.expand(-1, 3, -1, -1)

    def _betas(self, images: Tensor) -> Tensor | None:
        return None if self.beta is None else images.new_full((len(images),), self.beta)


def brightness_kept(
    images: Float[Tensor, "batch 3 height width"], kept: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, "batch 1 height width"]:
    """The share of each pixel's brightness that a kept image keeps, at most 1; 0 for pixels that were black."""
    before, after = images.sum(1, keepdim=True), kept.sum(1, keepdim=True)
    return torch.where(before > 0, after / before.clamp_min(1e-6), 0).clamp(0, 1)
