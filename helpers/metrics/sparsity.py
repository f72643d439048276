"""Sparsity and prediction agreement of sparse images: Table 1 of "SpaCE-VAE"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from helpers.core.inputs import ClassTarget, ImageBatch, as_tensor
from helpers.core.mask_inputs import checked_masks
from helpers.core.statistics import RESAMPLES, Effect, bootstrap, draw_images
from helpers.metrics.inputs import Pictures, answers, checked_labels, checked_pair

Colour = Shaped[Tensor, "#batch #channels 1 1"]


def lp_norm(
    images: Pictures,
    p: Literal[0, 1],
    reference: Colour | None = None,
    *,
    tolerance: float | int = 0.0,
) -> Float[Tensor, " batch"]:
    """The L0 or L1 norm of each image: the number of entries that are not black (p = 0), or their sum (p = 1).

    Entries are counted, not pixels: an image of 32 x 32 pixels has 3,072 of them (section 4.2).

    Args:
        images: pixels of any number of channels; the raw outputs of a network may leave [0, 1].
        p: 0 or 1.
        reference: a colour to subtract first, one for all images or one per image; None for black.
        tolerance: for p = 0: largest difference from the reference that counts as 0.

    Raises:
        TypeError, ValueError: images or reference have a wrong shape, type or range; p is neither 0 nor 1, or the
            tolerance is negative.
    """
    if p not in (0, 1) or tolerance < 0:
        raise ValueError(f"p={p} must be 0 or 1, and tolerance={tolerance} at least 0")
    values = checked_masks(images, ("batch", "channels", "height", "width"), name="images", values="any")
    if reference is not None:
        values = values - _checked_colour(reference, values)
    distances = values.abs().flatten(1)
    return distances.sum(1) if p == 1 else (distances > tolerance).sum(1).to(values.dtype)


def _checked_colour(colour: Colour, images: Tensor) -> Float[Tensor, "#batch #channels 1 1"]:
    """A colour for all images or one per image, of one channel or of as many as the images have."""
    colour = as_tensor(colour, "reference")
    counts = (
        1 if colour.ndim == 4 and colour.shape[axis] == 1 else images.shape[axis] for axis in (0, 1)
    )  # a dimension of 1 stands for all
    return checked_masks(colour, (*counts, 1, 1), name="reference", device=images.device)


def lp_sparsity(before: Shaped[Tensor, " batch"], after: Shaped[Tensor, " batch"]) -> float:
    """Lp sparsity in percent: 100 (mean ‖x‖ - mean ‖x̂‖) / mean ‖x‖ (section 4.2).

    A ratio of means, not a mean of ratios: bright images have more weight. It is negative if explanations are brighter
    than their images, and nan if all images are black.

    Args:
        before, after: the norms of each image and of its explanation (`lp_norm`).

    Raises:
        TypeError, ValueError: the norms are not as many, or negative or not finite.
    """
    before = checked_masks(before, ("batch",), name="norms of images", values="positive")
    after = checked_masks(after, before.shape, name="norms of explanations", values="positive", device=before.device)
    whole = before.double().mean()
    return float(100 * (whole - after.double().mean()) / whole)


@dataclass(frozen=True)
class SparseScores:
    """The scores of each explained image.

    Attributes:
        l0_before, l0_after, l1_before, l1_after: norms of the image and of its explanation.
        label: the true class.
        predicted, predicted_after: the classes predicted for the image and for its explanation.
        confidence: the explanation's probability of the class predicted for the *image*.
        top_confidence: the explanation's probability of the class predicted for the explanation itself.
    """

    l0_before: Float[Tensor, " batch"]
    l0_after: Float[Tensor, " batch"]
    l1_before: Float[Tensor, " batch"]
    l1_after: Float[Tensor, " batch"]
    label: Int[Tensor, " batch"]
    predicted: Int[Tensor, " batch"]
    predicted_after: Int[Tensor, " batch"]
    confidence: Float[Tensor, " batch"]
    top_confidence: Float[Tensor, " batch"]

    def __len__(self) -> int:
        """The number of images."""
        return len(self.label)

    def __getitem__(self, rows: slice) -> SparseScores:
        """The scores of a slice of the images."""
        return SparseScores(**{name: values[rows] for name, values in self.columns().items()})

    def columns(self) -> dict[str, Tensor]:
        """The attributes by name, as columns of a table."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @staticmethod
    def join(batches: Sequence[SparseScores]) -> SparseScores:
        """The concatenated scores of several batches."""
        names = [field.name for field in fields(SparseScores)]
        return SparseScores(**{name: torch.cat([getattr(batch, name) for batch in batches]) for name in names})


