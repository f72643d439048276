"""The pages in JupyterLab: cells folded as on the site, and files that an opening and a saving leave as they are."""

from __future__ import annotations

import platform
import re
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError

from helpers.core.files import ROOT
from helpers.site.format_pages import CELL
from helpers.site.source import FOLDED, continued, page_sources

_FOLD = "jupyter: {source_hidden: true}"
_HEADER = re.compile(r"\A---\n.*?^---\n+", re.MULTILINE | re.DOTALL)
_LANGUAGE = f"""\
language_info: {{name: python, version: {platform.python_version()}, file_extension: .py, mimetype: text/x-python,
  codemirror_mode: {{name: ipython, version: 3}}, nbconvert_exporter: python, pygments_lexer: ipython3}}
"""
_NEW_HEADER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
---

"""


class PageManager(AsyncLargeFileManager):
    """The files of the project for JupyterLab, on which Jupytext builds: pages are read and written as below."""

    async def get(self, path: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        """A file or folder; the text of a page is prepared for reading as a notebook."""
        model: dict[str, Any] = await super().get(path, *arguments, **options)
        if self._is_page(path) and isinstance(model.get("content"), str):
            model["content"] = opened(model["content"], Path(self._get_os_path(path.strip("/"))))
        return model

    async def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        """Write a file; of a page, only what was changed."""
        file = Path(self._get_os_path(path.strip("/")))
        if self._is_page(path) and isinstance(model.get("content"), str) and file.is_file():
            try:
                model = {**model, "content": saved(model["content"], file.read_text(encoding="utf-8"), file)}
            except ValueError as error:
                raise HTTPError(409, str(error)) from error
        written: dict[str, Any] = await super().save(model, path)
        return written

    def _is_page(self, path: str) -> bool:
        file = Path(self._get_os_path(path.strip("/"))).resolve()
        return file.suffix == ".md" and (ROOT / "book").resolve() in file.parents


def opened(text: str, page: Path) -> str:
    """A page's text as Jupytext should read it: whole, with a kernel, and with cells folded that the site folds.

    Kernel and language are described as Jupyter does, since JupyterLab takes anything else for a change of the page.

    Args:
        text: the text of the page's file.
        page: the path of this file.
    """
    text = continued(text, page)
    header = _HEADER.match(text)
    named = (
        re.sub(r"^(  display_name: Python 3)$", r"\1 (ipykernel)", header[0], flags=re.MULTILINE)
        if header
        else _NEW_HEADER
    )
    text = named + text[header.end() if header else 0 :]
    text = text.replace("\n---\n", f"\n{_LANGUAGE}---\n", 1)
    return CELL.sub(_fold, text)


def saved(text: str, before: str, page: Path) -> str:
    """The text to write for a page that was opened: its header and each unchanged cell as they were before.

    Jupytext writes versions into the header, and the options of cells in its own format.

    Args:
        text: what Jupytext wrote.
        before: the text of the page's file.
        page: the path of this file.

    Raises:
        ValueError: a part was changed that the page shares with others, in the source that continues it.
    """
    whole = continued(before, page)
    header = _HEADER.match(whole)
    body = CELL.sub(partial(_restore, list(CELL.finditer(whole))), _HEADER.sub("", text))
    text = (header[0] if header else "") + body.strip("\n")
    shared = whole[len(before) :].strip("\n")
    if not text.endswith(shared):
        source = page_sources(page)[-1].name
        raise ValueError(
            f"below its parameters, {page.name} shows {source}, which other pages show too: change it there"
        )
    return text.removesuffix(shared).rstrip("\n") + before[len(before.rstrip("\n")) :]


def _fold(match: re.Match[str]) -> str:
    options, lines = _options(match["options"]), match["options"]
    if not FOLDED.intersection(options.get("tags", [])) or "jupyter" in options:
        return match[0]
    folded = lines.removesuffix("---\n") + f"{_FOLD}\n---\n" if lines.startswith("---") else f"{lines}:{_FOLD}\n"
    return _with_options(match, folded, match["code"])


def _restore(before: list[re.Match[str]], match: re.Match[str]) -> str:
    """A cell as it is to be written: if it or its options are those of a cell before, as they were written there."""
    for other in before:
        if _content(other) == _content(match):
            return other[0]
    options = _unfolded(_options(match["options"]))
    for other in before:
        if _options(other["options"]) == options:
            blank = "\n" if other["code"].startswith("\n") else ""  # between the options and the code
            return _with_options(match, other["options"], blank + match["code"].lstrip("\n"))
    lines = f"---\n{yaml.safe_dump(options, sort_keys=False, allow_unicode=True, width=1000)}---\n" if options else ""
    return _with_options(match, lines, match["code"])


def _with_options(match: re.Match[str], options: str, code: str) -> str:
    start, end = match.start("options") - match.start(), match.end("code") - match.start()
    return match[0][:start] + options + code + match[0][end:]


def _content(match: re.Match[str]) -> tuple[dict[str, Any], str]:
    """What a cell says, however its options are written."""
    return _unfolded(_options(match["options"])), match["code"].strip()


def _unfolded(options: dict[str, Any]) -> dict[str, Any]:
    folded = options.get("jupyter") == {"source_hidden": True} and FOLDED.intersection(options.get("tags", []))
    return {name: value for name, value in options.items() if not (folded and name == "jupyter")}


def _options(text: str) -> dict[str, Any]:
    lines = text.split("\n")
    block = "\n".join(lines[1:-2]) if text.startswith("---") else "\n".join(line.removeprefix(":") for line in lines)
    options: dict[str, Any] = yaml.safe_load(block) or {}
    return options
