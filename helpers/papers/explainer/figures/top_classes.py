"""Figures 4 and 5 of "What You See is What You Classify": the five strongest classes of an image."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from scipy.stats import spearmanr
from torch import Tensor

from helpers.core.statistics import mean_effect, proportion_effect
from helpers.methods.explainer import Explainer
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.plots import MASK_COLOURS, show_images
from helpers.reporting.claims import Claim

SURE = 0.5
"""The classifier predicts the classes with a probability above this."""


@torch.no_grad()
def activation_table(study: ClassStudy, count: int) -> pd.DataFrame:
    """Mask activation and score of every class of the first test images: one row per image and class (appendix C).

    Returns:
        Columns image, class, present, ama (average mask activation, 0 to 100) and cls (the classifier's probability of
        the class on the whole image, 0 to 100).
    """
    images = study.images[:count]
    masks, scores = all_class_masks(study, count)
    return pd.DataFrame(
        {
            "image": [name for name in images.names for _ in images.class_names],
            "class": [*images.class_names] * len(images),
            "present": images.labels.flatten().tolist(),
            "ama": (100 * masks.mean((2, 3))).flatten().tolist(),
            "cls": (100 * scores).flatten().tolist(),
        }
    )


@torch.no_grad()
def all_class_masks(
    study: ClassStudy, count: int
) -> tuple[Float[Tensor, "count classes height width"], Float[Tensor, "count classes"]]:
    """The Explainer's masks of all classes for the first test images, and the classifier's probabilities."""
    pixels = study.images[:count].images(study.device)
    method = study.method("explainer")
    assert isinstance(method, Explainer)
    scores = torch.cat([study.classifier(batch).sigmoid() for batch in pixels.split(study.profile.batch_size)])
    return method.class_masks(pixels, None).cpu(), scores.cpu()


def mean_activations(table: pd.DataFrame) -> dict[str, float]:
    """The mean AMA of the classes that an image shows ("ama-present"), and of the others ("ama-absent")."""
    means = table.groupby("present")["ama"].mean()
    return {"ama-present": float(means[True]), "ama-absent": float(means[False])}


def activation_claims(table: pd.DataFrame) -> list[Claim]:
    """The paper's claims about Figures 4 and 5: activation and score usually agree, also when both are wrong."""
    by_image = [group for _, group in table.groupby("image", sort=False)]
    ranks = [float(spearmanr(group["ama"], group["cls"]).statistic) for group in by_image]
    strongest = [float(group.loc[group["ama"].idxmax(), "present"]) for group in by_image]
    absent = [group[~group["present"]] for group in by_image]
    split = [(group[group["cls"] > 100 * SURE]["ama"], group[group["cls"] <= 100 * SURE]["ama"]) for group in absent]
    return [
        Claim(
            "average mask activation and classification score are correlated",
            "rank correlation of AMA and CLS over the classes of an image",
            mean_effect(ranks),
            1,
        ),
        Claim(
            "the class with the strongest mask is one that the image shows",
            "share of images",
            proportion_effect(strongest),
            1,
            0.5,
        ),
        Claim(
            "a wrongly predicted class gets a larger mask than other absent classes",
            "AMA of absent classes that are predicted − AMA of those that are not (images that have both)",
            mean_effect([float(yes.mean() - no.mean()) if len(yes) and len(no) else float("nan") for yes, no in split]),
            1,
        ),
    ]


def spurious_claim(first: pd.DataFrame, second: pd.DataFrame) -> Claim:
    """Claim: ResNet-50's masks have more spurious activations than VGG-16's on the same images (appendix C)."""
    amas = [table[~table["present"]].groupby("image")["ama"].sum() for table in (first, second)]
    return Claim(
        "ResNet-50's Explainer has more spurious activations than VGG-16's",
        "ResNet-50 − VGG-16, sum of AMA over the classes that an image does not show",
        mean_effect(amas[1] - amas[0]),
        1,
    )


def draw_top_classes(study: ClassStudy, shown: int = 8, top: int = 5) -> Figure:
    """Figures 4 and 5: each image, the maximum over all masks, and the `top` classes with the largest mean mask.

    Above each mask are the class (with ** if the image shows it), its average mask activation AMA and the classifier's
    score CLS, both times 100.
    """
    images = study.images[:shown]
    masks, scores = all_class_masks(study, shown)
    activation = 100 * masks.mean((2, 3))
    pictures: list[Tensor] = []
    titles: list[str] = []
    for row in range(shown):
        best = activation[row].argsort(descending=True, stable=True)[:top].tolist()
        pictures += [images.images()[row], masks[row].amax(0, keepdim=True), *masks[row, best][:, None]]
        titles += ["image", "all classes"] if row == 0 else ["", ""]
        titles += [
            f"{images.class_names[k]}{' **' if images.labels[row, k] else ''}\n"
            f"AMA {activation[row, k]:.1f}\nCLS {100 * scores[row, k]:.0f}"
            for k in best
        ]
    return show_images(pictures, titles, columns=2 + top, colours=MASK_COLOURS, width=9.5)
