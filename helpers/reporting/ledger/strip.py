"""The strip of outcomes at the top of a figure's page: one entry per claim, best evidence first."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from helpers.reporting.ledger.outcomes import Outcome, Result, Verdict
from helpers.reporting.ledger.words import effect_words, expectation_words

BADGES: dict[Outcome, str] = {
    "holds": "holds",
    "fails": "fails",
    "undecided": "undecided",
    "not a fair test": "unfair",
    "not run": "missing",
}
"""The CSS class of each outcome (`outcome-holds` and so on, in book/_static/book.css)."""


def strip(verdicts: Sequence[Verdict]) -> str:
    """The strip as HTML; a sentence for a figure without claims."""
    if not verdicts:
        return '<p class="claim-strip">The paper makes no claim about this figure that numbers could decide.</p>'
    told: dict[str, str] = {}
    entries = "".join(_entry(verdict, told) for verdict in verdicts)
    more = f"{_differences(verdicts)}{_never_run(verdicts)}"
    return f'<ul class="claim-strip" aria-label="Claims and outcomes">{entries}</ul>{more}'


def badge(outcome: Outcome) -> str:
    """The outcome as a coloured word."""
    return f'<span class="outcome outcome-{BADGES[outcome]}">{outcome}</span>'


def _entry(verdict: Verdict, told: dict[str, str]) -> str:
    """One claim. `told` has the id of the first entry with each reason, which is not repeated, and is updated."""
    claim = verdict.claim
    first = told.setdefault(verdict.reason, claim.id)
    words = verdict.reason if first == claim.id or not verdict.reason else f"For the same reason as {first}"
    reason = f'<p class="claim-reason">{escape(words)}.</p>' if words else ""
    remark = f'<p class="claim-remark">{escape(claim.remark)}</p>' if claim.remark else ""
    results = ""
    if verdict.results:
        lines = "".join(_line(result, verdict) for result in verdict.results)
        quantity = f"{escape(claim.quantity)} ({escape(expectation_words(verdict))}):"
        results = f'<p class="claim-quantity">{quantity}</p><ul>{lines}</ul>'
    return (
        f'<li id="claim-{claim.id.lower()}">{badge(verdict.outcome)} <strong>{escape(claim.claim)}.</strong> '
        f'<span class="claim-place">{escape(claim.id)}, {escape(claim.place)}</span>{reason}{results}{remark}</li>'
    )


def _line(result: Result, verdict: Verdict) -> str:
    return (
        f"<li>{escape(result.run.words)}: {escape(effect_words(result, verdict))} "
        f"<em>({escape(result.finding)})</em></li>"
    )


def _differences(verdicts: Sequence[Verdict]) -> str:
    """What differs from the paper in the shown runs, one item per run; each difference is named once."""
    runs: dict[str, dict[str, None]] = {}
    for verdict in verdicts:
        for result in verdict.results:
            runs.setdefault(result.run.words, {}).update(dict.fromkeys(result.differs.values()))
    items = "".join(f"<li>{escape(words)}: {escape('; '.join(texts))}.</li>" for words, texts in runs.items() if texts)
    return f'<p class="claim-differs">What differs from the paper:</p><ul>{items}</ul>' if items else ""


def _never_run(verdicts: Sequence[Verdict]) -> str:
    """The runs that could decide these claims and that this project has not made, with their cost and command."""
    named = {(verdict.file.paper, name): verdict.file.runs[name] for verdict in verdicts for name in verdict.claim.runs}
    made = {(verdict.file.paper, result.run_name) for verdict in verdicts for result in verdict.results}
    items = "".join(
        f"<li>{escape(run.words)}: {escape(run.never_run)}. <code>{escape(run.command)}</code></li>"
        for key, run in named.items()
        if run.never_run and key not in made
    )
    return f'<p class="claim-differs">Never run:</p><ul>{items}</ul>' if items else ""
