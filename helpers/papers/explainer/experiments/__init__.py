"""The experiments of "What You See is What You Classify", at the scale of a profile."""

from helpers.papers.explainer.experiments.methods import METHOD_NAMES, METHODS, build_method
from helpers.papers.explainer.experiments.pairs import all_pairs, table_of_pairs
from helpers.papers.explainer.experiments.shortcut import Pairs, shortcut_pairs
from helpers.papers.explainer.experiments.study import CLASSIFIERS, DATASETS, ClassStudy
from helpers.papers.explainer.published import published_class_scores, published_decisions

__all__ = [
    "CLASSIFIERS",
    "DATASETS",
    "METHODS",
    "METHOD_NAMES",
    "ClassStudy",
    "Pairs",
    "all_pairs",
    "build_method",
    "published_class_scores",
    "published_decisions",
    "shortcut_pairs",
    "table_of_pairs",
]
