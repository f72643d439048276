"""The claims of "What You See is What You Classify", computed again from the committed tables in plain NumPy.

Nothing of `measures` and of `helpers.core.statistics` is used: units, effects, tests and Holm's correction are written
out here.
"""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from helpers.core.files import ROOT
from helpers.reporting.committed import evidence_table
from helpers.reporting.ledger.entries import read_claims
from helpers.reporting.ledger.outcomes import judge
from helpers.site.registry import load_registry

CLAIMS = ROOT / "helpers" / "papers" / "explainer" / "claims.yaml"
RIVALS = ["grad-cam", "rise", "extremal-perturbation", "igos++", "rtis"]
PAIRS = {
    "a": ("voc2007", "vgg16"),
    "b": ("voc2007", "resnet50"),
    "c": ("coco2014", "vgg16"),
    "d": ("coco2014", "resnet50"),
}
WITHOUT_CLAIMS = {
    "explainer-fig2": "a diagram of the method",
    "explainer-tab5": "a list of class names",
}


profile = "scenes"
"""The run that is being computed: `use` changes it."""


def use(name):
    global profile
    profile = name


def read(name):
    return read_of(profile, name)


@lru_cache
def read_of(run, name):
    return pd.read_csv(ROOT / "results" / run / f"{name}.csv")


# ---------------------------------------------------------------- samples: what the claim's units are worth


def mean_of(values):
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    return len(values), values.mean() if len(values) else np.nan, lambda null: p_of_mean(values, null)


def share_of(wins):
    wins = np.asarray(wins, bool)
    n, k = len(wins), int(wins.sum())
    return n, k / n, lambda null: min(1, 2 * min(stats.binom.cdf(k, n, null), stats.binom.sf(k - 1, n, null)))


def jackknife(rows, statistic):
    """`statistic` of all rows, and its spread when one is left out."""
    rows = np.asarray(rows, float)
    n = len(rows)
    value = statistic(rows)
    left_out = np.array([statistic(np.delete(rows, i, axis=0)) for i in range(n)])
    error = np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    return n, value, lambda null: 2 * stats.t.sf(abs(value - null) / error, n - 1)


def ratio_of(above, below):
    above, below = np.asarray(above, float), np.asarray(below, float)
    p_value = lambda null: stats.ttest_1samp(above - null * below, 0).pvalue  # noqa: E731
    return len(above), above.mean() / below.mean(), p_value


def one(value):
    return 1, value, lambda null: np.nan


def p_of_mean(values, null):
    n = len(values)
    if n < 6:
        return np.nan
    if np.ptp(values) == 0:  # no spread to divide by: the sign flips alone
        return 1.0 if values[0] == null else 2.0 ** (1 - n)
    student = stats.ttest_1samp(values, null).pvalue
    if n > 12:
        return student
    differences = values - null
    sums = np.array(list(itertools.product((-1, 1), repeat=n))) @ differences
    return max(student, np.mean(np.abs(sums) >= abs(differences.sum()) - 1e-9))


# ---------------------------------------------------------------- the quantities


def masks_of(figure, column):
    return read(figure).pivot(index="image", columns="method", values=column)


def scores(letter, column):
    rows = read("explainer-segmentation-{}-{}".format(*PAIRS[letter]))
    return rows[rows.variant == "corrected"].pivot(index="image", columns="method", values=column)


def beyond_rivals(letter, column, best):
    values = scores(letter, column)
    return mean_of(values.explainer - values[best(values[RIVALS].dropna().mean())])


def excess(letter, *methods):
    return mean_of(
        (scores(letter, "area")[list(methods)] - scores(letter, "truth")[list(methods)]).mean(axis=1, skipna=False)
    )


def class_masks(column, second):
    rows = read("explainer-fig1").assign(astray=lambda t: t.other / (t.own + t.other))
    means = rows.groupby(["image", "method"])[column].mean().unstack()
    return mean_of(means.explainer - means[second])


def several_classes():
    truth = read("explainer-class-truth-voc2007-vgg16")
    numbers = truth.groupby("image")["class"].nunique()
    values = scores("a", "iou").loc[numbers.index[numbers > 1]]
    return mean_of(values.explainer - values[values[RIVALS].dropna().mean().idxmax()])


def rank_correlations(figure):
    return mean_of([stats.spearmanr(rows.ama, rows.cls)[0] for _, rows in read(figure).groupby("image")])


