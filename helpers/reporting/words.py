"""Sentences and tables generated from a run's results, so that the text fits every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from IPython.display import HTML
from myst_nb import glue

from helpers.reporting.claims import Claim, Outcome

ORDER: tuple[Outcome, ...] = ("held", "did not hold", "is undecided")
HEADS: dict[Outcome, str] = {
    "held": "What held",
    "did not hold": "What did not hold",
    "is undecided": "What these images do not decide",
}


def join_words(items: Sequence[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def claims_in_words(claims: Sequence[Claim]) -> str:
    """Markdown paragraphs of the claims that held, did not hold and are undecided, each with its effect."""
    sentences = []
    for outcome in ORDER:
        results = [f"{claim.statement} ({claim.effect})" for claim in claims if claim.outcome == outcome]
        if results:
            sentences.append(f"**{HEADS[outcome]}:** {'; '.join(results)}.")
    return "\n\n".join(sentences)


def few_images_words(count: int) -> str:
    """A caution about an interval over few images; empty for ten images or more."""
    if count >= 10 or count < 1:
        return ""
    chance = 2 * 0.5**count
    return (
        f"These are few images. By chance alone, all {count} of them would still agree on the direction in "
        f"{chance:.0%} of all runs."
    )


def claim_table(claims: Sequence[Claim]) -> pd.DataFrame:
    """One row per claim: claim, measure, effect with its interval, no_difference, images, outcome."""
    return pd.DataFrame(
        [
            {
                "claim": claim.statement,
                "measure": claim.measure,
                "effect [95 % interval]": str(claim.effect),
                "no difference": f"{claim.null:g}",
                "images": claim.effect.count,
                "outcome": claim.outcome,
            }
            for claim in claims
        ]
    )


def show_table(
    frame: pd.DataFrame, names: dict[str, str] | None = None, *, decimals: int = 3, escape: bool = True
) -> HTML:
    """A table for a page, without its index.

    Args:
        frame: the rows.
        names: new heads of some columns.
        decimals: of fractional numbers.
        escape: escape "<"; False for cells with HTML.
    """
    renamed = frame.rename(columns=names or {})
    html = renamed.to_html(
        index=False, border=0, escape=escape, justify="left", na_rep="–", float_format=f"{{:.{decimals}f}}".format
    )
    return HTML(f'<div class="wide-table" style="overflow-x: auto">{html}</div>')


def show_numbers(numbers: Mapping[str, Any] | None = None, /, **more: Any) -> None:
    """Glue values for the text of a page, which refers to them by `{glue:text}`.

    Args:
        numbers: values whose names are no Python identifiers, such as "m-b".
        more: all other values by name.
    """
    for name, value in {**(numbers or {}), **more}.items():
        glue(name, value, display=False)
