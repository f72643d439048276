"""The editions of the chapters: plain Markdown, answers' cells, no solutions for students."""

from __future__ import annotations

import ast
import json
import re
import zipfile
from pathlib import Path

import pytest
from nbformat import read

from helpers.core.files import ROOT
from helpers.site.chapters import load_chapters
from helpers.site.html import EDITIONS
from helpers.site.repository import Repository
from helpers.site.source import page_text
from helpers.teaching.checks.find import checked_pages, exercises_of
from helpers.teaching.editions.make import first_cell, make_editions
from helpers.teaching.editions.notebooks import edition_notebook
from helpers.teaching.editions.plain import Context, EditionError, equation_labels, plain_markdown, split_options

CHAPTERS = [Path(page).stem for page in load_chapters()]


def context(**changes) -> Context:
    values = {
        "numbers": {"mean": 0.123456, "name": "gear"},
        "citations": {"kolek": ("Kolek et al.", "2022")},
        "address": lambda target, anchor: f"https://book/{target}{anchor}",
        "equations": {"objective": "3.2"},
    }
    return Context(**{**values, **changes})


class TestPlainMarkdown:
    @pytest.mark.parametrize(
        ("text", "plain"),
        [
            ("It is {glue:text}`mean:.2f`.", "It is 0.12."),
            ("It is {glue:text}`mean:.0%`, a {glue:text}`name`.", "It is 12%, a gear."),
            ("as in {cite:t}`kolek`", "as in Kolek et al. (2022)"),
            ("known {cite:p}`kolek`", "known (Kolek et al., 2022)"),
            ("Equation {eq}`objective` says", "Equation (3.2) says"),
            ("[the end](wavelets.md#end)", "[the end](https://book/wavelets.md#end)"),
            ("[a page](figures/index.md)", "[a page](https://book/figures/index.md)"),
            ("[here](#below)", "here"),
            ("[elsewhere](https://example.org)", "[elsewhere](https://example.org)"),
            ("![alt](picture.md)", "![alt](picture.md)"),
            ("(a-label)=\n## Title", "## Title"),
            ("```{math}\n:label: objective\n\nx^2\n```", "$$\nx^2\n\\tag{3.2}\n$$"),
            ("```{math}\nx^2\n```", "$$\nx^2\n$$"),
            ("```{admonition} Goals\n:class: tip\n\n- one\n- two\n```", "> **Goals**\n>\n> - one\n> - two"),
            ("{ref}`the section <sec>`", "the section"),
            ("```python\nx = {1: 2}\n```", "```python\nx = {1: 2}\n```"),
        ],
    )
    def test_markup_becomes_plain(self, text, plain):
        assert plain_markdown(text, context()) == plain

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{glue:text}`lost:.2f`", "no number 'lost'"),
            ("{cite:p}`nobody`", "no entry 'nobody'"),
            ("{eq}`lost`", "no chapter has an equation 'lost'"),
            ("{kbd}`x`", "the role {kbd}"),
            ("```{figure} a.png\n```", "the directive {figure}"),
        ],
    )
    def test_what_has_no_plain_version_is_refused(self, text, message):
        with pytest.raises(EditionError, match=re.escape(message)):
            plain_markdown(text, context())

    def test_options_and_labels(self):
        assert split_options(":label: a\n:class: b\n\ntext\n") == ({"label": "a", "class": "b"}, "text")
        assert equation_labels("```{math}\n:label: a\nx\n```\n\n```{math}\ny\n```\n\n```{math}\n:label: b\nz\n```") == [
            "a",
            "b",
        ]


PAGE = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A page

```{code-cell} ipython3
values = [1, 2]
```

```{code-cell} ipython3
:tags: [remove-cell]

assert values == [1, 2]
```

```{code-cell} ipython3
:tags: [remove-cell]

needed = 3
```

````{exercise} Compute: a sum (5 minutes, easy)
:label: page-sum

What is the sum of {glue:text}`name`?

*Your answer*: a number. Check it with `check("page-sum", answer)`.
````

````{solution} page-sum
:class: dropdown

It is three, of course.
````

```{code-cell} ipython3
:tags: [hide-cell]

secret = sum(values)
assert check("page-sum", secret)
```

Afterwards.

