"""The commands for teachers: slides, editions of the chapters, and marking."""

from __future__ import annotations

import argparse
from pathlib import Path

from helpers.core.files import ROOT
from helpers.site.commands import AddCommand
from helpers.site.html import EDITIONS, HTML


def add_teaching_commands(add: AddCommand) -> None:
    """Add the commands for teachers.

    Args:
        add: adds a command by name, handler, summary and details, and returns its parser.
    """
    add("slides", _slides, "make the slides of the six sessions again, from the built HTML")
    editions = add(
        "editions",
        _editions,
        "make the chapters' notebooks for students, for teachers and for marking, zipped",
        "The numbers in the text are those of the executed pages: run `make book` before.",
    )
    editions.add_argument("--output", type=Path, help="the folder to write; default: _build/html/editions")
    rehearse = add(
        "rehearse",
        _rehearse,
        "run the students' notebooks of all chapters, one after another, and say what each takes",
        "Stores seconds and memory in book/student_runs.csv, for the page on where to run the book. The notebooks are "
        "those of the built book; without results/quick they run as in a fresh clone.",
    )
    rehearse.add_argument("chapters", nargs="*", help="such as wavelets; default: all, whose numbers are then stored")
    mark = add(
        "mark",
        _mark,
        "run students' notebooks of a chapter and mark the answers in them",
        "Writes a table with a row for each notebook. Notebooks are programs: mark them where they may do no harm.",
    )
    mark.add_argument("page", help="the chapter, such as cartoonx")
    mark.add_argument("notebooks", type=Path, nargs="+", help="notebooks, or folders of notebooks")
    mark.add_argument("--output", type=Path, default=Path("marks.csv"), help="the table to write; default: marks.csv")
    mark.add_argument("--jobs", type=int, default=1, help="how many notebooks are run at a time; default: 1")


def finish_book(html: Path) -> None:
    """Make what the published book offers to teachers: the slides and the editions.

    Args:
        html: the folder of the built book.
    """
    from helpers.teaching.editions.make import make_editions
    from helpers.teaching.slides import build_slides

    build_slides(html)
    make_editions(output=html / EDITIONS)


def _slides(options: argparse.Namespace) -> None:
    from helpers.teaching.slides import build_slides

    print(*build_slides(ROOT / HTML), sep="\n")


def _editions(options: argparse.Namespace) -> None:
    from helpers.teaching.editions.make import make_editions

    for path in make_editions(ROOT, options.output):
        print(path)


def _rehearse(options: argparse.Namespace) -> None:
    from helpers.core.files import atomic_write
    from helpers.site.student_runs import RUNS, StudentRun, runs_text
    from helpers.teaching.editions.rehearsal import rehearse, student_notebooks

    runs, faulty = [], []
    for notebook in student_notebooks(ROOT / HTML / EDITIONS, options.chapters):
        done = rehearse(notebook)
        runs.append(StudentRun(notebook.stem, done.seconds, done.memory))
        faulty += [f"{notebook.name}, {fault}" for fault in done.faults]
        print(
            f"{notebook.stem}: {done.seconds:.0f} s, {done.memory / 1e9:.2f} GB", *done.faults, sep="\n  ", flush=True
        )
    if faulty:
        raise ValueError(f"a student who changes nothing meets errors: {'; '.join(faulty)}")
    if not options.chapters:
        atomic_write(ROOT / RUNS, runs_text(runs).encode())
        print(ROOT / RUNS)


def _mark(options: argparse.Namespace) -> None:
    import pandas

    from helpers.core.files import atomic_write
    from helpers.teaching.checks.find import exercises_of
    from helpers.teaching.editions.marking import mark_notebooks

    notebooks = [
        notebook
        for path in options.notebooks
        for notebook in (sorted(path.glob("*.ipynb")) if path.is_dir() else [path])
    ]
    if not notebooks:
        raise FileNotFoundError(f"there is no notebook in {', '.join(map(str, options.notebooks))}")
    names = [exercise.name for exercise in exercises_of(options.page)]
    rows = []
    for marks in mark_notebooks(options.page, notebooks, jobs=options.jobs):
        rows.append(marks.row(names))
        state = marks.fault or f"{rows[-1]['points']} of {len(names)}"
        print(f"{marks.notebook.name}: {state}", flush=True)
    content = pandas.DataFrame(rows).to_csv(index=False)
    atomic_write(options.output, content.encode())
    print(options.output)
