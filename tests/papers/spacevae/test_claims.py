"""The claims of SpaCE-VAE: each outcome recomputed from the committed CSV files with plain pandas and NumPy."""

import math
from functools import cache

import numpy as np
import pandas as pd
import pytest
from space_vae_miniature import miniature_profile, write_weights

from helpers.core.files import ROOT
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.earlier import scene_table
from helpers.papers.spacevae.figures.fig1 import flip_table
from helpers.papers.spacevae.figures.fig5 import appearance_table
from helpers.papers.spacevae.figures.page import SpaceVAEPage
from helpers.papers.spacevae.measures import images, networks
from helpers.reporting.committed import evidence_table
from helpers.reporting.ledger import claims_of_figure, judge, read_claims
from helpers.results import TABLES
from helpers.site.registry import load_registry

FILE = read_claims(ROOT / "helpers/papers/spacevae/claims.yaml")
CLAIMS = {claim.id: claim for claim in FILE.claims}
SPARSITY = pd.read_csv(ROOT / "results/study/space-vae-sparsity.csv")
TESTED = SPARSITY[SPARSITY["split"] == "test"]
BOTTLENECK = pd.read_csv(ROOT / "results/study/space-vae-bottleneck.csv").set_index("training")
NETWORKS, COMPETITORS = 10_000, 2_000
"""The numbers of test images."""


def cell(metric, **where):
    """A metric of the only row with these values."""
    rows = TESTED
    for name, value in where.items():
        rows = rows[rows[name] == value]
    assert len(rows) == 1, where
    return float(rows[metric].iloc[0])


def chosen(metric, method):
    """A competitor's metric at the largest of the paper's thresholds with an L0 sparsity below 10 %."""
    rows = TESTED[TESTED["method"] == method]
    tenths = [threshold for threshold in rows["threshold"] if threshold <= 0 and round(threshold, 1) == threshold]
    sparse = rows[rows["threshold"].isin(tenths) & (rows["l0"] < 10)]
    return float(sparse.loc[sparse["threshold"].idxmax(), metric])


def between(metric, method, norm, sparsity):
    """A metric on the straight line between the two settings around a sparsity; controls begin at the originals."""
    names = [method, "original"] if method in ("darkened", "subtracted") else [method]
    rows = TESTED[TESTED["method"].isin(names)].sort_values(norm)
    below, above = rows[rows[norm] <= sparsity].iloc[-1], rows[rows[norm] > sparsity].iloc[0]
    part = (sparsity - below[norm]) / (above[norm] - below[norm])
    return float((1 - part) * below[metric] + part * above[metric])


def share(value, count):
    """A share with its standard error."""
    return value, math.sqrt(value * (1 - value) / count)


def mean(row, metric):
    """A mean of the table with its standard error, from the ends of its interval."""
    return float(row[metric]), float(row[f"{metric}_high"] - row[f"{metric}_low"]) / 3.92


def minus(first, second):
    """The difference of two means with its standard error."""
    return first[0] - second[0], math.hypot(first[1], second[1])


def own(metric, training):
    """A network's mean."""
    return mean(TESTED[TESTED["training"] == training].iloc[0], metric)


def network(metric, training):
    """A network's share."""
    return share(cell(metric, training=training), NETWORKS)


def competitor(value):
    """A competitor's share."""
    return share(value, COMPETITORS)


def flips(method):
    """The share of images that lose their class at threshold 0."""
    return competitor(1 - cell("agreement", method=method, threshold=0.0))


def against(training, method, norm, metric, count):
    """A network's share − that of another method at the network's own sparsity."""
    sparsity = cell(norm, training=training)
    return minus(network(metric, training), share(between(metric, method, norm, sparsity), count))


def grid_control(control):
    """The agreement of the finer grid − that of a control at its L1 sparsity."""
    kept = share(BOTTLENECK.loc["grid-16", "agreement"], NETWORKS)
    return minus(kept, share(between("agreement", control, "l1", BOTTLENECK.loc["grid-16", "l1"]), NETWORKS))


