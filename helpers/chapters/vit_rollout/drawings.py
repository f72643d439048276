"""Drawings of the chapter on attention rollout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from helpers.chapters.predictions import describe_predictions
from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.data.scenes import Scenes
from helpers.plots import MASK_COLOURS, METHOD_COLOURS, show_images
from helpers.plots.figures import panels


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
        titles += [prediction, "rollout", f"for {first}", f"for {second}"]
    return show_images(pictures, titles, columns=4, colours=MASK_COLOURS, width=5.2)


def draw_own_shares(shares: Mapping[str, Sequence[float]]) -> Figure:
    """The share of its own patch in a token over the layers, one line each; those of a formula are dashed.

    Args:
        shares: in [0, 1], by line; names that begin with "rollout" are of the formula.
    """
    with panels(size=(6.0, 2.2)) as (figure, axes):
        for number, (name, values) in enumerate(shares.items()):
            layers = range(1, len(values) + 1)
            style = "--" if name.startswith("rollout") else "-"
            colour = tuple(METHOD_COLOURS.values())[number]
            axes.plot(layers, [100 * value for value in values], style, color=colour, label=name, marker=".")
        axes.set(xlabel="after layer", ylabel="own share, %", ylim=(0, 100))
        axes.legend()
    return figure