def wrongly_said():
    differences = []
    for _, rows in read("explainer-fig4").query("not present").groupby("image"):
        said = rows.cls > 50
        if said.any() and not said.all():
            differences.append(rows.ama[said].mean() - rows.ama[~said].mean())
    return mean_of(differences)


def spurious():
    first, second = (
        read(name).query("not present").groupby("image").ama.sum() for name in ("explainer-fig4", "explainer-fig5")
    )
    return mean_of(second - first)


def sizes():
    means = read("explainer-fig4").query("present").groupby("image")[["area", "ama"]].mean()
    return jackknife(means, lambda rows: np.corrcoef(rows.T)[0, 1])


def strongest():
    rows = read("explainer-fig4").sort_values("ama").groupby("image").last()
    return share_of(rows.present)


def cells(method):
    rows = read("explainer-class-scores-voc2007-vgg16").query("variant == 'corrected' and method == @method")
    kind = np.where(rows["mask"] == "none", "none", np.where(rows["mask"] == rows.target, "own", "other"))
    return rows.groupby(["image", kind]).probability.mean().unstack()


def classes():
    return {"scenes": 10, "voc-animals": 8}[profile]


def together():
    rows = read("explainer-class-scores-voc2007-vgg16").query("variant == 'corrected' and method == 'grad-cam'")
    differences = {}
    for (image, target), cells_of in rows.groupby(["image", "target"]):
        partner = {"cat": "dog", "dog": "cat", "horse": "person", "person": "horse"}.get(target)
        if partner is not None:
            others = cells_of[~cells_of["mask"].isin(["none", target, partner])].probability.mean()
            own = cells_of[cells_of["mask"] == partner].probability.mean()
            differences.setdefault(image, []).append(own - others)
    return mean_of([np.mean(values) for values in differences.values()])


def own_class(column, second, classifiers=("vgg16", "resnet50")):
    rows = pd.concat([read(f"explainer-class-truth-voc2007-{name}") for name in classifiers])
    means = rows.groupby(["image", "method"])[column].mean().unstack()
    return mean_of(means.explainer - means[second])


def better_classes():
    rows = read("explainer-class-scores-voc2007-vgg16").query("variant == 'corrected' and mask == target")
    means = rows.groupby(["target", "method"]).probability.mean().unstack()
    return share_of(means.explainer > means["grad-cam"])


def counts(letter, given, threshold):
    rows = read("explainer-multilabel-scores-{}-{}".format(*PAIRS[letter]))
    rows = rows[(rows.variant == "corrected") & (rows.input == given) & (rows.threshold == threshold)]
    return rows.sort_values("image")[["true_positives", "false_positives", "false_negatives"]].to_numpy()


def f_score(sums):
    return 2 * sums[0] / (2 * sums[0] + sums[1] + sums[2])


def recall(sums):
    return sums[0] / (sums[0] + sums[2])


def decisions(first, second, score):
    return jackknife(np.hstack([first, second]), lambda rows: score(rows[:, :3].sum(0)) - score(rows[:, 3:].sum(0)))


def masked(letter, score, threshold=-1):
    return decisions(counts(letter, "true classes", threshold), counts(letter, "plain", 0), score)


def seconds(method):
    values = read("explainer-compute-time-voc2007-vgg16").set_index("method").seconds_per_image
    return one(values[method] / values.explainer)


def on_mark(method, classifier):
    rows = read(f"explainer-shortcut-voc2007-{classifier}").query("marked and shown and method == @method")
    return rows.set_index("image").relevance_mass_above_chance


def apart(method):
    return mean_of(on_mark(method, "resnet50") - on_mark(method, "vgg16"))


def mark_alone():
    rows = read("explainer-shortcut-voc2007-resnet50").query("marked and not shown and method == 'rise'")
    return mean_of(rows.probability_change)


def retrained(make):
    by = [make(read("retraining").query("classifier == @name")) for name in ("masked", "plain")]
    return mean_of(by[0] - by[1])


def label_alone(rows):
    return rows.query("condition == 'mark' and not shows").set_index("image").probability


def accuracy(rows):
    rows = rows.query("condition == 'plain'").set_index("image")
    right = rows.true_positives + rows.true_negatives
    return right / (right + rows.false_positives + rows.false_negatives)


def object_recall(rows):
    rows = rows.query("condition == 'objects'").set_index("image")
    return rows.true_positives / (rows.true_positives + rows.false_negatives)


def soft(figure, first, second):
    values = masks_of(figure, "between")
    return mean_of(values[first].mean(axis=1, skipna=False) - values[second].mean(axis=1, skipna=False))


