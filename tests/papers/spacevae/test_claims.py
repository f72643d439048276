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
RUNS = ("study", "cifar10-lossless")
"""The committed runs on CIFAR-10."""


class Committed:
    """The committed tables of a run, read with plain pandas."""

    def __init__(self, profile):
        folder = ROOT / "results" / profile
        names = ("sparsity", "bottleneck", "costs")
        paths = {name: folder / f"space-vae-{name}.csv" for name in names}
        tables = {name: pd.read_csv(path) for name, path in paths.items() if path.is_file()}
        if "sparsity" in tables:
            self.all = tables["sparsity"]
            self.tested = self.all[self.all["split"] == "test"]
        if "bottleneck" in tables:
            self.bottleneck = tables["bottleneck"].set_index("training")
        self.costs = tables.get("costs")

    def row(self, split="test", **where):
        """The only row with these values."""
        rows = self.all[self.all["split"] == split]
        for name, value in where.items():
            rows = rows[rows[name] == value]
        assert len(rows) == 1, where
        return rows.iloc[0]

    def count(self, method):
        """The number of images of a method's rows on test images."""
        (count,) = self.tested.loc[self.tested["method"] == method, "images"].unique()
        return int(count)

    def chosen(self, metric, method):
        """A competitor's share at the largest of the paper's thresholds with an L0 sparsity below 10 %."""
        rows = self.tested[self.tested["method"] == method]
        tenths = [threshold for threshold in rows["threshold"] if threshold <= 0 and round(threshold, 1) == threshold]
        sparse = rows[rows["threshold"].isin(tenths) & (rows["l0"] < 10)]
        return share(float(sparse.loc[sparse["threshold"].idxmax(), metric]), self.count(method))

    def between(self, metric, method, norm, sparsity):
        """A share on the straight line between the two settings around a sparsity; controls begin at the originals."""
        names = [method, "original"] if method in ("darkened", "subtracted") else [method]
        rows = self.tested[self.tested["method"].isin(names)].sort_values(norm)
        below, above = rows[rows[norm] <= sparsity].iloc[-1], rows[rows[norm] > sparsity].iloc[0]
        part = (sparsity - below[norm]) / (above[norm] - below[norm])
        return share(float((1 - part) * below[metric] + part * above[metric]), self.count(method))

    def network(self, metric, training, split="test"):
        """A network's share."""
        row = self.row(split, training=training)
        return share(float(row[metric]), int(row["images"]))

    def own(self, metric, training):
        """A network's mean."""
        return mean(self.row(training=training), metric)

    def original(self, metric):
        """A mean over the original images."""
        return mean(self.row(method="original"), metric)

    def flips(self, method):
        """The share of images that lose their class at threshold 0."""
        return share(1 - float(self.row(method=method, threshold=0.0)["agreement"]), self.count(method))

    def lost(self, training):
        """The share of images that lose their class in a network's kept image."""
        row = self.row(training=training)
        return share(1 - float(row["agreement"]), int(row["images"]))

    def against(self, training, method, norm, metric):
        """A network's share − that of another method at the network's own sparsity."""
        sparsity = float(self.row(training=training)[norm])
        return minus(self.network(metric, training), self.between(metric, method, norm, sparsity))

    def cost_ratio(self, method, other):
        """The geometric mean over images of the ratio of two methods' seconds; its error by the delta method."""
        seconds = {name: rows.sort_values("image")["seconds"].to_numpy() for name, rows in self.costs.groupby("method")}
        logs = np.log(seconds[method]) - np.log(seconds[other])
        return math.exp(logs.mean()), math.exp(logs.mean()) * logs.std(ddof=1) / math.sqrt(len(logs)), len(logs)

    def grid(self, training):
        """The agreement of a network of the table `bottleneck`."""
        row = self.bottleneck.loc[training]
        return share(float(row["agreement"]), int(row["images"]))

    def grid_control(self, control):
        """The agreement of the finer grid − that of a control at its L1 sparsity."""
        sparsity = self.bottleneck.loc["grid-16", "l1"]
        return minus(self.grid("grid-16"), self.between("agreement", control, "l1", sparsity))


def share(value, count):
    """A share with its standard error, and its number of images."""
    return value, math.sqrt(value * (1 - value) / count), count


