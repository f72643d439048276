"""The photograph explained by CartoonX and its kin: a penalty on the picture, starts, convergence, prices."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.chapters.photograph.album import Entry, cat_of_the_gallery
from helpers.chapters.photograph.judge import Judge
from helpers.chapters.waveletx import count_edges
from helpers.methods.initial_masks import starting_mask
from helpers.methods.initial_masks.evaluation import compare_starts
from helpers.papers.recartoonx.experiments import Study

SAMPLES = 64
WAVELETX = {"sparsity_weight": 30.0, "spatial_weight": 1.0}
"""As on the page about WaveletX."""
SHORT = {"learning_rate": 0.1, "steps": (0, 50, 100)}
CHECK_EVERY = 100


def gallery_entries(judge: Judge) -> dict[str, Entry]:
    """CartoonX and Pixel RDE as in the gallery, with further numbers of their kept pictures."""
    cat, entries = cat_of_the_gallery(), {}
    for method in ("cartoonx", "pixel-rde"):
        row, kept = cat.numbers[method], cat.pictures[f"{method}-kept"]
        entries[method] = Entry(
            {
                "rate": row["sparsity"],
                "distortion": row["distortion"],
                "kept-class": row["kept_prediction_name"],
                "kept-probability": row["kept_confidence"],
                **_edges(judge.image, kept[None]),
            }
        )
    return entries


def waveletx_entry(study: Study, judge: Judge) -> Entry:
    """WaveletX: CartoonX with a penalty on the brightness of the kept picture."""
    explanation = study.explain("cartoonx", **WAVELETX)
    assert explanation.representation_mask is not None
    numbers = {"rate": float(explanation.representation_mask.mean()), **_prefixed("kept", judge(explanation.kept))}
    pictures = {"kept": explanation.kept[0], "mask": explanation.mask[0]}
    return Entry({**numbers, **_edges(judge.image, explanation.kept)}, pictures)


def starts_entry(study: Study) -> Entry:
    """The objective from a mask of ones and from the mask that a network predicts, after few steps."""
    method = study.method("cartoonx", learning_rate=SHORT["learning_rate"])
    images = study.images.images
    starts = {name: starting_mask(name, method, images) for name in ("ones", "learned")}
    table = compare_starts(method, images, starts, SHORT["steps"])
    numbers = {f"{row.start}-{row.steps}": row.objective for row in table.itertuples()}
    bare = starting_mask("learned", method, images, lambda_shrink=1.0, ones_fraction=0.0)
    drawn = {
        "start": method.to_explanation(method.problem(images), starts["learned"], {}),
        "predicted": method.to_explanation(method.problem(images), bare, {}),
    }
    numbers |= {"start-rate": float(starts["learned"].mean()), "predicted-rate": float(bare.mean())}
    pictures = {f"{name}-mask": explanation.mask[0] for name, explanation in drawn.items()}
    return Entry(numbers, {**pictures, "predicted-kept": drawn["predicted"].kept[0]})


def convergence_entry(study: Study) -> Entry:
    """The objective and the estimated duality gap every hundred steps of a search."""
    history = study.explain("cartoonx", tolerance=0.0, check_every=CHECK_EVERY).history
    numbers = {}
    for step in range(len(history["gap"][0])):
        if not history["gap"][0, step].isnan():
            for name in ("gap", "gap_uncertainty"):
                numbers[f"{name.replace('_', '-')}-{step + 1}"] = float(history[name][0, step])
            around = slice(max(0, step - 9), step + 1)  # one step has two noise draws
            numbers[f"objective-{step + 1}"] = float(history["objective"][0, around].mean())
    return Entry(numbers)


def price_entry(study: Study) -> Entry:
    """Rate and distortion of CartoonX's masks at several λk, beside the empty mask."""
    images = study.images.images
    problem = study.method("cartoonx").problem(images)
    probability = float(study.predictions[1][0])
    numbers = {"probability": probability, "square": probability**2}
    empty = torch.zeros_like(problem.coefficients[:, :1])
    numbers["empty"] = float(problem.evaluate(empty, samples=SAMPLES)["distortion"])
    pictures = {}
    for weight in study.profile.sweep.sparsity_weights:
        explanation = study.explain("cartoonx", sparsity_weight=weight)
        assert explanation.representation_mask is not None
        values = problem.evaluate(explanation.representation_mask, samples=SAMPLES)
        numbers[f"rate-{weight:g}"] = float(explanation.representation_mask.mean())
        numbers[f"distortion-{weight:g}"] = float(values["distortion"])
        pictures[f"kept-{weight:g}"] = explanation.kept[0]
    return Entry(numbers, pictures)


def _edges(image: Float[Tensor, "1 3 size size"], kept: Float[Tensor, "1 3 size size"]) -> dict[str, float]:
    """The share of the brightness that a picture keeps, and the share of its edges that the photograph lacks."""
    counts = count_edges(image, kept)
    return {
        "brightness": float(kept.sum() / image.sum()),
        "invented": float(counts.invented / counts.shown.clamp_min(1)),
        "edges": float(counts.shown),
    }


def _prefixed(prefix: str, numbers: dict[str, float | str]) -> dict[str, float | str]:
    return {f"{prefix}-{name}": value for name, value in numbers.items()}
