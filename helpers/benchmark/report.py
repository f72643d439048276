"""The examination of the metrics in words: one line per metric, and which of them a rank may use."""

from __future__ import annotations

import pandas as pd

DECIDING = ("order", "lunch-truth", "control", "silence", "occlusion", "twin")
"""The tests that a metric must pass before a rank uses it, those of them that it can sit.

A gain by blurring and its like is shown for all maps, but decides on the truth alone, where it cannot be deserved; and
a rank is one of means over images, so that the order on single images is shown and does not decide.
"""

_MARKS = {(True, True): "pass", (True, False): "pass?", (False, True): "FAIL", (False, False): "FAIL?"}


def verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """One row per metric: each test's verdict, and the verdict on the metric.

    Args:
        table: the table `metric-examination`.

    Returns:
        Indexed by metric, one column per test: "pass" or "FAIL" with a question mark where the interval reaches over
        the pass mark, empty where the metric cannot sit the test. Column `admitted`: whether all tests of `DECIDING`
        are passed.
    """
    marks = [_MARKS[passed, decided] for passed, decided in zip(table["passed"], table["decided"], strict=True)]
    words = table.assign(verdict=marks).pivot(index="metric", columns="test", values="verdict")
    words = words.loc[table["metric"].unique(), _tests(table)].fillna("")
    return words.assign(admitted=table[table["test"].isin(DECIDING)].groupby("metric")["passed"].all())


def examination_cells(table: pd.DataFrame) -> pd.DataFrame:
    """One row per metric with each test's statistic and verdict as words, such as "0.98 pass"; "-" for no test.

    Args:
        table: the table `metric-examination`.

    Returns:
        Columns metric, the tests (those that decide first), admitted ("yes" or "no").
    """
    words, tests = verdicts(table), _tests(table)
    statistics = table.pivot(index="metric", columns="test", values="statistic")
    cells = {
        test: [
            f"{statistics.loc[metric, test]:.2g} {verdict}" if verdict else "-"
            for metric, verdict in words[test].items()
        ]
        for test in tests
    }
    admitted = ["yes" if each else "no" for each in words["admitted"]]
    return pd.DataFrame({"metric": words.index, **cells, "admitted": admitted})


def examination_text(table: pd.DataFrame) -> str:
    """The examination as text for a terminal, with the statistic of each test.

    Args:
        table: the table `metric-examination`.
    """
    cells, words = examination_cells(table), verdicts(table)
    rows = [list(cells.columns), *cells.to_numpy().tolist()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    admitted = words.index[words["admitted"]].tolist()
    names = ", ".join(admitted) or "none"
    images = int(table[table["test"] != "twin"]["n"].max())
    return "\n".join(
        [
            *lines,
            "",
            f"{len(admitted)} of {len(words)} metrics are admitted, on {images} images: {names}.",
            "A question mark: the interval reaches over the pass mark. Tests that decide: " + ", ".join(DECIDING) + ".",
        ]
    )


def _tests(table: pd.DataFrame) -> list[str]:
    """The tests, those that decide first."""
    others = [test for test in table["test"].unique() if test not in DECIDING]
    return [*(test for test in DECIDING if test in set(table["test"])), *others]