def two_columns(values, first, second):
    return mean_of(values[first].mean(axis=1, skipna=False) - values[second].mean(axis=1, skipna=False))


def datasets():
    means = [scores(letter, "iou")[[*RIVALS, "explainer"]].mean(axis=1, skipna=False).to_numpy() for letter in "bd"]
    return mean_of(means[0] - means[1])


def small_objects():
    area, truth = (scores("d", column)["rtis"] for column in ("area", "truth"))
    return jackknife(np.stack([truth, area - truth], 1), lambda rows: np.corrcoef(rows.T)[0, 1])


def pieces(method):
    rows = read("explainer-fig6").query("method == @method")
    return mean_of(rows.pieces - rows.classes)


EXPECTED = {
    "E85a": lambda: class_masks("between", "grad-cam"),
    "E85b": lambda: class_masks("between", "extremal-perturbation"),
    "E85c": lambda: class_masks("astray", "grad-cam"),
    "E85d": lambda: class_masks("astray", "extremal-perturbation"),
    "E35": lambda: mean_of(masks_of("explainer-fig3", "between").explainer),
    "E36": lambda: two_columns(scores("a", "iou"), ["extremal-perturbation", "igos++"], ["grad-cam", "rise"]),
    "E86a": lambda: soft("explainer-fig3", ["explainer"], ["grad-cam", "rise"]),
    "E86b": lambda: soft("explainer-fig3", ["extremal-perturbation", "igos++"], ["rtis", "explainer"]),
    "E86f": lambda: soft("explainer-fig3", ["rtis"], ["grad-cam", "rise"]),
    "E37": lambda: excess("a", "rtis"),
    "E86c": lambda: two_columns(masks_of("explainer-fig3", "inside"), ["explainer"], ["rtis"]),
    "E86d": lambda: beyond_rivals("a", "iou", pd.Series.idxmax),
    "E86e": several_classes,
    "E55a": lambda: rank_correlations("explainer-fig4"),
    "E89a": sizes,
    "E56": wrongly_said,
    "E90": strongest,
    "E55b": lambda: rank_correlations("explainer-fig5"),
    "E57": spurious,
    "E58": lambda: share_of(read("explainer-fig5").query("present").groupby("image").overlap.max() > 0.5),
    "E91a": lambda: soft("explainer-fig6", ["grad-cam", "rise", "extremal-perturbation"], ["explainer"]),
    "E91b": lambda: pieces("rise"),
    "E91c": lambda: pieces("extremal-perturbation"),
    "E59a": lambda: excess("b", "igos++"),
    "E91d": lambda: excess("b", "rtis"),
    "E91e": lambda: mean_of(masks_of("explainer-fig6", "inside").explainer),
    "E92a": lambda: soft("explainer-fig7", ["grad-cam", "rise"], ["explainer"]),
    "E92b": lambda: soft("explainer-fig7", ["extremal-perturbation"], ["grad-cam", "rise"]),
    "E92c": lambda: excess("c", "extremal-perturbation"),
    "E59b": lambda: excess("c", "igos++"),
    "E92d": lambda: two_columns(masks_of("explainer-fig7", "least_covered"), ["igos++"], ["explainer"]),
    "E92e": lambda: excess("c", "rtis"),
    "E92f": lambda: beyond_rivals("c", "iou", pd.Series.idxmax),
    "E92g": lambda: two_columns(scores("c", "area"), ["explainer"], ["rise", "extremal-perturbation", "rtis"]),
    "E93a": lambda: excess("d", "rise", "extremal-perturbation"),
    "E59c": lambda: excess("d", "igos++"),
    "E93b": lambda: excess("d", "rtis"),
    "E93c": small_objects,
    "E93d": lambda: beyond_rivals("d", "iou", pd.Series.idxmax),
    "E39": lambda: ratio_of(cells("explainer").own, cells("explainer").none),
    "E40": lambda: mean_of(cells("explainer").other - 1 / classes()),
    "E41a": lambda: mean_of(cells("rise").other - cells("explainer").other),
    "E41b": lambda: mean_of(cells("rtis").other - cells("explainer").other),
    "E42a": lambda: mean_of(cells("explainer").own - cells("grad-cam").own),
    "E42b": better_classes,
    "E43": together,
    "E94": lambda: mean_of(cells("rtis").own - cells("rtis").other),
    **{f"E44{letter}": lambda letter=letter: beyond_rivals(letter, "iou", pd.Series.idxmax) for letter in PAIRS},
    **{f"E45{letter}": lambda letter=letter: beyond_rivals(letter, "mae", pd.Series.idxmin) for letter in PAIRS},
    **{f"E46{letter}": lambda letter=letter: beyond_rivals(letter, "saliency", pd.Series.idxmin) for letter in PAIRS},
    "E47": lambda: share_of(scores("a", "saliency")["0"] < scores("a", "saliency")["G.T."]),
    "E102": lambda: share_of(scores("c", "saliency")["0"] < scores("c", "saliency")["G.T."]),
    "E48": lambda: mean_of(scores("b", "iou").explainer - scores("a", "iou").explainer),
    "E49": lambda: mean_of(scores("d", "iou").explainer - scores("c", "iou").explainer),
    "E100": datasets,
    "E95a": lambda: mean_of(scores("d", "mae").explainer - scores("d", "mae")["0"]),
    "E95b": lambda: own_class("iou", "igos++"),
    "E103a": lambda: own_class("mass_above_chance", "grad-cam", ["vgg16"]),
    "E103b": lambda: own_class("mass_above_chance", "grad-cam", ["resnet50"]),
    "E103c": lambda: own_class("pointing_game", "centre", ["vgg16"]),
    "E103d": lambda: own_class("pixel_auroc", "centre", ["vgg16"]),
    "E103e": lambda: own_class("mass_above_chance", "centre", ["vgg16"]),
    "E103f": lambda: own_class("iou", "centre", ["vgg16"]),
    "E50a": lambda: seconds("rise"),
    "E50b": lambda: seconds("extremal-perturbation"),
    "E50c": lambda: seconds("igos++"),
    "E51a": lambda: seconds("grad-cam"),
    "E51b": lambda: seconds("rtis"),
    **{f"E52{letter}": lambda letter=letter: masked(letter, f_score) for letter in PAIRS},
    **{f"E53{letter}": lambda letter=letter: masked(letter, recall, 0) for letter in PAIRS},
    "E54": lambda: masked("d", recall),
    "E96": lambda: decisions(counts("d", "plain", 0), counts("c", "plain", 0), f_score),
    "E97": lambda: decisions(counts("d", "true classes", -1), counts("d", "named classes", -1), f_score),
    "E61": lambda: mean_of(on_mark("explainer", "resnet50")),
    "E98a": lambda: apart("explainer"),
    "E98b": lambda: apart("rise"),
    "E98c": lambda: apart("extremal-perturbation"),
    "E98d": lambda: apart("igos++"),
    "E98e": lambda: apart("rtis"),
    "E98f": lambda: apart("occlusion"),
    "E98g": lambda: apart("grad-cam"),
    "E99": mark_alone,
    "E62a": lambda: retrained(label_alone),
    "E62b": lambda: retrained(accuracy),
    "E62c": lambda: retrained(object_recall),
}
"""For each claim the number of units, the effect, and its p-value as a function of the null value."""


