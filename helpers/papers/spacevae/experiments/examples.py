"""Which test images Figures 1, 2 and 5 show, by a stated rule, and what the classifier says of what is kept of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.data.labelled import LabelledImages
from helpers.papers.spacevae.experiments.competitors import (
    COMPETITORS,
    attributions,
    attributions_at,
    competitor_images,
    keep_above,
)
from helpers.papers.spacevae.experiments.networks import PLAIN
from helpers.papers.spacevae.experiments.sparsity import chosen_thresholds
from helpers.papers.spacevae.experiments.study import SpaceStudy

NEGATIVE = 0.0
"""The threshold of Figure 1: what has a negative attribution is dropped."""

SHOWN = 4
"""Rows of Figure 5: one misclassified image, and for the others one of each class, as the test images come."""

QUARTERS = ("top left", "top right", "bottom left", "bottom right")
"""The four regions of Figure 2."""


@dataclass(frozen=True)
class Answers:
    """What the classifier says of some images.

    Attributes:
        predicted: the class of the largest logit.
        confidence: its probability.
    """

    predicted: Int[Tensor, " images"]
    confidence: Float[Tensor, " images"]


def examples_of_table(study: SpaceStudy) -> pd.DataFrame:
    """`example_table` with the thresholds of the study's table of sparsity."""
    return example_table(study, study.table("space-vae-sparsity"))


def example_table(study: SpaceStudy, sparsity: pd.DataFrame) -> pd.DataFrame:
    """The images of Figures 1, 2 and 5, with what the classifier says of each and of what each method keeps of it.

    Figure 1: the first test image that the classifier names rightly and whose class flips when the entries with
    negative attributions are dropped, by every competitor that has such an image; else by most of them. Figure 2: the
    first rightly named test image of which some quarter speaks for the class and another against it (else the first
    rightly named one). Figure 5: the first rightly named images of different classes and the first misclassified one,
    each competitor at the threshold that the published rule chooses.

    Args:
        study: the profile.
        sparsity: its table of that name, which has the thresholds.

    Returns:
        Columns figure (`"fig1"`, `"fig2"`, `"fig5"`), image (its place in the test split), label, predicted, confidence
        (of the predicted class), method, training, threshold, region (Figure 2: one of `QUARTERS`; else ""),
        predicted_after, confidence_after (of the class predicted for the original), drop (confidence less
        confidence_after), flips (of all competitors' test images, the share whose class this method's kept image
        changes; nan where it was not counted), source.
    """
    images = competitor_images(study, "test")
    before = answers(study, images.floats())
    rows = _figure_one(study, images, before) + _figure_two(study, images, before)
    return pd.DataFrame(rows + _figure_five(study, sparsity)).assign(source=images.source)


@torch.no_grad()
def answers(study: SpaceStudy, pixels: Tensor, classes: Tensor | None = None) -> Answers:
    """The classes that the classifier gives images, and their probabilities, or those of `classes`; on the CPU."""
    probabilities = torch.cat([study.classifier(part.to(study.device)).softmax(1).cpu() for part in pixels.split(250)])
    predicted = probabilities.argmax(1)
    wanted = predicted if classes is None else classes
    return Answers(predicted, probabilities.gather(1, wanted[:, None])[:, 0])


