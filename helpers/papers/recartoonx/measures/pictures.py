"""Quantities of the pictures of Figures 1, 2 and 4, from the tables that their pages write."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.core.statistics import Effect, mean_effect, proportion_effect


def roughness_ratio(figure: pd.DataFrame) -> Effect:
    """Pixel RDE's roughness of the kept picture as a multiple of CartoonX's, geometric mean (table of Figure 1)."""
    return mean_effect(np.log(figure["roughness_pixel_rde"] / figure["roughness_cartoonx"])).exponential()


def background_difference(figure: pd.DataFrame) -> Effect:
    """Pixel RDE − CartoonX, share of the relevance off the predicted object (table of Figure 1)."""
    return mean_effect(figure["inside_cartoonx"] - figure["inside_pixel_rde"])


def repeated_mistakes(explanations: pd.DataFrame, method: str = "cartoonx") -> Effect:
    """The share of misclassified images on whose kept part alone the classifier makes the same mistake."""
    rows = _mistakes(explanations)
    rows = rows[rows["method"] == method].set_index("image")
    return proportion_effect((rows["kept_prediction"] == rows["prediction"]).astype(float))


def mistake_difference(explanations: pd.DataFrame) -> Effect:
    """CartoonX − Pixel RDE, probability of the wrong class on the kept part of misclassified images."""
    kept = _mistakes(explanations).pivot(index="image", columns="method", values="kept_confidence")
    return mean_effect(kept.get("cartoonx", pd.Series(dtype=float)) - kept.get("pixel-rde", pd.Series(dtype=float)))


def neither_helps(explanations: pd.DataFrame) -> Effect:
    """The share of misclassified images on whose kept parts, by either method, the mistake is not made again."""
    rows = _mistakes(explanations)
    repeated = (rows["kept_prediction"] == rows["prediction"]).groupby(rows["image"]).any()
    return proportion_effect(1.0 - repeated.astype(float))


def wrong_class_kept(figure: pd.DataFrame) -> Effect:
    """The share of misclassified scenes whose kept part has the wrong class as its likeliest (table of Figure 2)."""
    return proportion_effect(figure["repeated"].astype(float))


def wrong_class_difference(figure: pd.DataFrame) -> Effect:
    """CartoonX − Pixel RDE, probability of the wrong class on the kept part (table of Figure 2)."""
    return mean_effect(figure["wrong_class"] - figure["wrong_class_pixel_rde"])


def relevance_on_object(figure: pd.DataFrame, explanation: str) -> Effect:
    """The share of an explanation's relevance on the predicted object − the object's share of the image (Figure 4)."""
    rows = figure[figure["explanation"] == explanation]
    return mean_effect((rows["inside"] - rows["area"]).to_numpy())


def _mistakes(explanations: pd.DataFrame) -> pd.DataFrame:
    """The rows of images with a known label that the classifier misclassifies."""
    return explanations[(explanations["label"] >= 0) & (explanations["label"] != explanations["prediction"])]