# ---------------------------------------------------------------- the outcomes


@lru_cache
def entries():
    return {claim["id"]: claim for claim in yaml.safe_load(CLAIMS.read_text(encoding="utf-8"))["claims"]}


@lru_cache
def computed(identifier, run):
    use(run)
    return EXPECTED[identifier]()


def single_p(identifier, run):
    claim = entries()[identifier]
    count, _, p_value = computed(identifier, run)
    null, margin = claim.get("null_value", 0), claim.get("margin", 0)
    if count < 6:
        return np.nan
    if claim.get("direction") != "within":
        return p_value(null)
    return max(p_value(null - margin), p_value(null + margin))  # against the nearer end


@lru_cache
def corrected(run):
    """Holm's p-values: within a figure and a run, the k-th smallest of m is multiplied by m − k + 1."""
    runs = yaml.safe_load(CLAIMS.read_text(encoding="utf-8"))["runs"]
    families, p_values = {}, {}
    for identifier in EXPECTED:
        claim = entries()[identifier]
        for name in claim["runs"]:
            if runs[name]["profile"] == run and has_tables(identifier, run):
                family = claim.get("figures", [identifier])[0], name
                p_values[identifier] = np.nan
                if not np.isnan(single_p(identifier, run)):
                    families.setdefault(family, []).append(identifier)
    for members in families.values():
        largest = 0.0
        for rank, identifier in enumerate(sorted(members, key=lambda name: single_p(name, run))):
            largest = max(largest, min(1.0, (len(members) - rank) * single_p(identifier, run)))
            p_values[identifier] = largest
    return p_values


