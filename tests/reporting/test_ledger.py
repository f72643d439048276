"""Claims as data, their outcomes, and the ledger's page."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from helpers.core.files import ROOT
from helpers.core.statistics import Effect, mean_effect
from helpers.reporting.ledger import outcomes, page
from helpers.reporting.ledger.entries import Claim, ClaimFile, all_claims, load_claims, read_claims
from helpers.reporting.ledger.outcomes import OUTCOMES, judge
from helpers.reporting.ledger.strip import strip
from helpers.site import load_registry

PHOTOGRAPHS = {
    "profile": "large",
    "evidence": "photographs",
    "words": "photographs, another network",
    "differs": {"network": "another network", "resolution": "128 px instead of 224 px"},
}
SCENES = {"profile": "small", "evidence": "scenes", "words": "scenes", "differs": {"data": "scenes for photographs"}}
EQUAL = {"profile": "equal", "evidence": "photographs", "words": "the paper's own setting"}


def make_claim(**fields):
    common = {
        "id": "T1",
        "place": "Section 1",
        "figures": ["a-figure"],
        "claim": "the first method keeps less",
        "quantity": "first − second, share kept",
        "measure": "test_ledger:difference",
        "tables": ["shares"],
        "direction": "below",
        "runs": ["equal"],
    }
    return {**common, **fields}


def make_file(*claims):
    runs = {"photographs": PHOTOGRAPHS, "scenes": SCENES, "equal": EQUAL}
    return ClaimFile.model_validate({"paper": "A paper", "measures": "m", "runs": runs, "claims": list(claims)})


def difference(table, column="value"):
    return mean_effect(table[column])


@pytest.fixture(autouse=True)
def _own_measures(monkeypatch):
    monkeypatch.setattr(ClaimFile, "function", lambda self, claim: difference)


def judged(file, tables):
    claims = [(file, claim) for claim in file.claims]
    return judge(claims, read=lambda profile, name: tables.get((profile, name)))


def values(*numbers):
    return pd.DataFrame({"value": numbers})


BELOW = values(*np.linspace(-0.4, -0.2, 12))
ABOVE = values(*np.linspace(0.2, 0.4, 12))
AROUND = values(*np.linspace(-1.0, 1.1, 12))


class TestOutcomes:
    @pytest.mark.parametrize(
        ("table", "outcome"),
        [(BELOW, "holds"), (ABOVE, "fails"), (AROUND, "undecided"), (BELOW[:5], "undecided"), (None, "not run")],
    )
    def test_a_fair_test_decides(self, table, outcome):
        tables = {} if table is None else {("equal", "shares"): table}
        (verdict,) = judged(make_file(make_claim()), tables)
        assert verdict.outcome == outcome

    def test_fewer_than_six_units_are_too_few(self):
        (verdict,) = judged(make_file(make_claim()), {("equal", "shares"): BELOW[:5]})
        assert verdict.results[0].finding == "too few to tell"
        assert verdict.reason == "5 images are too few to tell"

    def test_a_difference_on_which_the_claim_depends_makes_a_test_unfair(self):
        claim = make_claim(needs=["network"], runs=["photographs"])
        (verdict,) = judged(make_file(claim), {("large", "shares"): BELOW})
        assert verdict.outcome == "not a fair test"
        assert verdict.reason == "another network"
        assert verdict.results[0].finding == "as claimed"

    def test_other_differences_are_shown_but_decide_nothing(self):
        claim = make_claim(needs=["data"], runs=["photographs"])
        (verdict,) = judged(make_file(claim), {("large", "shares"): BELOW})
        assert verdict.outcome == "holds"
        assert verdict.results[0].differs["resolution"] == "128 px instead of 224 px"

    def test_the_first_fair_run_decides(self):
        tables = {("large", "shares"): BELOW, ("small", "shares"): ABOVE}
        both = make_claim(needs=["network"], runs=["photographs", "scenes"])
        (verdict,) = judged(make_file(both), tables)
        assert verdict.outcome == "fails"  # the photographs' network differs, the scenes' does not
        (verdict,) = judged(make_file(make_claim(needs=["data"], runs=["photographs", "scenes"])), tables)
        assert verdict.outcome == "holds"

    def test_a_difference_of_one_claim_only(self):
        claim = make_claim(needs=["images"], differs={"equal": {"images": "other images"}})
        (verdict,) = judged(make_file(claim), {("equal", "shares"): BELOW})
        assert (verdict.outcome, verdict.reason) == ("not a fair test", "other images")

    @pytest.mark.parametrize(("margin", "outcome"), [(0.5, "holds"), (0.1, "fails"), (0.31, "undecided")])
    def test_claims_of_equality(self, margin, outcome):
        claim = make_claim(direction="within", margin=margin)
        (verdict,) = judged(make_file(claim), {("equal", "shares"): BELOW})
        assert verdict.outcome == outcome

    def test_claims_of_one_figure_are_corrected_for_each_other(self):
        weak = values(*np.linspace(-0.9, 0.2, 12))
        alone = judged(make_file(make_claim()), {("equal", "shares"): weak})[0].results[0]
        others = [make_claim(id=f"T{number}") for number in range(1, 5)]
        together = judged(make_file(*others), {("equal", "shares"): weak})[0].results[0]
        assert together.p_value == pytest.approx(min(1.0, 4 * alone.p_value))
        elsewhere = [make_claim(id=f"T{number}", figures=[f"figure-{number}"]) for number in range(1, 5)]
        apart = judged(make_file(*elsewhere), {("equal", "shares"): weak})[0].results[0]
        assert apart.p_value == pytest.approx(alone.p_value)

    def test_claims_without_a_figure_are_corrected_within_their_family(self):
        weak = values(*np.linspace(-0.9, 0.2, 12))
        alone = judged(make_file(make_claim(figures=[])), {("equal", "shares"): weak})[0].results[0]
        families = ["page", "page", "other", "page", ""]
        claims = [make_claim(id=f"T{n}", figures=[], family=family) for n, family in enumerate(families)]
        found = [verdict.results[0].p_value for verdict in judged(make_file(*claims), {("equal", "shares"): weak})]
        assert found == pytest.approx([min(1.0, factor * alone.p_value) for factor in (3, 3, 1, 3, 1)])
        with pytest.raises(ValueError, match="no other family"):
            make_file(make_claim(family="page"))

    def test_all_claims_of_the_comparison_are_one_family(self):
        families = {claim.id: claim.family for _, claim in all_claims() if "family" in claim.tables}
        assert len(families) >= 17
        assert set(families.values()) == {"beyond-cartoonx"}

    def test_a_table_is_read_once_and_not_shared_by_measures(self, monkeypatch):
        read, sums = [], []

        def spoiling(table):
            sums.append(table["value"].sum())
            table["value"] = 0.0
            return mean_effect(BELOW["value"])

        monkeypatch.setattr(ClaimFile, "function", lambda self, claim: spoiling)
        file = make_file(make_claim(), make_claim(id="T2"))
        judge([(file, claim) for claim in file.claims], read=lambda *names: read.append(names) or BELOW.copy())
        assert read == [("equal", "shares")]
        assert sums == pytest.approx([BELOW["value"].sum()] * 2)

    def test_p_value_of_equality_is_that_of_the_nearer_end(self):
        effect = Effect(0.0, -0.1, 0.1, 400)
        claim = Claim.model_validate(make_claim(direction="within", margin=0.2))
        assert outcomes.claim_p_value(claim, effect) == pytest.approx(effect.p_value(0.2))


class TestEntries:
    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"runs": ["nowhere"]}, "there is no run 'nowhere'"),
            ({"runs": ["scene"]}, "did you mean 'scenes'"),
            ({"measure": ""}, "runs, measure and tables belong together"),
            ({"runs": [], "measure": "", "tables": []}, "`missing` must say what is missing"),
            ({"direction": "within"}, "a margin above 0"),
            ({"margin": 0.1}, "a margin above 0"),
            ({"direction": "up"}, "direction"),
            ({"needs": ["weather"]}, "needs"),
            ({"id": "first"}, "id"),
            ({"differs": {"scenes": {"data": "d"}}}, "differs names scenes"),
            ({"claims": "x"}, "claims"),
        ],
    )
    def test_mistakes_are_named(self, fields, words):
        with pytest.raises(ValueError, match=re.escape(words)):
            make_file(make_claim(**fields))

    def test_ids_are_unique(self):
        with pytest.raises(ValueError, match="repeated ids: T1"):
            make_file(make_claim(), make_claim())

    def test_a_file_that_is_no_yaml_is_named(self, tmp_path):
        path = tmp_path / "claims.yaml"
        path.write_text("paper: [")
        with pytest.raises(ValueError, match=re.escape(str(path))):
            read_claims(path)


class TestPage:
    @pytest.fixture
    def verdicts(self):
        file = make_file(
            make_claim(),
            make_claim(id="T2", claim="a < b & c", needs=["network"], runs=["photographs", "scenes"]),
            make_claim(id="T3", runs=[], measure="", tables=[], missing="nothing measures it"),
        )
        return judged(file, {("equal", "shares"): BELOW, ("large", "shares"): ABOVE, ("small", "shares"): AROUND})

    def test_totals(self, verdicts):
        totals = page.totals(verdicts).set_index("paper")
        assert totals.loc["all", ["claims", "holds", "undecided", "not run"]].tolist() == [3, 1, 1, 1]

    def test_each_claim_is_a_row_that_filters_can_find(self, verdicts):
        rows = BeautifulSoup(page.ledger_table(verdicts).data, "html.parser").select("tbody tr")
        assert [row["data-outcome"] for row in rows] == ["holds", "undecided", "not run"]
        assert rows[1]["data-evidence"] == "photographs,scenes"
        assert "a < b & c" in rows[1].text  # escaped
        assert "nothing measures it" in rows[2].text

    def test_downloads_hold_every_result(self, verdicts):
        links = BeautifulSoup(page.downloads(verdicts).data, "html.parser").select("a")
        texts = [base64.b64decode(link["href"].split(",", 1)[1]).decode() for link in links]
        table = pd.read_csv(io.StringIO(texts[0]))
        assert table["id"].tolist() == ["T1", "T2", "T2", "T3"]
        assert table.loc[0, "effect"] == pytest.approx(BELOW["value"].mean())
        entries = json.loads(texts[1])
        assert [len(entry["results"]) for entry in entries] == [1, 2, 0]

    def test_strip_shows_the_best_evidence_first(self, verdicts):
        items = BeautifulSoup(strip(verdicts), "html.parser").select("ul.claim-strip > li")
        assert [item.select_one(".outcome").text for item in items] == ["holds", "undecided", "not run"]
        lines = [line.text for line in items[1].select("ul li")]
        assert lines[0].startswith("photographs, another network:")
        assert lines[1].startswith("scenes:")

    def test_strip_names_runs_that_were_never_made(self):
        runs = {"equal": {**EQUAL, "never_run": "it takes a year", "command": "make year"}, "scenes": SCENES}
        claim = make_claim(runs=["equal", "scenes"])
        file = ClaimFile.model_validate({"paper": "A paper", "measures": "m", "runs": runs, "claims": [claim]})
        words = "the paper's own setting: it takes a year. make year"
        assert words in BeautifulSoup(strip(judged(file, {("small", "shares"): BELOW})), "html.parser").text
        assert words not in BeautifulSoup(strip(judged(file, {("equal", "shares"): BELOW})), "html.parser").text

    def test_a_strip_tells_each_reason_once(self):
        claims = [make_claim(id=f"T{number}", needs=["network"], runs=["photographs"]) for number in (1, 2, 3)]
        claims[2]["needs"] = ["network", "resolution"]
        text = strip(judged(make_file(*claims), {("large", "shares"): BELOW}))
        reasons = [item.text for item in BeautifulSoup(text, "html.parser").select(".claim-reason")]
        assert reasons == [
            "another network.",
            "For the same reason as T1.",
            "another network; 128 px instead of 224 px.",
        ]

    def test_every_outcome_is_explained(self):
        text = BeautifulSoup(page.outcomes_explained().data, "html.parser").text
        assert all(name in text for name in OUTCOMES)

    def test_a_copy_without_the_books_own_tables_says_so(self, monkeypatch):
        """As `jupyter-book build .` makes it where no figure's page has run."""
        monkeypatch.setattr(page, "BOOK_PROFILE", "equal")
        stored = {}
        monkeypatch.setattr(page, "evidence_table", lambda profile, name: stored.get((profile, name)))
        verdicts = judged(make_file(make_claim(), make_claim(id="T2", runs=["photographs"], tables=["others"])), {})
        note = BeautifulSoup(page.absent_note(verdicts).data, "html.parser").text
        assert "These tables of the profile equal have not been made" in note
        assert "shares" in note
        assert "others" not in note, "a larger run is stored with the book, or is not"
        assert "make book" in note
        stored["equal", "shares"] = BELOW
        assert page.absent_note(verdicts) is None


