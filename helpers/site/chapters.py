"""The chapters as a course: their order, what each needs, how long it takes, and the form that all of them share.

The order is that of `_toc.yml`; `book/chapters.yaml` has the rest. The form is checked on the sources: a chapter opens
with its goals, its prerequisites and its minutes, and ends with a summary, a bridge, exercises and a self-test.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from helpers.core.files import ROOT
from helpers.core.strict_yaml import described, read_strict_yaml
from helpers.site.held_numbers import unheld_numbers
from helpers.site.html import toc_parts
from helpers.site.source import FOLDED, page_text, read_page

CHAPTERS = "book/chapters.yaml"
PARTS = ("Chapters", "Going further")
"""The parts of `_toc.yml` whose pages are chapters."""
KINDS = ("Predict", "Compute", "Explore")
LINES = 15
"""The most lines of a code cell that a page displays."""
WORDS_PER_MINUTE, MINUTES_PER_PICTURE = 60, 1
"""How fast a student reads a text with formulas, and looks at a picture."""

_EXERCISE = re.compile(r"^(`{3,})\{exercise\} *(?P<title>[^\n]*)\n(?P<body>.*?)^\1 *$", re.DOTALL | re.MULTILINE)
_SOLUTION = re.compile(r"^(`{3,})\{solution\} *(?P<label>\S+)\n(?P<body>.*?)^\1 *$", re.DOTALL | re.MULTILINE)
_TITLE = re.compile(r"(?P<kind>\w+): .+ \((?P<minutes>\d+) minutes, (?:easy|medium|hard)\)")
_GOALS = re.compile(
    r"^```\{admonition\} What you can do after this chapter\n(?P<body>.*?)^```", re.DOTALL | re.MULTILINE
)
_BEFORE = re.compile(r"^\*Before you start\*: (?P<text>.*?)(?:\n\n|\Z)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!glossary\.md)([\w-]+\.md)(?:#[^)]*)?\)")
_MINUTES = re.compile(r"takes about (\d+) minutes, and its exercises (\d+) more")


class Chapter(BaseModel):
    """A chapter's entry in `book/chapters.yaml`.

    Attributes:
        needs: the earlier chapters without which it cannot be understood, as paths from the root.
        minutes: for reading it and trying what it shows, without the exercises.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    needs: list[str] = []
    minutes: Annotated[int, Field(ge=5, le=90)]


def load_chapters(root: Path = ROOT) -> dict[str, Chapter]:
    """The chapters by page, in the order of `_toc.yml`.

    Raises:
        ValueError: an entry is wrong, or the two files name other chapters, or a chapter needs a later one.
    """
    try:
        entries = TypeAdapter(dict[str, Chapter]).validate_python(read_strict_yaml(root / CHAPTERS))
    except ValidationError as error:
        raise ValueError(described(CHAPTERS, error)) from error
    pages = [page for caption, part in toc_parts(root) if caption in PARTS for page in part]
    if entries.keys() != set(pages):
        wrong = ", ".join(sorted(entries.keys() ^ set(pages)))
        raise ValueError(f"{CHAPTERS} and _toc.yml must name the same chapters; in one of them only: {wrong}")
    for number, page in enumerate(pages):
        if later := [need for need in entries[page].needs if need not in pages[:number]]:
            raise ValueError(f"{CHAPTERS}: {page} needs {', '.join(later)}, which does not come before it in _toc.yml")
    return {page: entries[page] for page in pages}


def chapter_faults(page: str, root: Path = ROOT) -> list[str]:
    """What is missing of a chapter's form, as sentences; empty if nothing is.

    Args:
        page: the chapter's path from the root, such as "book/wavelets.md".

    Raises:
        ValueError: the page is no chapter, or one of the two files of `load_chapters` is wrong.
    """
    chapters = load_chapters(root)
    if page not in chapters:
        raise ValueError(f"{page} is no chapter; the chapters are: {', '.join(chapters)}")
    text = page_text(root / page)
    main = text.split("\n## Exercises\n")[0]
    faults = [
        f"no section {name!r}" for name in ("Summary", "What comes next", "Exercises") if f"\n## {name}\n" not in text
    ]
    faults += _opening_faults(page, chapters[page], text, minutes_of_exercises(text), reading_minutes(main))
    faults += _exercise_faults(text)
    faults += [
        f"a displayed cell has {len(lines)} lines, more than {LINES}: {lines[0]!r}"
        for lines in _displayed(root / page)
        if len(lines) > LINES
    ]
    faults += [f"no assert holds the number {name!r}" for name in unheld_numbers(root / page)]
    return faults


