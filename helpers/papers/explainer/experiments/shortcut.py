"""Does each method find the shortcut when the classifier uses it, and leave it alone when it does not?"""

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
    """Scenes drawn twice: without the planted mark, and with it; nothing else differs.

    Attributes:
        without, marked: the two.
        shown: which scenes show the marked class.
        kind: that class's index.
        series: the seed of the scenes.
    """

    without: Scenes
    marked: Scenes
    shown: Bool[Tensor, " scenes"]
    kind: int
    series: int

    def images(self, marked: bool) -> MultiLabelImages:
        """One of the two as multi-label images."""
        images = scene_multilabels(self.marked if marked else self.without, self.series)
        names = tuple(f"{name}-{'marked' if marked else 'plain'}" for name in images.names)
        return MultiLabelImages(images.pixels, images.labels, names, images.class_names)

    @property
    def objects(self) -> Bool[Tensor, "scenes height width"]:
        """What the marked scenes show of the class; of scenes without it, all their objects."""
        own = class_truth(self.marked)[:, self.kind]
        return torch.where(self.shown[:, None, None], own, self.marked.object_masks.any(1))


def shortcut_pairs(study: ClassStudy) -> Pairs:
    """As many test scenes whose largest object is of the marked class as the profile says, and as many without it.

    Raises:
        ValueError: the images are photographs, or the profile names no number of pairs.
    """
    wanted = study.settings.evaluation.pairs
    if study.data.source != "scenes" or wanted is None:
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
    return _drawn_pairs(wanted, SCENE_CLASSES.index(study.settings.marked_class), **options)


@lru_cache(maxsize=2)  # two classifiers are asked about the same scenes
def _drawn_pairs(wanted: int, kind: int, **options: Any) -> Pairs:
    rows = _chosen_rows(options, kind, wanted)
    both = [
        _joined([make_scenes(1, start=row, shortcut_base_rate=rate, **options) for row in rows]) for rate in (0.0, 1.0)
    ]
    return Pairs(both[0], both[1], both[0].labels[:, kind], kind, options["seed"])


def shortcut_table(study: ClassStudy) -> pd.DataFrame:
    """One row for each scene, method, and version of the scene: without the mark, and with it.

    The mask is that of the marked class, also on scenes that do not show it: these are asked about with the mark
    only. Both versions are scored at the place where the mark is in one of them, so that the difference is what the
    mark itself draws.

    Returns:
        Columns method, image, shown (whether the scene shows the marked class), marked (which version), and the scores
        of `metrics.shortcut_scores`; logit and probability are the classifier's own answer for the class in this
        version, logit_change and probability_change what the mark adds to it.
    """
    pairs = shortcut_pairs(study)
    count = len(pairs.shown)
    wanted = torch.zeros(count, len(study.segmented.images.class_names), dtype=torch.bool)
    wanted[:, pairs.kind] = True
    change = {
        name: values[:, pairs.kind].cpu()
        for name, values in shortcut_sensitivity(
            study.classifier, pairs.without.images.to(study.device), pairs.marked.images.to(study.device)
        ).items()
    }
    parts = []
    for marked in (False, True):
        rows = pairs.shown.nonzero().flatten().tolist() if not marked else list(range(count))
        images = pairs.images(marked).select(rows)
        with torch.no_grad():
            logits = study.classifier(images.images(study.device))[:, pairs.kind].cpu()
        answers = {"logit": logits, "probability": logits.sigmoid()}
        answers |= {f"{name}_change": values[rows] for name, values in change.items()}
        known = {
            "image": [image.rpartition("-")[0] for image in images.names],
            "shown": pairs.shown[rows].tolist(),
            "marked": marked,
        }
        for name in METHODS:
            masks = study.masks(name, images=images, classes=wanted[rows])[:, pairs.kind]
            scores = shortcut_scores(masks, pairs.marked.shortcut_mask[rows], pairs.objects[rows])
            columns = {key: values.tolist() for key, values in {**scores, **answers}.items()}
            parts.append(pd.DataFrame({"method": name, **known, **columns}))
    return pd.concat(parts, ignore_index=True)


def _chosen_rows(options: dict[str, Any], kind: int, wanted: int) -> list[int]:
    """The numbers of the first scenes whose largest object is of the class, and of the first that do not show it."""
    showing: list[int] = []
    without: list[int] = []
    for part in range(_MOST):
        scenes = make_scenes(_AT_ONCE, start=part * _AT_ONCE, **options)
        first = part * _AT_ONCE
        showing += [first + row for row in (scenes.label == kind).nonzero().flatten().tolist()]
        without += [first + row for row in (~scenes.labels[:, kind]).nonzero().flatten().tolist()]
        if min(len(showing), len(without)) >= wanted:
            return [*showing[:wanted], *without[:wanted]]
    raise ValueError(
        f"fewer than {wanted} of {_MOST * _AT_ONCE} scenes show {options['shortcut_class']}; ask for fewer"
    )


def _joined(scenes: list[Scenes]) -> Scenes:
    return Scenes(**{name: torch.cat([getattr(s, name) for s in scenes]) for name in Scenes.__dataclass_fields__})
