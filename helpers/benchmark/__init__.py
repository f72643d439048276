"""The benchmark: a registry of metrics, the maps that they score, and the examination that a metric passes first."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "kendall_w": "helpers.benchmark.agreement",
        "spearman": "helpers.benchmark.agreement",
        "Case": "helpers.benchmark.case",
        "Trial": "helpers.benchmark.case",
        "LEVELS": "helpers.benchmark.changes",
        "LUNCHES": "helpers.benchmark.changes",
        "permute_cells": "helpers.benchmark.changes",
        "examine": "helpers.benchmark.examination",
        "METHODS": "helpers.benchmark.maps",
        "controls": "helpers.benchmark.maps",
        "maps_by": "helpers.benchmark.maps",
        "method_maps": "helpers.benchmark.maps",
        "scene_case": "helpers.benchmark.maps",
        "CONTESTANTS": "helpers.benchmark.methods",
        "Contestant": "helpers.benchmark.methods",
        "maps_of": "helpers.benchmark.methods",
        "scores_of": "helpers.benchmark.contest",
        "Entry": "helpers.benchmark.registry",
        "Metric": "helpers.benchmark.registry",
        "find_metric": "helpers.benchmark.registry",
        "load_metrics": "helpers.benchmark.registry",
        "register": "helpers.benchmark.registry",
        "rendered_deletion": "helpers.benchmark.truth",
    },
)