```{code-cell} ipython3
:tags: [hide-input]

print(needed)
```
"""


class TestNotebook:
    @pytest.fixture
    def page(self, tmp_path):
        path = tmp_path / "page.md"
        path.write_text(PAGE, encoding="utf-8")
        return path

    def test_for_students(self, page):
        notebook = edition_notebook(page, "student", context(), first="first")
        sources = [cell.source for cell in notebook.cells]
        assert sources == [
            "first",
            "# A page",
            "values = [1, 2]",
            "needed = 3",
            "### Compute: a sum (5 minutes, easy)\n\nWhat is the sum of gear?",
            "Afterwards.",
            "print(needed)",
        ]
        assert notebook.cells[-1].metadata["jupyter"] == {"source_hidden": True}

    def test_for_teachers(self, page):
        sources = [cell.source for cell in edition_notebook(page, "teacher", context(), first="first").cells]
        assert any("It is three, of course." in source for source in sources)
        assert any("secret = sum(values)" in source for source in sources)

    def test_code_that_needs_a_solution_is_refused(self, page):
        page.write_text(PAGE.replace("print(needed)", "print(secret)"), encoding="utf-8")
        with pytest.raises(EditionError, match="needs secret"):
            edition_notebook(page, "student", context(), first="first")

    @pytest.mark.parametrize("code", ["secret = 1\nprint(secret)", "for secret in [1]:\n    print(secret)"])
    def test_code_that_defines_the_name_itself_needs_no_solution(self, page, code):
        page.write_text(PAGE.replace("print(needed)", code), encoding="utf-8")
        assert edition_notebook(page, "student", context(), first="first").cells[-1].source == code

    @pytest.mark.parametrize("code", ["secret = secret + 1", "secret += 1", "print([secret for _ in values])"])
    def test_code_that_changes_a_name_of_a_solution_is_refused(self, page, code):
        page.write_text(PAGE.replace("print(needed)", code), encoding="utf-8")
        with pytest.raises(EditionError, match="needs secret"):
            edition_notebook(page, "student", context(), first="first")

    def test_the_first_cell_without_a_repository_says_what_to_do(self):
        assert "README" in first_cell(None)
        code = first_cell(Repository("owner", "book"))
        assert "git clone --quiet --depth 1 https://github.com/owner/book book" in code
        for each in (first_cell(None), code):
            ast.parse("\n".join(line for line in each.splitlines() if not line.lstrip().startswith(("!", "%"))))


@pytest.fixture(scope="module")
def editions(html) -> Path:
    return html / EDITIONS


@pytest.mark.parametrize("chapter", CHAPTERS)
class TestEditionsOfTheBook:
    def test_the_students_edition_holds_no_solution(self, editions, chapter):
        notebook = read(editions / f"student/{chapter}.ipynb", as_version=4)
        text = " ".join(" ".join(cell.source.split()) for cell in notebook.cells)
        page = page_text(ROOT / f"book/{chapter}.md")
        bodies = re.findall(
            r"^`{3,}\{solution\} \S+\n:class: dropdown\n\n(.*?)^`{3,} *$", page, re.DOTALL | re.MULTILINE
        )
        assert len(bodies) >= 6
        asked = " ".join(
            " ".join(re.findall(r"^`{3,}\{exercise\}.*?^`{3,} *$", page, re.DOTALL | re.MULTILINE)).split()
        )
        for body in bodies:
            sentences = re.split(r"(?<=[.:?;])\s+", " ".join(body.split()))
            # without markup, which editions write otherwise
            told = [
                part
                for part in sentences
                if len(part) > 40 and not re.search(r"[{$`\[*]", part) and part in text and part not in asked
            ]
            assert told == []
        assert "<details>" not in text
        assert not any(cell.get("outputs") for cell in notebook.cells)

    def test_each_exercise_has_a_cell_for_its_answer_and_a_check(self, editions, chapter):
        notebook = read(editions / f"student/{chapter}.ipynb", as_version=4)
        code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        for exercise in exercises_of(chapter):
            name = exercise.name.replace("-", "_")
            (cell,) = [source for source in code if f'check("{exercise.name}"' in source]
            assert f"\n{name} = ...\n" in cell

    def test_all_markup_became_plain(self, editions, chapter):
        for edition in ("student.zip", "teacher.zip"):
            with zipfile.ZipFile(editions / edition) as archive:
                cells = json.loads(archive.read(f"{chapter}.ipynb"))["cells"]
            text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
            assert re.findall(r"^`{3,}\{[a-z:-]+\}|\{[a-z:]+\}`", text, re.MULTILINE) == []

    def test_links_between_chapters_lead_to_notebooks(self, editions, chapter):
        notebook = read(editions / f"student/{chapter}.ipynb", as_version=4)
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        targets = set(re.findall(r"\]\(([\w-]+\.ipynb)\)", text))
        assert {target for target in targets if not (editions / "student" / target).is_file()} == set()


def test_the_autograded_edition_has_tests_for_each_exercise(editions):
    with zipfile.ZipFile(editions / "autograded.zip") as archive:
        for chapter in checked_pages():
            with archive.open(f"{chapter}/autograder.zip") as inner, zipfile.ZipFile(inner) as tests:
                names = {Path(name).stem for name in tests.namelist() if re.match(r".*tests/[\w-]+\.py$", name)}
            assert names == {exercise.name for exercise in exercises_of(chapter)}


def test_equal_editions_are_equal_files(editions, tmp_path):
    """The zips depend on their contents only."""
    again = make_editions(output=tmp_path / "again")
    assert [path.read_bytes() for path in again[:2]] == [(editions / path.name).read_bytes() for path in again[:2]]
