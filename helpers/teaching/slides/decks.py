"""One HTML file per session: slides of reveal.js, opened from disk, made of pieces of the built chapters."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from html import escape, unescape
from pathlib import Path

from helpers.core.files import ROOT, atomic_write
from helpers.site.polish import handler_tags, with_policy
from helpers.teaching.slides.pages import BuiltPage
from helpers.teaching.slides.plan import PLAN, Block, Session, Slide, load_plan

FOLDER = "slides"
"""The folder of the slides in the built book, beside `book`: addresses such as `../_images/…` are right in both."""
TEACHERS_PAGE, PLAN_PAGE = "teach", "sessions"
"""The pages in book/ with the misconceptions, and with the minutes of each session."""


def build_slides(html: Path, root: Path = ROOT) -> list[Path]:
    """Write `slides/session-1.html` and the others into the built book.

    Args:
        html: the folder of the built book.
        root: the project, with `book/slides.yaml`.

    Returns:
        The files, one per session.

    Raises:
        ValueError: there is no built book, or the plan names what its pages do not have; the message lists all such
            places.
    """
    if not (html / "book").is_dir():
        raise ValueError(f"there is no built book in {html}; `make book` builds it, with its slides")
    plan, pages = load_plan(root), _Pages(html)
    decks = [_Deck(pages, session, number) for number, session in enumerate(plan.sessions, start=1)]
    texts = [deck.html() for deck in decks]
    if faults := [fault for deck in decks for fault in deck.faults]:
        listed = "\n".join(f"  {fault}" for fault in faults)
        raise ValueError(f"{PLAN} does not fit the pages, so the slides were not made; change the plan:\n{listed}")
    files = [html / FOLDER / f"session-{number}.html" for number in range(1, len(texts) + 1)]
    for path, text in zip(files, texts, strict=True):
        path.parent.mkdir(exist_ok=True)
        atomic_write(path, text.encode())
    return files


class _Pages:
    """The built pages, each read once."""

    def __init__(self, html: Path) -> None:
        self._html, self._pages = html, {}

    def __getitem__(self, name: str) -> BuiltPage:
        if name not in self._pages:
            self._pages[name] = BuiltPage(self._html, name)
        return self._pages[name]


class _Deck:
    """The slides of one session.

    Attributes:
        faults: what the plan names and the pages do not have, as sentences.
    """

    def __init__(self, pages: _Pages, session: Session, number: int) -> None:
        self.faults: list[str] = []
        self._pages, self._session, self._number = pages, session, number

    def html(self) -> str:
        """The file."""
        slides, begin = [self._opening()], 0
        for block in self._session.blocks:
            timing = f"<p>Minutes {begin} to {begin + block.minutes}.</p>"
            for index, slide in enumerate(block.slides):
                try:
                    slides.append(self._slide(block, slide, timing if index == 0 else ""))
                except ValueError as error:
                    self.faults.append(f"session {self._number}: {error}")
            begin += block.minutes
        title = f"Session {self._number}: {self._session.title}"
        text = "\n".join(slides)
        scripts = f"{self._mathjax()}\n{handler_tags(text, '../')}"
        page = _FILE.format(title=escape(title), scripts=scripts.strip(), slides=text)
        return with_policy(page, scripts=_speaker_scripts())

    def _opening(self) -> str:
        links = [
            f'<li><a href="{self._pages[page].address(None)}">{self._pages[page].title}</a></li>'
            for page in self._session.pages
        ]
        return (
            '<section class="opening"><div class="body">'
            f"<p>Keep What Matters · session {self._number} of 6 · 90 minutes</p><h1>{escape(self._session.title)}</h1>"
            f'<ul>{"".join(links)}</ul></div><footer><a href="../book/{PLAN_PAGE}.html">The plan of the sessions</a>'
            " · <kbd>S</kbd> opens the speaker’s notes, <kbd>O</kbd> the overview, <kbd>F</kbd> the full screen"
            "</footer></section>"
        )

    def _slide(self, block: Block, slide: str | Slide, timing: str) -> str:
        page, section, notes = self._pages[block.page], block.section, ""
        if slide == "question":
            return self._section(page, None, page.title, page.question(), timing, kind="question")
        if slide == "goals":
            title, goals = page.goals()
            return self._section(page, None, title, goals, timing, kind="words")
        if slide == "summary":
            text = page.piece("Summary", "list 1")
            return self._section(page, "Summary", f"Summary: {page.title}", text, timing, kind="words")
        if slide == "misconception":
            belief, question, answer = self._pages[TEACHERS_PAGE].misconception(block.page)
            text = (
                f'<p class="belief">“{belief}”</p><p><strong>{question}</strong></p>'
                f'<div class="answer fragment">{answer}</div>'
            )
            return self._section(page, None, "True or false?", text, timing, kind="words")
        assert isinstance(slide, Slide)
        notes = timing + (f"<p>{escape(slide.notes)}</p>" if slide.notes else "")
        if slide.exercise:
            title, text, solution = page.exercise(slide.exercise)
            return self._section(page, "Exercises", title, text, notes + solution, kind="exercise")
        if slide.quiz and slide.number:
            text, answer = page.quiz(slide.quiz, slide.number)
            text += f'<div class="answer fragment">{answer}</div>'
            return self._section(page, "Exercises", "Test yourself", text, notes, kind="words")
        section = slide.section or block.section
        pieces = [page.piece(section, what) for what in slide.show]
        if slide.beside:
            pieces = [f"<div>{pieces[0]}</div><div>{''.join(pieces[1:])}</div>"]
        kind = "beside" if slide.beside else "shown"
        return self._section(page, section, page.heading(section), "".join(pieces), notes, kind=kind)

    def _section(self, page: BuiltPage, section: str | None, title: str, body: str, notes: str, *, kind: str) -> str:
        number = page.number(section)
        source = f"{number} {page.title}" if section is None else f"{number} {page.title}: {page.heading(section)}"
        aside = f'<aside class="notes mathjax_ignore">{notes}</aside>' if notes else ""
        return (
            f'<section class="{kind}"><h2>{title}</h2><div class="body">{body}</div>'
            f'<footer><a href="{page.address(section)}">{source.strip()}</a></footer>{aside}</section>'
        )

    def _mathjax(self) -> str:
        """The scripts of the page's formulas, as the chapters of the session load them."""
        for name in self._session.pages:
            scripts = re.findall(r"<script[^>]*>[^<]*</script>", self._pages[name].head)
            found = [script for script in scripts if "mathjax" in unescape(script).lower()]
            if found:
                return "\n".join(found)
        return ""


@lru_cache
def _speaker_scripts(path: Path = ROOT / "book/_static/reveal/notes.js") -> tuple[str, ...]:
    """The script that reveal's notes write into the speaker's window, which obeys the policy of the slides."""
    literal = re.search(r"<script>((?:[^\\]|\\.)*?)<\\/script>", path.read_text(encoding="utf-8"))
    if literal is None:
        raise ValueError(f"{path}: there is no script of a speaker's window; see helpers/teaching/slides/decks.py")
    return (json.loads(f'"{literal[1]}"'),)


_FILE = """<!DOCTYPE html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="../_static/favicon.svg">
<link rel="stylesheet" href="../_static/reveal/reveal.css">
<link rel="stylesheet" href="../_static/pygments.css">
<link rel="stylesheet" href="../_static/slides.css">
{scripts}
<script defer src="../_static/reveal/reveal.js"></script>
<script defer src="../_static/reveal/notes.js"></script>
<script defer src="../_static/slides.js"></script>
<noscript><style>
.reveal.measured, .reveal.measured .slides > section {{ visibility: visible !important; }}
</style></noscript>
</head>
<body>
<main class="reveal measured"><div class="slides">
{slides}
</div></main>
</body>
</html>
"""
