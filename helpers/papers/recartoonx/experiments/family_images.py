"""The wavelet family: the images on which its methods are compared, and those on which their settings are chosen."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from helpers.core.batch import Batch
from helpers.data.scenes import SCENE_CLASSES
from helpers.metrics.truth_scores import region_of_class
from helpers.papers.recartoonx.experiments.study import Study, scene_truth
from helpers.profiles import FamilySettings

PHOTOGRAPHS = "photographs"


@dataclass(frozen=True)
class Chosen(Batch):
    """The images that a comparison explains.

    Attributes:
        names: the images' names.
        images: their pixels, in [0, 1].
        kinds: the kind of each: that of its class for scenes, else "photographs".
        targets: the explained class: that of the largest object, which the classifier predicts, or the prediction.
        items: the names of the images in the stores.
        regions: the visible pixels of the explained class's objects; None for photographs.
    """

    names: tuple[str, ...]
    images: Float[Tensor, "images 3 height width"]
    kinds: tuple[str, ...]
    targets: Int[Tensor, " images"]
    items: tuple[str, ...]
    regions: Bool[Tensor, "images height width"] | None


def settings_of(study: Study) -> FamilySettings:
    """The section `family` of a study's profile."""
    assert study.profile.family is not None, "the table needs the profile's section `family`"
    return study.profile.family


def chosen_images(study: Study, *, tuning: bool = False) -> Chosen:
    """The images on which methods are compared, kind by kind, or the further ones on which settings are chosen.

    Images whose class is less probable than `least` are left out, as are scenes that the classifier does not get
    right, and those of no kind.

    Raises:
        ValueError: the profile's images are too few.
    """
    settings, images, scenes = settings_of(study), study.images, scene_truth(study.profile.images)
    predictions, probabilities = study.predictions
    sure = probabilities >= settings.least
    if scenes is None:
        pools = {PHOTOGRAPHS: torch.nonzero(sure)[:, 0]}
    else:
        right = sure & (predictions == scenes.label)
        indices = {
            kind: torch.tensor([SCENE_CLASSES.index(name) for name in names]) for kind, names in settings.kinds.items()
        }
        pools = {kind: torch.nonzero(right & torch.isin(scenes.label, of))[:, 0] for kind, of in indices.items()}
    rows = []
    for kind, pool in pools.items():
        if len(pool) < settings.images + settings.tuning:
            raise ValueError(f"{len(pool)} images of kind {kind} are too few: raise images.count of the profile")
        end = settings.images + settings.tuning
        rows.append(pool[settings.images : end] if tuning else pool[: settings.images])
    each = torch.cat(rows)
    return Chosen(
        names=tuple(images.names[row] for row in each.tolist()),
        images=images.images[each],
        kinds=tuple(kind for kind, some in zip(pools, rows, strict=True) for _ in some),
        targets=predictions[each],
        items=tuple(study.items[row] for row in each.tolist()),
        regions=None if scenes is None else region_of_class(scenes[each], predictions[each])[:, 0],
    )


def images_of(study: Study, name: str) -> Chosen:
    """The images that a method explains: all on which methods are compared, or the first ones of each kind."""
    chosen, count = chosen_images(study), settings_of(study).methods[name].images  # type: ignore[index]
    if count is None:
        return chosen
    rows = [row for row, kind in enumerate(chosen.kinds) if row - chosen.kinds.index(kind) < count]
    return chosen[torch.tensor(rows)]