AS, OPPOSITE, OPEN = "as claimed", "the opposite", "undecided"
# by claim: the effect with its standard error, the number of images, and the direction of the finding
EXPECTED = {
    "S63a": (lambda: flips("deeplift"), COMPETITORS, OPPOSITE),
    "S63b": (lambda: flips("integrated-gradients"), COMPETITORS, AS),
    "S63c": (lambda: flips("feature-ablation"), COMPETITORS, OPPOSITE),
    **{
        f"S63{letter}": (
            lambda method=method: minus(flips(method), share(1 - cell("agreement", training="beta-10"), NETWORKS)),
            COMPETITORS,
            AS,
        )
        for letter, method in (("d", "deeplift"), ("e", "integrated-gradients"), ("f", "feature-ablation"))
    },
    "S64a": (lambda: competitor(between("accuracy", "deeplift", "l0", 10)), COMPETITORS, OPPOSITE),
    "S64b": (lambda: competitor(between("accuracy", "integrated-gradients", "l0", 10)), COMPETITORS, OPPOSITE),
    **{
        f"S65{letter}": (
            lambda method=method: minus(
                competitor(between("accuracy", "feature-ablation", "l0", 10)),
                competitor(between("accuracy", method, "l0", 10)),
            ),
            COMPETITORS,
            AS,
        )
        for letter, method in (("a", "deeplift"), ("b", "integrated-gradients"))
    },
    "S65c": (lambda: competitor(between("accuracy", "feature-ablation", "l0", 7.4)), COMPETITORS, OPPOSITE),
    "S66a": (lambda: against("beta-1", "deeplift", "l1", "accuracy", COMPETITORS), COMPETITORS, AS),
    "S66b": (lambda: against("beta-1", "integrated-gradients", "l1", "accuracy", COMPETITORS), COMPETITORS, AS),
    "S66c": (lambda: against("beta-1", "feature-ablation", "l1", "accuracy", COMPETITORS), COMPETITORS, AS),
    "S66d": (lambda: against("beta-10", "feature-ablation", "l1", "accuracy", COMPETITORS), COMPETITORS, OPEN),
    "S67a": (lambda: network("accuracy", "beta-1"), NETWORKS, AS),
    "S67b": (lambda: own("l0", "beta-1"), NETWORKS, OPPOSITE),
    "S86a": (lambda: against("beta-1", "darkened", "l1", "agreement", NETWORKS), NETWORKS, OPPOSITE),
    "S86b": (lambda: against("beta-10", "darkened", "l1", "agreement", NETWORKS), NETWORKS, OPPOSITE),
    "S86c": (lambda: against("beta-1", "subtracted", "l1", "agreement", NETWORKS), NETWORKS, OPEN),
    "S86d": (lambda: against("beta-10", "subtracted", "l1", "agreement", NETWORKS), NETWORKS, OPPOSITE),
    **{
        f"S68{letter}": (
            lambda method=method: minus(network("accuracy", "beta-10"), competitor(chosen("accuracy", method))),
            COMPETITORS,
            finding,
        )
        for letter, method, finding in (
            ("a", "feature-ablation", OPPOSITE),
            ("b", "deeplift", OPPOSITE),
            ("c", "integrated-gradients", OPEN),
        )
    },
    "S69": (lambda: own("l1", "beta-10"), NETWORKS, OPPOSITE),
    "S70": (lambda: minus(network("accuracy", "beta-100"), network("accuracy", "beta-1")), NETWORKS, OPEN),
    "S71a": (lambda: minus(own("l1", "beta-100"), own("l1", "beta-1")), NETWORKS, AS),
    "S71b": (lambda: minus(own("l0", "beta-100"), own("l0", "beta-1")), NETWORKS, AS),
    "S72a": (lambda: network("accuracy", "vq-vae"), NETWORKS, AS),
    "S72b": (lambda: minus(network("accuracy", "beta-1"), network("accuracy", "vq-vae")), NETWORKS, AS),
    "S73": (
        lambda: minus(own("confidence", "beta-10"), mean(TESTED[TESTED["method"] == "original"].iloc[0], "confidence")),
        NETWORKS,
        OPPOSITE,
    ),
    "S87": (lambda: share(cell("accuracy", method="original"), NETWORKS), NETWORKS, OPPOSITE),
    "S83": (lambda: minus(own("l1", "beta-10"), own("l0", "beta-10")), NETWORKS, AS),
    **{
        f"S79{letter}": (
            lambda method=method: minus(
                competitor(chosen("agreement", "feature-ablation")), competitor(chosen("agreement", method))
            ),
            COMPETITORS,
            AS,
        )
        for letter, method in (("a", "deeplift"), ("b", "integrated-gradients"))
    },
    "S79c": (lambda: competitor(chosen("accuracy", "deeplift")), COMPETITORS, OPPOSITE),
    "S79d": (lambda: competitor(chosen("accuracy", "integrated-gradients")), COMPETITORS, OPPOSITE),
    "S94a": (lambda: share(BOTTLENECK.loc["grid-16", "agreement"], NETWORKS), NETWORKS, OPEN),
    "S94b": (lambda: mean(BOTTLENECK.loc["grid-16"], "l1"), NETWORKS, AS),
    "S94c": (lambda: grid_control("darkened"), NETWORKS, AS),
    "S94d": (lambda: grid_control("subtracted"), NETWORKS, AS),
    "S94e": (
        lambda: minus(*(share(BOTTLENECK.loc[name, "agreement"], NETWORKS) for name in ("grid-16", "beta-10"))),
        NETWORKS,
        AS,
    ),
}


