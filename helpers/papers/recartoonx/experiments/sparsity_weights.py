"""Black explanations, and whether a per-image λk avoids them: [Re] CartoonX, section 4.2, and beyond."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from torch import Tensor

from helpers.methods.rde import explain_at
from helpers.papers.recartoonx.experiments.convergence import convergence_studies
from helpers.papers.recartoonx.experiments.study import Study
from helpers.results import code_digest

EVALUATION_SAMPLES = 64
BLACK = 0.05  # a cartoon is black where its mean is below this share of the image's
WEIGHTINGS = ("fixed", "relative", "own")


def sparsity_weight_table(study: Study) -> pd.DataFrame:
    """The least confident images under one λk for all, under it with relative distortion, and under per-image λk.

    An image's own λk is the one at which the relative distortion reaches the profile's target. The least confident
    images are chosen because the first two weightings agree where the confidence is 1.

    Returns:
        Columns image, model (cnn or vit), confidence, weighting (fixed, relative, own), sparsity_weight (λk),
        distortion (label, relative to p²), standard_error, sparsity (‖s‖₁/k), brightness (the cartoon's mean ÷ the
        image's), black (brightness below 0.05), seconds.
    """
    rows = []
    for model, source, count in convergence_studies(study):
        for index in least_confident(source, count):
            image = source.images.images[index : index + 1]
            shared_columns = {"image": source.images.names[index], "model": model}
            shared_columns["confidence"] = float(source.predictions[1][index])
            rows += [{**shared_columns, **row} for row in _three_weightings(source, index, image)]
    return pd.DataFrame(rows)


def least_confident(source: Study, count: int) -> list[int]:
    """The indices, in ascending order, of the images with the lowest confidence."""
    return source.predictions[1].argsort(stable=True)[:count].sort().values.tolist()


def _three_weightings(source: Study, index: int, image: Tensor) -> Iterator[dict[str, object]]:
    method, relative = source.method("cartoonx"), source.method("cartoonx", relative=True)
    problem = relative.problem(image.to(source.device))
    for weighting in WEIGHTINGS:
        mask, weight, seconds = _explained(source, index, weighting)
        measured = problem.evaluate(mask.to(source.device), samples=EVALUATION_SAMPLES, seed=source.profile.seed + 1)
        grey = problem.representation.analyse(image.mean(1, keepdim=True).to(source.device))
        cartoon = problem.representation.synthesise(mask.to(source.device) * grey).clamp(0, 1)
        brightness = float(cartoon.mean() / image.mean().clamp_min(1e-6))
        yield {
            "weighting": weighting,
            "sparsity_weight": method.options.sparsity_weight if weight is None else weight,
            "distortion": float(measured["distortion"][0]),
            "standard_error": float(measured["distortion_error"][0]),
            "sparsity": float(measured["sparsity"][0]),
            "brightness": brightness,
            "black": brightness < BLACK,
            "seconds": seconds,
        }


def _explained(source: Study, index: int, weighting: str) -> tuple[Tensor, float | None, float]:
    """The mask of an image under a weighting, its own λk or None, and the seconds of computing; from the store."""
    if weighting == "own":
        return _own(source, index)
    study = source.subset(source.images[index : index + 1])
    changes = {"relative": True} if weighting == "relative" else {}
    mask = study.explain("cartoonx", **changes).representation_mask
    return mask, None, study.seconds("cartoonx", **changes)[0]


def _own(source: Study, index: int) -> tuple[Tensor, float, float]:
    method, distortion = source.method("cartoonx", relative=True), source.profile.search.distortion

    def compute(rows: list[int]) -> list[dict[str, Tensor]]:
        result = explain_at(method, source.images.images[index : index + 1].to(source.device), distortion=distortion)
        return [{"mask": result.explanation.representation_mask, "weight": result.sparsity_weights}]

    key_parts = {**source.method_parts("cartoonx", method), "distortion": distortion, "search": code_digest(explain_at)}
    (item,) = source.stored(source.store("sparsity-weights", **key_parts), [source.items[index]], compute)
    return item.tensors["mask"], float(item.tensors["weight"][0]), item.metadata["seconds"]
