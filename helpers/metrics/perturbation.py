"""Faithfulness by perturbation: deletion and insertion curves, their areas, and infidelity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from helpers.core.inputs import ClassTarget, ImageBatch, as_tensor, checked_images
from helpers.core.mask_inputs import checked_masks
from helpers.core.outputs import ScoreName, class_scores, score_name
from helpers.core.runtime import random_generator
from helpers.core.types import Variant
from helpers.metrics.curves import random_ranks
from helpers.metrics.inputs import answers, checked_labels, checked_pair

PixelDirection = Literal["delete", "insert"]


@torch.no_grad()
def pixel_curve(
    classifier: nn.Module,
    images: ImageBatch,
    relevance: Shaped[Tensor, "batch 1 height width"],
    targets: ClassTarget,
    baseline: ImageBatch,
    *,
    direction: PixelDirection = "delete",
    steps: int = 50,
    score: ScoreName = "auto",
    seed: int = 0,
    chunk: int = 64,
) -> Float[Tensor, "batch fractions"]:
    """The class's score as pixels are replaced, or shown, in descending order of relevance.

    "delete" starts from the image and replaces its most relevant pixels by those of the baseline: a faithful relevance
    lets the score fall early. "insert" starts from the baseline and shows the most relevant pixels: a faithful one lets
    it rise early (Petsiuk, Das and Saenko, BMVC 2018, section 4.1; there, deletion goes to black and insertion starts
    from a blurred image). Both run over fractions 0, 1/steps, …, 1 of the pixels. The result depends on the baseline as
    much as on the relevance, so report it for more than one.

    Args:
        classifier: pixels in [0, 1] to logits.
        images: pixels in [0, 1].
        relevance: of each pixel, such as `Explanation.mask`; only the order counts.
        targets: the class whose score is measured, one per image, by index or by name.
        baseline: an image per image: black (`torch.zeros_like(images)`), a blur (`helpers.core.blur.gaussian_blur`),
            noise, or any other.
        direction: "delete" or "insert".
        steps: number of steps from no pixel to all.
        score: of the class: `"softmax"`, `"sigmoid"`, `"logit"`, or `"auto"`, by the classifier's kind.
        seed: of the random order among equally relevant pixels.
        chunk: images per forward pass.

    Returns:
        The score at each fraction, (batch, steps + 1); its area is `curve_area`.

    Raises:
        TypeError, ValueError: an argument has a wrong shape, type or range; the direction is unknown, or `steps` is
            not between 1 and the number of pixels.
    """
    if direction not in get_args(PixelDirection):
        raise ValueError(f"direction {direction!r} is not known; use 'delete' or 'insert'")
    images, baseline = checked_pair(images, baseline, classifier, names=("images", "baseline images"))
    size = (images.shape[2], images.shape[3])
    if not 1 <= steps <= size[0] * size[1]:
        raise ValueError(f"steps={steps} must lie between 1 and {size[0] * size[1]}, the number of pixels")
    relevance = checked_masks(
        relevance, (len(images), 1, *size), name="relevance", values="any", device=images.device
    ).flatten(1)  # batch, pixels
    logits = answers(classifier, images)
    classes = checked_labels(targets, logits, classifier)
    score = score_name(classifier, score, logits.shape[1])
    begin, end = (images, baseline) if direction == "delete" else (baseline, images)

    def altered(image: Tensor, first: Tensor) -> Tensor:
        return torch.where(first.view(-1, 1, *size), end[image], begin[image])

    return ranked_scores(
        classifier, altered, relevance, classes, score, steps=steps, seed=seed, chunk=chunk, name="perturbed images"
    )


def ranked_scores(
    classifier: nn.Module,
    altered: Callable[[Int[Tensor, " some"], Bool[Tensor, "some entries"]], Float[Tensor, "some 3 height width"]],
    relevance: Float[Tensor, "batch entries"],
    classes: Int[Tensor, " batch"],
    score: str,
    *,
    steps: int,
    seed: int,
    chunk: int,
    name: str,
) -> Float[Tensor, "batch fractions"]:
    """The score of a class while more and more entries, the most relevant first, are treated: the loop of all curves.

    Args:
        classifier: pixels in [0, 1] to logits.
        altered: (numbers of images, the entries that are treated in each) -> the images.
        relevance: of each entry; only the order counts.
        classes: of each image.
        score: of the class, such as "softmax".
        steps: from no entry to all.
        seed: of the random order among equally relevant entries.
        chunk: images per forward pass.
        name: of the altered images, for messages.
    """
    ranks = random_ranks(relevance, 1, random_generator(seed, relevance.device))[0]  # batch, entries
    counts = torch.arange(steps + 1, device=ranks.device) * ranks.shape[1] // steps
    cases = torch.arange(len(ranks) * (steps + 1), device=ranks.device)  # (image, step), flattened
    scores = []
    for some in cases.split(chunk):
        image, step = some // (steps + 1), some % (steps + 1)
        images = altered(image, ranks[image] < counts[step, None])  # some, 3, height, width
        scores.append(_scores(classifier, images, classes[image], score, name))
    return torch.cat(scores).view(len(ranks), steps + 1) if scores else relevance.new_zeros(0, steps + 1)


def curve_area(curve: Shaped[Tensor, "batch fractions"], variant: Variant = "corrected") -> Float[Tensor, " batch"]:
    """The area under curves over evenly spaced fractions from 0 to 1 (AUC).

    Of a `pixel_curve`, lower is better for deletion, higher for insertion; it lies between the curve's extremes.

    Args:
        curve: values at two or more fractions.
        variant: `corrected` is the trapezoidal rule; `published` the mean over the curve's own largest value, as in the
            code of WAM (Kasmi et al., 2025): a curve that never rises above 1 % scores like one that reaches 100 %.

    Raises:
        TypeError, ValueError: the curve has a wrong shape, a single value, or values that are not finite; the variant
            is unknown.
    """
    if variant not in get_args(Variant):
        raise ValueError(f"variant {variant!r} is not known; use 'corrected' or 'published'")
    curve = checked_masks(curve, ("batch", "fractions"), name="curve", values="any")
    if curve.shape[1] < 2:
        raise ValueError(f"curve must have two or more values per image, not {curve.shape[1]}")
    if variant == "published":
        return curve.mean(1) / curve.amax(1)
    return torch.trapezoid(curve, dim=1) / (curve.shape[1] - 1)


@torch.no_grad()
def infidelity(
    classifier: nn.Module,
    images: ImageBatch,
    relevance: Shaped[Tensor, "batch 1 height width"],
    targets: ClassTarget,
    perturbed: Shaped[Tensor, "samples batch 3 height width"],
    *,
    scaled: bool = True,
    score: ScoreName = "auto",
    chunk: int = 64,
) -> Float[Tensor, " batch"]:
    """How badly a relevance predicts the change of the class's score under perturbations (Yeh et al., NeurIPS 2019).

    With Φ the relevance, f the score, and I = x - x' the change of an image x to a perturbed image x', infidelity is
    the mean over the perturbations of (I·Φ - (f(x) - f(x')))² (definition 2.1); 0 is best. Each channel of a pixel has
    the pixel's relevance.

    Args:
        classifier: pixels in [0, 1] to logits.
        images: pixels in [0, 1].
        relevance: of each pixel, such as `Explanation.mask` or a signed attribution.
        targets: the class whose score is measured, one per image, by index or by name.
        perturbed: several perturbed versions of each image, pixels in [0, 1]: with noise added, or with squares
            replaced.
        scaled: multiply the relevance of each image by the factor with the lowest infidelity on these perturbations, as
            the scale of a mask means nothing (Captum's `normalize`).
        score: of the class: `"softmax"`, `"sigmoid"`, `"logit"`, or `"auto"`, by the classifier's kind.
        chunk: images per forward pass.

    Raises:
        TypeError, ValueError: an argument has a wrong shape, type or range.
    """
    images = checked_images(images, classifier)
    relevance = checked_masks(
        relevance, (len(images), 1, *images.shape[2:]), name="relevance", values="any", device=images.device
    ).to(images)
    perturbed = as_tensor(perturbed, "perturbed images")
    if perturbed.ndim != 5 or perturbed.shape[1:] != images.shape or not len(perturbed):
        raise ValueError(
            f"perturbed images must be (samples, {', '.join(map(str, images.shape))}), some versions of each image, "
            f"not {tuple(perturbed.shape)}"
        )
    changed = checked_images(perturbed.flatten(0, 1), classifier, name="perturbed images")
    logits = answers(classifier, images)
    classes = checked_labels(targets, logits, classifier)
    score = score_name(classifier, score, logits.shape[1])
    before = class_scores(logits, score).gather(1, classes[:, None])[:, 0]  # batch
    rows = torch.arange(len(changed), device=images.device) % max(1, len(images))  # the image of each perturbed one
    predicted, found = [], []
    for some, image in zip(changed.split(chunk), rows.split(chunk), strict=True):
        predicted.append(((images[image] - some) * relevance[image]).sum((1, 2, 3)))
        found.append(before[image] - _scores(classifier, some, classes[image], score, "perturbed images"))
    shape = (len(perturbed), len(images))
    prediction, change = (torch.cat(each).view(shape) for each in (predicted, found))  # samples, batch
    if scaled:
        tiny = torch.finfo(prediction.dtype).tiny
        prediction = prediction * ((prediction * change).mean(0) / prediction.square().mean(0).clamp_min(tiny))
    return (prediction - change).square().mean(0)


def _scores(
    classifier: nn.Module,
    images: Float[Tensor, "some 3 height width"],
    classes: Int[Tensor, " some"],
    score: str,
    name: str,
) -> Float[Tensor, " some"]:
    """The score of one class per image."""
    return class_scores(answers(classifier, images, name=name), score).gather(1, classes[:, None])[:, 0]
