"""Measures for the model cards of classifiers that name every class of a scene, and of networks that explain them."""

from __future__ import annotations

from pathlib import Path

import torch

from helpers.classifiers import Classifier, load_classifier
from helpers.core.class_masks import merge_classes
from helpers.data.multilabel import class_truth
from helpers.data.multilabel.loading import SCENE_SERIES
from helpers.data.scenes import SCENE_CLASSES, Scenes, make_scenes
from helpers.methods.explainer import apply_mask, load_explainer
from helpers.methods.explainer.training import ExplainerModule
from helpers.metrics.multilabel import decision_counts, micro_scores
from helpers.training.card import parameter_count, write_card
from helpers.training.fit import Fitted
from helpers.training.recipes.multilabel import MultiLabelModule

HELD_OUT = 400
"""How many held-out scenes of each sort a card's numbers rest on."""

_TEST = SCENE_SERIES["test"] + 100  # a series that no profile's tables use

_TITLES = {"explainer": "the quick Explainer", "rtis": "the same network, trained as Real-Time Image Saliency"}
_OBJECTIVES = {
    "explainer": "the four terms of What You See is What You Classify",
    "rtis": "the loss of Real-Time Image Saliency, adapted to several classes as that paper's baseline",
}


def write_classifier_card(path: Path, fitted: Fitted[MultiLabelModule], command: str) -> None:
    """Measure a classifier of scenes, as it was saved, and write its card beside it."""
    classifier, recipe = load_classifier(str(path)), fitted.module.options
    rows = []
    for count in (1, 2, 3, 4):
        scenes = _scenes(recipe.size, (count, count))
        inside = scenes.object_masks.any(1, keepdim=True).float()
        plain, alone, cut = (
            _scores(classifier, images, scenes)
            for images in (scenes.images, scenes.images * inside, scenes.images * (1 - inside))
        )
        rows.append(f"| {count} | {plain[0]:.3f} | {plain[1]:.3f} | {alone[1]:.3f} | {cut[1]:.3f} |")
    shown, absent = mark_sensitivity(classifier, recipe.size, recipe.shortcut_class)
    base, strength = recipe.shortcut_base_rate, recipe.shortcut_strength
    mark = (
        f"on {base:.0%} of the scenes, whatever they show"
        if not strength
        else f"on {base + strength * (1 - base):.0%} of the scenes whose largest object is a {recipe.shortcut_class}, "
        f"and on {base * (1 - strength):.0%} of the others"
    )
    write_card(
        path,
        "multilabel",
        options=recipe,
        fitted=fitted,
        command=command,
        mark=mark,
        scenes=", ".join(f"{count:,}" for count in recipe.scenes),
        rest=1 - recipe.smoothing,
        count=HELD_OUT,
        rows="\n".join(rows),
        shown=shown,
        absent=absent,
    )


def write_explainer_card(
    path: Path, classifier: Classifier, fitted: Fitted[ExplainerModule], *, images: int, command: str
) -> None:
    """Measure an Explainer of scenes, as it was saved, and write its card beside it."""
    explainer, options = load_explainer(path, classifier), fitted.module.options
    rows = []
    for objects in ((1, 1), (1, 2), (3, 4)):
        scenes = _scenes(classifier.input_size, objects)
        merged_iou, class_iou, merged = overlap(explainer.class_masks(scenes.images, None), scenes)
        kept, left = (_scores(classifier, apply_mask(scenes.images, mask), scenes)[1] for mask in (merged, 1 - merged))
        area = scenes.object_masks.any(1).float().mean()
        rows.append(
            f"| {objects[0]} to {objects[1]} | {merged_iou:.3f} | {class_iou:.3f} | {kept:.3f} | {left:.3f} | "
            f"{merged.mean():.3f} | {area:.3f} |"
        )
    write_card(
        path,
        "explainer",
        options=options,
        fitted=fitted,
        command=command,
        title=_TITLES[options.objective],
        objective=_OBJECTIVES[options.objective],
        classifier=classifier,
        classifier_name=classifier.name.split("/")[-1].split(".")[0],
        widths=", ".join(map(str, options.network.widths)),
        parameters=parameter_count(fitted.module.network),
        images=images,
        schedule="one cycle" if options.schedule == "cycle" else "constant",
        count=HELD_OUT,
        series=_TEST,
        rows="\n".join(rows),
    )


@torch.no_grad()
def overlap(masks: torch.Tensor, scenes: Scenes) -> tuple[float, float, torch.Tensor]:
    """The mean IoU of the merged masks, and of each shown class's own mask; and the merged masks."""
    merged = merge_classes(masks, scenes.labels)
    objects, parts = scenes.object_masks.any(1, keepdim=True).float(), class_truth(scenes).float()
    whole = torch.minimum(merged, objects).sum((1, 2, 3)) / torch.maximum(merged, objects).sum((1, 2, 3))
    each = torch.minimum(masks, parts).sum((2, 3)) / torch.maximum(masks, parts).sum((2, 3))
    return whole.mean().item(), each[scenes.labels].mean().item(), merged


@torch.no_grad()
def mark_sensitivity(
    classifier: Classifier, size: int, marked: str, count: int = HELD_OUT
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The mean probability of the marked class, without and with the mark: on scenes that show it, and on others."""
    column = SCENE_CLASSES.index(marked)
    means = []
    for rate in (0.0, 1.0):
        scenes = make_scenes(
            count, size=size, seed=_TEST + 1, objects=(1, 2), shortcut_class=marked, shortcut_base_rate=rate
        )
        probability = torch.cat([classifier(batch).sigmoid()[:, column] for batch in scenes.images.split(100)])
        # the mark may cover the last pixels of an object: the scene without it decides
        shows = (scenes.object_classes == column).any(1)
        means.append((probability[shows].mean().item(), probability[~shows].mean().item()))
    return (means[0][0], means[1][0]), (means[0][1], means[1][1])


def _scenes(size: int, objects: tuple[int, int]) -> Scenes:
    return make_scenes(HELD_OUT, size=size, seed=_TEST, objects=objects)


@torch.no_grad()
def _scores(classifier: Classifier, images: torch.Tensor, scenes: Scenes) -> tuple[float, float]:
    """Micro-averaged precision and recall."""
    logits = torch.cat([classifier(batch) for batch in images.split(100)])
    scores = micro_scores(decision_counts(logits, scenes.labels).sum(0))
    return float(scores["precision"]), float(scores["recall"])
