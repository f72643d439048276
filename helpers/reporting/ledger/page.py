"""The page of the ledger: totals, a table that can be filtered, and the same as CSV and JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape
from typing import Any

import pandas as pd
from IPython.display import HTML

from helpers.reporting.committed import evidence_table
from helpers.reporting.ledger.entries import all_claims
from helpers.reporting.ledger.outcomes import OUTCOMES, Result, Verdict, judge
from helpers.reporting.ledger.strip import badge
from helpers.reporting.ledger.words import effect_words
from helpers.results import TABLES
from helpers.site.html import BOOK_PROFILE

PHOTOGRAPHS = ("photographs", "CIFAR-10")
"""The kinds of evidence in the column of photographs; the other column is that of scenes."""


def all_verdicts() -> list[Verdict]:
    """The verdicts on all claims, in the order of the ledger."""
    return judge(all_claims())


def absent_tables(verdicts: Sequence[Verdict]) -> list[str]:
    """The tables of the book's own profile that claims ask for and that have not been made, in order."""
    needed = {
        table: None
        for verdict in verdicts
        for name in verdict.claim.runs
        if verdict.file.runs[name].profile == BOOK_PROFILE
        for table in verdict.claim.tables
    }
    return [table for table in needed if evidence_table(BOOK_PROFILE, table) is None]


def absent_note(verdicts: Sequence[Verdict]) -> HTML | None:
    """A warning where tables of the book's own profile have not been made; None if all are there."""
    absent = absent_tables(verdicts)
    if not absent:
        return None
    names = ", ".join(f"<code>{escape(name)}</code>" for name in absent)
    return HTML(
        '<div class="admonition warning"><p class="admonition-title">This copy of the ledger is incomplete</p>'
        f"<p>These tables of the profile <code>{BOOK_PROFILE}</code> have not been made on this machine: {names}. "
        "Claims that they measure are shown without these runs. <code>make book</code> makes them before this page; "
        "<code>jupyter-book build .</code> runs it with those that are there.</p></div>"
    )


