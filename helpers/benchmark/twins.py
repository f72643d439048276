"""The same metrics by other libraries: scikit-learn and Captum, which look at one image at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.benchmark.case import STEPS, Case, Trial
from helpers.core.outputs import class_scores, score_name

Twin = Callable[[Case, Float[Tensor, "batch height width"]], list[float]]


def _iou(case: Case, maps: Float[Tensor, "batch height width"]) -> list[float]:
    from sklearn.metrics import jaccard_score

    return [jaccard_score(_flat(region), _flat(mask > 0.5)) for mask, region in zip(maps, case.region, strict=True)]


def _pixel_auroc(case: Case, maps: Float[Tensor, "batch height width"]) -> list[float]:
    from sklearn.metrics import roc_auc_score

    return [roc_auc_score(_flat(region), _flat(mask)) for mask, region in zip(maps, case.region, strict=True)]


def _rank_accuracy(case: Case, maps: Float[Tensor, "batch height width"]) -> list[float]:
    """Recall at the threshold that finds as many pixels as the object has."""
    from sklearn.metrics import recall_score

    found = []
    for mask, region in zip(maps, case.region, strict=True):
        last = np.sort(_flat(mask))[-int(region.sum())]
        found.append(recall_score(_flat(region), _flat(mask) >= last))
    return found


def _relevance_mass(case: Case, maps: Float[Tensor, "batch height width"]) -> list[float]:
    """Precision with the map's values as the weights of pixels that are all found, less that without weights."""
    from sklearn.metrics import precision_score

    found = []
    for mask, region in zip(maps, case.region, strict=True):
        every = np.ones(region.numel(), dtype=bool)
        weighted = precision_score(_flat(region), every, sample_weight=_flat(mask).astype(float))
        found.append(weighted - precision_score(_flat(region), every))
    return found


def _infidelity(case: Case, maps: Float[Tensor, "batch height width"]) -> list[float]:
    from captum.metrics import infidelity

    def probabilities(images: Tensor) -> Tensor:
        return _probabilities(case, images)

    found = []
    for row in range(len(case)):
        image, versions = case.images[row : row + 1], case.perturbed[:, row]

        def perturb(inputs: Tensor, versions: Tensor = versions) -> tuple[Tensor, Tensor]:
            return inputs - versions, versions

        with torch.no_grad():
            value = infidelity(
                probabilities,
                perturb,
                image,
                maps[row].expand_as(image),
                target=case.targets[row : row + 1],
                n_perturb_samples=len(versions),
                max_examples_per_batch=len(versions),
                normalize=True,
            )
        found.append(float(value))
    return found


def _area(fill: str, direction: str) -> Twin:
    """The curve by one picture after another, without ties, and scikit-learn's area under it."""

    def areas(case: Case, maps: Float[Tensor, "batch height width"]) -> list[float]:
        from sklearn.metrics import auc

        found = []
        for image, other, mask, target in zip(case.images, case.fill(fill), maps, case.targets, strict=True):
            order = np.argsort(-_flat(mask), kind="stable")
            begin, end = (image, other) if direction == "delete" else (other, image)
            values = []
            for step in range(STEPS + 1):
                picture = begin.flatten(1).clone()
                some = torch.from_numpy(order[: step * len(order) // STEPS].copy())
                picture[:, some] = end.flatten(1)[:, some]
                with torch.no_grad():
                    values.append(float(_probabilities(case, picture.view_as(image)[None])[0, target]))
            found.append(auc(np.linspace(0, 1, STEPS + 1), values))
        return found

    return areas


TWINS: dict[str, tuple[str, Twin]] = {
    "iou": ("scikit-learn", _iou),
    "relevance-mass": ("scikit-learn", _relevance_mass),
    "rank-accuracy": ("scikit-learn", _rank_accuracy),
    "pixel-auroc": ("scikit-learn", _pixel_auroc),
    "deletion-mean": ("scikit-learn", _area("mean", "delete")),
    "deletion-blur": ("scikit-learn", _area("blur", "delete")),
    "deletion-noise": ("scikit-learn", _area("noise", "delete")),
    "insertion-mean": ("scikit-learn", _area("mean", "insert")),
    "insertion-blur": ("scikit-learn", _area("blur", "insert")),
    "insertion-noise": ("scikit-learn", _area("noise", "insert")),
    "infidelity": ("captum", _infidelity),
}
"""The metrics that another library has too, or whose last step it has: its name, and its scores."""


def twin_difference(name: str, case: Case, maps: Float[Tensor, "batch height width"]) -> Float[np.ndarray, " batch"]:
    """The absolute difference of each score from the twin's.

    Args:
        name: of the metric, out of `TWINS`.
        case: the images.
        maps: without equal values, whose order would be random.
    """
    from helpers.benchmark.registry import find_metric

    ours = find_metric(name).metric(Trial(case, maps)).double().numpy()
    return np.abs(ours - np.array(TWINS[name][1](case, maps)))


def _probabilities(case: Case, images: Float[Tensor, "some 3 height width"]) -> Float[Tensor, "some classes"]:
    logits = case.classifier(images)
    return class_scores(logits, score_name(case.classifier, "auto", logits.shape[1]))


def _flat(values: Tensor) -> np.ndarray:
    return values.flatten().numpy()
