"""The faults of the published scores, each with the size of its effect, from the rows of the ledger."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from helpers.reporting.ledger.entries import all_claims
from helpers.reporting.ledger.outcomes import TableReader, Verdict, evidence_table, judge
from helpers.reporting.ledger.words import effect_words, expectation_words

TABLE = "published-scores"
COLUMNS = ("row", "claim", "measured", "scenes", "photographs", "outcome")


def fault_verdicts(read: TableReader = evidence_table) -> list[Verdict]:
    """The verdicts on the ledger's claims about published scores, in its order.

    Args:
        read: from a profile and a table's name to the table, or to None if it does not exist.
    """
    return judge([(file, claim) for file, claim in all_claims() if TABLE in claim.tables], read)


def fault_table(verdicts: Sequence[Verdict] | None = None) -> pd.DataFrame:
    """A row per fault: the effect on scenes and on photographs in words, and the outcome.

    Args:
        verdicts: of the claims; None for `fault_verdicts`.

    Returns:
        Columns row (of the ledger), claim, measured, scenes, photographs, outcome; missing for a run that was not made.
    """
    rows = []
    for verdict in fault_verdicts() if verdicts is None else verdicts:
        claim = verdict.claim
        effects = {result.run.evidence: effect_words(result, verdict) for result in verdict.results}
        measured = f"{claim.quantity} ({expectation_words(verdict)})"
        found = (effects.get("scenes"), effects.get("photographs"))
        rows.append((claim.id, claim.claim, measured, *found, verdict.outcome))
    return pd.DataFrame(rows, columns=list(COLUMNS))