READ = cache(evidence_table)


@pytest.fixture(scope="module")
def verdicts():
    """The verdicts from the committed run on CIFAR-10 alone, by id."""
    claims = [(FILE, claim) for claim in FILE.claims]
    return {verdict.claim.id: verdict for verdict in judge(claims, read=READ, runs=["study"])}


class TestCommitted:
    def test_all_claims_with_a_committed_table_are_recomputed(self, verdicts):
        assert {name for name, verdict in verdicts.items() if verdict.results} == EXPECTED.keys()

    @pytest.mark.parametrize("name", EXPECTED)
    def test_effect_and_finding_agree_with_the_csv(self, verdicts, name):
        make, count, finding = EXPECTED[name]
        value, error = make()
        (result,) = verdicts[name].results
        assert result.effect.value == pytest.approx(value, rel=1e-6, abs=1e-9)
        assert result.effect.count == count
        assert (result.effect.high - result.effect.low) / 3.92 == pytest.approx(error, rel=0.1)
        assert result.finding == finding
        # the same by a z test against the claim's own null value, or the nearer end of its margin
        claim = CLAIMS[name]
        margin = claim.margin
        inside = claim.direction == "within" and abs(value - claim.null_value) < margin
        distance = abs(abs(value - claim.null_value) - margin) / error
        assert (distance > 2.8) == (finding != OPEN)
        if finding != OPEN:
            sides = {"above": value > claim.null_value, "below": value < claim.null_value, "within": inside}
            assert sides[claim.direction] == (finding == AS)

    def test_a_stand_in_decides_no_claim_of_the_paper(self, verdicts):
        decided = {name: verdict.outcome for name, verdict in verdicts.items() if verdict.results}
        by_paper = {decided[name] for name in decided if CLAIMS[name].by == "paper"}
        assert by_paper == {"not a fair test"}
        ours = {name: outcome for name, outcome in decided.items() if CLAIMS[name].by == "book"}
        assert ours == {
            **{"S94a": "undecided", "S94b": "holds", "S94c": "holds", "S94d": "holds"},
            "S94e": "not a fair test",
        }

    def test_a_claim_has_the_same_outcome_on_each_of_its_pages(self, verdicts):
        page = object.__new__(SpaceVAEPage)
        page._evidence = lambda profile, name: READ(profile, name) if profile == "study" else None
        shown = {}
        for page.identifier in ("spacevae-fig4", "spacevae-fig5", "spacevae-tab1"):
            shown[page.identifier] = {verdict.claim.id: verdict for verdict in page.verdicts()}
        assert {"S86a", "S88a"} <= shown["spacevae-fig4"].keys() & shown["spacevae-tab1"].keys()
        assert "S71a" in shown["spacevae-fig5"]
        for name, verdict in [pair for page in shown.values() for pair in page.items()]:
            found = [result.p_value for result in verdict.results]
            assert found == [result.p_value for result in verdicts[name].results], name


class TestEntries:
    def test_the_papers_thresholds_are_not_applied_to_scenes(self):
        for claim in FILE.claims:
            if claim.by == "paper" and claim.null_value != 0:
                assert "scenes" not in claim.runs, claim.id

    def test_every_figure_has_claims(self):
        figures = [name for name in load_registry() if name.startswith("spacevae-")]
        assert len(figures) == 10
        for figure in figures:
            assert any(file.key == FILE.key for file, _ in claims_of_figure(figure)), figure
        assert {figure for claim in FILE.claims for figure in claim.figures} == set(figures)

    def test_the_audited_claims_are_all_there(self):
        numbers = {int(claim.id[1:].rstrip("abcdef")) for claim in FILE.claims}
        assert numbers >= set(range(63, 85))

    def test_runs_come_best_evidence_first(self):
        order = list(FILE.runs)
        for claim in FILE.claims:
            assert list(claim.runs) == sorted(claim.runs, key=order.index), claim.id

    def test_columns_exist(self, miniature):
        made = {"spacevae-fig1": flip_table, "spacevae-fig5": appearance_table, "spacevae-earlier": scene_table}
        tables = {name: make(miniature) for name, make in made.items()}
        for claim in FILE.claims:
            found = set()
            for name in claim.tables:
                assert name in made or name in TABLES, claim.id
                if name not in tables:
                    tables[name] = miniature.table(name)
                found |= set(tables[name].columns)
            assert set(claim.columns) <= found, claim.id


