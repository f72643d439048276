"""Drawings of the chapter on attention rollout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.chapters.predictions import describe_predictions
from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.data.scenes import Scenes
from helpers.plots import MASK_COLOURS, METHOD_COLOURS, show_images
from helpers.plots.figures import panels

UNINFORMED = ("a constant map", "random")


def draw_two_classes(
    classifier: Classifier, scenes: Scenes, rollout: Explanation, by_class: Sequence[Explanation]
) -> Figure:
    """Scenes of two objects, a row each: the scene, its rollout, and its gradient rollout for each object's class.

    Args:
        classifier: names what it sees.
        scenes: with at least two objects each.
        rollout: of the scenes.
        by_class: of the scenes, for the class of the first and of the second object.
    """
    pictures, titles = [], []
    for row, prediction in enumerate(describe_predictions(classifier, scenes.images)):
        first, second = (classifier.class_names[label] for label in scenes.object_classes[row, :2].tolist())
        pictures += [scenes.images[row], rollout.mask[row], by_class[0].mask[row], by_class[1].mask[row]]
        titles += [prediction, "rollout", f"gradient: {first}", f"gradient: {second}"]
    return show_images(pictures, titles, columns=4, colours=MASK_COLOURS)


def draw_truth_scores(scores: Mapping[str, Float[Tensor, " batch"]]) -> Figure:
    """The share of each map's relevance on the object: a dot per scene, a stroke for the mean.

    Args:
        scores: in [0, 1], by map; `UNINFORMED` ones are grey.
    """
    with panels(size=(7.5, 3.4)) as (figure, axes):
        for height, (name, values) in enumerate(scores.items()):
            colour = METHOD_COLOURS.get(name, METHOD_COLOURS["neutral" if name in UNINFORMED else "other"])
            axes.plot(100 * values, [height] * len(values), "o", color=colour, alpha=0.45)
            axes.plot(100 * values.mean(), height, "|", color=colour, markersize=18, markeredgewidth=3)
        axes.set(
            yticks=range(len(scores)), yticklabels=list(scores), xlabel="relevance on the object, %", xlim=(0, 100)
        )
        axes.invert_yaxis()
    return figure
