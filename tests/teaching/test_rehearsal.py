"""The students' notebooks run from top to bottom before an answer is given, in the memory that a hub should give."""

from __future__ import annotations

import re
import resource
from itertools import pairwise

import pytest
from nbformat import write
from nbformat.v4 import new_code_cell, new_notebook

from helpers.core.files import ROOT
from helpers.site.chapters import load_chapters
from helpers.site.html import EDITIONS
from helpers.site.source import page_title
from helpers.site.student_runs import MARK, StudentRun, read_runs, runs_table, runs_text, with_student_runs
from helpers.teaching.editions.rehearsal import rehearse, student_notebooks

GIVEN = 4e9
"""Bytes for a student, as `book/run-it.md` says: two kernels and JupyterLab."""


def test_a_run_tells_time_memory_and_faults(tmp_path):
    work = "values = bytearray(300_000_000)\nvalues[:] = b'x' * len(values)\nsum(range(3_000_000))"
    cells = [new_code_cell(source) for source in (work, "1 / 0", "answer = ...")]
    path = tmp_path / "chapter.ipynb"
    write(new_notebook(cells=cells), path)
    before = path.read_bytes()
    run = rehearse(path)
    assert run.faults == ("cell 2: ZeroDivisionError: division by zero",)
    # two copies and an interpreter with IPython; at most what this process has, which a forked kernel begins with
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert 6e8 < run.memory < max(1.2e9, 1.1 * own)
    assert 0.1 < run.seconds < 30
    assert path.read_bytes() == before


def test_notebooks_are_found_or_named(tmp_path):
    (tmp_path / "student").mkdir()
    with pytest.raises(FileNotFoundError, match="make book"):
        student_notebooks(tmp_path)
    for name in ("b", "a"):
        (tmp_path / f"student/{name}.ipynb").touch()
    assert [path.stem for path in student_notebooks(tmp_path)] == ["a", "b"]
    assert [path.stem for path in student_notebooks(tmp_path, ["b"])] == ["b"]
    with pytest.raises(FileNotFoundError, match=r"c\.ipynb"):
        student_notebooks(tmp_path, ["c"])


def test_the_stored_runs_are_of_all_chapters_and_fit_the_memory_given():
    runs = read_runs()
    assert {run.chapter for run in runs} == {page.split("/")[-1].removesuffix(".md") for page in load_chapters()}
    assert (ROOT / "book/student_runs.csv").read_text(encoding="utf-8") == runs_text(runs)
    page = " ".join((ROOT / "book/run-it.md").read_text(encoding="utf-8").split())
    assert float(re.search(r"give each student (\d+) GB", page)[1]) * 1e9 == GIVEN
    memory = {run.chapter: run.memory for run in runs}
    order = [memory[page.split("/")[-1].removesuffix(".md")] for page in load_chapters()]
    for last, this in pairwise(order):
        assert last + this + 0.3e9 < GIVEN, "the notebook of the last chapter is open too, and JupyterLab"


def test_the_page_shows_them():
    page = ROOT / "book/run-it.md"
    text = page.read_text(encoding="utf-8")
    assert text.count(MARK) == 1
    shown = with_student_runs(text, page)
    assert MARK not in shown
    for name in load_chapters():
        assert f"| [{page_title(ROOT / name)}]({name.removeprefix('book/')}) |" in shown
    assert with_student_runs("other", page) == "other"


def test_the_largest_is_named_and_the_seconds_are_added():
    table = runs_table([StudentRun("wavelets", 50.0, 1.04e9), StudentRun("peers", 70.4, 2.16e9)])
    assert "The kernel of the largest one takes 2.2 GB" in table
    assert "2 minutes" in table
    assert table.splitlines()[-1].endswith("| 70 | 2.2 |")


@pytest.mark.slow  # 10 to 80 s each
@pytest.mark.timeout(900)
@pytest.mark.parametrize("chapter", [run.chapter for run in read_runs()])
def test_a_students_notebook_runs_from_top_to_bottom(chapter, html):
    (notebook,) = student_notebooks(html / EDITIONS, [chapter])
    run = rehearse(notebook)
    assert run.faults == ()
    assert run.memory < GIVEN / 2
