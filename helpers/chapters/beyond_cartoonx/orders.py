"""Orders of coefficients: what the first of each keep of the class, and what their insertion curves say."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.core.runtime import random_generator
from helpers.core.statistics import mean_effect
from helpers.methods.rde import (
    RateDistortion,
    RateDistortionExplainer,
    RelevanceOrder,
    Representation,
    first_mask,
    shown_by,
)
from helpers.metrics import coefficient_curve, curve_area, fidelity, pixel_curve

Orders = Mapping[str, Float[Tensor, "batch 1 k"]]
SAMPLES = 32
"""Noise draws per measured distortion."""
STEPS = 32
"""Steps of the curves, from no coefficient or pixel to all."""


def blind_orders(
    representation: Representation, images: Float[Tensor, "batch 3 height width"]
) -> dict[str, Float[Tensor, "batch 1 k"]]:
    """Two orders of the coefficients that no classifier has seen: the coarsest bands first, and the largest first.

    Args:
        representation: with the coarsest bands first.
        images: whose coefficients they are.
    """
    sizes = representation.analyse(images).square().sum(1, keepdim=True)  # batch, 1, k
    return {"coarse bands first": -torch.arange(sizes.shape[2]).expand_as(sizes).float(), "largest first": sizes}


@torch.no_grad()
def first_kept(
    representation: Representation,
    images: Float[Tensor, "batch 3 height width"],
    order: Float[Tensor, "batch 1 k"],
    count: int,
) -> Float[Tensor, "batch 3 height width"]:
    """The images with the first coefficients of an order only.

    Args:
        representation: of the coefficients.
        images: in [0, 1].
        order: the relevance of each coefficient; the largest come first.
        count: how many are kept.
    """
    return representation.synthesise(first_mask(order, count) * representation.analyse(images)).clamp(0, 1)


@torch.no_grad()
def explain_first(
    method: RateDistortionExplainer, image: Float[Tensor, "1 3 height width"], ordered: RelevanceOrder, count: int
) -> Explanation:
    """The explanation of an image that keeps exactly the first coefficients of an order, each completely.

    Args:
        method: in whose representation the order is.
        image: in [0, 1].
        ordered: of this image.
        count: how many coefficients are kept.
    """
    representation = method.representation((image.shape[2], image.shape[3]))
    coefficients = representation.analyse(image)  # 1, 3, k
    mask = torch.zeros_like(ordered.score).scatter_(2, ordered.order[:, None, :count], 1.0)  # 1, 1, k
    return Explanation(**shown_by(mask, coefficients, representation), targets=ordered.explanations[0].targets)


def kept_table(
    classifier: Classifier,
    images: Float[Tensor, "batch 3 height width"],
    classes: Int[Tensor, " batch"],
    problem: RateDistortion,
    orders: Orders,
    count: int,
) -> pd.DataFrame:
    """What the first coefficients of each order keep: one row per order and image.

    Args:
        classifier: pixels in [0, 1] to logits.
        images, classes: the images, and the explained class of each.
        problem: of these images and classes.
        orders: the relevance of each coefficient, by name.
        count: how many are kept.

    Returns:
        Columns order, image, distortion (in the problem's noise), kept (whether the picture on black is taken for the
        class), and in per cent probability (on black, of the class) and any (of the most probable class).
    """
    frames, representation = [], problem.representation
    for name, order in orders.items():
        pictures = first_kept(representation, images, order, count)
        mask = first_mask(order, count)
        columns = {
            "distortion": problem.evaluate(mask, samples=SAMPLES)["distortion"],
            "kept": classifier.predict(pictures)[0] == classes,
            "probability": 100 * fidelity(classifier, pictures, classes),
            "any": 100 * fidelity(classifier, pictures, classes, "published"),
        }
        rows = {column: values.tolist() for column, values in columns.items()}
        frames.append(pd.DataFrame({"order": name, "image": range(len(images)), **rows}))
    return pd.concat(frames, ignore_index=True)


def kept_summary(table: pd.DataFrame) -> pd.DataFrame:
    """For each order the number of images that keep the class, and the mean probabilities with intervals.

    Args:
        table: from `kept_table`.
    """
    rows = []
    for name, own in table.groupby("order", sort=False):
        distortion = mean_effect(own["distortion"], limits=(0, 1)).words(2)
        means = [mean_effect(own[column], limits=(0, 100)).words(0) for column in ("probability", "any")]
        rows.append((name, distortion, f"{own['kept'].sum()} of {len(own)}", *means))
    columns = ["order", "distortion in noise", "class kept on black", "its probability, %", "that of any class, %"]
    return pd.DataFrame(rows, columns=columns)


def insertion_table(
    classifier: Classifier,
    images: Float[Tensor, "batch 3 height width"],
    classes: Int[Tensor, " batch"],
    representation: Representation,
    orders: Orders,
    maps: Mapping[str, Float[Tensor, "batch 1 height width"]],
) -> pd.DataFrame:
    """The areas under insertion curves on black: one row per order and image.

    Args:
        classifier: pixels in [0, 1] to logits.
        images, classes: the images, and the explained class of each.
        representation: of the coefficients.
        orders: the relevance of each coefficient, by name.
        maps: the relevance of each pixel, for those of the orders that have one.

    Returns:
        Columns order, image, coefficients (inserted in the order), and pixels (nan for an order without a map).
    """
    frames, black = [], torch.zeros_like(images)
    options = {"direction": "insert", "steps": STEPS}
    for name, order in orders.items():
        areas = {"coefficients": coefficient_curve(classifier, images, order, classes, representation, **options)}
        if name in maps:
            areas["pixels"] = pixel_curve(classifier, images, maps[name], classes, black, **options)
        columns = {domain: curve_area(curve).tolist() for domain, curve in areas.items()}
        frames.append(pd.DataFrame({"order": name, "image": range(len(images)), **columns}))
    return pd.concat(frames, ignore_index=True)


def insertion_summary(table: pd.DataFrame) -> pd.DataFrame:
    """The mean areas of each order with intervals.

    Args:
        table: from `insertion_table`.
    """
    rows = []
    for name, own in table.groupby("order", sort=False):
        words = [
            "" if own[domain].isna().all() else mean_effect(own[domain], limits=(0, 1)).words(2)
            for domain in ("coefficients", "pixels")
        ]
        rows.append((name, *words))
    return pd.DataFrame(rows, columns=["order", "coefficients inserted", "pixels inserted"])


@torch.no_grad()
def noise_energy(
    problem: RateDistortion, images: Float[Tensor, "batch 3 height width"], draws: int = SAMPLES
) -> Float[Tensor, " batch"]:
    """The energy in pixels of the noise that replaces all coefficients, over that of the image about its mean colour.

    Args:
        problem: of the images.
        images: in [0, 1].
        draws: of noise.
    """
    noise = problem.draw(draws, random_generator(0)) * problem.deviation[:, None]  # batch, draws, 3, k
    pictures = problem.representation.synthesise(noise.flatten(0, 1)).unflatten(0, noise.shape[:2])
    spread = images - images.mean((2, 3), keepdim=True)  # batch, 3, height, width
    return pictures.square().sum((2, 3, 4)).mean(1) / spread.square().sum((1, 2, 3))
