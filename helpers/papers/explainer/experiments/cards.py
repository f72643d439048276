"""Model cards of multi-label scene classifiers and of the networks that explain them."""

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
"""Held-out scenes behind each number of a card."""

_TEST = SCENE_SERIES["test"] + 100  # no table of a profile uses these scenes

_TITLES = {"explainer": "the quick Explainer", "rtis": "the same network, trained as Real-Time Image Saliency"}
_OBJECTIVES = {
    "explainer": "the four loss terms of What You See is What You Classify",
    "rtis": "the loss of Real-Time Image Saliency, adapted to several classes as in What You See is What You Classify",
}


def write_classifier_card(path: Path, fitted: Fitted[MultiLabelModule], command: str) -> None:
    """Evaluate a saved classifier of scenes and write its card beside the weights."""
    classifier, recipe = load_classifier(str(path)), fitted.module.options
    rows = []
    for count in (1, 2, 3, 4):
        scenes = _scenes(recipe.size, (count, count))
        inside = scenes.object_masks.any(1, keepdim=True).float()
        plain, objects_only, background_only = (
            _scores(classifier, images, scenes)
            for images in (scenes.images, scenes.images * inside, scenes.images * (1 - inside))
        )
        rows.append(f"| {count} | {plain[0]:.3f} | {plain[1]:.3f} | {objects_only[1]:.3f} | {background_only[1]:.3f} |")
    with_class, without_class = mark_sensitivity(classifier, recipe.size, recipe.shortcut_class)
    base, strength = recipe.shortcut_base_rate, recipe.shortcut_strength
    mark = (
        f"on {base:.0%} of the scenes, independently of their classes"
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
        shown=with_class,
        absent=without_class,
    )


def write_explainer_card(
    path: Path, classifier: Classifier, fitted: Fitted[ExplainerModule], *, images: int, command: str
) -> None:
    """Evaluate a saved Explainer of scenes and write its card beside the weights."""
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
    """IoU of the merged masks with the objects, IoU of the class masks with their classes, and the merged masks."""
    merged = merge_classes(masks, scenes.labels)
    objects, class_regions = scenes.object_masks.any(1, keepdim=True).float(), class_truth(scenes).float()
    merged_iou = torch.minimum(merged, objects).sum((1, 2, 3)) / torch.maximum(merged, objects).sum((1, 2, 3))
    class_iou = torch.minimum(masks, class_regions).sum((2, 3)) / torch.maximum(masks, class_regions).sum((2, 3))
    return merged_iou.mean().item(), class_iou[scenes.labels].mean().item(), merged


@torch.no_grad()
def mark_sensitivity(
    classifier: Classifier, size: int, marked: str, count: int = HELD_OUT
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Mean probability of the marked class without and with the mark, on scenes that show the class and on others."""
    column = SCENE_CLASSES.index(marked)
    means = []
    for rate in (0.0, 1.0):
        scenes = make_scenes(
            count, size=size, seed=_TEST + 1, objects=(1, 2), shortcut_class=marked, shortcut_base_rate=rate
        )
        probability = torch.cat([classifier(batch).sigmoid()[:, column] for batch in scenes.images.split(100)])
        # the mark may cover an object's last visible pixels, so the scene without it says which classes are shown
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
