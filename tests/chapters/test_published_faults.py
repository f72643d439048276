"""The ledger's rows on published scores: judged on a table made here, and read as a table of faults."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.chapters import published_faults
from helpers.chapters.measures import published_scores as measures
from helpers.reporting.committed import committed_table
from helpers.reporting.ledger.entries import all_claims

PICTURES = ("cartoonx", "waveletx", "shearletx", "pixel-rde")
METHODS = (*PICTURES, "wam-gradient", "wam-path", "size", "shearlets")
CLAIMS = [claim for _, claim in all_claims() if published_faults.TABLE in claim.tables]


@pytest.fixture(scope="module")
def scores():
    """Random scores of 12 images in all columns that the claims name."""
    columns = sorted({column for claim in CLAIMS for column in claim.columns} - {"image", "method"})
    generator = np.random.default_rng(4)
    rows = [
        {"image": f"image-{image}", "method": method, **{column: generator.random() for column in columns}}
        for image in range(12)
        for method in METHODS
    ]
    return pd.DataFrame(rows)


def verdicts(scores):
    """Every claim, judged on scenes alone."""
    found = published_faults.fault_verdicts(lambda profile, table: scores if profile == "family-scenes" else None)
    return {verdict.claim.id: verdict for verdict in found}


def test_every_fault_is_measured_from_the_columns_that_it_names(scores):
    for claim_id, verdict in verdicts(scores).items():
        claim = verdict.claim
        (result,) = verdict.results
        alone = verdict.file.function(claim)(scores[list(claim.columns)], **claim.arguments)
        assert alone.value == result.effect.value, claim_id
        assert result.effect.count == 12
        assert result.run.evidence == "scenes"


def test_effects_by_hand(scores):
    found = {claim: verdict.results[0].effect for claim, verdict in verdicts(scores).items()}
    pictures = scores[scores["method"].isin(PICTURES)]
    extra = [(rows["fidelity_published"] - rows["fidelity"]).mean() for _, rows in pictures.groupby("image")]
    low, high = stats.t.interval(0.95, 11, np.mean(extra), stats.sem(extra))
    assert found["B71"].value == pytest.approx(np.mean(extra))
    assert found["B71"].low <= low + 1e-9 < high - 1e-9 <= found["B71"].high
    path, size = (scores[scores["method"] == name]["insertion_own"].to_numpy() for name in ("wam-path", "size"))
    assert found["B77"].value == pytest.approx((path - size).mean())
    exchanged = []
    for _, rows in pictures.groupby("image"):
        cp, own = (rows.set_index("method")[column] for column in ("cp", "cp_own"))
        pairs = [(a, b) for place, a in enumerate(PICTURES) for b in PICTURES[place + 1 :]]
        exchanged.append(np.mean([(cp[a] > cp[b]) != (own[a] > own[b]) for a, b in pairs]))
    assert found["B75"].value == pytest.approx(np.mean(exchanged))


def test_the_table_has_a_row_for_each_and_says_where_a_run_is_missing(scores):
    judged = list(verdicts(scores).values())
    table = published_faults.fault_table(judged)
    assert table["row"].tolist() == [claim.id for claim in CLAIMS]
    assert len(CLAIMS) >= 12
    assert table["scenes"].str.contains("12 images").all()
    assert table["photographs"].isna().all()
    assert set(table["outcome"]) <= {"holds", "fails", "undecided"}
    without = published_faults.fault_verdicts(lambda profile, table: None)
    assert (published_faults.fault_table(without)["outcome"] == "not run").all()


@pytest.fixture(scope="module", params=["family-scenes", "family-photographs"])
def stored(request):
    """The committed table of a profile."""
    table = committed_table(request.param, published_faults.TABLE)
    if table is None:
        pytest.skip(f"{request.param} has no table {published_faults.TABLE} yet")
    return table


class TestStored:
    def test_any_class_is_surer_just_where_another_class_is_shown(self, stored):
        rows = stored.dropna(subset="fidelity")
        assert (rows["fidelity_published"] >= rows["fidelity"]).all()
        same = rows["other_class"] == 0
        np.testing.assert_allclose(rows.loc[same, "fidelity"], rows.loc[same, "fidelity_published"])
        assert rows.loc[~same, "fidelity"].max() <= 0.5

    def test_currencies_and_domains_agree_for_pixels(self, stored):
        rows = stored[stored["method"].str.startswith("pixel-rde")]
        np.testing.assert_allclose(rows["cp"], rows["cp_own"], rtol=0.02)  # pictures are stored in half precision
        np.testing.assert_allclose(rows["insertion_own"], rows["insertion_pixels"], atol=1e-4)

    def test_areas_are_those_of_probabilities_and_grow_over_their_own_maximum(self, stored):
        for name in ("insertion", "deletion"):
            areas = stored[[f"{name}_own", f"{name}_stretched", f"{name}_published"]].dropna()
            assert areas.min().min() >= 0
            assert areas.max().max() <= 1
        assert stored["insertion_published"].mean() > stored["insertion_stretched"].mean()

    def test_the_sentences_that_pages_take_from_it(self, stored):
        by = stored.groupby("method").mean(numeric_only=True)
        pictures = stored[~stored["method"].isin(measures.WITHOUT_PICTURE)]
        assert pictures["other_class"].mean() > 0.05
        assert by.loc["size", "insertion_own"] > by.loc["wam-path", "insertion_own"]  # no classifier is asked
        assert by.loc["wam-path", "insertion_own"] > by.loc["wam-path", "insertion_pixels"]
        assert by.loc["wam-gradient", "neighbours"] > 0.05
        assert by.loc["shearlets", "clamped"] > 0.2
