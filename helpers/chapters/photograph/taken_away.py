"""The photograph with ever fewer of its wavelet coefficients, until the classifier no longer sees a cat.

The coefficients are ordered by the mean of CartoonX's masks over the profile's λk: those that only a low price keeps go
first. Two other orders are the controls: by size, and at random.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.chapters.photograph.album import PROFILE, SMALL
from helpers.chapters.photograph.judge import CATS, Judge
from helpers.core.runtime import random_generator
from helpers.papers.recartoonx.experiments import Study
from helpers.results import read_table, results_folder
from helpers.results.stored_pictures import read_pictures, write_pictures

TABLE = "photograph-taken-away"
SHARES = (1.0, 0.5, 0.3, 0.2, 0.1, 0.07, 0.05, 0.03, 0.02, 0.015, 0.01, 0.007, 0.005, 0.003, 0.001)
DRAWS = 8
ORDERS = ("relevance", "size", "random")


class TakenAway(NamedTuple):
    """The stored steps of the photograph's disappearance.

    Attributes:
        table: columns order, share, count (coefficients kept), class and confidence (of the first draw), probability
            (of the class that the photograph has), cats (the probability of the five domestic cats together), cat (the
            share of draws whose most probable class is one of them); the last three are means over draws.
        pictures: the kept part by share, in the order of relevance.
    """

    table: pd.DataFrame
    pictures: dict[float, Float[Tensor, "3 height width"]]

    def steps(self, order: str) -> pd.DataFrame:
        """The rows of one of `ORDERS`, the whole photograph first."""
        return self.table[self.table["order"] == order].reset_index(drop=True)

    def last_cat(self, order: str) -> float:
        """The smallest share down to which all steps of an order are taken for a cat, in most draws."""
        rows = self.steps(order)
        lost = (rows["cat"] <= 0.5).to_numpy()
        return float(rows["share"][lost.argmax() - 1 if lost.any() else len(rows) - 1])


def taken_away_table(study: Study) -> pd.DataFrame:
    """The classifier's judgement of the kept part at each of `SHARES`, in the three orders; see `TakenAway`."""
    judge = Judge(study.classifier, study.images.images)
    representation = study.method("cartoonx").representation(tuple(judge.image.shape[2:]))
    h = representation.analyse(judge.image)  # 1, 3, k
    k, energy = h.shape[-1], h.square().sum(1)[0]  # k
    masks = [
        study.explain("cartoonx", sparsity_weight=weight).representation_mask
        for weight in study.profile.sweep.sparsity_weights
    ]
    by_size = energy.argsort(descending=True)
    mask = torch.stack(masks).mean(0)[0, 0]  # k
    orders = {
        # where all masks are 0, the larger coefficients stay longer
        "relevance": [by_size[mask[by_size].argsort(descending=True, stable=True)]],
        "size": [by_size],
        "random": [torch.randperm(k, generator=random_generator(draw)) for draw in range(DRAWS)],
    }
    rows, pictures = [], {}
    for order, draws in orders.items():
        for share in SHARES:
            count = max(1, round(share * k))
            kept = [representation.synthesise(_only(h, draw[:count])).clamp(0, 1) for draw in draws]
            if order == "relevance":
                pictures[f"taken-away/{share:g}"] = kept[0][0]
            found = pd.DataFrame([judge(picture) for picture in kept])
            names = [judge.classifier.class_names[index] for index in CATS]
            rows.append(
                {
                    "order": order,
                    "share": share,
                    "count": count,
                    "class": found["class"][0],
                    "confidence": max(_probabilities(judge, kept[0]).tolist()),
                    "probability": found["probability"].mean(),
                    "cats": found["cats"].mean(),
                    "cat": found["class"].isin(names).mean(),
                }
            )
    table = pd.DataFrame(rows)
    folder = results_folder(study.profile, study.root)
    table.attrs["provenance"] = {"pictures": write_pictures(pictures, folder, lossless=SMALL)}
    return table


def read_taken_away(root: Path | None = None, profile: str = PROFILE) -> TakenAway:
    """The stored steps.

    Raises:
        ValueError: the table or a picture is missing or was changed; the message says how to make them.
    """
    pictures = read_pictures(profile, TABLE, root)
    by_share = {float(name.removeprefix("taken-away/")): picture for name, picture in pictures.items()}
    return TakenAway(read_table(profile, TABLE, root=root), by_share)


@torch.no_grad()
def _probabilities(judge: Judge, picture: Float[Tensor, "1 3 height width"]) -> Float[Tensor, " classes"]:
    return judge.classifier(picture).softmax(-1)[0]


def _only(h: Float[Tensor, "1 3 k"], kept: Int[Tensor, " count"]) -> Float[Tensor, "1 3 k"]:
    """Some coefficients, and 0 in place of the others."""
    mask = torch.zeros(h.shape[-1])
    mask[kept] = 1
    return h * mask
