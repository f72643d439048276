"""The address of the repository: set once, followed everywhere; without one, no buttons."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from helpers.core.files import ROOT
from helpers.site.citation import format_citation, version
from helpers.site.repository import Repository, add_buttons, find_repository, with_address

SETTING = "repository:\n  url: https://github.com/lab/book\n  branch: trunk\n"


def buttons(name: str, source: str, metadata: dict, found: bool = True) -> list[dict]:
    environment = SimpleNamespace(
        found_docs={name} if found else set(), doc2path=lambda name: name + source, metadata={name: metadata}
    )
    context = {"header_buttons": [{"label": "theme"}]}
    add_buttons(SimpleNamespace(env=environment), name, "page.html", context, None)
    return context["header_buttons"]


def addresses(groups: list[dict]) -> dict[str, str]:
    return {button["text"]: button["url"] for group in groups for button in group.get("buttons", ())}


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in ("pyproject.toml", "CITATION.cff"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "_config.yml").write_text(SETTING)
    monkeypatch.setattr("helpers.site.repository.find_repository", lambda root=tmp_path: find_repository(root))
    return tmp_path


class TestButtons:
    def test_a_page_with_code_can_be_edited_and_run(self, project):
        groups = buttons("book/wavelets", ".ipynb", {})
        assert groups[-1] == {"label": "theme"}
        assert addresses(groups) == {
            "Binder": "https://mybinder.org/v2/gh/lab/book/trunk?urlpath=lab/tree/book/wavelets.md",
            "Colab": "https://colab.research.google.com/github/lab/book/blob/notebooks/book/wavelets.ipynb",
            "Edit this page": "https://github.com/lab/book/edit/trunk/book/wavelets.md",
            "Report a fault": "https://github.com/lab/book/issues/new?title=book%2Fwavelets.md%3A%20",
            "Repository": "https://github.com/lab/book",
        }

    def test_colab_opens_the_notebooks_of_chapters_only(self, project):
        assert "Binder" in addresses(buttons("book/figures/recartoonx-fig3", ".ipynb", {}))
        assert "Colab" not in addresses(buttons("book/figures/recartoonx-fig3", ".ipynb", {}))

    def test_a_page_without_code_cannot_be_run(self, project):
        assert set(addresses(buttons("book/notation", ".md", {}))) == {"Edit this page", "Report a fault", "Repository"}
        assert "Colab" in addresses(buttons("book/wavelets", ".md", {"kernelspec": {}})), "built by jupyter-book itself"

    def test_pages_that_sphinx_adds_have_none(self, project):
        assert buttons("genindex", ".html", {}, found=False) == [{"label": "theme"}]

    def test_without_an_address_there_are_none(self, project):
        (project / "_config.yml").write_text("title: x\n")
        assert buttons("book/wavelets", ".ipynb", {}) == [{"label": "theme"}]
        assert "ADDRESS" in with_address("git clone {{ repository }}", project)
        assert format_citation(root=project) == ["CITATION.cff"]
        assert "\nrepository-code:" not in (project / "CITATION.cff").read_text()

    def test_a_page_can_say_the_address(self, project):
        assert with_address("git clone {{ repository }}", project) == "git clone https://github.com/lab/book"

    @pytest.mark.parametrize("url", ["github.com/lab/book", "https://github.com/lab", "https://example.org/lab/book"])
    def test_another_address_is_refused(self, tmp_path, url):
        (tmp_path / "_config.yml").write_text(f"repository: {{url: '{url}'}}\n")
        with pytest.raises(ValueError, match="OWNER/NAME"):
            find_repository(tmp_path)

    def test_the_page_of_an_address_may_end_with_a_slash_or_git(self, tmp_path):
        (tmp_path / "_config.yml").write_text("repository: {url: https://github.com/lab/book/}\n")
        assert find_repository(tmp_path) == Repository("lab", "book", "main")


class TestOnePlace:
    def test_nothing_else_names_the_address(self):
        """But CITATION.cff, which `python -m helpers format` writes and `make check` compares."""
        address = find_repository().address
        files = [path for name in ("book", "helpers", ".github", ".binder", ".devcontainer") for path in written(name)]
        files += [ROOT / "README.md", ROOT / "pyproject.toml", ROOT / "Makefile"]
        assert [str(path) for path in files if address in path.read_text(encoding="utf-8", errors="ignore")] == []

    def test_the_citation_follows(self, project):
        text = (project / "pyproject.toml").read_text()
        (project / "pyproject.toml").write_text(re.sub(r'(?m)^version = ".*"$', 'version = "7.8.9"', text))
        assert version(project) == "7.8.9"
        assert format_citation(check=True, root=project) == ["CITATION.cff"]
        assert format_citation(root=project) == ["CITATION.cff"]
        assert format_citation(root=project) == []
        citation = yaml.safe_load((project / "CITATION.cff").read_text())
        assert citation["version"] == "7.8.9"
        assert citation["repository-code"] == "https://github.com/lab/book"

    def test_the_release_notes_have_the_version(self):
        notes = (ROOT / "book/release-notes.md").read_text(encoding="utf-8")
        assert re.search(r"^## (\S+?),? ", notes, re.MULTILINE)[1] == version()


def written(folder: str) -> list[Path]:
    return [path for path in (ROOT / folder).rglob("*") if path.suffix in {".md", ".py", ".yml", ".yaml", ".json", ""}
            and path.is_file()]  # fmt: skip


def test_the_citation_is_valid():
    """By the schema of the Citation File Format."""
    arguments = ["--builtin-schema", "vendor.citation-file-format", str(ROOT / "CITATION.cff")]
    done = subprocess.run([sys.executable, "-m", "check_jsonschema", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
