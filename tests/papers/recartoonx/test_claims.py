"""The claims of [Re] CartoonX: each effect recomputed from the committed numbers by other means than our measures."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.core.files import ROOT
from helpers.papers.recartoonx.experiments import Study, curve_table, transformer_table
from helpers.papers.recartoonx.figures import fig1, fig2, fig4
from helpers.reporting.ledger.entries import claims_of_figure, load_claims
from helpers.reporting.ledger.outcomes import judge
from helpers.site import load_registry
from tests.papers.recartoonx.experiments.test_experiments import tiny_profile
from tests.papers.recartoonx.experiments.test_transformer import models_profile, no_files_of_weights  # noqa: F401  a fixture

PAPER = "dubbeldam2023cartoonx"
NO_CLAIMS = {
    "recartoonx-tab1": "It claims nothing that numbers could decide"
}  # and the words in which its page says so
FILE = load_claims()["helpers/papers/recartoonx/claims.yaml"]
PHOTOGRAPHS = ("study", "second-networks")  # the runs on photographs whose tables are in the repository, best first
COMMITTED = {*PHOTOGRAPHS, "scenes-published"}
CLAIMS = {claim.id: claim for claim in FILE.claims}
TENTH = 0.1 + 1e-9


class Chosen:
    """The profile whose tables the functions below recompute; the fixture `result` sets it."""

    profile = ""


def table(name, profile=None):
    return pd.read_csv(ROOT / "results" / (profile or Chosen.profile) / f"{name}.csv")


def values(frame, curve, direction):
    """The corrected curve as fractions (f,) and distortions (images, f), images in alphabetical order."""
    rows = frame[(frame.variant == "corrected") & (frame.curve == curve) & (frame.direction == direction)]
    wide = rows.pivot_table(index="image", columns="fraction", values="distortion")
    return wide.columns.to_numpy(), wide.to_numpy()


def area(frame, curve, direction):
    x, y = values(frame, curve, direction)
    inside = x <= TENTH
    return np.trapezoid(y[:, inside], x[inside], axis=1) / 0.1


def floor(frame, curve, direction="keep"):
    _, y = values(frame, curve, direction)
    return y[:, 0] if direction == "keep" else y[:, -1]


def relative(direction):
    frame = table("curves")
    c, p = (area(frame, n, direction) / floor(frame, n, direction) for n in ("cartoonx", "pixel-rde"))
    return c - p


def against_random(direction):
    frame = table("curves")
    pairs = (("cartoonx", "random-wavelets"), ("pixel-rde", "random-pixels"))
    c, p = (area(frame, n, direction) - area(frame, r, direction) for n, r in pairs)
    return c - p


def between(curve, first, last, share=False):
    x, y = values(table("curves"), curve, "keep")
    mean = y[:, (x >= first - 1e-9) & (x <= last + 1e-9)].mean(axis=1)
    return mean / y[:, 0] if share else mean


def rise(curve):
    x, y = values(table("curves"), curve, "keep")
    return y[:, list(x).index(0.5)] - y[:, list(x).index(0.1)]


def in_per_cent(first, second, direction):
    frame = table("transformer-curves")
    one, other = (100 * area(frame, n, direction) / floor(frame, n, direction) for n in (first, second))
    return one - other


def wide(name, column, by, profile=None):
    frame = table(name, profile)
    return frame.pivot_table(index="image", columns=by, values=column)


def both_right(column):
    frame = table("transformer")
    frame = frame[frame.both_correct]
    return frame.pivot_table(index="image", columns="explanation", values=column)


def at_weights(column, optimised_with="label"):
    frame = table("sweep")
    rows = frame[frame.optimised_with == optimised_with]
    return rows.pivot_table(index=["image", "sparsity_weight"], columns="method", values=column)


def weakest(column, first, second, sign):
    """The differences at the λk whose t interval reaches furthest to the other side."""
    difference = at_weights(column)[first] - at_weights(column)[second]
    groups = [group.to_numpy() for _, group in difference.groupby("sparsity_weight")]
    margins = [sign * g.mean() - stats.t.ppf(0.975, len(g) - 1) * stats.sem(g) for g in groups]
    return groups[int(np.argmin(margins))]


def l2_ratio(method):
    both = [np.log(np.maximum(at_weights("sparsity", name)[method], 1e-5)) for name in ("l2", "label")]
    return (both[0] - both[1]).groupby(level="image").mean().to_numpy()


def mistakes():
    frame = table("explanations")
    return frame[(frame.label >= 0) & (frame.label != frame.prediction)]


def repeated():
    frame = mistakes()
    frame = frame.assign(same=frame.kept_prediction == frame.prediction)
    return frame.pivot_table(index="image", columns="method", values="same")


def noise_moves_far():
    distance = floor(table("curves"), "pixel-rde")
    frame = table("explanations")
    confidence = frame[frame.method == "pixel-rde"].sort_values("image").confidence.to_numpy()
    return distance**2 > confidence**2 + (1 - confidence) ** 2


def starts(name, column):
    frame = table(name)
    return frame[frame.recipe == "profile"].pivot_table(index="image", columns="start", values=column)


def early_ratio():
    frame = table("initial-masks")
    frame = frame[(frame.recipe == "profile") & (frame.step <= 0.1 * frame.step.max())]
    means = frame.pivot_table(index="image", columns="start", values="objective")
    return np.log(means["constant"] / means["ones"]).to_numpy()


def smooth_lines():
    frame = table("initial-masks")
    frame = frame[frame.recipe == "profile"]
    for _, rows in frame.groupby("image"):
        line = rows.pivot_table(index="step", columns="start", values="objective")
        yield line.rolling(5, center=True, min_periods=1).mean()


def last_beyond(condition, line):
    """The first step after the last one at which a condition is met; None if it is met at the end."""
    met = np.flatnonzero(condition)
    if len(met) == 0:
        return round(line.index[0])
    return round(line.index[met[-1] + 1]) if met[-1] + 1 < len(line) else None


def reunion():
    shares = []
    for line in smooth_lines():
        fall = line["ones"].iloc[0] - line["ones"].iloc[-5:].mean()
        step = last_beyond(np.abs(line["constant"] - line["ones"]) > 0.01 * fall, line)
        shares.append(1.0 if step is None else step / line.index[-1])
    return np.array(shares)


def steps_ratio():
    ratios = []
    for line in smooth_lines():
        end, top = line["ones"].iloc[-5:].mean(), line["ones"].iloc[0]
        steps = [
            last_beyond((line[n] - end) / (top - end) > 0.01, line) or line.index[-1] for n in ("constant", "ones")
        ]
        ratios.append(np.log(steps[0] / steps[1]))
    return np.array(ratios)


def foreground_difference():
    last, first = starts("initial-mask-ends", "last_objective"), starts("initial-mask-ends", "first_sparsity")
    rows = first["foreground"] < 1
    return (last["foreground"] - last["ones"])[rows].to_numpy()


def random_difference():
    last = starts("initial-mask-ends", "last_objective")
    return (last["random"] - last["ones"]).to_numpy()


def of_vit(column, weight):
    frame = table("transformer-sweep")
    return frame[(frame.model == "vit") & (frame.sparsity_weight == weight)][column].to_numpy()


def sensitivity():
    slopes = {}
    for (image, model), rows in table("transformer-sweep").groupby(["image", "model"]):
        rows = rows.sort_values("sparsity_weight")
        logs = np.log(np.maximum(rows.sparsity, 1e-5))
        low, high = np.interp(np.log([4, 64]), np.log(rows.sparsity_weight), logs)
        slopes[image, model] = (high - low) / np.log(16)
    images = sorted({image for image, _ in slopes})
    return np.array([slopes[image, "vit"] - slopes[image, "cnn"] for image in images])


def batch_ratio():
    seconds = wide("explanations", "seconds", "method").drop_duplicates()
    return np.log(seconds["cartoonx"] / seconds["pixel-rde"]).to_numpy()


def late_sparsity():
    frame = table("convergence", "quick-published")
    kept = frame[frame.model == "cnn"].pivot_table(index="image", columns="step", values="sparsity")
    return np.log(kept[2000] / kept[1000]).to_numpy()


def kept():
    return wide("transformer", "sparsity", "explanation")


def shape(direction):
    frame = table("transformer-curves")
    means = [
        (100 * (y := values(frame, n, direction)[1]) / y[:, [0 if direction == "keep" else -1]]) for n in ("cnn", "vit")
    ]
    return np.corrcoef(*(m.mean(axis=0)[1:-1] for m in means))[0, 1], len(means[0])


def losing():
    gap = relative("keep")
    frame = table("curves")
    return (area(frame, "cartoonx", "keep") - area(frame, "random-wavelets", "keep"))[gap > 0]


def wins(differences):
    """1 below 0, and a half for a tie, such as that of two empty masks."""
    return (np.sign(-differences) + 1) / 2


EACH = {  # id: one value per unit, whose mean is the effect
    "R1": lambda: wins(relative("keep")),
    "R1b": lambda: wins(against_random("keep")),
    "R35": losing,
    "R4": lambda: repeated()["cartoonx"].to_numpy(),
    "R5": lambda: np.diff(mistakes().pivot_table(index="image", columns="method", values="kept_confidence"))[:, 0] * -1,
    "R36": lambda: (repeated().max(axis=1) == 0).to_numpy(),
    "R6": lambda: relative("keep"),
    "R6b": lambda: against_random("keep"),
    "R7": lambda: between("cartoonx", 0.01, 0.05, share=True) - between("pixel-rde", 0.01, 0.05, share=True),
    "R8": lambda: relative("randomise"),
    "R8b": lambda: against_random("randomise"),
    "R9": lambda: weakest("sparsity", "pixel-rde", "cartoonx", 1),
    "R10": lambda: weakest("distortion", "cartoonx", "pixel-rde", -1),
    "R11": lambda: between("cartoonx", 0.04, 0.1),
    "R11b": lambda: between("pixel-rde", 0.04, 0.1),
    "R12": lambda: rise("cartoonx"),
    "R12b": lambda: rise("pixel-rde"),
    "R41": lambda: floor(table("curves"), "cartoonx") - floor(table("curves"), "pixel-rde"),
    "R42": noise_moves_far,
    "R14": lambda: (kept()["vit"] < kept()["cnn"]).to_numpy(),
    "R15": lambda: ((b := both_right("brightness"))["vit"].lt(0.05) & b["cnn"].ge(0.05)).to_numpy(),
    "R16": lambda: both_right("correlation_rollout")["vit"][
        (both_right("brightness")[["cnn", "vit"]] >= 0.05).all(axis=1)
    ].to_numpy(),
    "R43": lambda: (
        (w := wide("transformer", "correlation_rollout", "explanation"))["vit"].sub(w["cnn"]).dropna().to_numpy()
    ),
    "R18": lambda: in_per_cent("vit", "random-wavelets", "keep"),
    "R19": lambda: in_per_cent("vit", "random-wavelets", "randomise"),
    "R20": lambda: in_per_cent("cnn", "vit", "keep"),
    "R21": lambda: in_per_cent("cnn", "vit", "randomise"),
    "R45": lambda: in_per_cent("rollout", "random-pixels", "keep"),
    "R46": lambda: in_per_cent("vit", "random-wavelets", "keep") - in_per_cent("rollout", "random-pixels", "keep"),
    "R25": reunion,
    "R26": foreground_difference,
    "R27": random_difference,
    "R23": sensitivity,
    "R30": lambda: of_vit("brightness", 2) < 0.05,
    "R31": lambda: of_vit("brightness", 20) < 0.05,
    "R37": lambda: of_vit("sparsity", 2) > 0.05,
    "R32": lambda: (
        (kept()["vit"] <= 0.05).to_numpy()
        & (wide("transformer", "brightness", "explanation")["vit"] >= 0.05).to_numpy()
    ),
}
LOGARITHMS = {  # id: one logarithm per unit, whose mean is that of the effect
    "R2": lambda: np.diff(np.log(table("recartoonx-fig1")[["roughness_cartoonx", "roughness_pixel_rde"]].dropna()))[
        :, 0
    ],
    "R13a": lambda: l2_ratio("cartoonx"),
    "R13b": lambda: l2_ratio("pixel-rde"),
    "R24": early_ratio,
    "R34": steps_ratio,
    "R29": late_sparsity,
    "R33": batch_ratio,
}
NUMBERS = {  # id: the effect and its number of units
    "R22": lambda: shape("keep"),
    "R22b": lambda: shape("randomise"),
    "R38": lambda: (
        (s := wide("transformer", "seconds", "explanation")[["cnn", "vit"]].drop_duplicates()).to_numpy().sum()
        / s["cnn"].sum(),
        len(s),
    ),
}
DECIDED = {"R41": "fails", "R46": "holds"}  # by fair tests; the others are ours to make


def judged(runs):
    """Each claim's verdict from the committed tables of some runs alone."""

    profiles = {FILE.runs[run].profile for run in runs}

    def read(profile, name):
        stored = profile in profiles and (ROOT / "results" / profile / f"{name}.csv").is_file()
        return table(name, profile) if stored else None

    return {v.claim.id: v for v in judge([(FILE, claim) for claim in FILE.claims], read=read)}


