"""The paper's closing idea, tried: does a classifier lean less on a shortcut once it has seen its Explainer's masks?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd
import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from helpers.classifiers import Classifier, load_classifier
from helpers.core.class_masks import merge_classes
from helpers.core.runtime import random_generator
from helpers.data.multilabel.loading import SCENE_SERIES
from helpers.data.scenes import SCENE_CLASSES, make_scenes
from helpers.methods.explainer import Explainer, apply_mask, load_explainer
from helpers.metrics.multilabel import decision_counts
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.results import results_folder
from helpers.training.augment import augment
from helpers.training.fit import read_checkpoint
from helpers.training.options import MultiLabelOptions
from helpers.training.recipes.multilabel import MultiLabelModule, Rows, train_multilabel
from helpers.training.recipes.scene import save_scene_classifier

Added = Literal["plain", "masked", "objects"]
"""What a classifier is trained on further: its images again; with their masked versions; or with their true objects."""

_SERIES = SCENE_SERIES["test"] + 200


class RetrainingModule(MultiLabelModule):
    """Train a classifier further on its images, half of each batch hidden by masks where that is asked for.

    Args:
        options: the recipe of this further training.
        classifier: where it starts, and what the masks are predicted for.
        added: what the second half of each batch is: the same images as they are; seen through the Explainer's merged
            mask of the classes that they show; or through the true outline of all their objects.
        explainer: of the classifier, for `"masked"`.
    """

    def __init__(
        self, options: MultiLabelOptions, classifier: Path, added: Added, explainer: Explainer | None = None
    ) -> None:
        super().__init__(options)
        self.network.load_state_dict(load_file(classifier))
        self.added = added
        self._explainer = (explainer,)  # a tuple hides it from Lightning: it is not trained

    def training_step(self, batch: Rows, batch_index: int) -> Tensor:
        """The binary cross-entropy of the images, once as they are and once as `added` says."""
        generator = random_generator(9_000_011 * self.options.seed + self.global_step)
        pixels, labels, parts = batch
        images, parts = augment(pixels.float() / 255, parts, generator)
        again = self._again(images, labels, parts)
        target = labels.float()
        loss = functional.binary_cross_entropy_with_logits(
            self(torch.cat([images, again])), torch.cat([target, target])
        )
        self.log("training loss", loss, prog_bar=True)
        return loss

    def _again(self, images: Tensor, labels: Tensor, parts: Tensor) -> Float[Tensor, "batch 3 height width"]:
        if self.added == "plain":
            return images
        if self.added == "objects":
            return apply_mask(images, (parts < len(SCENE_CLASSES))[:, None].to(images))
        explainer = self._explainer[0]
        assert explainer is not None
        return apply_mask(images, merge_classes(explainer.class_masks(images, None), labels))


def retrained(study: ClassStudy, added: Added, *, show: bool = False) -> Path:
    """The weights of a study's classifier after further training, made where they are not there yet.

    Raises:
        ValueError: the profile does not say how (`retraining`), or its images are no scenes.
    """
    recipe, settings = study.explained.scenes, study.settings.retraining
    if recipe is None or settings is None:
        raise ValueError("retraining needs scenes, and the section `explainer.retraining` in the profile")
    if added not in get_args(Added):
        raise ValueError(f"added={added!r} is not known; use one of {', '.join(get_args(Added))}")
    options = replace(recipe, **settings.changes())
    work = results_folder(study.profile, study.root) / "work" / f"retraining-{study.explained.name}-{added}"
    path = work / f"{study.explained.name}-{added}.safetensors"
    last = work / "last.ckpt"
    if path.is_file() and last.is_file():
        read_checkpoint(last, options)
        return path
    classifier = study.weights_file("")
    explainer = None
    if added == "masked":
        explainer = load_explainer(study.weights_file("explainer"), load_classifier(str(classifier)))
    fitted = train_multilabel(RetrainingModule(options, classifier, added, explainer), work, show=show)
    save_scene_classifier(path, fitted.module)
    return path


def retraining_table(study: ClassStudy) -> pd.DataFrame:
    """What each classifier says of held-out scenes: a row per image, a condition and a classifier.

    Columns: `classifier` (`original`, and the three of `Added`), `condition` (`plain`; `mark` stuck on; only the
    `objects`; only the `background`, its mark included where there is one), `image`, `shows` (whether it shows the
    marked class), `probability` (of the marked class), and the counts `right_yes`, `wrong_yes`, `right_no`, `wrong_no`
    of the decisions on all classes (logit above 0).
    """
    paths = {"original": study.weights_file("")} | {added: retrained(study, added) for added in get_args(Added)}
    settings = study.settings
    count = settings.retraining.images if settings.retraining else 0
    marked = SCENE_CLASSES.index(settings.marked_class)
    options: dict[str, Any] = {"size": settings.size, "seed": _SERIES, "objects": (1, 2)}
    bare = make_scenes(count, **options, shortcut_class=settings.marked_class)
    mark = make_scenes(count, **options, shortcut_class=settings.marked_class, shortcut_base_rate=1.0)
    objects = bare.object_masks.any(1, keepdim=True).float()
    marked_objects = mark.object_masks.any(1, keepdim=True).float()
    shows = (bare.object_classes == marked).any(1)
    none = torch.zeros_like(bare.labels)
    conditions = {
        "plain": (bare.images, bare.labels),
        "mark": (mark.images, mark.labels),
        "objects": (bare.images * objects, bare.labels),
        "background": (mark.images * (1 - marked_objects), none),
    }
    rows = []
    for name, path in paths.items():
        classifier = load_classifier(str(path))
        for condition, (images, labels) in conditions.items():
            rows.append(_rows(classifier, images, labels, shows, marked).assign(classifier=name, condition=condition))
    return pd.concat(rows, ignore_index=True)


@torch.no_grad()
def _rows(classifier: Classifier, images: Tensor, labels: Tensor, shows: Tensor, marked: int) -> pd.DataFrame:
    logits = torch.cat([classifier(part) for part in images.split(100)])
    counts = decision_counts(logits, labels)
    names = ("right_yes", "wrong_yes", "right_no", "wrong_no")
    found = {name: counts[:, place].tolist() for place, name in enumerate(names)}
    probability = logits.sigmoid()[:, marked].tolist()
    return pd.DataFrame({"image": range(len(images)), "shows": shows.tolist(), "probability": probability, **found})
