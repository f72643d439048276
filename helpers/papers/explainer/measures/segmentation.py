"""Quantities from `explainer-segmentation`: merged masks of one pair of a dataset and a classifier.

They decide claims about Table 2 (section 4.3) and about Figures 3, 6, 7 and 8, which show the same masks.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from helpers.core.statistics import Effect, mean_effect, proportion_effect, unit_means
from helpers.papers.explainer.measures.correlation import correlation

RIVALS = ("grad-cam", "rise", "extremal-perturbation", "igos++", "rtis")
"""The paper's five other methods. Occlusion, which this book adds, is none of them."""

LARGER_IS_BETTER = {"iou": True, "accuracy": True, "mae": False, "saliency": False}


def beyond_best_rival(table: pd.DataFrame, dataset: str, classifier: str, score: str) -> Effect:
    """A score of the Explainer − that of the best rival: the method of the paper with the best mean on these images.

    Args:
        table: `explainer-segmentation` of all pairs.
        dataset, classifier: the pair.
        score: a key of `LARGER_IS_BETTER`.
    """
    return _beyond_best(_by_image(table, dataset, classifier, score), LARGER_IS_BETTER[score])


def beyond_best_of_several_classes(
    table: pd.DataFrame, truth: pd.DataFrame, dataset: str, classifier: str, least: int = 2
) -> Effect:
    """The Explainer's IoU − that of the best rival, on images that show at least so many classes.

    Args:
        table: `explainer-segmentation` of all pairs.
        truth: `explainer-class-truth`, whose rows tell the classes of each image.
        dataset, classifier: the pair.
        least: the number of classes.
    """
    classes = truth[truth["dataset"] == dataset].groupby("image")["class"].nunique()
    several = classes.index[classes >= least]
    values = _by_image(table, dataset, classifier, "iou")
    return _beyond_best(values[values.index.isin(several)], largest=True)


def difference(
    table: pd.DataFrame, dataset: str, classifier: str, column: str, first: Sequence[str], second: Sequence[str]
) -> Effect:
    """The difference of a score between two groups of methods on the same image: first − second."""
    values = _by_image(table, dataset, classifier, column)
    return mean_effect(values[list(first)].mean(axis=1, skipna=False) - values[list(second)].mean(axis=1, skipna=False))


def excess_area(table: pd.DataFrame, dataset: str, classifier: str, methods: Sequence[str]) -> Effect:
    """The area of the mask, averaged over the methods, − that of the objects, as shares of the image."""
    area, objects = (_by_image(table, dataset, classifier, column)[list(methods)] for column in ("area", "truth"))
    return mean_effect((area - objects).mean(axis=1, skipna=False))


def excess_on_small_objects(table: pd.DataFrame, dataset: str, classifier: str, method: str) -> Effect:
    """Pearson's correlation over images between the objects' area and the mask's area beyond it."""
    area, objects = (_by_image(table, dataset, classifier, column)[method] for column in ("area", "truth"))
    return correlation(objects, area - objects)


def beyond(table: pd.DataFrame, dataset: str, classifier: str, score: str, second: str) -> Effect:
    """A score of the Explainer − that of another method or sanity column, such as "0"."""
    values = _by_image(table, dataset, classifier, score)
    return mean_effect(values["explainer"] - values[second])


def share_beating_truth(table: pd.DataFrame, dataset: str, classifier: str, method: str) -> Effect:
    """The share of images on which a mask has a lower, that is better, saliency score than the true objects."""
    values = _by_image(table, dataset, classifier, "saliency")
    return proportion_effect((values[method] < values["G.T."]).astype(float))


def classifier_difference(table: pd.DataFrame, dataset: str, score: str, first: str, second: str) -> Effect:
    """The Explainer's score on the same images for two classifiers: second − first."""
    values = [_by_image(table, dataset, name, score)["explainer"] for name in (first, second)]
    return mean_effect(values[1] - values[0])


def dataset_difference(table: pd.DataFrame, classifier: str, score: str, first: str, second: str) -> Effect:
    """A score on two datasets, mean over the paper's six methods: first − second.

    Images of the same rank are subtracted. They are different images, so that this costs power, but no validity.
    """
    methods = [*RIVALS, "explainer"]
    means = [
        _by_image(table, name, classifier, score)[methods].mean(axis=1, skipna=False).to_numpy()
        for name in (first, second)
    ]
    shared = min(map(len, means))
    return mean_effect(means[0][:shared] - means[1][:shared])


def class_truth_difference(
    table: pd.DataFrame, column: str, first: str, second: str, classifier: str | None = None
) -> Effect:
    """A score of the class masks against their own class's region: first method − second.

    Each image counts once, with the mean over its classes and over the classifiers.

    Args:
        table: `explainer-class-truth` of all pairs.
        column: the score.
        first, second: the methods.
        classifier: None for all.
    """
    table = table if classifier is None else table[table["classifier"] == classifier]
    values = [unit_means(table[table["method"] == name], column) for name in (first, second)]
    return mean_effect(values[0] - values[1])


def _beyond_best(values: pd.DataFrame, largest: bool) -> Effect:
    """The Explainer − the rival with the best mean, from one row per image and one column per method."""
    if values.empty:
        return mean_effect([])
    means = values[list(RIVALS)].dropna().mean()  # slow methods may have fewer images: all are compared on these
    return mean_effect(values["explainer"] - values[means.idxmax() if largest else means.idxmin()])


def pair_rows(table: pd.DataFrame, dataset: str, classifier: str) -> pd.DataFrame:
    """The corrected rows of one pair of `explainer-segmentation`."""
    chosen = (table["variant"] == "corrected") & (table["dataset"] == dataset) & (table["classifier"] == classifier)
    return table[chosen]


def _by_image(table: pd.DataFrame, dataset: str, classifier: str, column: str) -> pd.DataFrame:
    """One column of a pair's rows: one row per image, one column per method."""
    return pair_rows(table, dataset, classifier).pivot(index="image", columns="method", values=column)