def cases(*groups):
    """The run and the claim of each committed effect among some groups of claims."""
    recomputed = {identifier for group in groups for identifier in group}
    return [
        pytest.param(run, claim.id, id=f"{claim.id}-{run}")
        for claim in FILE.claims
        for run in claim.runs
        if run in COMMITTED and claim.id in recomputed
        if all((ROOT / "results" / FILE.runs[run].profile / f"{name}.csv").is_file() for name in claim.tables)
    ]


verdicts_of_run = cache(lambda run: judged([run]))


@pytest.fixture
def result(run, identifier):
    """The result of a claim in a run, from the tables of that run alone."""
    Chosen.profile = FILE.runs[run].profile
    (only,) = verdicts_of_run(run)[identifier].results
    return only


@pytest.mark.parametrize(("run", "identifier"), cases(EACH, LOGARITHMS, NUMBERS))
def test_the_effect_by_another_path(run, identifier, result):
    if identifier in NUMBERS:
        value, count = NUMBERS[identifier]()
    else:
        units = np.asarray((EACH.get(identifier) or LOGARITHMS[identifier])(), dtype=float)
        value, count = units.mean(), len(units)
        if identifier in LOGARITHMS:
            value = np.exp(value)
    assert result.effect.value == pytest.approx(value, rel=1e-9, abs=1e-12)
    assert result.effect.count == count
    claim = CLAIMS[identifier]
    if claim.direction == "within":
        return
    on_the_claimed_side = (value > claim.null_value) == (claim.direction == "above")
    assert result.finding != ("the opposite" if on_the_claimed_side else "as claimed")


