"""The plan of the slides: which pieces of the chapters each session shows, in blocks of some minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from helpers.core.files import ROOT
from helpers.core.strict_yaml import described, read_strict_yaml

PLAN = "book/slides.yaml"
MINUTES = 90
"""The length of a session."""

Whole = Literal["question", "goals", "summary", "misconception"]
"""Slides of pieces that every chapter has once, and of its misconception on the teacher's page."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Slide(_Entry):
    """One slide; exactly one of `show`, `exercise` and `quiz` says what is on it.

    Attributes:
        show: pieces of the section, from top to bottom: `picture 1`, `control 1` (a slider or a list), `table 1`,
            `list 1`, `code 1` (each counted within the section), `formula LABEL` (with its reading in words),
            `say WORDS`, the sentence that begins with these words, and `link`, the way to the section in the book.
        exercise: the label of an exercise; its solution is in the speaker's notes.
        quiz: the label of a self-test, of which the slide has question `number`; the answer appears on the next press.
        number: which question of the self-test, from 1.
        section: the heading of another section of the page than the block's.
        beside: the first piece on the left, the others on the right, in place of one below the other.
        notes: for the speaker only.
    """

    show: list[str] = []
    exercise: str | None = None
    quiz: str | None = None
    number: Annotated[int, Field(ge=1)] | None = None
    section: str | None = None
    beside: bool = False
    notes: str = ""

    @model_validator(mode="after")
    def _one_content(self) -> Slide:
        if sum(map(bool, (self.show, self.exercise, self.quiz))) != 1 or (self.number is None) != (self.quiz is None):
            raise ValueError("a slide has either `show`, or `exercise`, or `quiz` with `number`")
        return self


class Block(_Entry):
    """Some minutes of a session, on one section of a page.

    Attributes:
        page: the page in book/, without `.md`.
        section: its heading; None for the opening of the page.
        minutes: the time for the block.
        slides: in order.
    """

    page: str
    section: str | None = None
    minutes: Annotated[int, Field(ge=1, le=MINUTES)]
    slides: list[Whole | Slide] = []


class Session(_Entry):
    """A session of 90 minutes."""

    title: str
    blocks: list[Block]

    @model_validator(mode="after")
    def _length(self) -> Session:
        if (total := sum(block.minutes for block in self.blocks)) != MINUTES:
            raise ValueError(f"{self.title!r}: the minutes of its blocks make {total}, not {MINUTES}")
        return self

    @property
    def pages(self) -> list[str]:
        """The pages of the session, each once, in order."""
        return list(dict.fromkeys(block.page for block in self.blocks))


class Plan(_Entry):
    """All sessions."""

    sessions: list[Session]


def load_plan(root: Path = ROOT) -> Plan:
    """Read `book/slides.yaml`.

    Raises:
        ValueError: an entry is wrong, or the minutes of a session do not make 90.
    """
    try:
        return Plan.model_validate(read_strict_yaml(root / PLAN))
    except ValidationError as error:
        raise ValueError(described(PLAN, error)) from error