def mean(row, metric):
    """A mean of the table with its standard error, from the ends of its interval, and its number of images."""
    return float(row[metric]), float(row[f"{metric}_high"] - row[f"{metric}_low"]) / 3.92, int(row["images"])


def minus(first, second):
    """The difference of two means with its standard error, and the smaller number of images."""
    return first[0] - second[0], math.hypot(first[1], second[1]), min(first[2], second[2])


AS, OPPOSITE, OPEN = "as claimed", "the opposite", "undecided"
DEEPLIFT, GRADIENTS, ABLATION = "deeplift", "integrated-gradients", "feature-ablation"
# by claim: the effect with its standard error and its number of images
EFFECTS = {
    "S63a": lambda run: run.flips(DEEPLIFT),
    "S63b": lambda run: run.flips(GRADIENTS),
    "S63c": lambda run: run.flips(ABLATION),
    "S63d": lambda run: minus(run.flips(DEEPLIFT), run.lost("beta-10")),
    "S63e": lambda run: minus(run.flips(GRADIENTS), run.lost("beta-10")),
    "S63f": lambda run: minus(run.flips(ABLATION), run.lost("beta-10")),
    "S64a": lambda run: run.between("accuracy", DEEPLIFT, "l0", 10),
    "S64b": lambda run: run.between("accuracy", GRADIENTS, "l0", 10),
    "S65a": lambda run: minus(*(run.between("accuracy", name, "l0", 10) for name in (ABLATION, DEEPLIFT))),
    "S65b": lambda run: minus(*(run.between("accuracy", name, "l0", 10) for name in (ABLATION, GRADIENTS))),
    "S65c": lambda run: run.between("accuracy", ABLATION, "l0", 7.4),
    "S66a": lambda run: run.against("beta-1", DEEPLIFT, "l1", "accuracy"),
    "S66b": lambda run: run.against("beta-1", GRADIENTS, "l1", "accuracy"),
    "S66c": lambda run: run.against("beta-1", ABLATION, "l1", "accuracy"),
    "S66d": lambda run: run.against("beta-10", ABLATION, "l1", "accuracy"),
    "S67a": lambda run: run.network("accuracy", "beta-1"),
    "S67b": lambda run: run.own("l0", "beta-1"),
    "S86a": lambda run: run.against("beta-1", "darkened", "l1", "agreement"),
    "S86b": lambda run: run.against("beta-10", "darkened", "l1", "agreement"),
    "S86c": lambda run: run.against("beta-1", "subtracted", "l1", "agreement"),
    "S86d": lambda run: run.against("beta-10", "subtracted", "l1", "agreement"),
    "S68a": lambda run: minus(run.network("accuracy", "beta-10"), run.chosen("accuracy", ABLATION)),
    "S68b": lambda run: minus(run.network("accuracy", "beta-10"), run.chosen("accuracy", DEEPLIFT)),
    "S68c": lambda run: minus(run.network("accuracy", "beta-10"), run.chosen("accuracy", GRADIENTS)),
    "S69": lambda run: run.own("l1", "beta-10"),
    "S70": lambda run: minus(run.network("accuracy", "beta-100"), run.network("accuracy", "beta-1")),
    "S71a": lambda run: minus(run.own("l1", "beta-100"), run.own("l1", "beta-1")),
    "S71b": lambda run: minus(run.own("l0", "beta-100"), run.own("l0", "beta-1")),
    "S72a": lambda run: run.network("accuracy", "vq-vae"),
    "S72b": lambda run: minus(run.network("accuracy", "beta-1"), run.network("accuracy", "vq-vae")),
    "S73": lambda run: minus(run.own("confidence", "beta-10"), run.original("confidence")),
    "S74": lambda run: run.network("accuracy", "beta-10", "train"),
    "S75": lambda run: run.cost_ratio(ABLATION, GRADIENTS),
    "S80": lambda run: run.network("agreement", "beta-10", "mistakes"),
    "S87": lambda run: share(run.original("accuracy")[0], run.count("original")),
    "S83": lambda run: minus(run.own("l1", "beta-10"), run.own("l0", "beta-10")),
    "S79a": lambda run: minus(run.chosen("agreement", ABLATION), run.chosen("agreement", DEEPLIFT)),
    "S79b": lambda run: minus(run.chosen("agreement", ABLATION), run.chosen("agreement", GRADIENTS)),
    "S79c": lambda run: run.chosen("accuracy", DEEPLIFT),
    "S79d": lambda run: run.chosen("accuracy", GRADIENTS),
    "S94a": lambda run: run.grid("grid-16"),
    "S94b": lambda run: mean(run.bottleneck.loc["grid-16"], "l1"),
    "S94c": lambda run: run.grid_control("darkened"),
    "S94d": lambda run: run.grid_control("subtracted"),
    "S94e": lambda run: minus(run.grid("grid-16"), run.grid("beta-10")),
}
# by run and claim: the direction of the finding
FINDINGS = {
    "study": {
        **dict.fromkeys(("S63b", "S63d", "S63e", "S63f", "S65a", "S65b", "S66a", "S66b", "S66c", "S67a"), AS),
        **dict.fromkeys(("S71a", "S71b", "S72a", "S72b", "S83", "S79a", "S79b"), AS),
        **dict.fromkeys(("S94b", "S94c", "S94d", "S94e"), AS),
        **dict.fromkeys(("S63a", "S63c", "S64a", "S64b", "S65c", "S67b", "S86a", "S86b", "S86d"), OPPOSITE),
        **dict.fromkeys(("S68a", "S68b", "S69", "S73", "S87", "S79c", "S79d"), OPPOSITE),
        **dict.fromkeys(("S66d", "S86c", "S68c", "S70", "S94a"), OPEN),
    },
    "cifar10-lossless": {"S75": AS},
}


