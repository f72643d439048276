"""The conciseness-preciseness score: the share of the probability kept, over the share of the information kept."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.core.inputs import ClassTarget, ImageBatch, checked_images
from helpers.core.types import Variant
from helpers.methods.rde import Representation
from helpers.metrics.inputs import Pictures, answers, checked_labels, checked_pair

Information = Literal["pixels", "coefficients", "entropy"]
PreciseClass = Literal["explained", "any"]


def information(
    images: Pictures,
    measure: Information,
    representation: Representation | None = None,
) -> Float[Tensor, " batch"]:
    """The information in each image, by one of three measures; 0 for a black image.

    - `pixels`: the L1 norm of the pixels;
    - `coefficients`: the L1 norm of the coefficients in `representation`;
    - `entropy`: -Σ q log q of the coefficients' relative energies q = c² / Σ c², in nats: the logarithm of an effective
      number of coefficients.

    Args:
        images: in [0, 1], of any number of channels.
        measure: one of the three.
        representation: such as `Wavelets((128, 128))`; for `coefficients` and `entropy`.

    Raises:
        TypeError, ValueError: the images have a wrong shape, type or range; the measure is unknown, or its
            representation is missing.
    """
    images = checked_images(images, channels=None)
    if measure == "pixels":
        return images.abs().sum((1, 2, 3))
    if measure not in ("coefficients", "entropy"):
        raise ValueError(f"information {measure!r} is not known; use 'pixels', 'coefficients' or 'entropy'")
    if representation is None:
        raise ValueError(f"information {measure!r} needs a representation, such as Wavelets((128, 128))")
    coefficients = representation.analyse(images).flatten(1)
    if measure == "coefficients":
        return coefficients.abs().sum(1)
    energy = coefficients.double().square()
    share = energy / energy.sum(1, keepdim=True).clamp_min(torch.finfo(energy.dtype).tiny)
    return torch.special.entr(share).sum(1).to(images.dtype)


@torch.no_grad()
def fidelity(
    classifier: nn.Module, kept: ImageBatch, targets: ClassTarget, variant: Variant = "corrected"
) -> Float[Tensor, " batch"]:
    """The probability of a class on an explanation's image, in [0, 1]; higher is better.

    - `corrected`: of the explained class;
    - `published`: of the most probable class, whichever it is, as in the code of Kolek et al. (2023): an explanation
      that turns the decision into a sure one for another class scores well.

    The published code also divides wavelet and pixel explanations by their largest entry first, but not those of smooth
    masks; here an image is scored as it is given.

    Args:
        classifier: pixels in [0, 1] to logits.
        kept: the kept image of each explanation (`Explanation.kept`).
        targets: the explained class, one per image, by index or by name.
        variant: of the class.

    Raises:
        TypeError, ValueError: images, targets or the classifier's output have a wrong shape, type or range; the variant
            is unknown.
    """
    if variant not in get_args(Variant):
        raise ValueError(f"variant {variant!r} is not known; use 'corrected' or 'published'")
    logits = answers(classifier, checked_images(kept, classifier, name="kept images"), name="kept images")
    own = checked_labels(targets, logits, classifier).unsqueeze(1)
    probabilities = logits.softmax(1)
    return probabilities.amax(1) if variant == "published" else probabilities.gather(1, own)[:, 0]


@torch.no_grad()
def preciseness(
    classifier: nn.Module,
    images: ImageBatch,
    kept: ImageBatch,
    targets: ClassTarget,
    *,
    of: PreciseClass = "explained",
) -> Float[Tensor, " batch"]:
    """The probability on the explanation, divided by that of the explained class on the image.

    Args:
        classifier: pixels in [0, 1] to logits.
        images: the images, in [0, 1].
        kept: the kept image of each explanation (`Explanation.kept`).
        targets: the explained class, one per image, by index or by name.
        of: the class on the explanation: the `explained` class, or `any` class, the most probable one, as in the
            published code.

    Raises:
        TypeError, ValueError: images, targets or the classifier's output have a wrong shape, type or range; `of` is
            neither.
    """
    if of not in ("explained", "any"):
        raise ValueError(f"of={of!r} is not known; use 'explained' or 'any'")
    images, kept = checked_pair(images, kept, classifier)
    before = answers(classifier, images).softmax(1)
    own = checked_labels(targets, before, classifier)
    after = fidelity(classifier, kept, own, "corrected" if of == "explained" else "published")
    return after / before.gather(1, own.unsqueeze(1))[:, 0]


@torch.no_grad()
def conciseness_preciseness(
    classifier: nn.Module,
    images: ImageBatch,
    kept: ImageBatch,
    targets: ClassTarget,
    *,
    measure: Information = "pixels",
    representation: Representation | None = None,
    of: PreciseClass = "explained",
) -> Float[Tensor, " batch"]:
    """The CP score: the share of the probability that an explanation keeps, over the share of the information.

    Higher is better; 1 for the image as its own explanation. An almost empty explanation can score high, as long as its
    class keeps some probability: report both shares too. nan for an explanation without information, such as a black
    one (for `entropy` also one with a single coefficient).
    Kolek et al. (2023), Explaining Image Classifiers with Multiscale Directional Image Representation, section 4.

    Args:
        classifier, images, kept, targets, of: as for `preciseness`.
        measure, representation: as for `information`.

    Raises:
        TypeError, ValueError: as for the two.
    """
    precise = preciseness(classifier, images, kept, targets, of=of)
    before, after = (information(batch, measure, representation) for batch in (images, kept))
    return torch.where((before > 0) & (after > 0), precise * before / after, torch.nan)
