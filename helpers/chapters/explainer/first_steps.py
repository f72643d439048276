"""A training of a few steps on one batch of scenes, for the training loop that the chapter writes by hand."""

from __future__ import annotations

from dataclasses import replace

import torch

from helpers.classifiers import Classifier
from helpers.data.multilabel import MultiLabelImages
from helpers.data.scenes import make_scenes
from helpers.methods.explainer.options import ExplainerOptions


def first_steps(
    options: ExplainerOptions, classifier: Classifier, *, steps: int, seed: int
) -> tuple[ExplainerOptions, MultiLabelImages]:
    """A recipe that takes a few steps at a constant rate, always on the same batch of scenes, and that batch.

    Args:
        options: the recipe of the whole training, whose network begins with the classifier's weights.
        classifier: by a name in models/.
        steps: their number: each is an epoch of one batch.
        seed: of the scenes.
    """
    recipe = replace(
        options,
        network=replace(options.network, backbone=classifier.name),
        epochs=steps,
        patience=steps,
        schedule="constant",
        weight_decay=0.0,
        flip=False,
        keep="last",
    )
    scenes = make_scenes(options.batch, size=classifier.input_size, seed=seed, objects=(1, 2))
    pixels = (255 * scenes.images).round().to(torch.uint8)
    names = tuple(f"scene {number}" for number in range(len(pixels)))
    return recipe, MultiLabelImages(pixels, scenes.labels, names, tuple(classifier.class_names))