@pytest.mark.parametrize(("run", "identifier"), cases(EACH))
def test_no_finding_without_an_uncorrected_test(run, identifier, result):
    """A decided finding is one for Student's or the binomial test, too, which Holm's correction can only soften."""
    claim, units = CLAIMS[identifier], np.asarray(EACH[identifier](), dtype=float)
    if result.finding in ("undecided", "too few to tell") or claim.direction == "within":
        return
    if set(units) <= {0.0, 1.0}:
        p_value = stats.binomtest(int(units.sum()), len(units), claim.null_value).pvalue
    else:
        p_value = stats.ttest_1samp(units, claim.null_value).pvalue
    assert p_value <= 0.05


def test_every_claim_with_a_committed_table_is_recomputed():
    decided = {name for name, verdict in judged(sorted(COMMITTED)).items() if verdict.results}
    assert decided == {*EACH, *LOGARITHMS, *NUMBERS}


def test_decided_outcomes():
    verdicts = judged(sorted(COMMITTED))
    outcomes = {name: v.outcome for name, v in verdicts.items() if v.outcome in ("holds", "fails")}
    assert outcomes == DECIDED
    assert verdicts["R6"].outcome == "not a fair test"
    assert "recipe" in verdicts["R6"].reason


def test_the_earlier_fast_recipe_ends_higher_on_both_photographs():
    """What the runs say of the earlier fast recipe."""
    ends = table("objectives", "study-mobilenetv2-published")
    ends = ends.pivot_table(index="image", columns="recipe", values="objective")
    assert (ends["fast"] > ends["published"]).all()
    assert len(ends) == 2
    recipe = FILE.runs["second-networks"].differs["recipe"]
    assert "ended lower on the two photographs" in " ".join(recipe.split())


