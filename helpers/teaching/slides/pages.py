"""Pieces of a built page: sections, pictures, sliders, formulas, sentences, exercises; ready for another folder."""

from __future__ import annotations

import copy
import posixpath
import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag

HEADINGS = ("h1", "h2", "h3")
_CONTROL = ".kwm-frames"
_END = re.compile(r"(?<=[.?!])(?<!al\.)\s+(?=\S)")
_PER_CENT = re.compile(r"(\d(?:</span>)?) %")
_ADDRESSES = (("a", "href"), ("img", "src"))


class BuiltPage:
    """The article of a page in `_build/html/book/`.

    Attributes:
        name: the page in book/, without its suffix.
    """

    def __init__(self, html: Path, name: str) -> None:
        """Read the page.

        Args:
            html: the folder of the built book.
            name: the page in book/, without its suffix.

        Raises:
            ValueError: there is no such page.
        """
        path = html / "book" / f"{name}.html"
        if not path.is_file():
            raise ValueError(f"there is no page book/{name}")
        text = path.read_text(encoding="utf-8")
        self.name = name
        self.head = text[: text.index("<article")]
        article = text[text.index("<article") : text.index("</article>")]
        self._article = BeautifulSoup(article, "html.parser")

    @property
    def title(self) -> str:
        """The title, as HTML, without its number."""
        return self.heading(None)

    def section(self, name: str | None) -> Tag:
        """The section with some heading; None for the whole page.

        Raises:
            ValueError: there is none.
        """
        for section in self._article.find_all("section"):
            heading = _heading(section)
            if heading and (name is None or _plain(heading) == name):
                return section
        raise ValueError(f"book/{self.name} has no section {name!r}")

    def heading(self, name: str | None) -> str:
        """The heading of a section, as HTML, without its number."""
        heading = copy.copy(_heading(self.section(name)))
        for part in heading.select(".section-number, .headerlink"):
            part.decompose()
        return self._shown(heading, inner=True)

    def address(self, name: str | None) -> str:
        """Where the section is, from another folder of the book."""
        return f"../book/{self.name}.html" + ("" if name is None else f"#{self.section(name)['id']}")

    def number(self, name: str | None) -> str:
        """The number of a section, such as "3.2"; empty for a page without."""
        number = _heading(self.section(name)).find(class_="section-number")
        return number.get_text().strip(". ") if number else ""

    def piece(self, section: str | None, what: str) -> str:
        """A piece of a section, as HTML.

        Args:
            section: the heading; None for the opening of the page.
            what: such as "picture 1", "formula haar" or "say In words"; see `Slide.show`.

        Raises:
            ValueError: there is no such piece.
        """
        kind, _, which = what.partition(" ")
        if what == "link":
            return f'<p class="link"><a href="{self.address(section)}" target="_blank">Open it in the book</a></p>'
        finders: dict[str, Callable[[Tag, str], str]] = {"formula": self._formula, "say": self._sentence}
        if kind in finders:
            return finders[kind](self.section(section), which)
        selectors = {
            "picture": ".cell_output img, figure img",
            "control": _CONTROL,
            "table": "table",
            "list": "ul, ol",
            "code": ".cell_input .highlight, div[class^=highlight-diff] .highlight",
        }
        if kind not in selectors or not which.isdigit():
            raise ValueError(f"{what!r} is no piece of a page")
        found = [tag for tag in self.section(section).select(selectors[kind]) if self._is_own(tag, section, kind)]
        if not 1 <= int(which) <= len(found):
            raise ValueError(f"book/{self.name}, section {section!r}, has {len(found)} of {kind}, so no {what!r}")
        tag = found[int(which) - 1]
        return self._picture(tag) if kind == "picture" else self._shown(tag)

    def question(self) -> str:
        """The paragraphs from "The question." to the goals."""
        first = self._paragraph(None, "The question.")
        texts = [self._shown(first)]
        for following in first.find_next_siblings():
            if following.name != "p":
                break
            texts.append(self._shown(following))
        return "".join(texts)

    def goals(self) -> tuple[str, str]:
        """The title and the list of the goals."""
        for box in self._article.select(".admonition.tip"):
            title = box.find(class_="admonition-title").get_text()
            if title.startswith("What you can do"):
                return escape(title), self._shown(box.find("ul"))
        raise ValueError(f"book/{self.name} has no goals")

    def exercise(self, label: str) -> tuple[str, str, str]:
        """Title, text and solution of an exercise; the text without the line on checking one's own answer."""
        box, solution = self._exercise(label)
        title = re.sub(r"^\s*Exercise [\d.]+\s*\((.*)\)\s*$", r"\1", box.find(class_="admonition-title").get_text())
        content = copy.copy(box.find("section"))
        for paragraph in content.find_all("p"):
            if paragraph.get_text().startswith("Your answer"):
                paragraph.decompose()
        return escape(title), self._shown(content, inner=True), self._shown(solution.find("section"), inner=True)

    def quiz(self, label: str, number: int) -> tuple[str, str]:
        """A question of a self-test, with its options if it has any, and the answer."""
        texts = []
        for box in self._exercise(label):
            items = box.find("section").find("ol").find_all("li", recursive=False)
            if number > len(items):
                raise ValueError(f"book/{self.name}: {label!r} has {len(items)} questions, so no number {number}")
            texts.append(self._shown(items[number - 1], inner=True))
        return texts[0], texts[1]

    def misconception(self, page: str) -> tuple[str, str, str]:
        """On the teacher's page: what students of a chapter believe, a question that meets it, and the answer."""
        rows = (row.find_all("td") for row in self._article.select("tr") if row.select(f'td a[href="{page}.html"]'))
        cells = next((cells for cells in rows if len(cells) == 4), None)
        if cells is None:
            raise ValueError(f"book/{self.name} has no row of a misconception for {page}")
        belief, question, answer = (self._shown(cell.find("p") or cell, inner=True) for cell in cells[1:])
        return belief, question, answer

    def _exercise(self, label: str) -> tuple[Tag, Tag]:
        box = self._article.find(class_="exercise", id=label)
        if box is None:
            raise ValueError(f"book/{self.name} has no exercise {label!r}")
        return box, box.find_next(class_="solution")

    def _formula(self, section: Tag, label: str) -> str:
        formula = section.find(id=f"equation-{label}")
        if formula is None:
            raise ValueError(f"book/{self.name} has no formula {label!r} in section {_plain(_heading(section))!r}")
        words = formula.find_next_sibling("p")
        reading = next((part for part in _sentences(words) if _text(part).startswith("In words")), "") if words else ""
        return self._shown(formula) + (f"<p>{self._readdressed(reading)}</p>" if reading else "")

    def _sentence(self, section: Tag, beginning: str) -> str:
        """The sentence that begins with some words; after a sentence in bold, which is a heading, the next one too."""
        for text in section.find_all(["p", "li"]):
            sentences = _sentences(text)
            for number, sentence in enumerate(sentences):
                if _text(sentence).startswith(beginning):
                    is_lead = sentence.startswith("<strong>") and sentence.endswith("</strong>")
                    whole = " ".join(sentences[number : number + 1 + is_lead])
                    return f"<p>{self._readdressed(whole)}</p>"
        raise ValueError(f"book/{self.name}, section {_plain(_heading(section))!r}: no sentence begins {beginning!r}")

    def _paragraph(self, section: str | None, beginning: str) -> Tag:
        for text in self.section(section).find_all("p"):
            if _text(str(text)).startswith(beginning):
                return text
        raise ValueError(f"book/{self.name} has no paragraph that begins {beginning!r}")

    def _is_own(self, tag: Tag, section: str | None, kind: str) -> bool:
        """Whether a tag is in the section itself: no subsection, no exercise, no folded code, no part of a slider."""
        home = tag.find_parent(lambda parent: parent.name == "section" and _heading(parent) is not None)
        inside = [tag.find_parent(class_=name) for name in ("exercise", "solution", "admonition-title")]
        if kind == "picture":
            inside.append(tag.find_parent(class_=_CONTROL[1:]))
        if kind == "code":
            inside.append(tag.find_parent("details"))
        if kind == "list":
            inside += [tag.find_parent("li"), tag.find_parent(class_="admonition")]
        return home is self.section(section) and not any(inside)

    def _picture(self, image: Tag) -> str:
        figure = image.find_parent("figure")
        caption = figure and figure.find("figcaption")
        below = f"<figcaption>{self._shown(caption, inner=True)}</figcaption>" if caption else ""
        return f"<figure>{self._shown(image)}{below}</figure>"

    def _shown(self, tag: Tag, inner: bool = False) -> str:
        return self._readdressed(tag.decode_contents() if inner else str(tag))

    def _readdressed(self, text: str) -> str:
        """HTML without anchors of its own, whose addresses lead from any folder of the book to their targets."""
        part = BeautifulSoup(text, "html.parser")
        for tag in part.select(".headerlink, .caption-number, button.copybtn, script"):
            tag.decompose()
        for tag in part.find_all(id=True):
            del tag["id"]
        for name, key in _ADDRESSES:
            for tag in part.find_all(name, attrs={key: True}):
                parts = urlsplit(tag[key])
                if parts.scheme or parts.netloc:
                    continue
                path = posixpath.normpath(posixpath.join("book", parts.path or f"{self.name}.html"))
                tag[key] = f"../{path}" + (f"#{parts.fragment}" if parts.fragment else "")
        return _PER_CENT.sub("\\1\N{NO-BREAK SPACE}%", str(part))


def _heading(section: Tag) -> Tag | None:
    return section.find(HEADINGS, recursive=False)


def _plain(heading: Tag) -> str:
    skipped = {id(part) for part in heading.select(".section-number, .headerlink")}
    words = [text for text in heading.strings if not any(id(parent) in skipped for parent in text.parents)]
    return " ".join("".join(words).split())


def _text(html: str) -> str:
    return " ".join(BeautifulSoup(html, "html.parser").get_text().split())


def _sentences(paragraph: Tag) -> list[str]:
    """The sentences of a paragraph, as HTML; emphasis and links are not cut."""
    sentences, complete = [""], False
    for child in paragraph.children:
        if isinstance(child, Tag):
            sentences[-1] += str(child)
            complete = child.get_text().rstrip("”’)\"'").endswith((".", "?", "!"))
            continue
        text = escape(str(child), quote=False)
        if complete and text[:1].isspace():
            sentences.append("")
        parts = _END.split(text)
        sentences[-1] += parts[0]
        sentences += parts[1:]
        complete = False
        if text.rstrip() != text and text.rstrip().endswith((".", "?", "!")):
            sentences.append("")
    return [sentence.strip() for sentence in sentences if sentence.strip()]
