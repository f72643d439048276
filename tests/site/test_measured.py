"""The tables of what was measured of the machinery."""

from __future__ import annotations

import json

import pytest

from helpers.core.files import ROOT
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
