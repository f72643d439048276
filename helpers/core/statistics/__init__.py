"""Effects over independent units: estimates, intervals, p-values and verdicts whose error rates are known.

Every verdict of the book goes through `Effect.side_of`. The tests show its rate of false decisions at 6, 8, 16 and 30
units (`tests/core/test_statistics.py`), and each estimator says for which data it holds.
"""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "LEVEL": "helpers.core.statistics.effects",
        "MINIMUM_UNITS": "helpers.core.statistics.effects",
        "Effect": "helpers.core.statistics.effects",
        "Limits": "helpers.core.statistics.effects",
        "column_decimals": "helpers.core.statistics.effects",
        "column_words": "helpers.core.statistics.effects",
        "holm": "helpers.core.statistics.effects",
        "within": "helpers.core.statistics.effects",
        "Values": "helpers.core.statistics.means",
        "crossed_effect": "helpers.core.statistics.means",
        "difference_effect": "helpers.core.statistics.means",
        "mean_effect": "helpers.core.statistics.means",
        "mean_p_values": "helpers.core.statistics.means",
        "proportion_effect": "helpers.core.statistics.means",
        "unit_means": "helpers.core.statistics.means",
        "ratio_effect": "helpers.core.statistics.functions",
        "statistic_effect": "helpers.core.statistics.functions",
        "RESAMPLES": "helpers.core.statistics.resampling",
        "bootstrap": "helpers.core.statistics.resampling",
        "draw_images": "helpers.core.statistics.resampling",
        "percentile_interval": "helpers.core.statistics.resampling",
        "resampled_means": "helpers.core.statistics.resampling",
    },
)
