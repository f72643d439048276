"""The pages in JupyterLab: an opening and a saving change nothing, an edit changes its cell, code is folded."""

import asyncio
import difflib
import re
from pathlib import Path

import jupytext
import pytest
from jupytext import build_async_jupytext_contents_manager_class
from tornado.web import HTTPError

from helpers.core.files import ROOT
from helpers.site import lab, toc_pages
from helpers.site.lab import PageManager, opened, saved
from helpers.site.source import FOLDED, page_sources

PAGES = sorted((ROOT / "book").rglob("*.md"))
CONTINUED = [page for page in PAGES if len(page_sources(page)) > 1]


def read(page: Path):
    """The notebook that JupyterLab shows, with what it adds by itself."""
    notebook = jupytext.reads(opened(page.read_text(encoding="utf-8"), page), fmt="md:myst")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata["execution"] = {"iopub.execute_input": "2026-11-27T07:00:00Z"}
            cell.metadata["trusted"] = True
    return notebook


def written(notebook, page: Path) -> str:
    return saved(jupytext.writes(notebook, fmt="md:myst"), page.read_text(encoding="utf-8"), page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT / "book").as_posix())
def test_opening_and_saving_change_nothing(page):
    notebook = read(page)
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    assert written(notebook, page) == page.read_text(encoding="utf-8")


def test_code_is_folded_as_on_the_site():
    for page in PAGES:
        cells = [cell for cell in read(page).cells if cell.cell_type == "code"]
        folded = [cell.metadata.get("jupyter", {}).get("source_hidden", False) for cell in cells]
        assert folded == [bool(FOLDED.intersection(cell.metadata.get("tags", []))) for cell in cells]


@pytest.mark.parametrize("name", ["starting-masks.md", "figures/explainer-shortcut.md", "intro.md"])
def test_an_edit_changes_its_own_cell_only(name):
    page = ROOT / "book" / name
    before = page.read_text(encoding="utf-8").splitlines()
    count = len(read(page).cells)
    for index in {0, 1, count // 2, count - 1} & set(range(count)):
        notebook = read(page)
        notebook.cells[index].source += "\n# an edit"
        difference = list(difflib.ndiff(before, written(notebook, page).splitlines()))
        assert [line for line in difference if not line.startswith("  ")] == ["+ # an edit"]


def test_the_shared_part_of_a_page_is_changed_in_its_source():
    page = CONTINUED[0]
    notebook = read(page)
    notebook.cells[-1].source += "\nAn edit."
    with pytest.raises(ValueError, match=rf"below its parameters, {page.name} shows .*change it there"):
        written(notebook, page)
    notebook = read(page)
    notebook.cells[0].source += "\n\nAn edit."
    assert "An edit." in written(notebook, page)


def test_a_new_page_is_written_as_it_is():
    text = "---\nkernelspec:\n  name: python3\n---\n\n# New\n"
    assert saved("# New\n", text, Path("new.md")) == text


class TestManager:
    @pytest.fixture
    def manager(self, tmp_path, monkeypatch):
        """What `make lab` serves the files with, on a small copy of the book."""
        for page in ("starting-masks.md", "references.md", *(source.name for source in page_sources(CONTINUED[0]))):
            found = next(path for path in PAGES if path.name == page)
            target = tmp_path / found.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(found.read_bytes())
        monkeypatch.setattr(lab, "ROOT", tmp_path)
        return build_async_jupytext_contents_manager_class(PageManager)(root_dir=str(tmp_path))

    @pytest.mark.parametrize("name", ["book/starting-masks.md", "book/references.md"])
    def test_a_page_stays_as_it_is(self, manager, tmp_path, name):
        model = asyncio.run(manager.get(name, type="notebook"))
        assert model["content"]["cells"]
        asyncio.run(manager.save({"type": "notebook", "content": model["content"]}, name))
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes()

    def test_a_refusal_is_shown(self, manager):
        name = CONTINUED[0].relative_to(ROOT).as_posix()
        model = asyncio.run(manager.get(name, type="notebook"))
        model["content"]["cells"][-1]["source"] += "\nAn edit."
        with pytest.raises(HTTPError, match="change it there"):
            asyncio.run(manager.save({"type": "notebook", "content": model["content"]}, name))


def test_the_start_page_lists_the_notebooks_in_order():
    start = (ROOT / "book/start.md").read_text(encoding="utf-8")
    links = re.findall(r"^\d+\. \[(.*)\]\((.*)\)$", start, re.MULTILINE)
    pages = [page for page in toc_pages() if page.count("/") == 1 or "/figures/" in page]
    assert [f"book/{link}" for _, link in links] == [page for page in pages if not page.endswith(OTHERS)]
    for title, link in links:
        assert f"# {title}\n" in (ROOT / "book" / link).read_text(encoding="utf-8")
    assert "default_url=/lab/tree/book/start.md" in (ROOT / "Makefile").read_text(encoding="utf-8")


OTHERS = (
    "intro.md",
    "try-it.md",
    "teach.md",
    "sessions.md",
    "glossary.md",
    "notation.md",
    "references.md",
    "run-it.md",
    "add-a-method.md",
    "contributing.md",
    "architecture.md",
    "status.md",
    "release-notes.md",
)
"""Pages that the start page mentions in its text or not at all: all but the first have no code."""


def test_all_markup_is_known_in_jupyterlab():
    """What pages use was seen to be shown by jupyterlab-myst 2.7 in JupyterLab 4.6; glued numbers appear by name."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if "/reference/" not in page.as_posix())
    directives = set(re.findall(r"^(?:`{3,}|:{3,})\{([a-z:_-]+)\}", text, re.MULTILINE))
    roles = set(re.findall(r"\{([a-z:]+)\}`", text))
    known = {
        "admonition",
        "bibliography",
        "code-cell",
        "dropdown",
        "exercise",
        "glue",
        "glue:figure",
        "math",
        "solution",
    }
    assert directives - known == set()
    assert roles - {"cite:p", "cite:t", "doc", "eq", "glue:text", "numref", "ref"} == set()
