"""The address of the repository, set once in `_config.yml`, and what follows from it: the buttons of each page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import yaml

from helpers.core.files import ROOT
from helpers.site.chapters import load_chapters

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

NOTEBOOKS_BRANCH = "notebooks"
"""The branch to which `.github/workflows/book.yml` pushes the notebooks that Colab opens."""

_ADDRESS = re.compile(r"https://github\.com/(?P<owner>[\w-]+)/(?P<name>[\w.-]+?)/?")
_MARK = "{{ repository }}"


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub.

    Attributes:
        owner: its owner, a person or an organisation.
        name: its name.
        branch: the branch from which the book is published.
    """

    owner: str
    name: str
    branch: str = "main"

    @property
    def address(self) -> str:
        """Its page on the web, which `git clone` takes too."""
        return f"https://github.com/{self.owner}/{self.name}"

    def edit(self, page: str) -> str:
        """The address at which GitHub opens the source of a page, such as `book/wavelets.md`, in its editor."""
        return f"{self.address}/edit/{self.branch}/{page}"

    def issue(self, page: str) -> str:
        """The address of a new issue whose title names the page."""
        return f"{self.address}/issues/new?{urlencode({'title': f'{page}: '}, quote_via=quote)}"

    def binder(self, page: str) -> str:
        """The address at which Binder opens a page as a notebook in JupyterLab."""
        return f"https://mybinder.org/v2/gh/{self.owner}/{self.name}/{self.branch}?urlpath=lab/tree/{page}"

    def colab(self, page: str) -> str:
        """The address at which Colab opens the students' notebook of a chapter, which is in a branch of its own."""
        notebook = Path(page).with_suffix(".ipynb").as_posix()
        place = f"{self.owner}/{self.name}/blob/{NOTEBOOKS_BRANCH}/{notebook}"
        return f"https://colab.research.google.com/github/{place}"


def find_repository(root: Path = ROOT) -> Repository | None:
    """The repository that `_config.yml` names; None if it names none.

    Raises:
        ValueError: the address is not that of a repository on GitHub.
    """
    path = root / "_config.yml"
    return _parsed(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=4)
def _parsed(text: str) -> Repository | None:
    settings = (yaml.safe_load(text) or {}).get("repository") or {}
    address = settings.get("url")
    if not address:
        return None
    match = _ADDRESS.fullmatch(str(address))
    if match is None:
        raise ValueError(f"_config.yml: repository: url: {address!r} is not of the form https://github.com/OWNER/NAME")
    return Repository(match["owner"], match["name"], str(settings.get("branch") or "main"))


def with_address(text: str, root: Path = ROOT) -> str:
    """The text of a page, with the repository's address in place of `{{ repository }}`."""
    if _MARK not in text:
        return text
    repository = find_repository(root)
    return text.replace(_MARK, repository.address if repository else "ADDRESS-OF-THE-REPOSITORY")


def add_buttons(app: Sphinx, name: str, template: str, context: dict[str, Any], document: nodes.document) -> None:
    """Add a page's buttons to those of the theme, for Sphinx's event `html-page-context`.

    The theme's own lead to `.ipynb` files beside the pages, which are not in the repository.
    """
    repository = find_repository()
    if repository is None or name not in app.env.found_docs or not str(name).startswith("book/"):
        return
    page = f"{name}.md"
    source = [
        link_button("Edit this page", repository.edit(page), "fas fa-pencil-alt", "source-edit-button"),
        link_button("Report a fault", repository.issue(page), "fas fa-lightbulb", "source-issues-button"),
        link_button("Repository", repository.address, "fab fa-github", "source-repository-button"),
    ]
    groups = [_group("The source of this page", source, "fab fa-github", "source-buttons")]
    if Path(app.env.doc2path(name)).suffix == ".ipynb" or "kernelspec" in app.env.metadata[name]:
        run = [link_button("Binder", repository.binder(page), "_static/images/logo_binder.svg", "launch-binder")]
        if page in load_chapters():  # students' notebooks, which any notebook program shows
            run.append(link_button("Colab", repository.colab(page), "_static/images/logo_colab.png", "launch-colab"))
        groups.insert(0, _group("Run this page", run, "fas fa-rocket", "launch-buttons"))
    context["header_buttons"][:0] = groups


def link_button(text: str, url: str, icon: str, label: str, tooltip: str | None = None) -> dict[str, str]:
    """A button of the theme that leads to an address; its tooltip is by default its text."""
    return {"type": "link", "text": text, "url": url, "icon": icon, "label": label, "tooltip": tooltip or text}


def _group(tooltip: str, buttons: list[dict[str, str]], icon: str, label: str) -> dict[str, object]:
    return {"type": "group", "tooltip": tooltip, "buttons": buttons, "icon": icon, "label": label}
