"""The conciseness-preciseness score: how much of the answer an explanation keeps, for how much of the information."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from helpers.methods.rde import Representation

Information = Literal["pixels", "coefficients", "entropy"]
Class = Literal["explained", "any"]


def information(
    pictures: Float[Tensor, "batch channels height width"],
    kind: Information,
    representation: Representation | None = None,
) -> Float[Tensor, " batch"]:
    """How much information a picture holds, by one of three measures; 0 for a black one.

    - `pixels`: the sum of the magnitudes of its pixels;
    - `coefficients`: the sum of the magnitudes of its coefficients in `representation`;
    - `entropy`: -Σ q log q of the coefficients' energies q = c² / Σ c², in nats: the logarithm of how many
      coefficients of equal size would be as spread out.

    Args:
        pictures: in [0, 1].
        kind: which measure.
        representation: such as `Wavelets((128, 128))`; for `coefficients` and `entropy`.

    Raises:
        ValueError: the kind is unknown, or needs a representation and got none.
    """
    if kind == "pixels":
        return pictures.abs().sum((1, 2, 3))
    if kind not in ("coefficients", "entropy"):
        raise ValueError(f"information {kind!r} is not known; use 'pixels', 'coefficients' or 'entropy'")
    if representation is None:
        raise ValueError(f"information {kind!r} needs a representation, such as Wavelets((128, 128))")
    coefficients = representation.analyse(pictures).flatten(1)
    if kind == "coefficients":
        return coefficients.abs().sum(1)
    energy = coefficients.double().square()
    share = energy / energy.sum(1, keepdim=True).clamp_min(torch.finfo(energy.dtype).tiny)
    return torch.special.entr(share).sum(1).to(pictures.dtype)


@torch.no_grad()
def kept_probability(
    classifier: nn.Module,
    images: Float[Tensor, "batch 3 height width"],
    pictures: Float[Tensor, "batch 3 height width"],
    targets: Int[Tensor, " batch"],
    *,
    of: Class = "explained",
) -> Float[Tensor, " batch"]:
    """Preciseness: the probability on the explanation, divided by the explained class's on the image.

    Args:
        classifier: pixels in [0, 1] to logits.
        images: the images.
        pictures: what each explanation keeps (`Explanation.kept`): an image for the classifier.
        targets: the class that was explained, one per image.
        of: on the explanation, the probability of the `explained` class, or the largest of `any` class, which may be
            another one: that is what the published code takes.

    Raises:
        ValueError: `of` is neither.
    """
    if of not in ("explained", "any"):
        raise ValueError(f"of={of!r} is not known; use 'explained' or 'any'")
    own = targets.unsqueeze(1)
    wanted = classifier(images).softmax(1).gather(1, own)[:, 0]
    probabilities = classifier(pictures).softmax(1)
    kept = probabilities.gather(1, own)[:, 0] if of == "explained" else probabilities.amax(1)
    return kept / wanted


@torch.no_grad()
def conciseness_preciseness(
    classifier: nn.Module,
    images: Float[Tensor, "batch 3 height width"],
    pictures: Float[Tensor, "batch 3 height width"],
    targets: Int[Tensor, " batch"],
    *,
    kind: Information = "pixels",
    representation: Representation | None = None,
    of: Class = "explained",
) -> Float[Tensor, " batch"]:
    """The CP score: the share of the probability that an explanation keeps, over the share of the information.

    Higher is better; 1 for the image as its own explanation. A quotient forgives an explanation that keeps next to
    nothing, as long as its class is not impossible: read both of its parts too. nan for a picture without
    information, such as a black explanation (and, for `entropy`, one of a single coefficient): it explains nothing.
    Kolek et al. (2023), Explaining Image Classifiers with Multiscale Directional Image Representation, section 4.

    Args:
        classifier, images, pictures, targets, of: as for `kept_probability`.
        kind, representation: as for `information`.

    Raises:
        ValueError: as for the two.
    """
    precise = kept_probability(classifier, images, pictures, targets, of=of)
    full, kept = (information(part, kind, representation) for part in (images, pictures))
    return torch.where((full > 0) & (kept > 0), precise * full / kept, torch.nan)
