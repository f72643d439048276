"""The form of the chapters, their order, minutes and prerequisites, and the finder of numbers that no assert holds."""

from __future__ import annotations

import re
import shutil

import pytest

from helpers.core.files import ROOT
from helpers.site.chapters import chapter_faults, load_chapters, minutes_of_exercises, reading_minutes
from helpers.site.held_numbers import unheld_numbers
from helpers.site.source import read_page


@pytest.mark.parametrize("page", load_chapters())
def test_no_line_of_the_text_is_a_comment(page):
    """MyST drops a line that begins with a percent sign, and "95 %" may be wrapped before it."""
    texts = [cell.source for cell in read_page(ROOT / page).cells if cell.cell_type == "markdown"]
    assert re.findall(r"^ *%.*", "\n".join(texts), re.MULTILINE) == []


@pytest.mark.parametrize("page", load_chapters())
def test_a_chapter_has_the_form_of_a_chapter(page):
    assert chapter_faults(page) == []


PAGE = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A chapter

```{admonition} What you can do after this chapter
- one
- two
- three
```

*Before you start*: [first](first.md). The chapter takes about 5 minutes, and its exercises 23 more.

{words}

```{code-cell} ipython3
:tags: [remove-cell]

from helpers.reporting.words import show_numbers

show_numbers(mean=values["mean"])
assert values["mean"] > 0
```

The mean is {glue:text}`mean:.1f`.

## Summary

## What comes next

## Exercises

{exercises}
"""
EXERCISE = """````{{exercise}} {title}
:label: {label}

{body}
````

````{{solution}} {label}
:class: dropdown

{body}
````
"""
TITLES = (
    "Predict: a sign (5 minutes, easy)",
    "Compute: a sum (5 minutes, medium)",
    "Compute: a mean (5 minutes, medium)",
    "Explore: a slider (5 minutes, hard)",
    "Explore: a map (3 minutes, easy)",
    "Test yourself",
)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "_toc.yml").write_text(
        "parts:\n  - caption: Chapters\n    chapters: [{file: book/first}, {file: book/second}]\n"
    )
    (tmp_path / "book/chapters.yaml").write_text(
        "book/first.md: {minutes: 30}\nbook/second.md: {minutes: 5, needs: [book/first.md]}\n"
    )
    exercises = "\n".join(
        EXERCISE.format(title=title, label=f"e-{n}", body="1. a\n2. b\n3. c") for n, title in enumerate(TITLES)
    )
    text = PAGE.replace("{words}", "word " * 300).replace("{exercises}", exercises)
    (tmp_path / "book/second.md").write_text(text)
    return tmp_path


def test_a_whole_chapter_has_no_faults(project):
    assert chapter_faults("book/second.md", project) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("\n## Summary\n", "\n", "no section 'Summary'"),
        ("- two\n", "", "2 goals"),
        ("[first](first.md)", "nothing", "'Before you start' links to []"),
        ("exercises 23 more", "exercises 20 more", "its exercises 23 more"),
        ("*Before you start*", "Before", "no paragraph"),
        ("word " * 300, "word " * 900, "words and pictures make about"),
        ("Predict: a sign (5 minutes, easy)", "Predict a sign", "no exercise of the kind Predict"),
        ("{solution} e-1", "{solution} e-9", "has no solution"),
        ("Test yourself", "Compute: b (2 minutes, easy)", "0 exercises titled"),
        ('assert values["mean"] > 0', 'assert values["sum"] > 0', "no assert holds the number 'mean'"),
        (":tags: [remove-cell]\n", "\n".join(f"x{i} = {i}" for i in range(20)), "a displayed cell has"),
    ],
)
def test_each_fault_is_named(project, old, new, fault):
    path = project / "book/second.md"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    assert any(fault in line for line in chapter_faults("book/second.md", project))


def test_a_chapter_cannot_need_a_later_one(project):
    (project / "book/chapters.yaml").write_text(
        "book/first.md: {minutes: 30, needs: [book/second.md]}\nbook/second.md: {minutes: 5}\n"
    )
    with pytest.raises(ValueError, match=r"first.md needs book/second.md, which does not come before it"):
        load_chapters(project)


def test_the_two_files_name_the_same_chapters(project):
    (project / "book/chapters.yaml").write_text("book/first.md: {minutes: 30}\n")
    with pytest.raises(ValueError, match=r"in one of them only: book/second.md"):
        load_chapters(project)


def test_minutes_are_sums():
    assert minutes_of_exercises("".join(EXERCISE.format(title=t, label="l", body="") for t in TITLES)) == 23
    assert reading_minutes("word " * 120 + "\n```{code-cell} ipython3\nalt: x\nmany words here\n```\n") == 2 + 1


@pytest.mark.parametrize(
    ("code", "unheld"),
    [
        ("x = f()\nshow_numbers(n=x)", ["n"]),
        ("x = f()\nshow_numbers(n=x)\nassert x > 1", []),
        ("x, y = f()\nshow_numbers(n=float(x.mean()))\nassert y > 1", ["n"]),
        ("x = 3\nshow_numbers(n=x)", []),  # a setting
        ("t = f()\nshow_numbers({'n': 100 * t.loc['a', 'b']})\nassert t.loc['a', 'c'] > 1", ["n"]),
        ("t = f()\nshow_numbers({'n': 100 * t.loc['a', 'b']})\nassert t.loc[['a', 'd'], 'b'].min() > 1", []),
        ("t = f()\nshow_numbers({'n': t['a']})\nfor k in ('a', 'b'):\n    assert t[k] > 0", []),
        ("t = f()\nshow_numbers({k: t[k] for k in t})", ["n"]),
        ("t = f()\nshow_numbers({k: t[k] for k in t})\nassert min(t) > 0", []),
        ("show_numbers(m=f())", ["n"]),  # glued nowhere
    ],
)
def test_the_finder_of_numbers_that_no_assert_holds(tmp_path, code, unheld):
    page = tmp_path / "page.md"
    head = PAGE.split("# A chapter")[0]
    page.write_text(f"{head}# Title\n\n```{{code-cell}} ipython3\n{code}\n```\n\nIt is {{glue:text}}`n:.1f`.\n")
    assert unheld_numbers(page) == unheld


def test_it_finds_a_removed_assert_on_a_real_page(tmp_path):
    page = tmp_path / "judging.md"
    shutil.copy(ROOT / "book/judging.md", page)
    before = set(unheld_numbers(page))
    page.write_text(re.sub(r"(?m)^assert .*\"centre\", \"pointing\".*$", "pass", page.read_text()))
    assert set(unheld_numbers(page)) - before >= {"centre-pointing"}
