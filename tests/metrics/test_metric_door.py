"""The one door for measures: all of them refuse the same faults, in the words in which methods refuse them."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from tiny import TinyClassifier, named, smooth_images
from torch import nn

from helpers import metrics
from helpers.core.class_masks import merge_classes
from helpers.data.scenes import make_scenes
from helpers.methods.rde import PixelRDE, Pixels
from helpers.metrics import truth_scores

SIDE, BATCH, CLASSES = 16, 3, 5


def uniform(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def tiny():
    return named(TinyClassifier(), SIDE)


def mask(*shape):
    return "mask", uniform(*shape)


def mass(*shape):
    return "mass", 7 * uniform(*shape)


def relevance(*shape):
    return "relevance", 7 * uniform(*shape) - 3


def booleans(*shape):
    return "booleans", uniform(*shape, seed=1) > 0.5


MODEL, IMAGES, TARGETS = ("model", tiny()), ("images", smooth_images(BATCH, SIDE)), ("targets", torch.arange(BATCH))
MAP, IMAGE_MAP = (BATCH, SIDE, SIDE), (BATCH, 1, SIDE, SIDE)


def curve(images, mask):
    return metrics.rate_distortion_curve(PixelRDE(tiny()).problem(images), mask, (0.5,), draws=1)


MEASURES = {  # each measure, and valid arguments by kind
    "masked_images": (metrics.masked_images, MODEL, IMAGES, mask(*IMAGE_MAP)),
    "masked_probabilities": (metrics.masked_probabilities, MODEL, IMAGES, mask(BATCH, 4, SIDE, SIDE)),
    "class_score_matrix": (metrics.class_score_matrix, mask(BATCH, 4, CLASSES), booleans(BATCH, CLASSES)),
    "information": (lambda images: metrics.information(images, "pixels"), IMAGES),
    "fidelity": (metrics.fidelity, MODEL, IMAGES, TARGETS),
    "preciseness": (metrics.preciseness, MODEL, IMAGES, IMAGES, TARGETS),
    "conciseness_preciseness": (metrics.conciseness_preciseness, MODEL, IMAGES, IMAGES, TARGETS),
    "random_ranks": (lambda mask: metrics.random_ranks(mask, 2, torch.Generator().manual_seed(0)), relevance(BATCH, 9)),
    "rate_distortion_curve": (curve, IMAGES, relevance(BATCH, 1, SIDE * SIDE)),
    "pixel_curve": (
        lambda *given: metrics.pixel_curve(*given, steps=2),
        *(MODEL, IMAGES, relevance(*IMAGE_MAP), TARGETS, IMAGES),
    ),
    "coefficient_curve": (
        lambda *given: metrics.coefficient_curve(*given, Pixels((SIDE, SIDE)), steps=2),
        *(MODEL, IMAGES, relevance(BATCH, 1, SIDE * SIDE), TARGETS),
    ),
    "curve_area": (metrics.curve_area, relevance(BATCH, 9)),
    "gini_index": (metrics.gini_index, mass(*MAP)),
    "entropy": (metrics.entropy, mass(*MAP)),
    "infidelity": (
        lambda model, images, values, targets, other: metrics.infidelity(model, images, values, targets, other[None]),
        *(MODEL, IMAGES, relevance(*IMAGE_MAP), TARGETS, IMAGES),
    ),
    "hallucinated_edges": (metrics.hallucinated_edges, IMAGES, IMAGES),
    "hallucination_score": (metrics.hallucination_score, IMAGES, IMAGES),
    "decision_counts": (metrics.decision_counts, relevance(BATCH, CLASSES), booleans(BATCH, CLASSES)),
    "micro_scores": (metrics.micro_scores, ("counts", torch.arange(BATCH * 4).reshape(BATCH, 4))),
    "pixel_auroc": (metrics.pixel_auroc, relevance(*MAP), booleans(*MAP), booleans(*MAP)),
    "pointing_game": (metrics.pointing_game, relevance(*MAP), booleans(*MAP)),
    "relevance_rank_accuracy": (metrics.relevance_rank_accuracy, relevance(*MAP), booleans(*MAP)),
    "relevance_mass_above_chance": (metrics.relevance_mass_above_chance, mass(*MAP), booleans(*MAP)),
    "saliency_score": (
        *(metrics.saliency_score, MODEL, IMAGES, mask(*MAP)),
        ("counts", torch.arange(BATCH * CLASSES).reshape(BATCH, CLASSES)),
    ),
    "sanity_masks": (metrics.sanity_masks, mask(*MAP)),
    "segmentation_scores": (metrics.segmentation_scores, mask(*MAP), mask(*MAP), booleans(*MAP)),
    "shortcut_scores": (metrics.shortcut_scores, mass(*MAP), booleans(*MAP), booleans(*MAP)),
    "shortcut_sensitivity": (metrics.shortcut_sensitivity, MODEL, IMAGES, IMAGES),
    "lp_norm": (lambda images: metrics.lp_norm(images, 1), relevance(*IMAGES[1].shape)),
    "lp_norm(reference)": (
        lambda images, colour: metrics.lp_norm(images, 0, colour),
        relevance(*IMAGES[1].shape),
        mask(BATCH, 3, 1, 1),
    ),
    "lp_sparsity": (metrics.lp_sparsity, mass(BATCH), mass(BATCH)),
    "score_explanations": (metrics.score_explanations, MODEL, IMAGES, IMAGES, TARGETS),
    "relevance_mass_accuracy": (truth_scores.relevance_mass_accuracy, mass(*IMAGE_MAP), booleans(*IMAGE_MAP)),
    "border_to_mass_ratio": (truth_scores.border_to_mass_ratio, mass(*IMAGE_MAP)),
    "largest_object_share": (
        lambda mask: truth_scores.largest_object_share(mask, make_scenes(BATCH, size=32)),
        mass(BATCH, 1, 32, 32),
    ),
    "region_of_class": (lambda classes: truth_scores.region_of_class(make_scenes(BATCH, size=32), classes), TARGETS),
    # other places where callers give masks
    "merge_classes": (merge_classes, mask(BATCH, CLASSES, SIDE, SIDE), booleans(BATCH, CLASSES)),
    "explain(initial=)": (
        lambda images, initial: PixelRDE(tiny(), steps=1, samples=2, tolerance=None).explain(images, initial=initial),
        *(IMAGES, mask(BATCH, 1, SIDE * SIDE)),
    ),
}


def last(value):
    """The values with another one in the last place."""
    return lambda x: torch.cat([x.float().flatten()[:-1], torch.tensor([value])]).view(x.shape)


class Wrapped(nn.Module):
    """A classifier whose logits are changed."""

    def __init__(self, change):
        super().__init__()
        self.network, self.change = TinyClassifier(), change
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1))

    def forward(self, images):
        return self.change(self.network(images))


SHAPE = {
    "rank": (lambda x: x[None], r"must be \("),
    "batch": (lambda x: x[1:], r"must be \("),
    "size": (lambda x: x[..., 1:], r"must be \("),
}
NUMBERS = SHAPE | {
    "type": (lambda x: x.tolist(), "must be a tensor or a NumPy array, not list"),
    "nan": (last(torch.nan), rf"\[{BATCH - 1}\] have .* not finite"),
    "inf": (last(-torch.inf), rf"\[{BATCH - 1}\] have .* not finite"),
    "complex": (lambda x: x.to(torch.complex64), "complex"),
}
FAULTS = {
    "images": {
        **{name: fault for name, fault in NUMBERS.items() if name != "complex"},
        "bytes": (lambda x: (x * 255).byte(), "must be floats .* 8-bit"),
        "0 to 255": (lambda x: x * 255, "divide by 255"),
        "normalised": (lambda x: (x - 0.45) / 0.22, "looks like normalised"),
        "sharpened": (lambda x: x * 1.2, r"clamp\(0, 1\)"),
        "channels last": (lambda x: x.movedim(1, -1), r"must be \("),
    },
    "mask": NUMBERS
    | {
        "0 to 255": (lambda x: x * 255, r"must lie in \[0, 1\].*divide them by 255"),
        "negative": (lambda x: x - 0.5, r"must lie in \[0, 1\].*min_max_normalise"),
    },
    "mass": NUMBERS | {"negative": (lambda x: x - 3, "must not be negative")},
    "relevance": NUMBERS,
    "counts": NUMBERS | {"negative": (lambda x: x - 1, "must not be negative")},
    "booleans": NUMBERS | {"soft": (lambda x: x * 0.4, "booleans, or 0 and 1")},
    "targets": {
        "float": (lambda x: x.float(), "floats|must be indices"),
        "bool": (lambda x: x > 1, "booleans|must be indices"),
        "batch": (lambda x: x[1:], "do not fit 3 images|one per scene"),
        "rank": (lambda x: x[None], "do not fit 3 images|one per scene"),
        "range": (lambda x: x + 3, "not all among the 5 classes"),
        "none": (lambda x: None, "must be class indices or names"),
        "callable": (lambda x: lambda logits: logits[:, 0], "must be class indices or names"),
        "name": (lambda x: "dgo", "near names: 'dog'"),
    },
    "model": {
        "function": (lambda m: lambda images: images.mean((2, 3)), "must be a torch.nn.Module"),
        "tuple": (lambda m: Wrapped(lambda logits: (logits, logits)), "tuple of 2 entries"),
        "rows": (lambda m: Wrapped(lambda logits: logits[1:]), "one row of logits per image"),
        "probabilities": (lambda m: Wrapped(lambda logits: logits.softmax(1)), "probabilities"),
        "nan": (
            lambda m: Wrapped(lambda logits: logits.index_fill(0, torch.tensor([1]), torch.nan)),
            r"\[1\] are not finite.*leave these out, images\[\[i for i in range\(3\) if i not in \[1\]\]\]",
        ),
    },
}
WITHOUT = {  # faults that are none
    *{(n, "batch") for n in ("information", "random_ranks", "micro_scores", "sanity_masks", "lp_norm", "curve_area")},
    *{(name, "size") for name in ("information", "random_ranks", "sanity_masks", "lp_norm", "curve_area")},
    *{("fidelity", 1, fault) for fault in ("batch", "size")},  # the kept images are its only ones
    ("infidelity", 4, "type"),  # a list has no [None]
    *{("region_of_class", fault) for fault in ("range", "none", "callable", "name")},  # it takes a tensor of classes
    *{(name, fault) for name in ("border_to_mass_ratio", "gini_index", "entropy") for fault in ("batch", "size")},
    *{(name, "channels last") for name in ("information", "lp_norm")},  # images of any number of channels
    *{("micro_scores", fault) for fault in ("rank", "batch")},  # several rows for a bootstrap
    *{("masked_images", 0, fault) for fault in ("tuple", "rows", "probabilities", "nan")},  # its mean colour is read
    *{(name, 0, "size") for name in ("lp_norm(reference)", "merge_classes")},  # of images alone
}
CASES = [
    pytest.param(name, place, fault, id=f"{name}-{place}-{fault}")
    for name, (_, *arguments) in MEASURES.items()
    for place, (kind, _) in enumerate(arguments)
    for fault in FAULTS[kind]
    if not {(name, fault), (name, place, fault)} & WITHOUT
]


def test_the_table_has_every_measure():
    public = {name for name in metrics.__all__ if inspect.isfunction(getattr(metrics, name))}
    public |= {
        n for n, f in vars(truth_scores).items() if inspect.isfunction(f) and f.__module__ == truth_scores.__name__
    }
    assert public - {"summarise"} <= set(MEASURES)  # it takes what score_explanations returns


@pytest.mark.parametrize(("name", "place", "fault"), CASES)
def test_every_fault_is_refused_by_name(name, place, fault, unchecked):
    function, *arguments = MEASURES[name]
    values = [value for _, value in arguments]
    change, words = FAULTS[arguments[place][0]][fault]
    values[place] = change(values[place])
    with pytest.raises((ValueError, TypeError), match=words):
        function(*values)


@pytest.mark.parametrize("name", MEASURES)
def test_valid_arguments_pass_as_arrays_too(name, unchecked):
    function, *arguments = MEASURES[name]
    values = [value for _, value in arguments]
    expected = flat(function(*values))
    if name != "region_of_class":
        arrays = [value.numpy() if isinstance(value, torch.Tensor) else value for value in values]
        for found, wanted in zip(flat(function(*arrays)), expected, strict=True):
            torch.testing.assert_close(found, wanted, equal_nan=True)


def flat(result):
    """All tensors of a result."""
    if hasattr(result, "columns"):
        result = result.columns()
    if hasattr(result, "mask"):
        result = result.mask
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, list | tuple):
        return [tensor for value in result for tensor in flat(value)]
    return [torch.as_tensor(np.asarray(result))]


@pytest.mark.parametrize("name", [name for name, (_, *arguments) in MEASURES.items() if arguments[0][0] == "model"])
def test_a_classifier_in_training_mode_is_measured_in_eval_mode_and_left_so(name):
    function, _, *arguments = MEASURES[name]
    values = [value for _, value in arguments]
    training = nn.Sequential(nn.BatchNorm2d(3, momentum=0.9), TinyClassifier()).train()
    training.register_buffer("mean", torch.zeros(1, 3, 1, 1))
    still = nn.Sequential(nn.BatchNorm2d(3), TinyClassifier()).eval().requires_grad_(False)
    for found, wanted in zip(flat(function(training, *values)), flat(function(still, *values)), strict=True):
        torch.testing.assert_close(found, wanted)
    assert training.training
    assert torch.equal(training[0].running_mean, torch.zeros(3))


def test_masks_a_little_outside_are_clipped_and_the_gradient_stays():
    masks = (uniform(*MAP).round() * (1 + 1e-6)).requires_grad_()
    scores = metrics.segmentation_scores(masks, uniform(*MAP).round())
    assert scores["accuracy"].max() <= 1
    scores["accuracy"].sum().backward()
    assert masks.grad is not None
