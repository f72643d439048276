"""CartoonX of a transformer, CartoonX of a CNN and attention rollout: [Re] CartoonX, section 4.2, Figures 4 and 7."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import torch
from jaxtyping import Float
from scipy.stats import spearmanr
from torch import Tensor
from torch.nn.functional import interpolate

from helpers.core.explanation import Explanation
from helpers.methods.rollout import AttentionRollout
from helpers.papers.recartoonx.experiments.study import Study
from helpers.profiles import Variant

EXPLAINED = ("cnn", "vit", "rollout")  # CartoonX of the CNN, CartoonX of the transformer, the transformer's rollout
GRID = 8  # masks are compared by their means over 8 × 8 cells, whatever their resolution
EVALUATION_SAMPLES = 64


def rollout(study: Study, *, count: int | None = None, variant: Variant = "corrected") -> Explanation:
    """Attention rollout of the first `count` images, with the profile's settings; one forward pass, not stored.

    Raises:
        ValueError: the study's classifier is no transformer: ask `study.with_transformer()`.
    """
    settings = study.profile.transformer
    if settings is None or settings.classifier != study.profile.classifier:
        raise ValueError(f"the classifier of this study is {study.classifier.name}; ask study.with_transformer()")
    method = AttentionRollout(study.classifier, **settings.rollout.model_dump(), variant=variant)
    batches = study.batches(study.images[:count])
    return Explanation.join([method.explain(batch.to(study.device)).to("cpu") for batch in batches])


def transformer_explanations(study: Study) -> dict[str, tuple[Study, Explanation]]:
    """The three explanations of the transformer's images, each with the study of its classifier."""
    vit = study.with_transformer()
    count = len(vit.images)
    return {
        "cnn": (study, study.explain("cartoonx", count=count)),
        "vit": (vit, vit.explain("cartoonx")),
        "rollout": (vit, rollout(vit)),
    }


def transformer_table(study: Study) -> pd.DataFrame:
    """One row per image and explanation: CartoonX of the CNN, CartoonX of the transformer, rollout.

    Returns:
        Columns image, explanation, label (-1: not known), prediction, confidence, both_correct (both classifiers
        predict the label or, where it is not known, the same class), sparsity (‖s‖₁/k; for rollout the mean of the
        mask), brightness (the cartoon's mean ÷ the image's: 0 is black; missing for rollout), kept_confidence (the
        prediction's probability on the kept part), correlation_cnn, correlation_vit, correlation_rollout (rank
        correlations of the masks over 8 × 8 cells; missing where a mask is constant), seconds (missing for rollout).
    """
    explanations = transformer_explanations(study)
    correct = both_correct(study)
    grids = {name: grid_means(explanation.mask) for name, (_, explanation) in explanations.items()}
    rows = []
    for name, (source, explanation) in explanations.items():
        classes, confidence = source.predictions
        count = len(explanation)
        seconds = source.seconds("cartoonx", count=count) if name != "rollout" else [None] * count
        brightnesses = brightness(source, explanation) if name != "rollout" else [None] * count
        kept = kept_confidence(source, explanation)
        for index, image in enumerate(source.images.names[:count]):
            correlations = {
                f"correlation_{other}": rank_correlation(grids[name][index], grids[other][index]) for other in EXPLAINED
            }
            rows.append(
                {
                    "image": image,
                    "explanation": name,
                    "label": int(source.images.labels[index]),
                    "prediction": int(classes[index]),
                    "confidence": float(confidence[index]),
                    "both_correct": bool(correct[index]),
                    "sparsity": float(sparsity_of(explanation, name)[index]),
                    "brightness": brightnesses[index],
                    "kept_confidence": kept[index],
                    **correlations,
                    "seconds": seconds[index],
                }
            )
    return pd.DataFrame(rows).astype({"brightness": float, "seconds": float})


def transformer_sweep(study: Study) -> pd.DataFrame:
    """CartoonX of the transformer at each λk of Figure 7, and of the CNN at those of Figure 3, on the same images.

    All values are measured on fresh noise, with the optimised distortion.

    Returns:
        Columns image, model (cnn or vit), sparsity_weight, confidence, distortion, standard_error, sparsity,
        objective, brightness (the cartoon's mean ÷ the image's), empty_objective (of the mask that keeps nothing).
    """
    count = _sweep_count(study)
    rows = []
    for model, source, weight in _weighted_models(study):
        rows += _at_weight(source, model, weight, count)
    return pd.DataFrame(rows)