@pytest.fixture(scope="module")
def miniature(tmp_path_factory):
    """A miniature of the quick profile with random networks."""
    folder = tmp_path_factory.mktemp("space")
    return write_weights(SpaceStudy(miniature_profile(), root=folder / "results", models=folder / "models"))


def row(count=400, width=0.02, **values):
    """A row of means, with an interval of half the given width around each number but the text and the counts."""
    ends = {}
    for name, value in values.items():
        if isinstance(value, float) and name != "beta":
            ends |= {f"{name}_low": value - width, f"{name}_high": value + width}
    return {**values, **ends, "images": count}


class TestMeasuresOfScenes:
    def test_pairs_of_images(self):
        flipped = pd.DataFrame(
            {"image": [0, 1, 2, 3] * 2, "method": ["deeplift"] * 4 + ["space-vae"] * 4}
            | {"flipped": [1, 1, 1, 0] * 2, "flipped_random": [0, 1, 0, 0] + [np.nan] * 4}
        )
        found = images.negative_minus_random(flipped, "deeplift")
        assert (found.value, found.count) == (0.5, 4)
        looks = pd.DataFrame(
            {
                "training": ["beta-1"] * 3 + ["original"] * 3,
                "image": [0, 1, 2, 2, 1, 0],
                "saturation": [3, 2, 1, 1, 1, 1],
            }
        )
        assert images.look_difference(looks, "beta-1", "original", "saturation").value == 1
        methods = pd.DataFrame(
            {"training": ["beta-1", "beta-10", ""] * 2, "method": ["space-vae", "space-vae", "cartoonx"] * 2}
            | {"image": [0] * 3 + [1] * 3, "agreed": [0, 1, 0, 0, 1, 1]}
        )
        assert images.method_difference(methods, "cartoonx", "agreed").value == 0.5

    def test_networks(self):
        grids = pd.DataFrame([row(training="grid-16", agreement=0.9), row(training="beta-10", agreement=0.8)])
        assert networks.grid_difference(grids, "grid-16", "beta-10").value == pytest.approx(0.1)
        both = pd.DataFrame(
            [row(beta=10.0, conditioned=1, agreement=0.75), row(beta=10.0, conditioned=0, agreement=0.8)]
        )
        assert networks.conditioned_difference(both, 10).value == pytest.approx(-0.05)
        terms = pd.DataFrame(
            [
                row(training=training, measure="contrast", value=value, agreement=agreement)
                for training, value, agreement in (("beta-10", 0.2, 0.9), ("contrast", 0.5, 0.85))
            ]
        )
        assert networks.term_effect(terms, "contrast", "contrast").value == pytest.approx(0.3)
        assert networks.term_cost(terms, "contrast").value == pytest.approx(-0.05)

    def test_places_and_a_second_classifier(self):
        left = {
            "object_kept": 0.4,
            "background_kept": 0.6,
            "object_distance_kept": 0.9,
            "background_distance_kept": 0.2,
        }
        walls = pd.DataFrame(
            [
                row(training=training, background="white", agreement=agreement, **left)
                for training, agreement in (("beta-10", 0.5), ("mean-colour", 0.75))
            ]
        )
        assert networks.kept_difference(walls, "beta-10", "white").value == pytest.approx(-0.2)
        assert networks.kept_difference(walls, "beta-10", "white", "own").value == pytest.approx(0.7)
        assert networks.reference_difference(walls, "white", "agreement").value == pytest.approx(0.25)
        judged = pd.DataFrame(
            [
                row(method="space-vae", training="beta-10", agreement=0.95, second_agreement=0.25),
                row(method="darkened", training="", agreement=0.2, second_agreement=0.5),
            ]
        )
        assert networks.second_minus_own(judged).value == pytest.approx(-0.7)
        assert networks.second_minus_control(judged, "darkened").value == pytest.approx(-0.25)
