"""What a kept image should be: near the image, sparse, and sure to be classified as before (SpaCE-VAE, equation 7)."""

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
    """Equation 7, and the terms that the paper's conclusion names. Each term is computed image by image.

    Args:
        options: the weights.
        variance: of the training pixels in [0, 1], by which the squared error is divided.
    """

    variance: Tensor

    def __init__(self, options: LossOptions, variance: float = 1.0) -> None:
        super().__init__()
        if not variance > 0:
            raise ValueError(f"variance={variance} must be positive: images that are all alike teach nothing")
        self.options = options
        self.register_buffer("variance", torch.tensor(variance))
        # pixels are vectors of three entries, a palette is a codebook of them
        with torch.random.fork_rng(devices=[]):  # where its colours begin does not matter: the first batch moves them
            self.palette = VectorQuantiser(options.palette, 3) if options.colours else None

    @property
    def asks_classifier(self) -> bool:
        """Whether the classifier's answer counts; a VQ-VAE does without it."""
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
            decoded: what the auto-encoder made of them.
            logits: the classifier's of the kept images; None where `asks_classifier` is false.
            classes: the classes that the classifier gives the originals.
            beta: one per image, for a network that is conditioned on it; None for the options' own.

        Raises:
            ValueError: logits are missing.
        """
        o, kept = self.options, decoded.kept
        terms = {
            # of the output without bounds: a pixel beyond them still feels where it should be
            "reconstruction": _image_means((decoded.raw - images).square()) / self.variance,
            "commitment": o.commitment * decoded.commitment.expand(len(images)),
        }
        if o.alpha:
            terms["brightness"] = o.alpha * _image_means((kept - reference_colour(images, o.reference)).abs())
        if self.asks_classifier:
            if logits is None:
                raise ValueError("beta is not 0: the classifier's logits of the kept images are needed")
            doubt = functional.cross_entropy(logits.float(), classes, reduction="none")
            terms["doubt"] = (o.beta if beta is None else beta) * doubt
        if o.contrast:
            terms["contrast"] = -o.contrast * rms_contrast(kept)
        if self.palette is not None:
            terms["colours"] = o.colours * self.palette(kept).commitment.expand(len(images))
        if o.smoothness:
            terms["smoothness"] = o.smoothness * total_variation(kept)
        # one network for many betas: without this the large ones would drown the small ones. A factor on the whole
        # loss of an image does not move its minimum.
        share = 1.0 if beta is None else _MIDDLE_BETA / (_MIDDLE_BETA + beta)
        return {name: (share * values).mean() for name, values in terms.items()}


def reference_colour(
    images: Float[Tensor, "batch 3 height width"], reference: Reference
) -> Float[Tensor, "batch 3 1 1"]:
    """The colour of an uninformative pixel: black, each image's own mean, or a colour of the reader's."""
    if reference == "mean":
        return images.mean((2, 3), keepdim=True)
    if reference == "black":
        return images.new_zeros(len(images), 3, 1, 1)  # nothing that a GPU would have to wait for
    return images.new_tensor(reference).reshape(1, 3, 1, 1).expand(len(images), 3, 1, 1)


def rms_contrast(images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, " batch"]:
    """The contrast of each image: the standard deviation of its pixels' brightness."""
    brightness = images.mean(1)
    # the root has no slope at 0, where an image of one brightness is
    return (brightness.flatten(1).var(1, correction=0) + 1e-6).sqrt()


def total_variation(images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, " batch"]:
    """The mean absolute difference of neighbouring pixels, along rows and columns."""
    return _image_means(images.diff(dim=2).abs()) + _image_means(images.diff(dim=3).abs())


def _image_means(values: Tensor) -> Float[Tensor, " batch"]:
    return values.flatten(1).mean(1)