class TestFiles:
    """The claims of the project."""

    def test_they_can_be_read(self):
        assert load_claims()

    def test_their_figures_exist(self):
        registry = load_registry()
        unknown = {figure for _, claim in all_claims() for figure in claim.figures} - registry.keys()
        assert not unknown

    def test_their_tables_have_the_columns_and_their_measures_exist(self, monkeypatch):
        monkeypatch.undo()
        for file, claim in all_claims():
            if not claim.runs:
                continue
            assert callable(file.function(claim)), claim.id
            for run in claim.runs:
                tables = [outcomes.evidence_table(file.runs[run].profile, name) for name in claim.tables]
                if all(table is not None for table in tables):
                    known = {column for table in tables for column in table}
                    assert set(claim.columns) <= known, (claim.id, run)

    def test_claims_about_a_named_network_need_it(self):
        names = re.compile(r"VGG|ResNet|MobileNet|DeiT|\bViT-|VOC|COCO|CIFAR")
        for _, claim in all_claims():
            if claim.by == "paper" and claim.runs and names.search(claim.claim):
                assert {"network", "data"} & set(claim.needs), claim.id


def test_the_ledger_depends_on_all_claims():
    from helpers.site import page_inputs

    inputs = page_inputs("book/ledger.md")
    assert {ROOT / name for name in load_claims()} <= inputs.files
    modules = {module for module, _ in inputs.code}
    assert any(".measures." in module for module in modules)
