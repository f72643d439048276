"""Drawings of the chapter on CartoonX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.chapters.cartoonx.scores import MASK_SCORES
from helpers.chapters.predictions import describe_predictions
from helpers.chapters.wavelets.pyramid import wavelet_pyramid
from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.core.runtime import random_generator
from helpers.methods.rde import CartoonX, PixelRDE
from helpers.methods.wavelets import WaveletTransform
from helpers.plots import MASK_COLOURS, METHOD_COLOURS, draw_image, show_images
from helpers.plots.figures import panels


def draw_waves(transform: WaveletTransform, names: Sequence[str]) -> Figure:
    """A single pixel, and a single wavelet of each of some bands, in the middle of the image; grey is 0.

    Args:
        transform: for images of the size to draw.
        names: of bands, such as "diagonal-1".
    """
    height, width = transform.size
    single = torch.zeros(len(names), 1, transform.coefficients)
    for row, name in enumerate(names):
        rows, columns = transform.shapes[name]
        single[row, 0, transform.slices[name].start + (rows // 2) * columns + columns // 2] = 1
    waves = transform.synthesise(single)
    pixel = torch.zeros(1, 1, height, width)
    pixel[..., height // 2, width // 2] = 1
    pictures = torch.cat([pixel, waves / waves.abs().amax((1, 2, 3), keepdim=True)])
    return show_images(pictures, ["one pixel", *names], columns=6, limits=(-1, 1), width=9)


def draw_noises(image: Float[Tensor, "3 height width"], method: CartoonX, pixel_method: PixelRDE) -> Figure:
    """An image, and what replaces it where nothing is kept: in pixels, and in wavelets without and with scales.

    Args:
        image: pixels in [0, 1].
        method, pixel_method: give the noise.
    """
    problem, in_pixels = method.problem(image[None]), pixel_method.problem(image[None])
    noise, h = problem.draw(1, random_generator(0)), problem.coefficients
    nothing = torch.zeros(1, 1, in_pixels.coefficients.shape[2])
    pictures = {
        "the image": image,
        "noise in pixels": in_pixels.obfuscate(nothing, in_pixels.draw(1, random_generator(0)))[0, 0],
        "in wavelets": problem.representation.synthesise(h.mean() + h.std() * noise)[0],
        "per scale": problem.obfuscate(torch.zeros_like(h[:, :1]), noise)[0, 0],
    }
    return show_images([picture.clamp(0, 1) for picture in pictures.values()], list(pictures), columns=4)


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
        (explanation.kept, [f"kept:\n{words}" for words in describe_predictions(classifier, explanation.kept)], "gray"),
        (cartoons, ["published"] * count, "gray"),
        (explanation.mask, [f"keeps {rate:.2f} %" for rate in rates], MASK_COLOURS),
    )
    with panels(4, count, size=(9, 7.6), squeeze=False) as (figure, axes):
        for axes_of_row, (pictures, titles, colours) in zip(axes, rows, strict=True):
            for panel, picture, title in zip(axes_of_row, pictures, titles, strict=True):
                draw_image(panel, picture, title, colours=colours)
    return figure


def draw_pyramid(transform: WaveletTransform, mask: Float[Tensor, " k"], kept: Mapping[str, float]) -> Figure:
    """A mask on the wavelet pyramid, and the number of coefficients that are kept at each scale (`kept_per_scale`)."""
    with panels(1, 2, size=(8.6, 3.2), width_ratios=[1.3, 1]) as (figure, (left, right)):
        draw_image(left, wavelet_pyramid(transform, mask, gap=2, gap_value=0.4), "the mask of the first scene")
        right.barh(list(kept), list(kept.values()), color=METHOD_COLOURS["CartoonX"])
        right.set(title="coefficients kept, mean of the scenes")
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
    return show_images(pictures, titles, columns=3, colours=MASK_COLOURS, width=5.5)


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


def draw_scores(scores: Mapping[str, pd.DataFrame]) -> Figure:
    """A panel for each of `MASK_SCORES`: a dot per scene, bars for the methods' means, a dashed line for the controls'.

    Args:
        scores: by method, as from `mask_scores`.
    """
    with panels(1, len(MASK_SCORES), size=(8, 2.1)) as (figure, axes):
        for panel, (score, title) in zip(axes, MASK_SCORES.items(), strict=True):
            for column, (method, table) in enumerate(scores.items()):
                panel.bar(column, table[score].mean(), color=METHOD_COLOURS[method], width=0.7)
                panel.plot([column] * len(table), table[score], "o", color="black", markersize=3)
                if score == "inside":
                    panel.hlines(table["control"].mean(), column - 0.45, column + 0.45, colors="black", ls="--")
            panel.set(title=title, xticks=[0, 1], xticklabels=list(scores))
    return figure