@torch.no_grad()
def score_explanations(
    classifier: nn.Module,
    images: ImageBatch,
    kept: ImageBatch,
    labels: ClassTarget,
    *,
    predicted: ClassTarget = None,
    reference: Colour | None = None,
    tolerance: float | int = 0.0,
    batch: int = 256,
) -> SparseScores:
    """Score sparse images by their norms and by the predictions of the explained classifier.

    Args:
        classifier: pixels in [0, 1] to logits.
        images: the originals, in [0, 1].
        kept: their explanations, in [0, 1].
        labels: the true classes, by index or by name.
        predicted: the classes predicted for the originals; computed if None.
        reference, tolerance: of the norms (`lp_norm`).
        batch: images per forward pass.

    Raises:
        TypeError, ValueError: images, explanations, labels or the classifier's output have a wrong shape, type or
            range.
    """
    images, kept = checked_pair(images, kept, classifier)
    if predicted is None:
        predicted = answers(classifier, images, at_once=batch).argmax(1)
    logits = answers(classifier, kept, name="kept images", at_once=batch)
    predicted = checked_labels(predicted, logits, classifier)
    labels = checked_labels(labels, logits, classifier, name="labels")
    probabilities = logits.softmax(1)
    top = probabilities.max(1)
    norms = {
        f"l{p}_{when}": lp_norm(pictures, p, reference, tolerance=tolerance)
        for p in (0, 1)
        for when, pictures in (("before", images), ("after", kept))
    }
    return SparseScores(
        **norms,
        label=labels,
        predicted=predicted,
        predicted_after=top.indices,
        confidence=probabilities.gather(1, predicted.unsqueeze(1)).squeeze(1),
        top_confidence=top.values,
    )


def summarise(scores: SparseScores, *, seed: int = 0, resamples: int = RESAMPLES) -> dict[str, float]:
    """A row of Table 1 for these images, each entry with its 95 % percentile bootstrap interval over images.

    - `accuracy`: the share of explanations classified as their image's *true* label;
    - `agreement`: the prediction agreement, the share classified as the label *predicted* for the image;
    - `confidence`: the mean probability of the class predicted for the image;
    - `top_confidence`: the mean probability of the explanation's own predicted class;
    - `l0`, `l1`: sparsities in percent (`lp_sparsity`, with both means over the same resampled images).

    Args:
        scores: of at least one image.
        seed: of the resampling; tables of the same images and seed share the resamples.
        resamples: number of bootstrap resamples.

    Returns:
        The number of `images`, and for each name above `<name>`, `<name>_low` and `<name>_high`, as fractions (the
        first four) or percent. The bounds of an interval are nan for fewer than two images.

    Raises:
        ValueError: there is no image.
    """
    if not len(scores):
        raise ValueError("there is no image to summarise")
    columns = {name: values.double().cpu().numpy() for name, values in scores.columns().items()}
    columns["accuracy"] = (scores.predicted_after == scores.label).double().cpu().numpy()
    columns["agreement"] = (scores.predicted_after == scores.predicted).double().cpu().numpy()
    draws = draw_images(len(scores), seed, resamples)
    summary = {"images": float(len(scores))}

    def add(name: str, effect: Effect, scale: float = 1.0) -> None:
        values = {"": effect.value, "_low": effect.low, "_high": effect.high}
        summary.update({f"{name}{end}": scale * value for end, value in values.items()})

    for name in ("accuracy", "agreement", "confidence", "top_confidence"):
        add(name, bootstrap(columns[name][:, None], lambda means: means[..., 0], draws))
    with np.errstate(divide="ignore", invalid="ignore"):  # the sparsity of black images is nan
        for norm in ("l0", "l1"):
            both = np.stack([columns[f"{norm}_before"], columns[f"{norm}_after"]], axis=1)
            add(norm, bootstrap(both, lambda means: (means[..., 0] - means[..., 1]) / means[..., 0], draws), 100.0)
    return summary
