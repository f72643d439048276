"""Whether a stored table is still right: what counts as a change, and what a machine cannot know."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from helpers.core.files import ROOT
from helpers.papers.explainer.experiments import study
from helpers.papers.recartoonx.experiments import Study
from helpers.profiles import load_profile
from helpers.results import read_provenance, read_table, write_table
from helpers.results.commands import accept_tables, table_states
from helpers.results.freshness import compare, describe, format_duration
from helpers.results.registry import TABLES
from helpers.site import load_registry
from helpers.site.measured import CLUSTER, DETERMINISM, FAULTS, GROWTH

THEN = {"settings": {"sweep": {"images": 2}}, "code": "a", "modules": {"helpers.x": "1", "helpers.y": "2"}}
THEN |= {"images": {"test": "i"}, "weights": {"one": "w", "two": "v"}, "tables": {}, "data": {"path": None}}


def changed(**parts):
    return compare(THEN, {**THEN, **parts})


def test_the_same_is_fresh():
    assert compare(THEN, json.loads(json.dumps(THEN))).state == "fresh"


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"code": "b", "modules": {"helpers.x": "1", "helpers.y": "3"}}, "code changed in helpers.y"),
        ({"images": {"test": "j"}}, "images.test changed"),
        ({"weights": {"one": "w", "two": "x"}}, "weights.two changed"),
        ({"weights": {"one": "w", "two": "v", "three": "x"}}, "weights.three changed"),
        ({"settings": {"sweep": {"images": 3}}}, "sweep.images is 3, was 2"),
        ({"settings": {}}, "sweep.images is gone, was 2"),
        ({"data": {"path": "elsewhere"}}, "data.path changed"),
        ({"tables": {"other": "t"}}, "tables.other changed"),
    ],
)
def test_what_has_changed_is_named(parts, reason):
    state = changed(**parts)
    assert (state.state, state.reasons) == ("stale", (reason,))


def test_a_moved_module_is_no_change():
    assert changed(modules={"helpers.elsewhere.x": "1", "helpers.y": "2"}).state == "fresh"


@pytest.mark.parametrize(
    "parts", [{"images": None}, {"images": {"test": None}}, {"weights": {"one": None, "two": "v"}}]
)
def test_what_is_not_on_the_machine_is_said_and_no_change(parts):
    state = changed(**parts)
    assert (state.state, state.unchecked) == ("fresh", tuple(parts))
    assert changed(**parts, code="b").state == "stale", "the rest counts all the same"


def test_a_new_option_at_its_default_is_no_change():
    quick = load_profile("quick")
    then, now = {"settings": {}}, {"settings": {"sweep": {"unheard_of": 1}}}
    assert compare(then, now, quick).state == "fresh"
    set_here = {"settings": {"sweep": {"sparsity_weights": [1.0]}}}
    assert compare(then, set_here, quick).state == "stale"


def test_a_run_says_why_and_how_long():
    assert (
        describe(compare({"code": "a"}, {"code": "b"}, seconds=600)) == "computed again, as code changed; about 10 min"
    )
    assert "not recorded" in describe(compare(None, {}))
    assert [format_duration(seconds) for seconds in (0.2, 70, 3000, 9000)] == [
        "about 1 s",
        "about 70 s",
        "about 50 min",
        "about 2.5 h",
    ]


def test_damaged_files_are_not_taken_for_a_table_that_never_was(tmp_path):
    study = Study(load_profile("quick"), root=tmp_path)
    frame = pd.DataFrame({"image": ["a"], "count": [1]})
    assert study.freshness("explanations").state == "never run"
    for suffix, damage in (
        (".csv", lambda text: text.replace("1", "2")),
        (".csv", None),
        (".json", lambda text: "{"),
        (".json", lambda text: "[]"),
        (".json", lambda text: text.replace("int64", "int63")),
        (".json", lambda text: text.replace("count", "number")),
        (".json", None),
    ):
        path = write_table(frame, "quick", "explanations", {"depends": None}, root=tmp_path).with_suffix(suffix)
        path.write_text(damage(path.read_text())) if damage else path.unlink()
        found = study.freshness("explanations")
        assert found.state == "damaged"
        assert describe(found).startswith("its files are damaged or were changed: ")
        assert str(path) in describe(found)


@pytest.fixture(scope="module", autouse=True)
def scenes_drawn_once():
    """The studies of a profile share their scenes: each test would draw them for every table again."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("load_split", "load_segmented"):
            patch.setattr(study, name, drawn_once(getattr(study, name)))
        yield


def drawn_once(load):
    """The loader, with its result kept for each choice of arguments."""
    results = {}

    def loaded(**arguments):
        key = json.dumps(arguments, sort_keys=True, default=str)
        if key not in results:
            results[key] = load(**arguments)
        return results[key]

    return loaded


MEASURED = {Path(path).parent.name for path in (CLUSTER, FAULTS, GROWTH, DETERMINISM)}  # of no profile, by benchmarks/
COMMITTED = {path.parent.name for path in (ROOT / "results").glob("*/*.json")} - {"quick"} - MEASURED


@pytest.mark.parametrize("profile", sorted(COMMITTED))
def test_every_committed_table_is_fresh(profile, unchecked):  # 60,000 pictures are decoded for their digest
    """Else a figure would silently begin hours of work: make the table anew, or accept it, with a reason."""
    registered = {figure for table in TABLES.values() for _, _, figure in table.figures}
    there = {path.stem for path in (ROOT / "results" / profile).glob("*.json")} - (load_registry().keys() - registered)
    states = {Path(place).name: state for place, state in table_states(profile) if Path(place).name in there}
    assert set(states) == there
    stale = {name: state.reasons for name, state in states.items() if state.state != "fresh"}
    assert stale == {}, f"python -m helpers table NAME --profile {profile}, or python -m helpers accept --help"


@pytest.mark.parametrize("profile", sorted(COMMITTED))
def test_every_committed_table_of_a_page_is_as_it_was_written(profile):
    """The tables that pages write themselves have no freshness of their own; here is their provenance."""
    pages = load_registry().keys() & {path.stem for path in (ROOT / "results" / profile).glob("*.json")}
    for name in pages:
        assert len(read_table(profile, name)) > 0
        assert read_provenance(profile, name)["profile"] == profile


def test_accepting_needs_a_reason():
    with pytest.raises(ValueError, match="needs a reason"):
        accept_tables([], "quick", " ")
