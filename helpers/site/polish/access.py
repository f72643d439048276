"""Names, roles and regions that the theme and the extensions lack, for screen readers and keyboards."""

from __future__ import annotations

import re

_STEPS: tuple[tuple[str, str], ...] = (
    # a control is called by the words that it shows
    (r'(<button class="btn search-button-field[^>]*?) aria-label="Search"', r"\1"),
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    (r'<summary>(?=<span class="toctree-toggle")', '<summary aria-label="Pages of this part">'),
    # the sidebar is a landmark, with the name of the book in it
    (
        r'(<div id="pst-primary-sidebar" class="[^"]*")>',
        r'\1 role="navigation" aria-label="Book">',
    ),
    # entries of a bibliography are entries of a list
    (r'role="doc-biblioentry"', 'role="listitem"'),
    # a corner of a table that heads nothing
    (r"<th></th>", "<td></td>"),
    (r'<th class="blank[^"]*"\s*>(?:&nbsp;|\xa0)?</th>', "<td></td>"),
    # each exercise has a section with the same name
    (r'<section id="(exercise|solution)-content">', r'<section class="\1-content">'),
)
_LINES = re.compile(r"<dl>\n((?:<dd>(?:(?!<dd>|</?dl>).)*</dd>\n)+)</dl>", re.DOTALL)


def make_accessible(html: str) -> str:
    """A page with the names and roles that its controls, lists and tables lack."""
    for pattern, replacement in _STEPS:
        html = re.sub(pattern, replacement, html)
    return _LINES.sub(_parameters, html)


def _parameters(found: re.Match[str]) -> str:
    """The parameters of a long signature, each on a line: no list of definitions, since nothing is defined there."""
    lines = found[1].replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")
    return f'<span class="sig-lines">\n{lines}</span>'
