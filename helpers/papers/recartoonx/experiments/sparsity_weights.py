"""Black explanations, and what an image's own λk makes of them: [Re] CartoonX, section 4.2, and beyond it."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from torch import Tensor

from helpers.methods.rde import explain_at
from helpers.papers.recartoonx.experiments.convergence import searched
from helpers.papers.recartoonx.experiments.study import Study
from helpers.results import code_digest

EVALUATION_SAMPLES = 64
BLACK = 0.05  # a cartoon is black where its mean is below this share of the image's
WEIGHTINGS = ("fixed", "relative", "own")


def sparsity_weight_table(study: Study) -> pd.DataFrame:
    """The least sure images under one λk for all, under the same for relative distortion, and under their own.

    An image's own λk is the one at which the distortion is the wanted share of that of an output of zeros. The images
    are the least sure ones, since of a sure one the first two are the same.

    Returns:
        Columns image, model (cnn or vit), confidence, weighting (fixed, relative, own), sparsity_weight (λk),
        distortion (label, relative to p²), standard_error, sparsity (‖s‖₁/k), brightness (the cartoon's mean ÷ the
        image's), black (brightness below 0.05), seconds.
    """
    rows = []
    for model, source, count in searched(study):
        for place in least_sure(source, count):
            image = source.images.images[place : place + 1]
            about = {"image": source.images.names[place], "model": model}
            about["confidence"] = float(source.predictions[1][place])
            rows += [{**about, **row} for row in _three_weightings(source, place, image)]
    return pd.DataFrame(rows)


def least_sure(source: Study, count: int) -> list[int]:
    """The places of the images whose predictions are the least sure, in the images' order."""
    return source.predictions[1].argsort(stable=True)[:count].sort().values.tolist()


def _three_weightings(source: Study, place: int, image: Tensor) -> Iterator[dict[str, object]]:
    method, relative = source.method("cartoonx"), source.method("cartoonx", relative=True)
    problem = relative.problem(image.to(source.device))
    for weighting in WEIGHTINGS:
        mask, weight, seconds = _found(source, place, weighting)
        measured = problem.evaluate(mask.to(source.device), samples=EVALUATION_SAMPLES, seed=source.profile.seed + 1)
        grey = problem.representation.analyse(image.mean(1, keepdim=True).to(source.device))
        cartoon = problem.representation.synthesise(mask.to(source.device) * grey).clamp(0, 1)
        bright = float(cartoon.mean() / image.mean().clamp_min(1e-6))
        yield {
            "weighting": weighting,
            "sparsity_weight": method.options.sparsity_weight if weight is None else weight,
            "distortion": float(measured["distortion"][0]),
            "standard_error": float(measured["distortion_error"][0]),
            "sparsity": float(measured["sparsity"][0]),
            "brightness": bright,
            "black": bright < BLACK,
            "seconds": seconds,
        }


def _found(source: Study, place: int, weighting: str) -> tuple[Tensor, float | None, float]:
    """The mask of one image under a weighting, its own λk where it has one, and the seconds that it took; stored."""
    if weighting == "own":
        return _own(source, place)
    one = source.subset(source.images[place : place + 1])
    changes = {"relative": True} if weighting == "relative" else {}
    mask = one.explain("cartoonx", **changes).representation_mask
    return mask, None, one.seconds("cartoonx", **changes)[0]


def _own(source: Study, place: int) -> tuple[Tensor, float, float]:
    method, distortion = source.method("cartoonx", relative=True), source.profile.search.distortion

    def compute(rows: list[int]) -> list[dict[str, Tensor]]:
        result = explain_at(method, source.images.images[place : place + 1].to(source.device), distortion=distortion)
        return [{"mask": result.explanation.representation_mask, "weight": result.sparsity_weights}]

    parts = {**source.method_parts("cartoonx", method), "distortion": distortion, "search": code_digest(explain_at)}
    (item,) = source.stored(source.store("sparsity-weights", **parts), [source.items[place]], compute)
    return item.tensors["mask"], float(item.tensors["weight"][0]), item.metadata["seconds"]
