"""Marking notebooks with otter-grader, each in a process of its own: one bad notebook does not stop the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from helpers.core.files import ROOT
from helpers.teaching.checks.find import exercises_of
from helpers.teaching.editions.make import write_autograder

TIME_LIMIT = 1800
"""Seconds for running and marking one notebook: cells of a chapter take about a minute on one core."""


@dataclass(frozen=True)
class Marks:
    """The marks of a notebook.

    Attributes:
        notebook: its path.
        right: by exercise, whether the answer is right; empty if the notebook could not be marked.
        fault: why it could not be marked.
    """

    notebook: Path
    right: dict[str, bool] = field(default_factory=dict)
    fault: str = ""

    def row(self, names: Sequence[str]) -> dict[str, Any]:
        """A row of the table of marks: the points of each exercise and their sum, empty where nothing is known."""
        points: dict[str, Any] = {name: int(self.right[name]) if name in self.right else "" for name in names}
        return {"notebook": self.notebook.name, "points": sum(self.right.values()), **points, "fault": self.fault}


def mark_notebooks(
    page: str, notebooks: Sequence[Path], *, jobs: int = 1, time_limit: int | float = TIME_LIMIT
) -> Iterator[Marks]:
    """Run each notebook and mark the answers in it, in order.

    Cells that raise do not stop a notebook. Nothing is trusted: run other people's notebooks where they may do no harm.

    Args:
        page: the chapter, such as "cartoonx".
        notebooks: the students' notebooks.
        jobs: how many are marked at a time.
        time_limit: seconds for each.

    Raises:
        ValueError: the page has no exercises with checks.
        FileNotFoundError: a notebook does not exist.
    """
    exercises = exercises_of(page)
    if missing := [str(path) for path in notebooks if not path.is_file()]:
        raise FileNotFoundError(f"there is no notebook {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as name:
        autograder = Path(name) / "autograder.zip"
        write_autograder(exercises, autograder)
        names = [exercise.name for exercise in exercises]
        one = partial(_mark, autograder=autograder, names=names, time_limit=time_limit)
        with ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(one, notebooks)


def _mark(notebook: Path, *, autograder: Path, names: Sequence[str], time_limit: int | float) -> Marks:
    try:
        content = json.loads(notebook.read_text(encoding="utf-8"))
        # the student's own kernel may not exist here
        content["metadata"]["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        problem = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        return Marks(notebook, fault=f"it is no notebook: {problem}")
    with tempfile.TemporaryDirectory() as output:
        copy = Path(output) / "submission" / notebook.name
        copy.parent.mkdir()
        copy.write_text(json.dumps(content), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "otter",
            "run",
            "--no-logo",
            "--autograder",
            autograder,
            "--output-dir",
            output,
        ]
        try:
            done = subprocess.run(
                [*command, copy],
                capture_output=True,
                text=True,
                check=False,
                timeout=time_limit,
                env={**os.environ, "PYTHONPATH": str(ROOT)},  # the notebook's kernel, too, imports this clone
            )
        except subprocess.TimeoutExpired:
            return Marks(notebook, fault=f"it ran longer than {time_limit:.0f} s")
        results = Path(output) / "results.json"
        if not results.is_file():
            return Marks(notebook, fault=_last_line(done.stderr or done.stdout))
        tests = json.loads(results.read_text(encoding="utf-8"))["tests"]
    return _read(notebook, {test["name"]: test for test in tests}, names)


def _read(notebook: Path, tests: dict[str, Any], names: Sequence[str]) -> Marks:
    right = {}
    for name in names:
        test = tests.get(name)
        if test is None:
            return Marks(notebook, fault=f"otter-grader has no result for {name}")
        right[name] = test["score"] == test["max_score"]
        # a wrong answer fails an assert; anything else is a fault of the marking, not of the student
        if not right[name] and "AssertionError" not in test["output"]:
            return Marks(notebook, fault=f"{name}: {_last_line(test['output'])}")
    return Marks(notebook, right)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "otter-grader gave no reason"
