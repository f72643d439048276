"""The ledger: every claim of the papers and of this book, the evidence about it, and one of five outcomes."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "Claim": "helpers.reporting.ledger.entries",
        "ClaimFile": "helpers.reporting.ledger.entries",
        "Run": "helpers.reporting.ledger.entries",
        "Verdict": "helpers.reporting.ledger.outcomes",
        "claims_of_figure": "helpers.reporting.ledger.entries",
        "judge": "helpers.reporting.ledger.outcomes",
        "load_claims": "helpers.reporting.ledger.entries",
        "read_claims": "helpers.reporting.ledger.entries",
    },
)
