"""Quantities of the pages beyond the paper, from their own tables of means over scenes or over CIFAR-10."""

from __future__ import annotations

import pandas as pd

from helpers.core.statistics import Effect
from helpers.papers.spacevae.measures.rows import at_sparsity, difference, one_row, score


def grid_score(table: pd.DataFrame, training: str, metric: str) -> Effect:
    """A metric of one network of the table `bottleneck`."""
    return score(one_row(table, training=training), metric)


def grid_difference(table: pd.DataFrame, first: str, second: str, metric: str = "agreement") -> Effect:
    """A metric of one network of the table `bottleneck` − that of another."""
    return difference(grid_score(table, first, metric), grid_score(table, second, metric))


def grid_minus_control(bottleneck: pd.DataFrame, sparsity: pd.DataFrame, training: str, control: str) -> Effect:
    """The agreement of a network of the table `bottleneck` − that of a control at the network's L1 sparsity."""
    row = one_row(bottleneck, training=training)
    return difference(score(row, "agreement"), at_sparsity(sparsity, control, "l1", row["l1"], "agreement"))


def conditioned_difference(table: pd.DataFrame, beta: float | int, metric: str = "agreement") -> Effect:
    """A metric at one β: of the network that takes β as an input − of the network trained for this β."""
    rows = table.assign(conditioned=table["conditioned"].astype(bool))
    by_input = [one_row(rows, beta=beta, conditioned=conditioned) for conditioned in (True, False)]
    return difference(score(by_input[0], metric), score(by_input[1], metric))


def term_effect(table: pd.DataFrame, training: str, measure: str) -> Effect:
    """A measure of the table `extensions`: of the network with a further term of the loss − of the one without."""
    return difference(_measured(table, training, measure), _measured(table, "beta-10", measure))


def term_cost(table: pd.DataFrame, training: str) -> Effect:
    """The agreement of a network of the table `extensions` with a further term − without."""
    first, second = (table[table["training"] == name].iloc[0] for name in (training, "beta-10"))
    return difference(score(first, "agreement"), score(second, "agreement"))


def kept_difference(table: pd.DataFrame, training: str, background: str, reference: str = "black") -> Effect:
    """What is left on the object − on the background, of their distances to black or to the network's own reference.

    Args:
        table: the table `reference`.
        training: the network.
        background: the kind of background.
        reference: `"black"`, for which the distance is the brightness, or `"own"`.
    """
    row = one_row(table, training=training, background=background)
    distance = "" if reference == "black" else "distance_"
    return difference(score(row, f"object_{distance}kept"), score(row, f"background_{distance}kept"))


def reference_difference(table: pd.DataFrame, background: str, metric: str) -> Effect:
    """A metric of the table `reference`: with sparsity measured from the image's mean colour − from black."""
    mean, black = (one_row(table, training=name, background=background) for name in ("mean-colour", "beta-10"))
    return difference(score(mean, metric), score(black, metric))


def second_minus_own(table: pd.DataFrame, training: str = "beta-10") -> Effect:
    """The agreement of a network's kept images by the second classifier − by the one that it was trained with."""
    row = one_row(table, training=training)
    return difference(score(row, "second_agreement"), score(row, "agreement"))


def second_minus_control(table: pd.DataFrame, control: str, training: str = "beta-10") -> Effect:
    """The second classifier's agreement: of a network's kept images − of a control's equally dark ones."""
    own, other = one_row(table, training=training), one_row(table, method=control)
    return difference(score(own, "second_agreement"), score(other, "second_agreement"))


def _measured(table: pd.DataFrame, training: str, measure: str) -> Effect:
    return score(one_row(table, training=training, measure=measure), "value")
