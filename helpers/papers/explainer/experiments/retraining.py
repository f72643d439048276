"""The paper's closing idea: does retraining with the Explainer's masks make a classifier rely less on a shortcut?"""

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
from helpers.training.recipes.multilabel import Batch, MultiLabelModule, train_multilabel
from helpers.training.recipes.scene import save_scene_classifier

Added = Literal["plain", "masked", "objects"]
"""The second half of each batch: the same images; the images under their masks; or their true objects cut out."""

_SERIES = SCENE_SERIES["test"] + 200


class RetrainingModule(MultiLabelModule):
    """Train a classifier further on its images, each also in a second version.

    Args:
        options: the recipe of the further training.
        classifier: the file of the weights that training starts from.
        added: the second half of each batch: `"plain"`, the same images; `"masked"`, under the Explainer's merged mask
            of the classes that they show; `"objects"`, under the true outline of all their objects.
        explainer: the classifier's Explainer, for `"masked"`.
    """

    def __init__(
        self, options: MultiLabelOptions, classifier: Path, added: Added, explainer: Explainer | None = None
    ) -> None:
        super().__init__(options)
        self.network.load_state_dict(load_file(classifier))
        self.added = added
        self._explainer = (explainer,)  # a tuple hides it from Lightning: it is not trained

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """The binary cross-entropy on the images and on their second version."""
        generator = random_generator(9_000_011 * self.options.seed + self.global_step)
        pixels, labels, class_maps = batch
        images, class_maps = augment(pixels.float() / 255, class_maps, generator)
        second = self._second_version(images, labels, class_maps)
        target = labels.float()
        loss = functional.binary_cross_entropy_with_logits(
            self(torch.cat([images, second])), torch.cat([target, target])
        )
        self.log("training loss", loss, prog_bar=True)
        return loss

    def _second_version(
        self, images: Tensor, labels: Tensor, class_maps: Tensor
    ) -> Float[Tensor, "batch 3 height width"]:
        if self.added == "plain":
            return images
        if self.added == "objects":
            return apply_mask(images, (class_maps < len(SCENE_CLASSES))[:, None].to(images))
        explainer = self._explainer[0]
        assert explainer is not None
        return apply_mask(images, merge_classes(explainer.class_masks(images, None), labels))


def retrained(study: ClassStudy, added: Added, *, show: bool = False) -> Path:
    """The file of a study's classifier after further training; the training is done if the file is missing.

    Raises:
        ValueError: the profile has no section `explainer.retraining`, or its images are not scenes.
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
    """The decisions of each classifier on held-out scenes: one row per image, condition and classifier.

    Returns:
        Columns classifier (`original`, and the three of `Added`), condition (`plain`; with the `mark`; only the
        `objects`; only the `background`, with the mark), image, shows (whether it shows the marked class), probability
        (of the marked class), and the counts true_positives, false_positives, true_negatives and false_negatives of
        the decisions on all classes (logit above 0).
    """
    paths = {"original": study.weights_file("")} | {added: retrained(study, added) for added in get_args(Added)}
    settings = study.settings
    count = settings.retraining.images if settings.retraining else 0
    marked = SCENE_CLASSES.index(settings.marked_class)
    options: dict[str, Any] = {"size": settings.size, "seed": _SERIES, "objects": (1, 2)}
    unmarked = make_scenes(count, **options, shortcut_class=settings.marked_class)
    with_mark = make_scenes(count, **options, shortcut_class=settings.marked_class, shortcut_base_rate=1.0)
    objects = unmarked.object_masks.any(1, keepdim=True).float()
    marked_objects = with_mark.object_masks.any(1, keepdim=True).float()
    shows = (unmarked.object_classes == marked).any(1)
    no_labels = torch.zeros_like(unmarked.labels)
    conditions = {
        "plain": (unmarked.images, unmarked.labels),
        "mark": (with_mark.images, with_mark.labels),
        "objects": (unmarked.images * objects, unmarked.labels),
        "background": (with_mark.images * (1 - marked_objects), no_labels),
    }
    rows = []
    for name, path in paths.items():
        classifier = load_classifier(str(path))
        for condition, (images, labels) in conditions.items():
            rows.append(_rows(classifier, images, labels, shows, marked).assign(classifier=name, condition=condition))
    return pd.concat(rows, ignore_index=True)


@torch.no_grad()
def _rows(classifier: Classifier, images: Tensor, labels: Tensor, shows: Tensor, marked: int) -> pd.DataFrame:
    logits = torch.cat([classifier(batch) for batch in images.split(100)])
    counts = decision_counts(logits, labels)
    names = ("true_positives", "false_positives", "true_negatives", "false_negatives")
    columns = {name: counts[:, column].tolist() for column, name in enumerate(names)}
    probability = logits.sigmoid()[:, marked].tolist()
    return pd.DataFrame({"image": range(len(images)), "shows": shows.tolist(), "probability": probability, **columns})
