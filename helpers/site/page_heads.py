"""The head of each page of the site: its description for search engines, its social picture, and its icons."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes

from helpers.core.files import ROOT
from helpers.site.repository import find_repository

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LONGEST = 300
"""Characters of a description; search engines show about half of them."""

SOCIAL_PICTURE, SOCIAL_SIZE = "social.jpg", (1200, 630)
SOCIAL_WORDS = "A photograph of a cat, and the small part of it by which a classifier still recognises a cat"
ICONS = (("icon", "favicon-48.png", "48x48"), ("apple-touch-icon", "apple-touch-icon.png", "180x180"))
"""Relation, file in `book/_static/` and size of the icons besides the SVG."""

_QUESTION = re.compile(r"^The question\.\s+")


def add_head(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Add description, social picture and icons to the head of a page; a handler of Sphinx's `html-page-context`."""
    if doctree is None:  # index, search
        return
    described = description(doctree)
    book = app.config.html_title  # Jupyter Book leaves `project` unset
    title = f"{context['title']}, {book}" if page != app.config.root_doc else book
    tags = [_meta("name", "description", described)] if described else []
    tags += [
        _meta("property", "og:type", "article"),
        _meta("property", "og:site_name", book),
        _meta("property", "og:title", re.sub(r"<[^>]+>", "", title)),
        _meta("property", "og:description", described),
        _meta("name", "twitter:card", "summary_large_image"),
    ]
    address = site_address()
    if address is not None:  # social networks take absolute addresses only
        tags += [
            _meta("property", "og:url", f"{address}{page}.html"),
            _meta("property", "og:image", f"{address}_static/{SOCIAL_PICTURE}"),
            _meta("property", "og:image:width", str(SOCIAL_SIZE[0])),
            _meta("property", "og:image:height", str(SOCIAL_SIZE[1])),
            _meta("property", "og:image:alt", SOCIAL_WORDS),
        ]
    static = "../" * page.count("/") + "_static"
    tags += [f'<link rel="{relation}" href="{static}/{file}" sizes="{size}"/>' for relation, file, size in ICONS]
    context["metatags"] = "\n".join([context.get("metatags", ""), *tags])


def description(doctree: nodes.document) -> str:
    """A page's question if it opens with one, else its first paragraph, as plain text of at most `LONGEST` characters.

    It ends with a sentence, or else with an ellipsis.
    """
    for paragraph in doctree.findall(nodes.paragraph):
        if _in_prose(paragraph):
            text = _QUESTION.sub("", re.sub(r"\s+", " ", paragraph.astext()).strip())
            return _shortened(text)
    return ""


def site_address(root: Path = ROOT) -> str | None:
    """The address of the published site, with a slash at its end; None without a public repository."""
    repository = find_repository(root)
    return None if repository is None else f"https://{repository.owner}.github.io/{repository.name}/"


def _in_prose(paragraph: nodes.paragraph) -> bool:
    """Whether a paragraph stands in the text itself, not in a box, a list, a table or an output."""
    return isinstance(paragraph.parent, nodes.section) and len(paragraph.astext()) > 40


def _shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    sentences = re.match(rf"(.{{40,{LONGEST}}}[.?!])(?=\s)", text)
    return sentences[1] if sentences else f"{text[: LONGEST - 1].rsplit(' ', 1)[0]}…"


def _meta(key: str, name: str, content: str) -> str:
    return f'<meta {key}="{name}" content="{escape(content)}"/>'
