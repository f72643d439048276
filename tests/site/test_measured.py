"""The tables of what was measured of the machinery."""

from __future__ import annotations

import json

import pytest

from helpers.core.files import ROOT
from helpers.papers.recartoonx.experiments.explanations import AT_ONCE
from helpers.site import measured


def test_every_mark_of_the_page_becomes_a_table():
    text = (ROOT / "book/run-it.md").read_text(encoding="utf-8")
    made = measured.with_measured(text)
    assert [name for name in measured.TABLES if f"<!-- measured: {name} -->" in text] == list(measured.TABLES)
    assert "<!-- measured" not in made
    assert "| worker killed (-9) |" in made
    assert "| cartoonx |" in made


def test_every_fault_on_the_page_was_met():
    for fault in json.loads((ROOT / measured.FAULTS).read_text())["faults"]:
        assert fault["recovered"], fault
        assert fault["same"], fault
        assert fault["said"], fault
        assert not fault["redone"], fault


def test_the_slope_is_that_between_the_two_largest(tmp_path):
    def run(seconds, mib):
        return {"processor_s": seconds, "peak_mib": mib, "wall_s": 0.0}

    rows = [
        {"images": n, "start": run(1.0, 0), "first": run(1 + n, 10 + n), "stored": run(1 + n / 10, 0)}
        | {"files": n, "disk_mib": n}
        for n in (10, 110)
    ]
    (tmp_path / "results/growth").mkdir(parents=True)
    (tmp_path / measured.GROWTH).write_text(json.dumps({"measured": rows}))
    made = measured.growth_table(tmp_path)
    assert "| 110 | 110.0 | 11.0 | 120 | 110.0 | 110 |" in made
    assert "each further one takes 1000 ms of a core (100.0 ms where its masks are stored), 1024 KiB of memory" in made


def test_memory_grows_by_the_pixels_names_and_rows_not_by_explanations():
    """A scene's pixels have 12 KiB; before, each scene took 93, mostly for its explanations and its objects' masks."""
    assert f"No more than {AT_ONCE} explanations" in (ROOT / "book/run-it.md").read_text(encoding="utf-8")
    about = json.loads((ROOT / measured.GROWTH).read_text())
    few, many = about["measured"][-2:]
    pixels = 3 * about["size"] ** 2 * 4 / 1024
    further = 1024 * (many["first"]["peak_mib"] - few["first"]["peak_mib"]) / (many["images"] - few["images"])
    assert further < 3 * pixels
    assert many["first"]["peak_mib"] < 1.5 * about["measured"][0]["first"]["peak_mib"]


def test_the_limits_are_those_of_the_measured_parts(tmp_path):
    run = {"processor_s": 2.0, "peak_mib": 0}
    rows = [{"images": n, "start": run, "first": run, "stored": {"processor_s": n / 100}} for n in (10, 110)]
    for file, text in (
        (measured.GROWTH, json.dumps({"measured": rows, "photograph_ms": 6.0})),
        (measured.PASSES, "method,control,forward,backward\nfast,False,1,0\nslow,False,9000,0\nrandom,True,0,0\n"),
    ):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text(text)
    made = measured.limits_text(tmp_path)
    assert "starts Python, which takes 2 s of a core" in made
    assert "at 6 ms each, 5 minutes" in made  # 50,000 times
    assert "at 10.0 ms per image: 8 minutes or more" in made
    assert "Together they take 13 minutes, longer than one of eight GPUs works for 1 of the 2 methods" in made
    assert "pixels, 30 GB for 50,000 images of 224 px" in made


def test_the_fuzzing_in_a_sentence(tmp_path):
    (tmp_path / measured.FUZZ).parent.mkdir(parents=True)
    head = "kind,inputs,accepted,refused,unclear,longest_s,most_mb"
    (tmp_path / measured.FUZZ).write_text(f"{head}\npictures,900,300,600,0,0.2,1500\nweights,500,1,498,1,9.6,2\n")
    made = measured.fuzz_text(tmp_path)
    assert "Of 1,400 generated inputs of 2 kinds, 301 were in order" in made
    assert "1,098 were refused with a sentence that says what is wrong, and 1 ended otherwise" in made
    assert "The slowest took 10 s (weights), the largest 1.5 GB (pictures)" in made
    assert " and none ended otherwise" in measured.fuzz_text()


def test_differences_as_cells():
    assert measured._apart(0.0, 0.0) == "0"
    assert measured._apart(3.4e-6, 0.0) == "3e-06"
    assert measured._apart(1.0, 0.0123) == "1e+00 (1.2 %)"
    assert measured._promised({"largest": 1e-4, "share": 0.0}) == "1e-04"
    assert measured._promised({"largest": 1.0, "share": 0.05}) == "5 % of pixels"


@pytest.mark.parametrize(("hours", "text"), [(0.2, "12 min"), (3.4, "3 h"), (72.0, "3.0 days")])
def test_hours_are_written_in_a_readable_unit(hours, text):
    assert measured._time(hours) == text


def test_what_a_cluster_has_made_is_summed_and_differences_are_named(tmp_path):
    row = {"values": 1000, "pictures": 2, "times": 1, "same": True}
    rows = [
        {"kind": "table", "name": "curves"} | row,
        {"kind": "notebook", "name": "fig1"} | row,
        {"kind": "notebook", "name": "fig2"} | row | {"same": False},
    ]
    about = {"date": "2026-11-28T12:00", "jobs": 7, "slurm": "22.05.8", "profile": "quick", "figures": 34}
    path = tmp_path / measured.CLUSTER
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(about | {"compared": rows}))
    lines = measured.cluster_table(tmp_path).splitlines()
    assert "2 of the 34 figures of the profile quick: fig1, fig2." in lines[0]
    assert lines[4:6] == ["| tables | 1 | 1,000 | 2 | 1 | 1 |", "| notebooks | 2 | 2,000 | 4 | 2 | 1 |"]
    assert lines[-1] == "These differ: fig2."
