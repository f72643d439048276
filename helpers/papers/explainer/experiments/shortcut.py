"""Whether a method finds the shortcut when the classifier uses it, and ignores it otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pandas as pd
import torch
from jaxtyping import Bool
from torch import Tensor

from helpers.data.multilabel import MultiLabelImages, class_truth, scene_multilabels
from helpers.data.multilabel.loading import SCENE_SERIES
from helpers.data.scenes import SCENE_CLASSES, Scenes, make_scenes
from helpers.metrics import shortcut_scores, shortcut_sensitivity
from helpers.papers.explainer.experiments.methods import METHODS
from helpers.papers.explainer.experiments.study import ClassStudy

_AT_ONCE, _MOST = 128, 40


@dataclass(frozen=True)
class Pairs:
    """The same scenes without and with the planted mark.

    Attributes:
        without, marked: the two versions.
        shown: which scenes show the marked class.
        target: the index of the marked class.
        series: the seed of the scenes.
    """

    without: Scenes
    marked: Scenes
    shown: Bool[Tensor, " scenes"]
    target: int
    series: int

    def images(self, marked: bool) -> MultiLabelImages:
        """One version as multi-label images."""
        images = scene_multilabels(self.marked if marked else self.without, self.series)
        names = tuple(f"{name}-{'marked' if marked else 'plain'}" for name in images.names)
        return MultiLabelImages(images.pixels, images.labels, names, images.class_names)

    @property
    def objects(self) -> Bool[Tensor, "scenes height width"]:
        """The visible region of the marked class; where the scene does not show it, that of all objects."""
        own = class_truth(self.marked)[:, self.target]
        return torch.where(self.shown[:, None, None], own, self.marked.object_masks.any(1))


def shortcut_pairs(study: ClassStudy) -> Pairs:
    """Test scenes whose largest object is of the marked class, and as many without that class.

    Raises:
        ValueError: the images are photographs, or the profile does not set the number of pairs.
    """
    count = study.settings.evaluation.pairs
    if study.data.source != "scenes" or count is None:
        raise ValueError(
            f"profile {study.profile.name!r} has no scenes with and without the mark: give `explainer.evaluation.pairs`"
            " and a dataset of scenes"
        )
    options = {
        "size": study.settings.size,
        "seed": SCENE_SERIES["test"] + study.data.seed,
        "objects": study.data.objects,
        "shortcut_class": study.settings.marked_class,
    }
    return _draw_pairs(count, SCENE_CLASSES.index(study.settings.marked_class), **options)


@lru_cache(maxsize=2)  # two classifiers share the same scenes
def _draw_pairs(count: int, target: int, **options: Any) -> Pairs:
    rows = _chosen_rows(options, target, count)
    versions = [
        Scenes.join([make_scenes(1, start=row, shortcut_base_rate=rate, **options) for row in rows])
        for rate in (0.0, 1.0)
    ]
    return Pairs(versions[0], versions[1], versions[0].labels[:, target], target, options["seed"])


def shortcut_table(study: ClassStudy) -> pd.DataFrame:
    """One row per scene, method and version of the scene (without and with the mark).

    The mask is always that of the marked class; scenes without this class have rows for the marked version only.
    Both versions are scored on the mark's pixels, so that their difference is the effect of the mark.

    Returns:
        Columns method, image, shown (whether the scene shows the marked class), marked (which version), and the scores
        of `metrics.shortcut_scores`; logit and probability are the classifier's outputs for the class on this
        version, logit_change and probability_change the differences that the mark makes.
    """
    pairs = shortcut_pairs(study)
    requested = torch.zeros(len(pairs.shown), len(study.segmented.images.class_names), dtype=torch.bool)
    requested[:, pairs.target] = True
    change = {
        name: values[:, pairs.target].cpu()
        for name, values in shortcut_sensitivity(
            study.classifier, pairs.without.images.to(study.device), pairs.marked.images.to(study.device)
        ).items()
    }
    tables = []
    for marked in (False, True):
        rows = pairs.shown.nonzero().flatten().tolist() if not marked else list(range(len(pairs.shown)))
        images = pairs.images(marked).select(rows)
        with torch.no_grad():
            logits = study.classifier(images.images(study.device))[:, pairs.target].cpu()
        outputs = {"logit": logits, "probability": logits.sigmoid()}
        outputs |= {f"{name}_change": values[rows] for name, values in change.items()}
        shared_columns = {
            "image": [image.rpartition("-")[0] for image in images.names],
            "shown": pairs.shown[rows].tolist(),
            "marked": marked,
        }
        for name in METHODS:
            masks = study.masks(name, images=images, classes=requested[rows])[:, pairs.target]
            scores = shortcut_scores(masks, pairs.marked.shortcut_mask[rows], pairs.objects[rows])
            columns = {key: values.tolist() for key, values in {**scores, **outputs}.items()}
            tables.append(pd.DataFrame({"method": name, **shared_columns, **columns}))
    return pd.concat(tables, ignore_index=True)


def _chosen_rows(options: dict[str, Any], target: int, count: int) -> list[int]:
    """The indices of the first scenes whose largest object is of the class, and of the first without the class."""
    showing: list[int] = []
    without: list[int] = []
    for batch in range(_MOST):
        scenes = make_scenes(_AT_ONCE, start=batch * _AT_ONCE, **options)
        first = batch * _AT_ONCE
        showing += [first + row for row in (scenes.label == target).nonzero().flatten().tolist()]
        without += [first + row for row in (~scenes.labels[:, target]).nonzero().flatten().tolist()]
        if min(len(showing), len(without)) >= count:
            return [*showing[:count], *without[:count]]
    raise ValueError(f"fewer than {count} of {_MOST * _AT_ONCE} scenes show {options['shortcut_class']}; ask for fewer")