def reading_minutes(text: str) -> float:
    """The minutes for a text, from its words and pictures."""
    prose = re.sub(r"^(`{3,})\{code-cell\}.*?^\1 *$", "", text, flags=re.DOTALL | re.MULTILINE)
    return len(re.findall(r"[\w’'-]{2,}", prose)) / WORDS_PER_MINUTE + MINUTES_PER_PICTURE * text.count("alt: ")


def minutes_of_exercises(text: str) -> int:
    """The sum of the minutes in the titles of a page's exercises."""
    titles = (_TITLE.fullmatch(exercise["title"]) for exercise in _EXERCISE.finditer(text))
    return sum(int(title["minutes"]) for title in titles if title)


def _opening_faults(page: str, chapter: Chapter, text: str, exercises: int, estimate: float) -> list[str]:
    before = _BEFORE.search(text)
    if before is None:
        return ["no paragraph that begins with '*Before you start*: '"]
    faults = []
    linked = {str(Path(page).parent / link) for link in _LINK.findall(before["text"])}
    if linked != set(chapter.needs):
        faults.append(f"'Before you start' links to {sorted(linked)}, and {CHAPTERS} needs {chapter.needs}")
    wanted = f"takes about {chapter.minutes} minutes, and its exercises {exercises} more"
    if not (stated := _MINUTES.search(re.sub(r"\s+", " ", before["text"]))) or stated.group() != wanted:
        faults.append(f"'Before you start' should say: The chapter {wanted}.")
    if not 0.7 * estimate <= chapter.minutes <= 1.4 * estimate:
        faults.append(f"{CHAPTERS} states {chapter.minutes} minutes; words and pictures make about {estimate:.0f}")
    return faults


def _exercise_faults(text: str) -> list[str]:
    faults = []
    exercises = list(_EXERCISE.finditer(text))
    solved = {solution["label"]: solution["body"] for solution in _SOLUTION.finditer(text)}
    labels = {exercise["title"]: re.search(r":label: (\S+)", exercise["body"]) for exercise in exercises}
    faults += [
        f"the exercise {title!r} has no solution"
        for title, label in labels.items()
        if not label or label[1] not in solved
    ]
    test = [exercise for exercise in exercises if exercise["title"] == "Test yourself"]
    rest = [exercise for exercise in exercises if exercise["title"] != "Test yourself"]
    titles = [_TITLE.fullmatch(exercise["title"]) for exercise in rest]
    faults += [
        f"the exercise {exercise['title']!r} should be titled as in 'Predict: a flat sky (5 minutes, easy)'"
        for exercise, title in zip(rest, titles, strict=True)
        if title is None or title["kind"] not in KINDS
    ]
    missing = set(KINDS) - {title["kind"] for title in titles if title}
    faults += [f"no exercise of the kind {kind}" for kind in KINDS if kind in missing]
    if not 5 <= len(rest) <= 8:
        faults.append(f"{len(rest)} exercises; a chapter has 5 to 8, and the self-test")
    goals = _GOALS.search(text)
    wanted = len(re.findall(r"^- ", goals["body"], re.MULTILINE)) if goals else 0
    if not 3 <= wanted <= 6:
        faults.append(f"{wanted} goals in the box 'What you can do after this chapter'; 3 to 6 are wanted")
    if len(test) != 1:
        return [*faults, f"{len(test)} exercises titled 'Test yourself'; there should be one"]
    label = labels["Test yourself"]
    for name, body in (("questions", test[0]["body"]), ("answers", solved.get(label[1], "") if label else "")):
        if (number := len(re.findall(r"^\d+\. ", body, re.MULTILINE))) != wanted:
            faults.append(f"the self-test has {number} {name} for {wanted} goals")
    return faults


def _displayed(page: Path) -> list[list[str]]:
    """The lines of the code cells that a page displays unfolded, before its exercises."""
    cells = []
    for cell in read_page(page).cells:
        if cell.cell_type == "markdown" and re.search(r"^## Exercises$", cell.source, re.MULTILINE):
            break
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type == "code" and not tags & FOLDED:
            cells.append(cell.source.strip().splitlines())
    return cells
