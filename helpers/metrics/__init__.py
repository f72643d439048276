"""Measures of explanations."""

from helpers.metrics.conciseness import conciseness_preciseness, information, kept_probability
from helpers.metrics.curves import Direction, random_ranks, rate_distortion_curve
from helpers.metrics.hallucination import CannyEdges, EdgeDetector, hallucinated_edges, hallucination_score

__all__ = [
    "CannyEdges",
    "Direction",
    "EdgeDetector",
    "conciseness_preciseness",
    "hallucinated_edges",
    "hallucination_score",
    "information",
    "kept_probability",
    "random_ranks",
    "rate_distortion_curve",
]