def has_tables(identifier, run):
    """Whether a run has made the tables of the pairs that a claim names."""
    claim = entries()[identifier]
    named = [str(value) for value in claim.get("arguments", {}).values()]
    folder = ROOT / "results" / run
    for name in claim["tables"]:
        files = [path.stem for path in folder.glob(f"{name}*.csv")]
        wanted = [word for word in named if word in ("vgg16", "resnet50", "coco2014")]
        if not files or (files != [name] and any(all(word not in file for file in files) for word in wanted)):
            return False
    return True


def expected_finding(identifier, run):
    claim = entries()[identifier]
    _, value, _ = computed(identifier, run)
    p_value, difference = corrected(run)[identifier], value - claim.get("null_value", 0)
    if np.isnan(p_value):
        return "too few to tell"
    if p_value > 0.05:
        return "undecided"
    if claim["direction"] == "within":
        return "as claimed" if abs(difference) <= claim["margin"] else "the opposite"
    return "as claimed" if (difference > 0) == (claim["direction"] == "above") else "the opposite"


@pytest.fixture(scope="module")
def verdicts():
    file = read_claims(CLAIMS)
    return {verdict.claim.id: verdict for verdict in judge([(file, claim) for claim in file.claims])}


def test_every_claim_with_a_committed_table_is_computed_here(verdicts):
    assert {name for name, verdict in verdicts.items() if verdict.results} <= EXPECTED.keys()
    assert sum(len(verdict.results) for verdict in verdicts.values()) > 70


@pytest.mark.parametrize("identifier", EXPECTED)
def test_effect_and_finding(verdicts, identifier):
    for result in verdicts[identifier].results:
        run = result.run.profile
        count, value, _ = computed(identifier, run)
        assert result.effect.count == count
        assert result.effect.value == pytest.approx(value, rel=1e-6, abs=1e-9, nan_ok=True)
        assert result.finding == expected_finding(identifier, run)


def test_a_claim_about_the_papers_networks_or_images_is_decided_by_no_stand_in(verdicts):
    for name, verdict in verdicts.items():
        if verdict.claim.by == "paper" and name != "E47":  # what is possible, one example shows
            assert verdict.outcome in ("not a fair test", "not run"), name


def test_no_comparison_of_masks_with_grad_cam_is_fair(verdicts):
    compared = [
        verdict
        for verdict in verdicts.values()
        if any(result.run.profile == "scenes" for result in verdict.results)
        and "grad-cam" in str(verdict.claim.arguments)
        and "explainer-tab3" not in verdict.claim.figures
    ]
    assert len(compared) > 5
    for verdict in compared:
        assert "peers" in verdict.results[-1].unfair, verdict.claim.id  # with scenes, the last run


def test_every_figure_has_claims_or_says_why_not():
    figures = {name for name in load_registry() if name.startswith("explainer-")}
    with_claims = {figure for claim in entries().values() for figure in claim.get("figures", ())}
    assert figures - with_claims == WITHOUT_CLAIMS.keys()


def test_columns_exist_in_their_tables():
    for claim in entries().values():
        run = "voc-animals" if claim.get("runs", [""])[-1].startswith("voc-animals") else "scenes"
        files = [path for name in claim.get("tables", ()) for path in (ROOT / "results" / run).glob(f"{name}*.csv")]
        if run == "voc-animals" and not files:
            continue  # not run yet
        known = {"dataset", "classifier"}.union(*(pd.read_csv(path, nrows=0).columns for path in files))
        assert set(claim.get("columns", ())) <= known, claim["id"]


@pytest.mark.parametrize(("figure", "letter"), [*zip(["fig3", "fig6", "fig7", "fig8"], PAIRS, strict=True)])
def test_the_figures_show_the_masks_of_table_two(figure, letter):
    """Those pages and Table 2 compute the same masks in two ways."""
    use("scenes")
    page, table = masks_of(f"explainer-{figure}", "iou"), scores(letter, "iou")
    np.testing.assert_allclose(page[[*RIVALS, "explainer"]], table[[*RIVALS, "explainer"]], atol=2e-3)


def test_a_pair_without_tables_has_no_result():
    """A run may have made the tables of one classifier only."""
    file = read_claims(CLAIMS)
    chosen = [(file, claim) for claim in file.claims if claim.id in ("E44a", "E44b", "E48")]

    def only_the_first_classifier(run, name):
        table = evidence_table(run, name)
        return None if table is None else table[table["classifier"] == "vgg16"]

    found = {verdict.claim.id: verdict.results for verdict in judge(chosen, read=only_the_first_classifier)}
    assert found["E44a"]
    assert not found["E44b"]
    assert not found["E48"]
