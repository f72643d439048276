"""The claims of README and chapters: effects recomputed from the committed CSV files with plain NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.chapters.measures import recipes
from helpers.core.files import ROOT
from helpers.reporting.ledger import judge, read_claims
from helpers.reporting.ledger.outcomes import Result

FILE = read_claims(ROOT / "helpers/chapters/claims.yaml")
CLAIMS = {claim.id: claim for claim in FILE.claims}
RESULTS = ROOT / "results"


def result(claim: str, run: str) -> Result:
    (verdict,) = judge([(FILE, CLAIMS[claim])])
    return next(each for each in verdict.results if each.run_name == run)


def stored(run: str, table: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / FILE.runs[run].profile / f"{table}.csv")


def geometric(values: np.ndarray) -> tuple[float, float, float]:
    """The geometric mean with Student's interval."""
    logs = np.log(values)
    low, high = stats.t.interval(0.95, len(logs) - 1, logs.mean(), logs.std(ddof=1) / len(logs) ** 0.5)
    return tuple(np.exp([logs.mean(), low, high]))


@pytest.mark.parametrize("run", ["scenes", "second-photographs"])
def test_the_published_recipe_takes_minutes(run):
    rows = stored(run, "objectives")
    chosen = rows[(rows["method"] == "cartoonx") & (rows["recipe"] == "published")]
    found = result("B20", run)
    value, low, high = geometric(chosen["seconds"].to_numpy())
    assert (found.effect.value, found.effect.count) == (pytest.approx(value), len(chosen))
    assert found.effect.low <= low * (1 + 1e-9)
    assert found.effect.high >= high * (1 - 1e-9)
    assert found.finding == ("as claimed" if len(chosen) >= 6 and low > 60 else "too few to tell")


@pytest.mark.parametrize("run", ["scenes", "second-networks"])
def test_the_gap_follows_the_excess(run):
    rows = stored(run, "convergence")
    correlations = []
    for _, steps in rows[rows["model"] == "cnn"].groupby("image"):
        excess = steps["objective"] - steps["objective"].min()
        correlations.append(stats.spearmanr(steps["gap"], excess).statistic)
    effect = result("B21", run).effect
    assert (effect.value, effect.count) == (pytest.approx(np.mean(correlations)), len(correlations))
    assert -1 <= effect.low <= effect.value <= effect.high <= 1


def test_predictions_kept_by_darker_images():
    rows = stored("lossy-cifar10", "space-vae-sparsity")
    (row,) = rows[(rows["split"] == "test") & (rows["training"] == "beta-10")].to_dict("records")
    found = result("B22", "lossy-cifar10")
    kept = round(row["agreement"] * row["images"])
    interval = stats.binomtest(kept, int(row["images"])).proportion_ci(0.95, "exact")
    assert (found.effect.low, found.effect.high) == pytest.approx((interval.low, interval.high))
    assert found.finding == ("as claimed" if interval.low > 0.9 else "the opposite")


def test_what_no_stored_run_measures_says_where_to_measure_it():
    for claim in FILE.claims:
        if not claim.runs:
            assert "no stored" in claim.missing or "no table" in claim.missing
            assert claim.missing.count("(") + claim.missing.count("python -m") >= 1, "the cost, or the command"


def test_the_claims_of_the_gap_by_hand():
    steps = {"step": [1, 2, 3], "objective": [3.0, 2.0, 1.0]}
    table = pd.concat(
        [
            pd.DataFrame({**steps, "image": "a", "model": "cnn", "gap": [9.0, 5.0, 0.0]}),
            pd.DataFrame({**steps, "image": "b", "model": "cnn", "gap": [0.0, 5.0, 9.0]}),
            pd.DataFrame({**steps, "image": "a", "model": "vit", "gap": [1.0, 1.0, 2.0]}),
        ]
    )
    effect = recipes.gap_and_excess(table, "cnn")
    assert (effect.value, effect.low, effect.high) == (0, -1, 1)