def test_no_stand_in_decides_a_claim_of_the_paper():
    by_paper = [v for v in judged(["second-networks", "scenes-published"]).values() if v.claim.by == "paper"]
    assert {v.outcome for v in by_paper} <= {"not a fair test", "not run"}


def test_runs_that_were_never_made_say_so():
    assert [name for name, run in FILE.runs.items() if run.never_run] == ["paper"]
    assert not (ROOT / "results" / "paper").exists()
    assert "38.4 hours" in FILE.runs["paper"].never_run


@pytest.mark.parametrize("identifier", [name for name, figure in load_registry(ROOT).items() if figure.paper == PAPER])
def test_every_figure_has_claims_or_says_why_not(identifier):
    claims = claims_of_figure(identifier)  # those of the book are in a file of their own
    page = (ROOT / "book" / "figures" / f"{identifier}.md").read_text(encoding="utf-8")
    if identifier in NO_CLAIMS:
        assert not claims
        assert NO_CLAIMS[identifier] in " ".join(page.split())
    else:
        assert claims
        assert "page.strip()" in page


def test_the_columns_of_committed_tables_exist():
    for claim in FILE.claims:
        for run in COMMITTED & set(claim.runs):
            paths = [ROOT / "results" / FILE.runs[run].profile / f"{name}.csv" for name in claim.tables]
            if all(path.is_file() for path in paths):
                columns = {column for path in paths for column in pd.read_csv(path, nrows=0)}
                assert set(claim.columns) <= columns, claim.id
                break
        else:
            assert (
                not claim.tables
                or set(claim.tables) & {"initial-mask-ends", "objectives"}
                or claim.tables[0].startswith("recarto")
            )


