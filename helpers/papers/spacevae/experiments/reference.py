"""The white-background limitation (section 4.4), and the effect of other reference colours on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.data.labelled import LabelledImages
from helpers.data.labelled.loading import SIZE
from helpers.data.scenes import SCENE_CLASSES, make_scenes
from helpers.methods.space_vae.loss import reference_colour
from helpers.papers.spacevae.experiments.controls import control_columns
from helpers.papers.spacevae.experiments.networks import PLAIN
from helpers.papers.spacevae.experiments.rows import interval_columns, metric_columns
from helpers.papers.spacevae.experiments.study import SpaceStudy

BACKGROUNDS = ("as drawn", "bright", "white")
"""The scene as drawn; a darkened object on its brightened background; a darkened object on white."""

DARK = 0.45
"""The factor on the pixels of darkened objects."""

FADED = 0.25
"""The share of its distance to white that a brightened background keeps."""

_SERIES = 35_000  # far from the seeds of all other scenes of the book


@dataclass(frozen=True)
class Recomposed:
    """Scenes on other backgrounds.

    Attributes:
        images: with their labels.
        objects: booleans, the object's visible pixels.
    """

    images: LabelledImages
    objects: Bool[Tensor, "images height width"]


def recomposed_scenes(count: int, background: str, *, seed: int = 0) -> Recomposed:
    """Scenes of 32 px with one object each on one of the backgrounds; the objects do not depend on it.

    Args:
        count: the number of scenes.
        background: one of `BACKGROUNDS`.
        seed: of the scenes.

    Raises:
        ValueError: there is no such background.
    """
    if background not in BACKGROUNDS:
        raise ValueError(f"background {background!r} is not known; use one of {', '.join(BACKGROUNDS)}")
    scenes = make_scenes(count, size=SIZE, seed=_SERIES + seed, objects=(1, 1))
    objects = scenes.object_masks.any(1)
    pixels = scenes.images
    if background != "as drawn":
        around = torch.ones_like(pixels) if background == "white" else 1 - FADED * (1 - pixels)
        pixels = torch.where(objects[:, None], DARK * pixels, around)
    images = LabelledImages(
        (pixels * 255).round().byte(), scenes.label, SCENE_CLASSES, f"scenes of 32 px, {background}"
    )
    return Recomposed(images, objects)


def reference_table(study: SpaceStudy) -> pd.DataFrame:
    """The brightness that networks with other reference colours than black remove from objects and backgrounds.

    Returns:
        One row per network (those of the paper, and those with other references) and background: columns training,
        background, reference, the metrics, the agreement of equally dark controls (see `control_columns`), and, with
        intervals, `object_kept`, `background_kept` (the kept share of the brightness inside and outside the
        object), `removed_inside` (the object's share of the removed brightness), `contrast_kept` (the kept share of
        the distance between the mean colours of object and background), `object_distance_kept`,
        `background_distance_kept` (the kept share of the distance to the training's reference colour, inside and
        outside the object: the uninformative background should lose more), `inside` (the object's share of the
        pixels), `accuracy_before` (of the classifier on the images themselves); images, source.

    Raises:
        ValueError: the profile's images are not scenes, or no such network is trained.
    """
    if not study.scenes:
        raise ValueError(
            f"profile {study.profile.name!r} has no table 'reference': object regions are known for scenes "
            "only; use the profile quick"
        )
    betas = study.settings.betas()
    names = [name for name in study.trained if name in betas or study.settings.options(name).loss.reference != "black"]
    if PLAIN not in names or all(name in betas for name in names):
        raise ValueError(
            f"table 'reference' compares {PLAIN} with a training whose loss has another reference than black, and "
            f"profile {study.profile.name!r} has only {', '.join(names) or 'none'} trained; run "
            f"python -m helpers train --profile {study.profile.name}"
        )
    rows = []
    for background in BACKGROUNDS:
        scenes = recomposed_scenes(len(study.test), background, seed=study.settings.data.seed)
        for name in names:
            reference = study.settings.options(name).loss.reference
            setting = {"training": name, "background": background, "reference": str(reference)}
            rows.append({**setting, **_row(study, name, scenes)})
    return pd.DataFrame(rows)


def _row(study: SpaceStudy, name: str, scenes: Recomposed) -> dict[str, Any]:
    images, kept = scenes.images.floats(), study.kept_by(name, scenes.images)
    inside = scenes.objects[:, None].float()
    before, after = (sums(pixels, inside) for pixels in (images, kept))
    colour = reference_colour(images, study.settings.options(name).loss.reference)
    distances = [sums((pixels - colour).abs(), inside) for pixels in (images, kept)]
    removed = [first - second for first, second in zip(before, after, strict=True)]
    scores = study.score_kept(scenes.images, kept)
    return {
        **metric_columns(scores),
        **control_columns(study, scenes.images, kept),
        **interval_columns("accuracy_before", (scores.predicted == scores.label).float()),
        **interval_columns("object_kept", after[0], before[0]),
        **interval_columns("background_kept", after[1], before[1]),
        **interval_columns("object_distance_kept", distances[1][0], distances[0][0]),
        **interval_columns("background_distance_kept", distances[1][1], distances[0][1]),
        **interval_columns("removed_inside", removed[0], removed[0] + removed[1]),
        **interval_columns("contrast_kept", contrast(kept, inside), contrast(images, inside)),
        **interval_columns("inside", inside.mean((1, 2, 3))),
        "source": scenes.images.source,
    }


def sums(
    images: Float[Tensor, "images 3 height width"], inside: Float[Tensor, "images 1 height width"]
) -> tuple[Float[Tensor, " images"], Float[Tensor, " images"]]:
    """The brightness of each image inside and outside its object, summed over pixels and channels."""
    return (images * inside).sum((1, 2, 3)), (images * (1 - inside)).sum((1, 2, 3))


def contrast(
    images: Float[Tensor, "images 3 height width"], inside: Float[Tensor, "images 1 height width"]
) -> Float[Tensor, " images"]:
    """The distance between the mean colours of each image's object and background; 0 where either has no pixel."""
    colours = [(images * region).sum((2, 3)) / region.sum((2, 3)).clamp_min(1) for region in (inside, 1 - inside)]
    two_regions = (inside.amax((1, 2, 3)) > 0) & (inside.amin((1, 2, 3)) < 1)
    return (colours[0] - colours[1]).norm(dim=1) * two_regions
