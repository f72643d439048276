"""Effects and differences in words, for the strips of figure pages and for the ledger."""

from __future__ import annotations

from helpers.reporting.ledger.outcomes import Result, Verdict


def effect_words(result: Result, verdict: Verdict) -> str:
    """The effect with its interval and the number of units: "−0.17 [−0.26, −0.08], 30 images"."""
    claim, count = verdict.claim, result.effect.count
    drawn = result.run.evidence == "scenes"
    unit = "image" if claim.unit == "scene" and not drawn else claim.unit  # its claims name the unit of our scenes
    units = unit if count == 1 else f"{unit}es" if unit.endswith(("s", "ch")) else f"{unit}s"
    return f"{result.effect.words(claim.decimals)}, {count} {units}"


def expectation_words(verdict: Verdict) -> str:
    """What the claim expects of its quantity: "the claim expects less than 0"."""
    claim = verdict.claim
    if claim.direction == "within":
        return f"the claim expects {_number(claim.null_value)} ± {_number(claim.margin)}"
    return f"the claim expects {'more' if claim.direction == 'above' else 'less'} than {_number(claim.null_value)}"


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")