@pytest.mark.parametrize(("run", "identifier"), cases(EACH, LOGARITHMS, NUMBERS))
def test_measures_read_only_their_columns(run, identifier, result):
    """The columns of a claim suffice for its measure."""
    claim = CLAIMS[identifier]
    tables = [table(name, result.run.profile) for name in claim.tables]
    narrow = [frame[[c for c in claim.columns if c in frame]] for frame in tables]
    assert FILE.function(claim)(*narrow, **claim.arguments).value == result.effect.value


class TestTablesOfPages:
    """The columns that claims read from the tables that pages write."""

    def check(self, frame: pd.DataFrame, name: str):
        claims = [claim for claim in FILE.claims if name in claim.tables]
        assert claims
        for claim in claims:
            assert set(claim.columns) <= set(frame), claim.id
            FILE.function(claim)(frame[list(claim.columns)], **claim.arguments)

    def test_figure_1(self, tmp_path: Path):
        study = Study(tiny_profile(), root=tmp_path)
        self.check(fig1.gap_table(study, curve_table(study, "corrected")), "recartoonx-fig1")

    def test_figure_2(self, tmp_path: Path):
        study = Study(tiny_profile(), root=tmp_path)
        found = fig2.screen(study, most=100, keep=3)
        wrong = Study(study.profile, root=tmp_path, images=found.images)
        self.check(fig2.kept_part_table(found, wrong), "recartoonx-fig2")

    def test_figure_4(self, tmp_path: Path):
        study = Study(models_profile(), root=tmp_path)
        self.check(fig4.with_objects(study, transformer_table(study)), "recartoonx-fig4")
