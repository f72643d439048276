"""The white-background limit (section 4.4) made visible, and what another reference colour mends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.data.labelled import LabelledImages
from helpers.data.labelled.loading import SIZE
from helpers.data.scenes import SCENE_CLASSES, make_scenes
from helpers.methods.space_vae.loss import reference_colour
from helpers.papers.spacevae.experiments.networks import PLAIN
from helpers.papers.spacevae.experiments.rows import interval_columns, metric_columns
from helpers.papers.spacevae.experiments.study import SpaceStudy

BACKGROUNDS = ("as drawn", "bright", "white")
"""The object on the scene's own background; a dark object on that background made bright; the same on white."""

DARK = 0.45
"""Factor on an object's pixels where it is to be dark."""

FADED = 0.25
"""Share of a background's distance to white that is left where it is to be bright."""

_SERIES = 35_000  # far from the seeds of all other scenes of the book


@dataclass(frozen=True)
class Recomposed:
    """Scenes on other backgrounds.

    Attributes:
        images: with their labels.
        objects: the object's visible pixels.
    """

    images: LabelledImages
    objects: Tensor  # booleans, (images, height, width)


def recomposed_scenes(count: int, background: str, *, seed: int = 0) -> Recomposed:
    """Scenes of 32 px with one object each, on a background of a certain kind; the objects are the same for all kinds.

    Args:
        count: how many.
        background: one of `BACKGROUNDS`.
        seed: of the scenes.

    Raises:
        ValueError: the kind is not known.
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
    """What networks with another reference than black remove of objects and of backgrounds, beside the plain one.

    Returns:
        One row for each network and background: columns training, background, reference, the metrics, and with
        intervals: `object_kept`, `background_kept` (the share of the brightness that is left inside and outside the
        object), `removed_inside` (of all brightness that is removed, the share inside the object), `contrast_kept` (of
        the distance between the object's and the background's mean colours, the share that is left),
        `object_distance_kept`, `background_distance_kept` (of the distance to the training's own reference colour, the
        share that is left inside and outside the object: what is uninformative should lose more of it than what is
        not), `inside` (share of the pixels), `accuracy_before` (of the classifier on the images themselves); images,
        source.

    Raises:
        ValueError: the profile's images are no scenes, or no such network is trained.
    """
    if not study.scenes:
        raise ValueError(
            f"profile {study.profile.name!r} has no table 'reference': which pixels are an object's is known of scenes "
            "only; use the profile quick"
        )
    names = [name for name in study.trained if name == PLAIN or study.settings.options(name).loss.reference != "black"]
    if len(names) < 2:
        raise ValueError(
            f"table 'reference' compares {PLAIN} with a training whose loss has another reference than black, and "
            f"profile {study.profile.name!r} has only {', '.join(names) or 'none'} trained; run "
            f"python -m helpers train --profile {study.profile.name}"
        )
    rows = []
    for background in BACKGROUNDS:
        made = recomposed_scenes(len(study.test), background, seed=study.settings.data.seed)
        for name in names:
            reference = study.settings.options(name).loss.reference
            about = {"training": name, "background": background, "reference": str(reference)}
            rows.append({**about, **_row(study, name, made)})
    return pd.DataFrame(rows)


def _row(study: SpaceStudy, name: str, made: Recomposed) -> dict[str, Any]:
    images, kept = made.images.floats(), study.kept_by(name, made.images)
    inside = made.objects[:, None].float()
    before, after = (sums(each, inside) for each in (images, kept))
    colour = reference_colour(images, study.settings.options(name).loss.reference)
    far = [sums((each - colour).abs(), inside) for each in (images, kept)]
    removed = [first - second for first, second in zip(before, after, strict=True)]
    scores = study.score_model(name, made.images)
    return {
        **metric_columns(scores),
        **interval_columns("accuracy_before", (scores.predicted == scores.label).float()),
        **interval_columns("object_kept", after[0], before[0]),
        **interval_columns("background_kept", after[1], before[1]),
        **interval_columns("object_distance_kept", far[1][0], far[0][0]),
        **interval_columns("background_distance_kept", far[1][1], far[0][1]),
        **interval_columns("removed_inside", removed[0], removed[0] + removed[1]),
        **interval_columns("contrast_kept", contrast(kept, inside), contrast(images, inside)),
        **interval_columns("inside", inside.mean((1, 2, 3))),
        "source": made.images.source,
    }


def sums(
    images: Float[Tensor, "images 3 height width"], inside: Float[Tensor, "images 1 height width"]
) -> tuple[Float[Tensor, " images"], Float[Tensor, " images"]]:
    """The brightness of each image inside and outside its object, each a sum over pixels and channels."""
    return (images * inside).sum((1, 2, 3)), (images * (1 - inside)).sum((1, 2, 3))


def contrast(
    images: Float[Tensor, "images 3 height width"], inside: Float[Tensor, "images 1 height width"]
) -> Float[Tensor, " images"]:
    """The distance between the mean colours of each image's object and background; 0 where one of them has no pixel."""
    colours = [(images * part).sum((2, 3)) / part.sum((2, 3)).clamp_min(1) for part in (inside, 1 - inside)]
    both = (inside.amax((1, 2, 3)) > 0) & (inside.amin((1, 2, 3)) < 1)
    return (colours[0] - colours[1]).norm(dim=1) * both
