"""The record of a page's run, and the status page that shows the records."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from helpers.core.files import ROOT
from helpers.site.execution import execute
from helpers.site.run_record import PACKAGES, RunRecord, read_record
from helpers.site.status import MARK, status_tables, with_status

HEADER = """\
---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {name: python3, display_name: Python 3}
---
"""


def test_a_run_is_recorded(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"{HEADER}\n# A page\n\n```{{code-cell}}\nimport time\ntime.sleep(0.3)\n```\n")
    record = read_record(execute(page, tmp_path / "page.ipynb", root=tmp_path))
    assert 0.3 < record.seconds < 60
    assert record.cores > 0
    assert record.versions["torch"] == version("torch")
    assert set(record.versions) <= {"Python", *PACKAGES}


def test_an_older_run_has_what_papermill_wrote(tmp_path):
    metadata = {"papermill": {"duration": 4.5, "start_time": "2026-11-27T23:12:57+00:00"}}
    path = tmp_path / "page.ipynb"
    path.write_text(json.dumps({"metadata": {**metadata, "language_info": {"version": "3.11.7"}}}))
    assert read_record(path) == RunRecord(4.5, "2026-11-27", None, {"Python": "3.11.7"})
    path.write_text(json.dumps({"metadata": {}}))
    assert read_record(path) is None


RECORDS = {
    "book/wavelets.md": RunRecord(65.4, "2026-11-26", 2, {"Python": "3.12.1", "torch": "2.15.0"}),
    "book/figures/recartoonx-fig3.md": RunRecord(70.2, "2026-11-27", 2, {"Python": "3.12.1", "torch": "2.14.0"}),
    "book/cartoonx.md": None,
}
TITLES = {
    "book/wavelets.md": "Wavelets",
    "book/figures/recartoonx-fig3.md": "[Re] | it",
    "book/cartoonx.md": "CartoonX",
}


def test_the_tables_sum_up_and_link():
    text = status_tables(RECORDS, TITLES, folder=Path("book"))
    assert "2 of 3 pages with code were run from 2026-11-26 to 2026-11-27, on a machine with 2 cores" in text
    assert (
        "Together they took 2 minutes. The slowest one is [\\[Re\\] \\| it](figures/recartoonx-fig3.md), with 70"
        in text
    )
    assert "| torch | 2.14.0, 2.15.0 |" in text
    assert "| Python | 3.12.1 |" in text
    assert "| [Wavelets](wavelets.md) | 2026-11-26 | 65 |" in text
    assert "| [CartoonX](cartoonx.md) | not known |  |" in text
    assert "| **all** | | **136** |" in text


def test_without_runs_it_says_so(tmp_path):
    assert "nothing is known" in with_status(MARK, tmp_path / "book/status.md")
    assert with_status("other", tmp_path / "book/other.md") == "other"


def test_the_page_has_the_mark():
    assert (ROOT / "book/status.md").read_text(encoding="utf-8").count(MARK) == 1
    with pytest.raises(AssertionError):
        assert MARK in (ROOT / "book/intro.md").read_text(encoding="utf-8")