def _weighted_models(study: Study) -> list[tuple[str, Study, float]]:
    """Each model with each of its λk, the profile's own included, whose explanations are stored anyway."""
    models = []
    for model, source in (("cnn", study), ("vit", study.with_transformer())):
        weights = {*source.profile.sweep.sparsity_weights, source.profile.cartoonx.sparsity_weight}
        models += [(model, source, float(weight)) for weight in sorted(weights)]
    return models


def _sweep_count(study: Study) -> int:
    vit = study.with_transformer()
    return min(vit.profile.sweep.images or len(vit.images), len(vit.images))


def _at_weight(source: Study, model: str, weight: float, count: int) -> list[dict[str, object]]:
    images, confidence = source.images[:count], source.predictions[1]
    explanation = source.explain("cartoonx", count=count, sparsity_weight=weight)
    brightnesses = brightness(source, explanation)
    method, rows = source.method("cartoonx", sparsity_weight=weight), []
    for index, image in enumerate(images.names):
        problem = method.problem(images.images[index : index + 1].to(source.device))
        mask = explanation.representation_mask[index : index + 1].to(source.device)
        settings = {"samples": EVALUATION_SAMPLES, "seed": source.profile.seed + 1}
        measured, empty = problem.evaluate(mask, **settings), problem.evaluate(0 * mask, **settings)
        rows.append(
            {
                "image": image,
                "model": model,
                "sparsity_weight": weight,
                "confidence": float(confidence[index]),
                "distortion": float(measured["distortion"][0]),
                "standard_error": float(measured["distortion_error"][0]),
                "sparsity": float(measured["sparsity"][0]),
                "objective": float(measured["objective"][0]),
                "brightness": brightnesses[index],
                "empty_objective": float(empty["objective"][0]),
            }
        )
    return rows


def both_correct(study: Study) -> Tensor:
    """Whether both classifiers predict the label or, where it is not known, the same class: (images,) bool."""
    vit = study.with_transformer()
    count = len(vit.images)
    labels, cnn_classes, vit_classes = study.images.labels[:count], study.predictions[0][:count], vit.predictions[0]
    return torch.where(labels >= 0, (cnn_classes == labels) & (vit_classes == labels), cnn_classes == vit_classes)


def sparsity_of(explanation: Explanation, name: str) -> Tensor:
    """‖s‖₁/k of each image; for rollout the mean of the mask: (images,)."""
    mask = explanation.mask if name == "rollout" else explanation.representation_mask
    return mask.flatten(1).mean(1)


def brightness(study: Study, explanation: Explanation) -> list[float]:
    """The mean of each cartoon as a share of the image's mean: 0 is black."""
    images = study.images.images[: len(explanation)]
    cartoons = study.method("cartoonx").cartoon(images, explanation)
    return (cartoons.mean((1, 2, 3)) / images.mean((1, 2, 3)).clamp_min(1e-6)).tolist()


@torch.no_grad()
def kept_confidence(study: Study, explanation: Explanation) -> list[float]:
    """The probability of the image's predicted class on its kept part."""
    probabilities = [study.classifier(kept.to(study.device)).softmax(-1) for kept in explanation.kept.split(8)]
    classes = study.predictions[0][: len(explanation)]
    return torch.cat(probabilities).cpu().gather(1, classes[:, None])[:, 0].tolist()


def grid_means(mask: Float[Tensor, "images 1 height width"]) -> Float[Tensor, "images cells"]:
    """The means of a mask over a grid of GRID × GRID cells, whatever the mask's size."""
    return interpolate(mask, size=(GRID, GRID), mode="area").flatten(1)


def rank_correlation(first: Sequence[float] | Tensor, second: Sequence[float] | Tensor) -> float:
    """Spearman's rank correlation; nan where one of the two is constant."""
    values = [torch.as_tensor(each).numpy() for each in (first, second)]
    if any((series == series[0]).all() for series in values):
        return float("nan")
    return float(spearmanr(*values).statistic)
