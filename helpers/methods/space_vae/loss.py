"""The loss of SpaCE-VAE (equation 7): reconstruction, L1 sparsity and classification."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from helpers.methods.space_vae.network import Decoded
from helpers.methods.space_vae.options import LossOptions, Reference
from helpers.methods.space_vae.quantiser import VectorQuantiser

_MIDDLE_BETA = 10.0


class SpaceVAELoss(nn.Module):
    """Equation 7, and the optional terms that the paper's conclusion proposes.

    Args:
        options: the weights of the terms.
        variance: of the training pixels in [0, 1]; the squared error is divided by it.
    """

    variance: Tensor

    def __init__(self, options: LossOptions, variance: float = 1.0) -> None:
        super().__init__()
        if not variance > 0:
            raise ValueError(f"variance={variance} must be positive: constant images teach nothing")
        self.options = options
        self.register_buffer("variance", torch.tensor(variance))
        # a palette is a codebook for pixels, which are vectors of three entries
        with torch.random.fork_rng(devices=[]):  # the first batch replaces the initial colours
            self.palette = VectorQuantiser(options.palette, 3) if options.colours else None

    @property
    def needs_classifier(self) -> bool:
        """Whether the loss has a classification term; a plain VQ-VAE has none."""
        return self.options.beta > 0

    def terms(
        self,
        images: Float[Tensor, "batch 3 height width"],
        decoded: Decoded,
        logits: Float[Tensor, "batch classes"] | None,
        classes: Int[Tensor, " batch"],
        beta: Float[Tensor, " batch"] | None = None,
    ) -> dict[str, Float[Tensor, ""]]:
        """The weighted terms, whose sum is the loss.

        Args:
            images: the originals, pixels in [0, 1].
            decoded: the output of the auto-encoder.
            logits: the classifier's logits on the kept images; None if `needs_classifier` is false.
            classes: the classifier's predictions on the originals.
            beta: one per image, for a conditioned network; None for that of the options.

        Raises:
            ValueError: logits are missing.
        """
        o, kept = self.options, decoded.kept
        terms = {
            # on the unclamped output, so that pixels outside [0, 1] have a gradient
            "reconstruction": _image_means((decoded.raw - images).square()) / self.variance,  # batch
            "commitment": o.commitment * decoded.commitment.expand(len(images)),  # batch
        }
        if o.alpha:
            terms["sparsity"] = o.alpha * _image_means((kept - reference_colour(images, o.reference)).abs())
        if self.needs_classifier:
            if logits is None:
                raise ValueError("beta is not 0: the classifier's logits of the kept images are needed")
            cross_entropy = functional.cross_entropy(logits.float(), classes, reduction="none")  # batch
            terms["classification"] = (o.beta if beta is None else beta) * cross_entropy
        if o.contrast:
            terms["contrast"] = -o.contrast * rms_contrast(kept)
        if self.palette is not None:
            terms["colours"] = o.colours * self.palette(kept).commitment.expand(len(images))
        if o.smoothness:
            terms["smoothness"] = o.smoothness * total_variation(kept)
        # balance the images of a conditioned network, or those with a large beta would dominate; a factor on the whole
        # loss of an image does not move its minimum
        balance = 1.0 if beta is None else _MIDDLE_BETA / (_MIDDLE_BETA + beta)
        return {name: (balance * values).mean() for name, values in terms.items()}


def reference_colour(
    images: Float[Tensor, "batch 3 height width"], reference: Reference
) -> Float[Tensor, "batch 3 1 1"]:
    """The colour of an uninformative pixel: black, each image's own mean, or a given colour."""
    if reference == "mean":
        return images.mean((2, 3), keepdim=True)
    if reference == "black":
        return images.new_zeros(len(images), 3, 1, 1)  # no host-to-device copy
    return images.new_tensor(reference).reshape(1, 3, 1, 1).expand(len(images), 3, 1, 1)


def rms_contrast(images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, " batch"]:
    """RMS contrast: the standard deviation of the brightness over the pixels of each image."""
    brightness = images.mean(1)  # batch, height, width
    # the constant keeps the root differentiable at images of constant brightness
    return (brightness.flatten(1).var(1, correction=0) + 1e-6).sqrt()


def total_variation(images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, " batch"]:
    """The mean absolute difference of vertical neighbours, plus that of horizontal neighbours."""
    return _image_means(images.diff(dim=2).abs()) + _image_means(images.diff(dim=3).abs())


def _image_means(values: Tensor) -> Float[Tensor, " batch"]:
    return values.flatten(1).mean(1)
