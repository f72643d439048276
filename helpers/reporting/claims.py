"""A claim of a paper and the effect over images that decides it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from helpers.core.statistics import Effect

Outcome = Literal["held", "did not hold", "is undecided"]


@dataclass(frozen=True)
class Claim:
    """One claim and the result of a run.

    Attributes:
        statement: the claim, as a clause: "CartoonX is lower at small rates".
        measure: the quantity whose mean is the effect.
        effect: the effect over images.
        expected: the side of `null` on which the claim expects the effect: 1 above, -1 below.
        null: the value that means "no difference": 0, or 1 for a ratio.
    """

    statement: str
    measure: str
    effect: Effect
    expected: Literal[1, -1]
    null: float = 0.0

    @property
    def outcome(self) -> Outcome:
        """Held or not where the whole interval lies on one side; else undecided."""
        side = self.effect.side_of(self.null)
        if side == 0:
            return "is undecided"
        return "held" if side == self.expected else "did not hold"
