"""Images that the classifier gets wrong: found cheaply, then explained."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.core.explanation import Explanation
from helpers.data.photographs import ImageSet, scene_images
from helpers.data.scenes import Scenes, make_scenes
from helpers.metrics.truth_scores import largest_object_share, region_of_class, relevance_mass_accuracy
from helpers.papers.recartoonx.experiments import Study

SHARD = 64  # scenes drawn and classified at a time


@dataclass(frozen=True)
class Screened:
    """The first images that the classifier gets wrong.

    Attributes:
        images: these images.
        predictions: the class that the classifier says.
        confidence: the probability that it gives to it.
        truth: what is true of them, where they are scenes.
        looked_at: how many images with a known label were classified.
        wrong: how many of those were wrong; `images` may hold fewer.
    """

    images: ImageSet
    predictions: Int[Tensor, " count"]
    confidence: Float[Tensor, " count"]
    truth: Scenes | None
    looked_at: int
    wrong: int


def screen(study: Study, *, most: int = 2048, keep: int = 8) -> Screened | None:
    """Classify images until `keep` wrong ones are found; None where none is wrong.

    Scenes never run out: those of the profile's series are drawn, `most` of them at most. Of photographs there are
    those of the profile, and those without a label are passed over.
    """
    if study.profile.images.source == "scenes":
        return _screen_scenes(study, most, keep)
    classes, confidence = study.predictions
    labels = study.images.labels
    wrong = torch.nonzero((labels >= 0) & (classes != labels))[:, 0]
    if len(wrong) == 0:
        return None
    rows = wrong[:keep].tolist()
    images = study.images.select(*(study.images.names[row] for row in rows))
    known = int((labels >= 0).sum())
    return Screened(images, classes[rows], confidence[rows], None, looked_at=known, wrong=len(wrong))


def pointing_scores(screened: Screened, explanation: Explanation, study: Study) -> tuple[pd.Series, str]:
    """How clearly each explanation points at something, and the name of the measure.

    On scenes: the largest share of the mask's mass on any one object, which is then what the classifier went by. On
    photographs, whose truth is not known: the probability of the wrong class when only the kept part is shown.
    """
    if screened.truth is not None:
        values, name = (
            largest_object_share(explanation.mask, screened.truth)[0],
            "largest share of the mask on one object",
        )
    else:
        with torch.no_grad():
            logits = study.classifier(explanation.kept.to(study.device))
        chosen = logits.softmax(-1).cpu().gather(1, screened.predictions[:, None])[:, 0]
        values, name = chosen, "probability of the wrong class on the kept part"
    return pd.Series(values.tolist(), index=pd.Index(screened.images.names, name="image"), name="score"), name


def wrong_class_shares(screened: Screened, masks: Float[Tensor, "count 1 height width"]) -> pd.DataFrame:
    """Whether the wrong class is in the scene after all, and how much of the relevance lies on it.

    Returns:
        Columns image, predicted_class_is_there, inside_predicted (the share of the mask's mass on that object),
        area_predicted (the object's share of the image); the last two are nan where it is not there.

    Raises:
        ValueError: the images are no scenes, so that their truth is not known.
    """
    if screened.truth is None:
        raise ValueError("only scenes have a known truth; these images are photographs")
    region = region_of_class(screened.truth, screened.predictions)
    there = region.flatten(1).any(1)
    inside, area = relevance_mass_accuracy(masks, region), region.float().mean((1, 2, 3))
    return pd.DataFrame(
        {
            "image": screened.images.names,
            "predicted_class_is_there": there.tolist(),
            "inside_predicted": inside.masked_fill(~there, torch.nan).tolist(),
            "area_predicted": area.masked_fill(~there, torch.nan).tolist(),
        }
    )


def _screen_scenes(study: Study, most: int, keep: int) -> Screened | None:
    settings = study.profile.images
    options = {"size": settings.size, "seed": settings.seed, "objects": settings.objects}
    found: list[tuple[int, int, float]] = []  # number in the series, predicted class, its probability
    start = 0
    while start < most and len(found) < keep:
        scenes = make_scenes(min(SHARD, most - start), start=start, **options)
        classes, confidence = (values.cpu() for values in study.classifier.predict(scenes.images.to(study.device)))
        rows = torch.nonzero(classes != scenes.label)[:, 0].tolist()
        found += [(start + row, int(classes[row]), float(confidence[row])) for row in rows]
        start += len(scenes)
    if not found:
        return None
    numbers, classes, confidence = zip(*found[:keep], strict=True)
    drawn = [scene_images(1, start=number, **options) for number in numbers]
    images = ImageSet(
        names=tuple(one.names[0] for one in drawn),
        images=torch.cat([one.images for one in drawn]),
        labels=torch.cat([one.labels for one in drawn]),
        digests=tuple(one.digests[0] for one in drawn),
        licence=drawn[0].licence,
    )
    truths = [make_scenes(1, start=number, **options) for number in numbers]
    truth = Scenes(**{f.name: torch.cat([getattr(one, f.name) for one in truths]) for f in fields(Scenes)})
    return Screened(images, torch.tensor(classes), torch.tensor(confidence), truth, looked_at=start, wrong=len(found))