def quarters(images: Float[Tensor, "images 3 height width"]) -> Float[Tensor, "images 4 3 height width"]:
    """Each image with each of its quarters black, in the order of `QUARTERS`."""
    height, width = images.shape[2] // 2, images.shape[3] // 2
    parts = images[:, None].repeat(1, 4, 1, 1, 1)
    for place in range(4):
        top, left = (place // 2) * height, (place % 2) * width
        bottom = height if place < 2 else images.shape[2]
        right = width if place % 2 == 0 else images.shape[3]
        parts[:, place, :, top:bottom, left:right] = 0
    return parts


def _figure_one(study: SpaceStudy, images: LabelledImages, before: Answers) -> list[dict[str, Any]]:
    attributed = {name: attributions(study, name, images) for name in COMPETITORS}
    pixels, every = images.floats(), slice(0, len(images))
    kept = {name: keep_above(values, NEGATIVE)(pixels, every) for name, values in attributed.items()}
    after = {name: answers(study, each, before.predicted) for name, each in kept.items()}
    flips = {name: each.predicted != before.predicted for name, each in after.items()}
    right = before.predicted == images.labels
    # the image whose class most of them flip; of equals the first
    votes = torch.stack(list(flips.values())).sum(0) * right
    place = int(votes.argmax())
    about = {"figure": "fig1", "threshold": NEGATIVE, "training": ""}
    rows = [
        _row(images, before, after[name], place, place, method=name, flips=flips[name].float().mean().item(), **about)
        for name in attributed
    ]
    return rows + _network_rows(study, images, before, [place], "fig1")


def _figure_two(study: SpaceStudy, images: LabelledImages, before: Answers) -> list[dict[str, Any]]:
    hidden = quarters(images.floats())
    classes = before.predicted.repeat_interleave(4)
    after = answers(study, hidden.flatten(0, 1), classes)
    drops = before.confidence[:, None] - after.confidence.unflatten(0, (-1, 4))
    right = before.predicted == images.labels
    both = right & (drops.amax(1) > 0.01) & (drops.amin(1) < -0.01)  # a hundredth can be seen in a figure
    place = int((both.float() * 2 + right.float()).argmax())
    about = {"figure": "fig2", "method": "feature-ablation", "training": "", "threshold": math.nan}
    return [
        _row(images, before, after, place, 4 * place + quarter, region=QUARTERS[quarter], **about)
        for quarter in range(4)
    ]


def _figure_five(study: SpaceStudy, sparsity: pd.DataFrame) -> list[dict[str, Any]]:
    images = study.test  # a good classifier makes no mistake on the fewer ones that competitors are measured on
    before = answers(study, images.floats())
    places = figure_five_places(images.labels, before.predicted)
    pixels = images.floats()[places]
    rows: list[dict[str, Any]] = []
    for name in COMPETITORS:
        threshold = chosen_thresholds(sparsity, name).get("published", NEGATIVE)
        kept = keep_above(attributions_at(study, name, places), threshold)(pixels, slice(0, len(places)))
        after = answers(study, kept, before.predicted[places])
        about = {"figure": "fig5", "method": name, "training": "", "threshold": threshold}
        rows += [_row(images, before, after, place, row, **about) for row, place in enumerate(places)]
    return rows + _network_rows(study, images, before, places, "fig5")


def figure_five_places(labels: Int[Tensor, " images"], predicted: Int[Tensor, " images"]) -> list[int]:
    """The first rightly named images of different classes, and the first misclassified image, if there is one."""
    right = (labels == predicted).tolist()
    seen: set[int] = set()
    places: list[int] = []
    wrong = [place for place, fits in enumerate(right) if not fits][:1]
    for place, fits in enumerate(right):
        if fits and int(labels[place]) not in seen and len(places) < SHOWN - len(wrong):
            seen.add(int(labels[place]))
            places.append(place)
    return places + wrong


def _network_rows(
    study: SpaceStudy, images: LabelledImages, before: Answers, places: list[int], figure: str
) -> list[dict[str, Any]]:
    """What the networks of the paper's sweep, and the plain VQ-VAE, keep of some images."""
    rows, chosen = [], images[torch.tensor(places)]
    names = [name for name in study.trained if name == "vq-vae" or name == PLAIN or name in study.settings.betas()]
    for name in names:
        after = answers(study, study.kept_by(name, chosen), before.predicted[places])
        about = {"figure": figure, "method": study.model(name).name, "training": name, "threshold": math.nan}
        rows += [_row(images, before, after, place, row, **about) for row, place in enumerate(places)]
    return rows


def _row(images: LabelledImages, before: Answers, after: Answers, place: int, row: int, **about: Any) -> dict[str, Any]:
    """One row: what was said of the image at `place`, and what is said of the kept image at `row`."""
    confidence, later = before.confidence[place].item(), after.confidence[row].item()
    return {
        "figure": about.pop("figure"),
        "image": place,
        "label": images.class_names[int(images.labels[place])],
        "predicted": images.class_names[int(before.predicted[place])],
        "confidence": confidence,
        "method": about.pop("method"),
        "training": about.pop("training"),
        "threshold": about.pop("threshold"),
        "region": about.pop("region", ""),
        "predicted_after": images.class_names[int(after.predicted[row])],
        "confidence_after": later,
        "drop": confidence - later,
        "flips": about.pop("flips", math.nan),
        **about,
    }
