"""Drawings of the chapter on CartoonX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.chapters.cartoonx.scores import MASK_SCORES
from helpers.chapters.predictions import describe_predictions
from helpers.chapters.wavelets.pyramid import wavelet_pyramid
from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.methods.rde import CartoonX
from helpers.methods.wavelets import WaveletTransform
from helpers.metrics import hallucinated_edges
from helpers.plots import MASK_COLOURS, METHOD_COLOURS, draw_image, show_images
from helpers.plots.figures import panels

ORANGE = (0.84, 0.37, 0.0)


def draw_scenes(
    classifier: Classifier,
    images: Float[Tensor, "batch 3 height width"],
    explanation: Explanation,
    cartoons: Float[Tensor, "batch 1 height width"],
) -> Figure:
    """Images, kept parts, published pictures and masks: a row each, with predictions and rates above them."""
    count = len(images)
    rates = (100 * explanation.representation_mask.mean((1, 2))).tolist()
    rows = (
        (images, describe_predictions(classifier, images), "gray"),
        (explanation.kept, [f"kept: {words}" for words in describe_predictions(classifier, explanation.kept)], "gray"),
        (cartoons, ["the published picture"] * count, "gray"),
        (explanation.mask, [f"mask: keeps {rate:.2f} %" for rate in rates], MASK_COLOURS),
    )
    with panels(4, count, size=(8.6, 9.3), squeeze=False) as (figure, axes):
        for axes_of_row, (pictures, titles, colours) in zip(axes, rows, strict=True):
            for panel, picture, title in zip(axes_of_row, pictures, titles, strict=True):
                draw_image(panel, picture, title, colours=colours)
    return figure


def draw_pyramid(transform: WaveletTransform, mask: Float[Tensor, " k"], kept: Mapping[str, float]) -> Figure:
    """A mask on the wavelet pyramid, and the number of coefficients that are kept at each scale (`kept_per_scale`)."""
    with panels(1, 2, size=(8.6, 4.2), width_ratios=[1.3, 1]) as (figure, (left, right)):
        draw_image(left, wavelet_pyramid(transform, mask, gap=2, gap_value=0.4), "the mask of the first scene")
        right.barh(list(kept), list(kept.values()), color=METHOD_COLOURS["CartoonX"])
        right.set(title="coefficients kept, mean of four scenes")
        right.invert_yaxis()
    return figure


def draw_explanation(image: Float[Tensor, "3 height width"], explanation: Explanation, titles: Sequence[str]) -> Figure:
    """An image, its kept part and its mask.

    Args:
        image: pixels in [0, 1].
        explanation: of this image alone.
        titles: one above each picture.
    """
    pictures = [image, explanation.kept[0], explanation.mask[0]]
    return show_images(pictures, titles, columns=3, colours=MASK_COLOURS, width=6.5)


def explain_class(
    method: CartoonX, image: Float[Tensor, "3 height width"], sparsity_weight: float | int, target: int | None
) -> Figure:
    """An image, and the kept part and mask of its explanation for a class.

    A class that was not predicted is explained with the distortion "maximise": its probability is small already.

    Args:
        method: of a `Classifier`.
        image: pixels in [0, 1].
        sparsity_weight: λk.
        target: the class; None for the predicted one.
    """
    classifier = method.classifier
    predicted = int(classifier(image[None]).argmax())
    distortion = "label" if target in (None, predicted) else "maximise"
    changed = method.with_options(sparsity_weight=sparsity_weight, distortion=distortion)
    explanation = changed.explain(image[None], target)
    explained = int(explanation.targets[0])
    probability = 100 * float(classifier(explanation.kept).softmax(1)[0, explained])
    titles = [
        *describe_predictions(classifier, image[None]),
        f"kept for “{classifier.class_names[explained]}”: {probability:.0f} %",
        "the mask",
    ]
    return draw_explanation(image, explanation, titles)


def draw_scores(scores: Mapping[str, Mapping[str, Float[Tensor, " batch"]]]) -> Figure:
    """A panel for each of `MASK_SCORES`: a dot per scene, and bars for the methods' means.

    Args:
        scores: by method, as from `mask_scores`.
    """
    with panels(1, len(MASK_SCORES), size=(9, 2.4)) as (figure, axes):
        for panel, (score, title) in zip(axes, MASK_SCORES.items(), strict=True):
            for column, (method, values) in enumerate(scores.items()):
                panel.bar(column, float(values[score].mean()), color=METHOD_COLOURS[method], width=0.7)
                panel.plot([column] * len(values[score]), values[score], "o", color="black", markersize=3)
            panel.set(title=title, xticks=[0, 1], xticklabels=list(scores))
    return figure


def draw_invented_edges(
    classifier: Classifier, images: Float[Tensor, "batch 3 height width"], explanations: Mapping[str, Explanation]
) -> Figure:
    """Images; then for each method the kept parts, and below them in orange the edges that the image does not have.

    Args:
        classifier: names what it sees.
        images: pixels in [0, 1].
        explanations: of these images and perhaps of more, by method.
    """
    count = len(images)
    pictures, titles = [*images], describe_predictions(classifier, images)
    for method, explanation in explanations.items():
        kept = explanation.kept[:count]
        invented, _ = hallucinated_edges(images, kept)
        grey = kept.mean(1, keepdim=True).expand(-1, 3, -1, -1)
        pictures += [*kept, *torch.where(invented, torch.tensor(ORANGE)[:, None, None], grey)]
        titles += [f"{method}:\n{prediction}" for prediction in describe_predictions(classifier, kept)]
        titles += ["its invented edges"] * count
    return show_images(pictures, titles, columns=count)