def totals(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """One row per paper and a last one for all: the number of claims with each outcome."""
    papers = list(dict.fromkeys(verdict.file.paper for verdict in verdicts))
    rows = [_counts(paper, [v for v in verdicts if v.file.paper == paper]) for paper in papers]
    return pd.DataFrame([*rows, _counts("all", verdicts)])


def ledger_rows(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """One row per claim and run, and one for each claim without a run: what the CSV holds."""
    rows = []
    for verdict in verdicts:
        for result in verdict.results or (None,):
            rows.append({**_claim_values(verdict), **_result_values(result)})
    return pd.DataFrame(rows)


def ledger_json(verdicts: Sequence[Verdict]) -> str:
    """The ledger as JSON: one object per claim, with a list of results."""
    entries = [
        {**_claim_values(verdict), "results": [_result_values(result) for result in verdict.results]}
        for verdict in verdicts
    ]
    return json.dumps(entries, indent=1, ensure_ascii=False)


def downloads(verdicts: Sequence[Verdict]) -> HTML:
    """Links to the ledger as CSV and as JSON; the files are in the page, so that they work from disk, too."""
    csv = ledger_rows(verdicts).to_csv(index=False)
    links = [
        _link("ledger.csv", "text/csv", csv, "the ledger as CSV"),
        _link("ledger.json", "application/json", ledger_json(verdicts), "the ledger as JSON"),
    ]
    return HTML(f'<p class="ledger-downloads">Download {" or ".join(links)}.</p>')


def ledger_table(verdicts: Sequence[Verdict]) -> HTML:
    """The ledger as a table; the script of the page adds its filters (book/_static/ledger.js)."""
    heads = ("claim", "outcome", "photographs or CIFAR-10", "scenes", "figure, command, table")
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "".join(_row(verdict) for verdict in verdicts)
    return HTML(
        f'<div class="wide-table ledger-table" style="overflow-x: auto" tabindex="0" role="region" '
        f'aria-label="The ledger of claims"><table id="ledger"><thead><tr>{head}</tr></thead><tbody>{body}</tbody>'
        f"</table></div>"
    )


def outcomes_explained() -> HTML:
    """The five outcomes and their meanings, as a list."""
    items = "".join(f"<li>{badge(name)} {escape(meaning)}</li>" for name, meaning in OUTCOMES.items())
    return HTML(f'<ul class="outcome-list">{items}</ul>')


def _counts(paper: str, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    outcomes = [verdict.outcome for verdict in verdicts]
    return {"paper": paper, "claims": len(outcomes), **{name: outcomes.count(name) for name in OUTCOMES}}


def _claim_values(verdict: Verdict) -> dict[str, Any]:
    claim = verdict.claim
    return {
        "id": claim.id,
        "paper": verdict.file.paper,
        "claimed_by": claim.by,
        "place": claim.place,
        "figures": " ".join(claim.figures),
        "claim": claim.claim,
        "quantity": claim.quantity,
        "direction": claim.direction,
        "null_value": claim.null_value,
        "margin": claim.margin,
        "tables": " ".join(claim.tables),
        "outcome": verdict.outcome,
        "reason": verdict.reason,
    }


def _result_values(result: Result | None) -> dict[str, Any]:
    if result is None:
        return {}
    effect = result.effect
    return {
        "run": result.run_name,
        "profile": result.run.profile,
        "evidence": result.run.evidence,
        "units": effect.count,
        "effect": effect.value,
        "low": effect.low,
        "high": effect.high,
        "p_value": result.p_value,
        "finding": result.finding,
        "fair_test": result.fair,
        "differs": "; ".join(result.differs.values()),
    }


def _row(verdict: Verdict) -> str:
    claim = verdict.claim
    kinds = sorted({result.run.evidence for result in verdict.results})
    data = (
        f'data-paper="{escape(verdict.file.paper)}" data-outcome="{verdict.outcome}" data-evidence="{",".join(kinds)}"'
    )
    reason = f'<br><span class="claim-reason">{escape(verdict.reason)}</span>' if verdict.reason else ""
    cells = (
        f'<strong>{escape(claim.id)}</strong> {escape(claim.claim)}<br><span class="claim-place">'
        f"{escape(verdict.file.paper)}, {escape(claim.place)}</span>",
        f"{badge(verdict.outcome)}{reason}",
        _results(verdict, [r for r in verdict.results if r.run.evidence in PHOTOGRAPHS]),
        _results(verdict, [r for r in verdict.results if r.run.evidence not in PHOTOGRAPHS]),
        _links(verdict),
    )
    return f'<tr id="ledger-{claim.id.lower()}" {data}>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _results(verdict: Verdict, results: Sequence[Result]) -> str:
    if not results:
        return "–"
    return "<br>".join(
        f"{escape(result.finding)}: {escape(effect_words(result, verdict))}"
        f'<br><span class="claim-place">{escape(result.run.words)}{"" if result.fair else "; not a fair test"}</span>'
        for result in results
    )


def _links(verdict: Verdict) -> str:
    claim = verdict.claim
    pages = [f'<a href="figures/{figure}.html">{figure}</a>' for figure in claim.figures]
    made = [result.run_name for result in verdict.results]
    commands = [
        f"<code>python -m helpers table {table} --profile {verdict.file.runs[run].profile}</code>"
        for run in (made or claim.runs)[:1]
        for table in claim.tables
        if table in TABLES  # the others are written by the figure's page
    ]
    return "<br>".join([*pages, *commands]) or "–"


def _link(name: str, kind: str, content: str, words: str) -> str:
    encoded = base64.b64encode(content.encode()).decode()
    return f'<a download="{name}" href="data:{kind};base64,{encoded}">{words}</a>'
