"""Every measure of every number type gives what it gives in float64: all results are held by their type.

Images are floats in [0, 1], since whole numbers do not say what white is; masks and regions lie in [0, 1] in any type,
and relevances are any finite numbers.
"""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import nn

import helpers.metrics as metrics
from helpers.core.number_types import as_floating
from helpers.data.scenes import make_scenes
from helpers.methods.rde import Pixels, Wavelets
from helpers.metrics import truth_scores

NUMBER_TYPES = [
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
]
SIZE = 32


class Means(nn.Module):
    """Logits are the means of the channels, in the precision of the images."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.full((1, 3, 1, 1), 0.25))

    def forward(self, images):
        return images.mean((2, 3)) * 0.02


def cases(dtype, largest):
    """A call of each public function with numbers of a type: relevances are whole numbers from 0 to the largest."""

    def numbers(dtype, *shape, seed=0, largest=largest):
        return torch.randint(0, largest + 1, shape, generator=torch.Generator().manual_seed(seed)).to(dtype)

    def pixels(seed):
        kind = dtype if dtype.is_floating_point else torch.float32
        return numbers(kind, 2, 3, SIZE, SIZE, seed=seed, largest=128) / 128  # exact in all types

    def bits(*shape, seed=0, dtype=torch.bool):
        return numbers(dtype, *shape, seed=seed, largest=1)

    images, kept = pixels(0), pixels(1)
    masks, objects = numbers(dtype, 2, SIZE, SIZE), bits(2, SIZE, SIZE, seed=2, dtype=dtype)
    region, other = (bits(2, SIZE, SIZE, seed=seed, dtype=dtype) for seed in (3, 4))
    rows, labels, classifier = numbers(dtype, 6, 3), bits(6, 3, dtype=dtype), Means()
    targets, wavelets = torch.tensor([0, 2]), Wavelets((SIZE, SIZE), levels=2)
    return {
        "masked_images": lambda: metrics.masked_images(classifier, images, objects[:, None], "published"),
        "masked_probabilities": lambda: metrics.masked_probabilities(classifier, images, objects[:, None]),
        "class_score_matrix": lambda: metrics.class_score_matrix(labels[:, None].expand(-1, 2, -1), labels),
        "pixel_curve": lambda: metrics.pixel_curve(classifier, images, masks[:, None], targets, kept, steps=3),
        "coefficient_curve": lambda: metrics.coefficient_curve(
            classifier, images, masks.flatten(1)[:, None], targets, Pixels((SIZE, SIZE)), steps=3
        ),
        "curve_area": lambda: metrics.curve_area(rows),
        "gini_index": lambda: metrics.gini_index(masks),
        "entropy": lambda: metrics.entropy(masks),
        "infidelity": lambda: metrics.infidelity(classifier, images, objects[:, None], targets, kept[None]),
        "information": lambda: [
            metrics.information(images, kind, wavelets) for kind in ("pixels", "coefficients", "entropy")
        ],
        "fidelity": lambda: metrics.fidelity(classifier, kept, targets),
        "preciseness": lambda: metrics.preciseness(classifier, images, kept, targets),
        "conciseness_preciseness": lambda: metrics.conciseness_preciseness(classifier, images, kept, targets),
        "random_ranks": lambda: metrics.random_ranks(rows, 3, torch.Generator().manual_seed(0)),
        "hallucinated_edges": lambda: metrics.hallucinated_edges(images, kept),
        "hallucination_score": lambda: metrics.hallucination_score(images, kept),
        "decision_counts": lambda: metrics.decision_counts(rows, labels, 0.5),
        "micro_scores": lambda: metrics.micro_scores(metrics.decision_counts(rows, labels, 0.5).sum(0)),
        "pixel_auroc": lambda: metrics.pixel_auroc(masks, region, other),
        "pointing_game": lambda: metrics.pointing_game(masks, region),
        "relevance_rank_accuracy": lambda: metrics.relevance_rank_accuracy(masks, region),
        "relevance_mass_above_chance": lambda: metrics.relevance_mass_above_chance(masks, region),
        "saliency_score": lambda: metrics.saliency_score(classifier, images, objects, bits(2, 3, dtype=torch.int64)),
        "sanity_masks": lambda: metrics.sanity_masks(objects),
        "segmentation_scores": lambda: metrics.segmentation_scores(objects, bits(2, SIZE, SIZE, dtype=dtype), region),
        "shortcut_scores": lambda: metrics.shortcut_scores(masks, region, other),
        "shortcut_sensitivity": lambda: metrics.shortcut_sensitivity(classifier, images, kept),
        "lp_norm": lambda: [metrics.lp_norm(images, p, images[:, :, :1, :1]) for p in (0, 1)],
        "lp_sparsity": lambda: metrics.lp_sparsity(rows[:, 0], rows[:, 1]),
        "score_explanations": lambda: metrics.score_explanations(classifier, images, kept, targets).columns(),
        "relevance_mass_accuracy": lambda: truth_scores.relevance_mass_accuracy(masks[:, None], region[:, None]),
        "border_to_mass_ratio": lambda: truth_scores.border_to_mass_ratio(masks[:, None]),
        "largest_object_share": lambda: truth_scores.largest_object_share(masks[:, None], make_scenes(2, size=SIZE)),
    }  # fmt: skip


WITHOUT_NUMBERS = {  # they take no images, masks or logits by themselves
    "rate_distortion_curve",  # an `RDE` problem, which converts its images
    "summarise",
    "region_of_class",
}


def flat(result):
    """All tensors of a result."""
    if isinstance(result, dict):
        return [tensor for value in result.values() for tensor in flat(value)]
    if isinstance(result, list | tuple):
        return [tensor for value in result for tensor in flat(value)]
    return [torch.as_tensor(result, dtype=torch.float64)]


def test_the_table_has_every_public_function():
    public = {name for name in metrics.__all__ if inspect.isfunction(getattr(metrics, name))}
    public |= {
        n for n, f in vars(truth_scores).items() if inspect.isfunction(f) and f.__module__ == truth_scores.__name__
    }
    assert set(cases(torch.float32, 1)) | WITHOUT_NUMBERS == public


@pytest.mark.parametrize("dtype", NUMBER_TYPES, ids=str)
@pytest.mark.parametrize("name", sorted(cases(torch.float32, 1)))
def test_every_measure_of_every_number_type_is_that_in_float64(name, dtype):
    largest = 1 if dtype == torch.bool else 120
    own, exact = (flat(cases(kind, largest)[name]()) for kind in (dtype, torch.float64))
    for ours, theirs in zip(own, exact, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=2e-5, atol=2e-5, equal_nan=True)


@pytest.mark.parametrize("dtype", NUMBER_TYPES, ids=str)
def test_as_floating_is_exact(dtype):
    largest = 1 if dtype == torch.bool else torch.iinfo(dtype).max if not dtype.is_floating_point else 2.0**15
    largest = min(largest, 2**53)  # beyond, no float is exact
    values = torch.tensor([0, 1, largest]).to(dtype)
    assert as_floating(values).tolist() == [0, 1, largest]
    assert as_floating(values).dtype in (torch.float32, torch.float64)
    with pytest.raises(TypeError, match="complex"):
        as_floating(values.to(torch.complex64))
