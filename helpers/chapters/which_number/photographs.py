"""Whether what scenes say about methods and metrics holds on photographs with masks: committed before the run."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.benchmark.agreement import spearman
from helpers.benchmark.clusters import metric_correlations
from helpers.benchmark.photographs import METRICS
from helpers.benchmark.questions import QUESTIONS
from helpers.benchmark.registry import load_metrics
from helpers.chapters.which_number.fooled import decided_table
from helpers.chapters.which_number.moves import moved
from helpers.chapters.which_number.scores import TABLE, WHERE, goodness, read_scores
from helpers.core.statistics import Effect, bootstrap, draw_images
from helpers.results import read_table
from helpers.results.tables import table_exists

PROFILES = {
    "animals": "benchmark-animals",
    "COCO": "benchmark-coco",
    "animals, DeiT-tiny": "benchmark-animals-transformer",
}
"""The profiles of photographs with masks, by the words for them."""

PREDICTOR = "srg-mean"
"""The metric without truth that predicts the order by `WHERE` best on scenes (table benchmark-correlations)."""

PREDICTORS = tuple(name for name in METRICS if load_metrics()[name].truth == "none")
"""The metrics without truth that photographs with masks are scored by."""


def read_photographs() -> dict[str, pd.DataFrame]:
    """The stored scores of the profiles that were run, by the words for their images."""
    return {words: read_scores(name) for words, name in PROFILES.items() if table_exists(name, TABLE)}


def answer_table() -> pd.DataFrame:
    """The answers to the questions about photographs with masks, in words; see `helpers.benchmark.questions`.

    Returns:
        One row per question: question, claim, photographs, difference (of the two methods, with its interval), answer.
    """
    rows = []
    for profile in PROFILES.values():
        asked = [number for number, question in QUESTIONS.items() if question.profile == profile]
        found = read_table(profile, "benchmark-answers") if table_exists(profile, "benchmark-answers") else None
        for number in asked:
            known = None if found is None else found.set_index("question").loc[number]
            count = 0 if known is None else int(known["n"])
            effect = Effect(known["value"], known["low"], known["high"], count) if known is not None and count else None
            rows.append(
                {
                    "question": number,
                    "claim": QUESTIONS[number].claim,
                    "photographs": count,
                    "difference": effect.words(2) if effect else "",
                    "answer": "not run" if known is None else known["outcome"],
                }
            )
    return pd.DataFrame(rows)


def order_kept(scenes: pd.DataFrame, photographs: pd.DataFrame) -> Effect:
    """Does the order of methods by rank accuracy on scenes hold on photographs?

    It holds if Spearman's correlation over the methods of both tables, without the controls, is above 0 with its whole
    interval for other methods; it fails if it is below, and is undecided otherwise.

    Args:
        scenes, photographs: from `read_scores`.
    """
    return moved(scenes, photographs, WHERE)


def better_than_centre(photographs: pd.DataFrame) -> list[str]:
    """The methods decided to find the object better than a Gaussian in the centre (all pairs of the table, Holm)."""
    decided = decided_table(photographs, WHERE)["centre"]
    controls = set(photographs.loc[photographs["control"], "method"])
    return [name for name in decided.index[decided] if name not in controls]


def photograph_predictions(photographs: pd.DataFrame) -> pd.DataFrame:
    """How well metrics without truth predict the order of methods by `WHERE`, without the controls.

    Returns:
        Indexed by metric, the best first: value, low, high (other photographs), methods, n (photographs).
    """
    table = metric_correlations(photographs, [WHERE, *PREDICTORS], controls=False)
    rows = table[table["metric"] == WHERE].set_index("other").rename(columns={"correlation": "value"})
    return rows[["value", "low", "high", "methods", "n"]].sort_values("value", ascending=False)


def lead_of_predictor(photographs: pd.DataFrame, *, resamples: int = 1000) -> Effect:
    """Is the best predictor on scenes also the best on photographs?

    Its correlation with `WHERE` minus the highest of the others'. It is if the whole interval over photographs lies
    above 0, it is not if it lies below, and undecided otherwise. The others have the advantage of their number.

    Args:
        photographs: from `read_scores`.
        resamples: of the photographs.
    """
    rows = photographs[~photographs["control"]]
    methods = rows["method"].nunique()
    names = [WHERE, PREDICTOR, *(name for name in PREDICTORS if name != PREDICTOR)]
    wide = pd.concat([goodness(rows, name) for name in names], axis=1, join="inner").dropna()

    def lead(means: np.ndarray) -> np.ndarray:
        columns = means.reshape(*means.shape[:-1], len(names), methods)
        found = [np.asarray(spearman(columns[..., 0, :], columns[..., place, :])) for place in range(1, len(names))]
        return np.asarray(found[0] - np.max(found[1:], axis=0))

    return bootstrap(wide.to_numpy(), lead, draw_images(max(1, len(wide)), resamples=resamples))


def word(effect: Effect) -> str:
    """The outcome: "holds", "fails", "undecided", or "not a fair test" of fewer than six methods or photographs."""
    if effect.count < 6:
        return "not a fair test"
    return {1: "holds", -1: "fails", 0: "undecided"}[effect.side_of(0)]


def mean_table(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The mean rank accuracy of methods and controls, in words: one row per method, one column per table.

    Args:
        tables: from `read_scores`, by the words for their images; the methods of the first come first.

    Returns:
        Column method, and one per table: the mean, with "+" for a method decided to be better than the centre Gaussian
        and "-" for one decided to be worse; empty where it did not run.
    """
    names = list(dict.fromkeys(name for table in tables.values() for name in table["method"]))
    found = pd.DataFrame({"method": names})
    for words, table in tables.items():
        means, decided = goodness(table, WHERE).mean(), decided_table(table, WHERE)
        above, below = decided["centre"], decided.loc["centre"]
        marks = {name: "+" if above[name] else "-" if below[name] else "" for name in means.index}
        found[words] = [f"{means[name]:.2f} {marks[name]}".strip() if name in means else "" for name in names]
    return found
