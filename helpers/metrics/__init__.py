"""Measures of explanations."""

from helpers.metrics.class_scores import class_score_matrix, masked_probabilities
from helpers.metrics.conciseness import conciseness_preciseness, information, kept_probability
from helpers.metrics.curves import Direction, random_ranks, rate_distortion_curve
from helpers.metrics.hallucination import CannyEdges, EdgeDetector, hallucinated_edges, hallucination_score
from helpers.metrics.masking import masked_images
from helpers.metrics.multilabel import decision_counts, micro_scores
from helpers.metrics.regions import pixel_auroc, pointing_game, relevance_mass_above_chance
from helpers.metrics.segmentation import saliency_score, sanity_masks, segmentation_scores
from helpers.metrics.shortcut import shortcut_scores, shortcut_sensitivity
from helpers.metrics.sparsity import SparseScores, lp_norm, lp_sparsity, score_explanations, summarise

__all__ = [
    "CannyEdges",
    "Direction",
    "EdgeDetector",
    "SparseScores",
    "class_score_matrix",
    "conciseness_preciseness",
    "decision_counts",
    "hallucinated_edges",
    "hallucination_score",
    "information",
    "kept_probability",
    "lp_norm",
    "lp_sparsity",
    "masked_images",
    "masked_probabilities",
    "micro_scores",
    "pixel_auroc",
    "pointing_game",
    "random_ranks",
    "rate_distortion_curve",
    "relevance_mass_above_chance",
    "saliency_score",
    "sanity_masks",
    "score_explanations",
    "segmentation_scores",
    "shortcut_scores",
    "shortcut_sensitivity",
    "summarise",
]