READ = cache(evidence_table)


@cache
def committed(run):
    """The tables of a run."""
    return Committed(run)


@cache
def verdicts(run):
    """The verdicts from one committed run on CIFAR-10 alone, by id."""
    claims = [(FILE, claim) for claim in FILE.claims]
    only = FILE.runs[run].profile
    read = cache(lambda profile, name: READ(profile, name) if profile == only else None)
    return {verdict.claim.id: verdict for verdict in judge(claims, read=read)}


class TestCommitted:
    @pytest.mark.parametrize("run", RUNS)
    def test_all_claims_with_a_committed_table_are_recomputed(self, run):
        assert {name for name, verdict in verdicts(run).items() if verdict.results} == FINDINGS[run].keys()

    @pytest.mark.parametrize(("run", "name"), [(run, name) for run in RUNS for name in FINDINGS[run]])
    def test_effect_and_finding_agree_with_the_csv(self, run, name):
        value, error, count = EFFECTS[name](committed(run))
        finding = FINDINGS[run][name]
        (result,) = verdicts(run)[name].results
        assert result.effect.value == pytest.approx(value, rel=1e-6, abs=1e-9)
        assert result.effect.count == count
        # Student's t and exact intervals of few images are wider than the normal law's
        assert (result.effect.high - result.effect.low) / 3.92 == pytest.approx(error, rel=0.1 if count > 1000 else 0.3)
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

    def test_a_stand_in_decides_no_claim_of_the_paper(self):
        decided = {name: verdict.outcome for name, verdict in verdicts("study").items() if verdict.results}
        by_paper = {decided[name] for name in decided if CLAIMS[name].by == "paper"}
        assert by_paper == {"not a fair test"}
        ours = {name: outcome for name, outcome in decided.items() if CLAIMS[name].by == "book"}
        assert ours == {
            **{"S94a": "undecided", "S94b": "holds", "S94c": "holds", "S94d": "holds"},
            "S94e": "not a fair test",
        }

    def test_a_claim_has_the_same_outcome_on_each_of_its_pages(self):
        page = object.__new__(SpaceVAEPage)
        page._evidence = lambda profile, name, _shown: READ(profile, name) if profile == "study" else None
        shown = {}
        for page.identifier in ("spacevae-fig4", "spacevae-fig5", "spacevae-tab1"):
            shown[page.identifier] = {verdict.claim.id: verdict for verdict in page.verdicts()}
        assert {"S86a", "S88a"} <= shown["spacevae-fig4"].keys() & shown["spacevae-tab1"].keys()
        assert "S71a" in shown["spacevae-fig5"]
        for name, verdict in [pair for page in shown.values() for pair in page.items()]:
            found = [result.p_value for result in verdict.results]
            assert found == [result.p_value for result in verdicts("study")[name].results], name


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
