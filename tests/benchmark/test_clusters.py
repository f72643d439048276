"""Clusters, places and correlations of the benchmark, against SciPy and cases whose answer is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.benchmark.clusters import cluster_table, clusters, decided_pairs, metric_correlations

METHODS = {"a": 2.0, "b": 2.0, "c": 0.0, "d": 0.0, "e": -3.0}


@pytest.fixture
def table():
    """Scores of five methods in three groups, on images of which the last method explains half."""
    rng, rows = np.random.default_rng(0), []
    base = rng.normal(size=60)
    for method, mean in METHODS.items():
        for image in range(30 if method == "e" else 60):
            score = mean + base[image] + 0.3 * rng.normal()
            row = {"method": method, "control": method == "e", "image": image}
            rows.append({**row, "rank-accuracy": score, "deletion-mean": -score, "pixel-auroc": rng.normal()})
    return pd.DataFrame(rows)


def test_groups_are_found_whatever_the_direction(table):
    found = cluster_table(table, ["rank-accuracy", "deletion-mean"])
    for _, rows in found.groupby("metric"):
        by_method = rows.set_index("method")
        assert by_method.loc[list("abcde"), "cluster"].tolist() == [1, 1, 2, 2, 3]
        assert by_method.loc["a", ["best_place", "worst_place"]].tolist() == [1, 2]
        assert by_method.loc["e", ["best_place", "worst_place", "n"]].tolist() == [5, 5, 30]
        assert by_method.loc["e", "control"]
    means = table.groupby("method")["deletion-mean"].mean()
    got = found[found["metric"] == "deletion-mean"].set_index("method")
    np.testing.assert_allclose(got["mean"], means[got.index], atol=1e-5)
    assert ((got["low"] < got["mean"]) & (got["mean"] < got["high"])).all()
    assert got["mean"].is_monotonic_increasing  # lower is better


def test_differences_are_those_of_a_paired_t_test(table):
    scores = table.pivot(index="image", columns="method", values="rank-accuracy").to_numpy()
    better = decided_pairs(scores)
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]
    p = np.array([stats.ttest_rel(scores[:, i], scores[:, j], nan_policy="omit").pvalue for i, j in pairs])
    order = p.argsort()
    corrected = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    decided = {pairs[k] for k, value in zip(order, corrected, strict=True) if value < 0.05}
    assert {(min(i, j), max(i, j)) for i, j in np.argwhere(better)} == decided
    assert not (better & better.T).any()


def test_a_chain_of_neighbours_is_one_cluster():
    chain = np.array([[0, 0, 1], [0, 0, 0], [0, 0, 0]], dtype=bool)  # only the ends can be told apart
    assert clusters(chain) == [1, 1, 1]
    assert clusters(np.array([[0, 1, 1], [0, 0, 0], [0, 0, 0]], dtype=bool)) == [1, 2, 2]


def test_correlations_are_spearmans(table):
    found = metric_correlations(table, ["rank-accuracy", "deletion-mean", "pixel-auroc"], resamples=50)
    first = found.iloc[0]
    assert (first["metric"], first["other"], first["correlation"], first["n"]) == (
        "rank-accuracy",
        "deletion-mean",
        1,
        30,
    )
    shared = table[table["image"] < 30].groupby("method")[["rank-accuracy", "pixel-auroc"]].mean()
    expected = stats.spearmanr(shared["rank-accuracy"], shared["pixel-auroc"]).statistic
    assert found.iloc[1]["correlation"] == pytest.approx(expected, abs=1e-5)
    # a metric without a score on some images takes none from the pairs of the others
    table["deletion-mean"] = table["deletion-mean"].mask(table["image"] >= 8)
    images = metric_correlations(table, ["rank-accuracy", "deletion-mean", "pixel-auroc"], resamples=9)["n"]
    assert images.tolist() == [8, 30, 8]
    assert metric_correlations(table, ["rank-accuracy", "pixel-auroc"], controls=False, resamples=9)["methods"][0] == 4
