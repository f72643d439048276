"""The wavelet family on one protocol: CartoonX, WaveletX, ShearletX, WAM and Pixel RDE, with controls."""

from __future__ import annotations

from math import nan

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.core.explanation import Explanation
from helpers.papers.recartoonx.experiments.family_images import Chosen, chosen_images, images_of, settings_of
from helpers.papers.recartoonx.experiments.family_methods import (
    searched,
    stored_explanation,
    stored_items,
    stored_order,
)
from helpers.papers.recartoonx.experiments.family_scores import (
    as_columns,
    entry_scores,
    map_scores,
    picture_scores,
    truth_scores,
)
from helpers.papers.recartoonx.experiments.study import Study


def tuning_table(study: Study) -> pd.DataFrame:
    """The trials of λk of each method, on images that no other table uses.

    The price is chosen whose mean distortion is nearest to the profile's `distortion`, so that methods are compared at
    about the same distortion, after the same number of trials.

    Returns:
        Columns method, sparsity_weight, images, distortion (mean over images, over fresh noise), share (mean
        over images, of the kept entries), chosen.
    """
    settings, chosen, rows = settings_of(study), chosen_images(study, tuning=True), []
    for name, method in settings.methods.items():
        found = [_trial(study, name, chosen, weight) for weight in method.trials]
        if found:
            distances = [abs(distortion - settings.distortion) for distortion, _ in found]
            best = distances.index(min(distances))
            rows += [
                (name, weight, len(chosen), round(distortion, 5), round(share, 6), number == best)
                for number, (weight, (distortion, share)) in enumerate(zip(method.trials, found, strict=True))
            ]
    return pd.DataFrame(rows, columns=["method", "sparsity_weight", "images", "distortion", "share", "chosen"])


def family_table(study: Study) -> pd.DataFrame:
    """One row per image and method or control.

    Returns:
        Columns kind (curved, straight, or photographs), image, method, target, seconds (of one image, in a batch; by
        the clock of a machine with other tasks), processor_seconds (the same as time of all processors; nan for
        explanations that were stored before it was measured), the columns of `entry_scores`, `picture_scores`,
        `map_scores` and `truth_scores`.
    """
    methods = settings_of(study).methods
    return pd.concat([_rows(study, name, images_of(study, name)) for name in methods], ignore_index=True)


def _trial(study: Study, name: str, chosen: Chosen, weight: float) -> tuple[float, float]:
    """The mean distortion and the mean share of the kept entries at a price."""
    explanation = stored_explanation(study, name, chosen, sparsity_weight=weight)
    assert explanation.representation_mask is not None
    method = searched(study, name, sparsity_weight=weight)
    found = []
    for rows in torch.arange(len(chosen)).split(study.profile.batch_size):
        problem = method.problem(chosen.images[rows].to(study.device), chosen.targets[rows].to(study.device))
        mask = explanation.representation_mask[rows].to(study.device)
        found.append(problem.evaluate(mask, samples=settings_of(study).samples))
    distortion, share = (torch.cat([each[key] for each in found]).mean() for key in ("distortion", "sparsity"))
    return float(distortion), float(share)


def _rows(study: Study, name: str, chosen: Chosen) -> pd.DataFrame:
    """The rows of one method."""
    explanation, order = stored_explanation(study, name, chosen), stored_order(study, name, chosen)
    spent = [item.metadata for item in stored_items(study, name, chosen)]
    times = {column: [round(each.get(column, nan), 4) for each in spent] for column in ("seconds", "processor_seconds")}
    head = pd.DataFrame({"kind": chosen.kinds, "image": chosen.names, "method": name, "target": chosen.targets})
    tables = [
        _scores(study, name, chosen[rows], explanation[rows], order[rows])
        for rows in torch.arange(len(chosen)).split(study.profile.batch_size)
    ]
    scores = pd.concat(tables, ignore_index=True)
    return pd.concat([head.assign(**times), scores], axis=1)


def _scores(
    study: Study, name: str, chosen: Chosen, explanation: Explanation, order: Float[Tensor, "batch 1 k"]
) -> pd.DataFrame:
    """The scores of some images under one method."""
    settings, seed, device = settings_of(study), study.profile.seed, study.device
    images, explanation, order = chosen.images.to(device), explanation.to(device), order.to(device)
    regions = None if chosen.regions is None else chosen.regions.to(device)
    mask = explanation.representation_mask
    assert mask is not None
    problem = searched(study, name).problem(images, explanation.targets)
    return as_columns(
        {
            **entry_scores(problem, mask, order, settings, seed),
            **picture_scores(study.classifier, images, explanation),
            **map_scores(study.classifier, images, explanation, settings, seed),
            **truth_scores(explanation.heatmaps, regions, settings.tolerance),
        }
    )
