"""The table of the students' notebooks: how long each runs, and how much memory it takes.

`python -m helpers rehearse` measures and writes the file, which is committed: a build would take twice as long if it
measured, and its own kernels share their memory.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from helpers.core.files import ROOT
from helpers.site.chapters import load_chapters
from helpers.site.source import page_title

RUNS = "book/student_runs.csv"
MARK = "<!-- runs of the students' notebooks -->"
"""The place, on a page, of the table that `with_student_runs` makes."""

_GIGABYTE = 1e9


@dataclass(frozen=True)
class StudentRun:
    """One run of a chapter's notebook for students.

    Attributes:
        chapter: such as "wavelets".
        seconds: the computing time that it took, on one core.
        memory: the kernel's peak in bytes.
    """

    chapter: str
    seconds: float
    memory: float


def read_runs(root: Path = ROOT) -> list[StudentRun]:
    """The measured runs, in the order of the file."""
    with (root / RUNS).open(encoding="utf-8", newline="") as file:
        return [StudentRun(row["chapter"], float(row["seconds"]), float(row["memory"])) for row in csv.DictReader(file)]


def runs_text(runs: list[StudentRun]) -> str:
    """The content of the file."""
    rows = [f"{run.chapter},{run.seconds:.0f},{run.memory:.0f}" for run in runs]
    return "\n".join(["chapter,seconds,memory", *rows]) + "\n"


def with_student_runs(text: str, page: Path, root: Path = ROOT) -> str:
    """The text of a page with the table in place of `MARK`; links lead to chapters in the page's folder."""
    return text.replace(MARK, runs_table(read_runs(root), root)) if MARK in text else text


def runs_table(runs: list[StudentRun], root: Path = ROOT) -> str:
    """Markdown: a sentence on the largest, and a row for each chapter, in the book's order."""
    measured = {run.chapter: run for run in runs}
    order = {Path(page).stem: page_title(root / page) for page in load_chapters(root)}
    largest = max(runs, key=lambda run: run.memory)
    rows = [
        f"| [{title}]({name}.md) | {measured[name].seconds:.0f} | {_gigabytes(measured[name].memory)} |"
        for name, title in order.items()
        if name in measured
    ]
    return "\n".join(
        [
            f"The kernel of the largest one takes {_gigabytes(largest.memory)} GB; all of them together compute for "
            f"{sum(run.seconds for run in runs) / 60:.0f} minutes, on one core.",
            "",
            "| chapter | seconds of one core | GB of memory |",
            "|:---|---:|---:|",
            *rows,
        ]
    )


def _gigabytes(memory: float) -> str:
    return f"{memory / _GIGABYTE:.1f}"
