"""The outcome of a claim: its effect in each run, corrected for the other claims of its family, and a verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import pandas as pd

from helpers.core.statistics import MINIMUM_UNITS, Effect, holm
from helpers.reporting.committed import evidence_table
from helpers.reporting.ledger.entries import Aspect, Claim, ClaimFile, Run
from helpers.results.registry import TABLES

Finding = Literal["as claimed", "the opposite", "undecided", "too few to tell"]
"""The direction of an effect in one run, whether or not the run is a fair test."""

Outcome = Literal["holds", "fails", "undecided", "not a fair test", "not run"]
OUTCOMES: dict[Outcome, str] = {
    "holds": "A fair test found what is claimed.",
    "fails": "A fair test found the opposite.",
    "undecided": "A fair test found no difference that chance could not explain, or has too few images to tell.",
    "not a fair test": "Our run differs from the paper in something that the claim depends on.",
    "not run": "No run of ours measures it.",
}
"""The five outcomes and their meanings."""

LEVEL = 0.05
_VERDICTS: dict[Finding, Outcome] = {
    "as claimed": "holds",
    "the opposite": "fails",
    "undecided": "undecided",
    "too few to tell": "undecided",
}

TableReader = Callable[[str, str], "pd.DataFrame | None"]


@dataclass(frozen=True)
class Result:
    """One claim in one run.

    Attributes:
        run_name: the run's name in the file.
        run: the run.
        effect: the effect over independent units.
        p_value: the probability of such an effect without a difference, corrected by Holm's method for the other
            claims of the same figure or family in the same run; nan below six units.
        finding: the effect's direction.
        differs: all that differs from the paper.
        unfair: those differences that make it no fair test.
    """

    run_name: str
    run: Run
    effect: Effect
    p_value: float
    finding: Finding
    differs: dict[Aspect, str]
    unfair: dict[Aspect, str]

    @property
    def fair(self) -> bool:
        """Whether the run is a fair test of the claim."""
        return not self.unfair


@dataclass(frozen=True)
class Verdict:
    """A claim with its results, best evidence first, and its outcome.

    Attributes:
        file: the claim's file.
        claim: the claim.
        results: the results of the runs whose tables exist.
    """

    file: ClaimFile
    claim: Claim
    results: tuple[Result, ...]

    @property
    def deciding(self) -> Result | None:
        """The result that decides: the first fair one with enough units, else the first fair one."""
        fair = [result for result in self.results if result.fair]
        return next((result for result in fair if result.finding != "too few to tell"), fair[0] if fair else None)

    @property
    def outcome(self) -> Outcome:
        """One of the five outcomes."""
        if not self.results:
            return "not run"
        return _VERDICTS[self.deciding.finding] if self.deciding else "not a fair test"

    @property
    def reason(self) -> str:
        """Why there is no verdict, in words; empty for a claim that a fair test decided."""
        if not self.results:
            return self.claim.missing or "its tables have not been made"
        if self.deciding is None:
            return "; ".join(self.results[0].unfair.values())
        if self.deciding.finding == "too few to tell":
            return f"{self.deciding.effect.count} {self.claim.unit}s are too few to tell"
        return ""


def judge(claims: Iterable[tuple[ClaimFile, Claim]], read: TableReader = evidence_table) -> list[Verdict]:
    """The verdicts on claims.

    Args:
        claims: claims with their files. Pass all claims of a figure or of a family together: those that have it first
            are corrected for each other.
        read: from a profile and a table's name to the table, or to None if it does not exist.
    """
    claims = list(claims)
    read_once = cache(read)  # many claims share a table
    effects: dict[tuple[str, str], Effect] = {}
    for file, claim in claims:
        for name in claim.runs:
            tables = [read_once(file.runs[name].profile, table) for table in claim.tables]
            if all(table is not None for table in tables) and _has_pairs(claim, tables):
                copies = [table.copy() for table in tables]  # a measure may add columns to its own
                effects[claim.id, name] = file.function(claim)(*copies, **claim.arguments)
    corrected = _corrected({claim.id: claim for _, claim in claims}, effects)
    return [
        Verdict(
            file,
            claim,
            tuple(
                _result(file, claim, name, effects[claim.id, name], corrected[claim.id, name])
                for name in claim.runs
                if (claim.id, name) in effects
            ),
        )
        for file, claim in claims
    ]


def _has_pairs(claim: Claim, tables: Sequence[pd.DataFrame]) -> bool:
    """Whether the tables hold the pairs that a claim names: each pair has a file, and a run may have made some only."""
    named = {value for value in claim.arguments.values() if isinstance(value, str)}
    for name, table in zip(claim.tables, tables, strict=True):
        known = TABLES.get(name)
        for column in ("dataset", "classifier") if known is not None else ():
            wanted = named & set(getattr(known, f"{column}s"))
            if column in table and not wanted <= set(table[column]):
                return False
    return True


def claim_p_value(claim: Claim, effect: Effect) -> float:
    """The two-sided probability of such an effect if there is no difference; nan for too few units.

    For a claim of equality within a margin it is the larger one of the two against the margin's ends. Between them this
    is the test of equivalence by two one-sided tests; outside, it is the test against the nearer end.
    """
    if claim.direction != "within":
        return effect.p_value(claim.null_value)
    return max(effect.p_value(claim.null_value + sign * claim.margin) for sign in (-1, 1))


def find(claim: Claim, effect: Effect, p_value: float) -> Finding:
    """The direction of an effect with its corrected p-value."""
    if effect.count < MINIMUM_UNITS or math.isnan(p_value):
        return "too few to tell"
    if p_value > LEVEL:
        return "undecided"
    difference = effect.value - claim.null_value
    if claim.direction == "within":
        return "as claimed" if abs(difference) <= claim.margin else "the opposite"
    return "as claimed" if (difference > 0) == (claim.direction == "above") else "the opposite"


def _corrected(claims: dict[str, Claim], effects: dict[tuple[str, str], Effect]) -> dict[tuple[str, str], float]:
    """The p-values, corrected by Holm's method within each family and run (`Claim.corrected_with`)."""
    families: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for claim_id, run in effects:
        families.setdefault((claims[claim_id].corrected_with, run), []).append((claim_id, run))
    p_values = {key: claim_p_value(claims[key[0]], effect) for key, effect in effects.items()}
    for family in families.values():
        known = [key for key in family if not math.isnan(p_values[key])]
        p_values |= dict(zip(known, holm([p_values[key] for key in known]), strict=True))
    return p_values


def _result(file: ClaimFile, claim: Claim, run: str, effect: Effect, p_value: float) -> Result:
    return Result(
        run_name=run,
        run=file.runs[run],
        effect=effect,
        p_value=p_value,
        finding=find(claim, effect, p_value),
        differs=file.differences(claim, run),
        unfair=file.unfair(claim, run),
    )
