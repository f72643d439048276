"""Tables of effects: means over independent units with their intervals, in words whose columns share their decimals."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers.core.statistics import Effect, Limits, column_words, mean_effect, unit_means


def mean_table(
    table: pd.DataFrame, methods: Mapping[str, str], scores: Mapping[str, str], limits: Mapping[str, Limits]
) -> pd.DataFrame:
    """One row per method: the mean of each score over the images with its 95 % interval, as text.

    An image with several rows, such as one per class or per classifier, counts once with their mean. Images of two
    datasets are different images, even if they have the same name.

    Args:
        table: one or more rows per image and method, with the columns `method` and `image`, perhaps `dataset`, and one
            per score.
        methods: what the page calls each method, in order.
        scores: the head of each score's column, in order.
        limits: the least and the largest value of each bounded score; the others have none.
    """
    unit = [name for name in ("dataset", "image") if name in table]
    rows = {name: table[table["method"] == name] for name in methods}
    means = {
        head: [mean_effect(unit_means(rows[name], score, unit), limits=limits.get(score)) for name in methods]
        for score, head in scores.items()
    }
    return effects_in_words(pd.DataFrame({"method": list(methods.values()), **means}))


def effects_in_words(table: pd.DataFrame) -> pd.DataFrame:
    """The table with every effect in words; those of a column share their decimals. Other cells stay as they are."""
    words = table.copy()
    for name in table:
        is_effect = table[name].map(lambda cell: isinstance(cell, Effect))
        if is_effect.any():
            cells = table[name].astype(object)
            cells[is_effect] = column_words(list(table[name][is_effect]))
            words[name] = cells
    return words
