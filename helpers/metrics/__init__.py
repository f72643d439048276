"""Measures of explanations."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "class_score_matrix": "helpers.metrics.class_scores",
        "masked_probabilities": "helpers.metrics.class_scores",
        "conciseness_preciseness": "helpers.metrics.conciseness",
        "information": "helpers.metrics.conciseness",
        "preciseness": "helpers.metrics.conciseness",
        "Direction": "helpers.metrics.curves",
        "random_ranks": "helpers.metrics.curves",
        "rate_distortion_curve": "helpers.metrics.curves",
        "CannyEdges": "helpers.metrics.hallucination",
        "EdgeDetector": "helpers.metrics.hallucination",
        "hallucinated_edges": "helpers.metrics.hallucination",
        "hallucination_score": "helpers.metrics.hallucination",
        "masked_images": "helpers.metrics.masking",
        "decision_counts": "helpers.metrics.multilabel",
        "micro_scores": "helpers.metrics.multilabel",
        "pixel_auroc": "helpers.metrics.regions",
        "pointing_game": "helpers.metrics.regions",
        "relevance_mass_above_chance": "helpers.metrics.regions",
        "saliency_score": "helpers.metrics.segmentation",
        "sanity_masks": "helpers.metrics.segmentation",
        "segmentation_scores": "helpers.metrics.segmentation",
        "shortcut_scores": "helpers.metrics.shortcut",
        "shortcut_sensitivity": "helpers.metrics.shortcut",
        "SparseScores": "helpers.metrics.sparsity",
        "lp_norm": "helpers.metrics.sparsity",
        "lp_sparsity": "helpers.metrics.sparsity",
        "score_explanations": "helpers.metrics.sparsity",
        "summarise": "helpers.metrics.sparsity",
    },
)
