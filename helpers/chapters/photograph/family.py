"""The registered table `photograph-family`: the photograph in other waves, at a given rate, and in WAM's order."""

from __future__ import annotations

import pandas as pd
from jaxtyping import Float
from torch import Tensor

from helpers.chapters.photograph.album import Entry, cat_of_the_gallery, to_table
from helpers.chapters.photograph.judge import Judge
from helpers.core.explanation import Explanation
from helpers.methods.baselines import WAM
from helpers.methods.rde import RateDistortion, ShearletX, first_mask
from helpers.papers.recartoonx.experiments import Study
from helpers.results import results_folder

TABLE = "photograph-family"
SAMPLES = 64
WAVES_ONLY = {"spatial_weight": 0.0, "sparsity_weight": ShearletX.sparsity_weight}
"""ShearletX without its penalty on the picture: CartoonX with other waves."""


def family_table(study: Study) -> pd.DataFrame:
    """The cat's kept parts: by a rate, by shearlets, and the first coefficients of WAM's orders and of the largest.

    All parts of wavelets keep as many coefficients as CartoonX's mask of the gallery adds up to.

    Returns:
        Columns entry, name, number, words (`helpers.chapters.photograph.album.to_table`).
    """
    judge = Judge(study.classifier, study.images.images)
    cartoonx = study.method("cartoonx")
    problem = cartoonx.problem(judge.image)
    coefficients = problem.coefficients  # 1, 3, k
    count = max(1, round(float(cat_of_the_gallery().numbers["cartoonx"]["sparsity"]) * coefficients.shape[2]))
    rated = study.method("cartoonx", keep=count)
    orders = {"largest": coefficients.square().sum(1, keepdim=True)}  # 1, 1, k
    for name, path in (("wam-gradient", False), ("wam-path", True)):
        found = WAM(study.classifier, path=path, **study.profile.cartoonx.transform).explain(judge.image)
        assert found.representation_mask is not None
        orders[name] = found.representation_mask
    entries = {"cartoonx-rate": _judged(rated.binary(judge.image, rated.explain(judge.image)), problem, judge)}
    for name, order in orders.items():
        entries[name] = _judged(cartoonx.to_explanation(problem, first_mask(order, count), {}), problem, judge)
    shearlets = ShearletX(study.classifier, study.profile.cartoonx.options, **WAVES_ONLY)
    entries["shearlets"] = _judged(shearlets.explain(judge.image), shearlets.problem(judge.image), judge)
    return to_table(entries, results_folder(study.profile, study.root))


def _judged(explanation: Explanation, problem: RateDistortion, judge: Judge) -> Entry:
    """How much a mask keeps, what it costs in noise, and what the classifier sees in the kept part."""
    mask = explanation.representation_mask
    assert mask is not None
    numbers: dict[str, float | int | str] = {
        "rate": float(mask.mean()),
        "sum": float(mask.sum()),
        "distortion": float(problem.evaluate(mask, samples=SAMPLES)["distortion"]),
        "brightness": _brightness(judge.image, explanation.kept),
    }
    numbers |= {f"kept-{name}": value for name, value in judge(explanation.kept).items()}
    return Entry(numbers, {"kept": explanation.kept[0]})


def _brightness(image: Float[Tensor, "1 3 size size"], kept: Float[Tensor, "1 3 size size"]) -> float:
    return float(kept.sum() / image.sum())
