"""A game without a kernel: for which kept images does the classifier still answer as before?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import ipywidgets
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.classifiers import Classifier
from helpers.core.runtime import random_generator
from helpers.plots import show_images
from helpers.widgets import LivePanel
from helpers.widgets.frames import make_frame

STYLE = """
.kwm-game{display:grid;grid-template-columns:repeat(auto-fill,minmax(15em,1fr));gap:1em;margin:1em 0;color:inherit}
.kwm-card{border:1px solid #8886;border-radius:6px;padding:.7em;break-inside:avoid}
.kwm-card p{margin:0 0 .5em!important}
.kwm-pair{display:flex;gap:.5em}
.kwm-pair img{width:50%!important;height:auto!important;image-rendering:pixelated;padding:0!important}
.kwm-pair img{margin:0!important;border-radius:4px}
.kwm-card summary{cursor:pointer;font-weight:600;margin-top:.5em}
html[data-theme=dark] .text_html:has(.kwm-game){background:transparent!important;color:inherit!important}
"""


@dataclass(frozen=True)
class Question:
    """One card of the game.

    Attributes:
        image, kept: the original and what a method kept of it, in [0, 1].
        method: what made the kept image, in words.
        before, after: the classifier's class for the two.
        confidence: its probability of `after`, for the kept image.
    """

    image: Float[Tensor, "3 height width"]
    kept: Float[Tensor, "3 height width"]
    method: str
    before: str
    after: str
    confidence: float

    @property
    def same(self) -> bool:
        """Whether the classifier still answers as before."""
        return self.before == self.after

    @property
    def answer(self) -> str:
        """What opens on a click."""
        says = f"{self.after}, {100 * self.confidence:.0f} %"
        return f"{'Yes' if self.same else 'No'}: {says}. It was made by {self.method}."


@torch.no_grad()
def make_game(
    classifier: Classifier,
    images: Float[Tensor, "images 3 height width"],
    kept: Mapping[str, Float[Tensor, "_some 3 height width"]],
    *,
    count: int = 12,
    seed: int = 0,
) -> list[Question]:
    """Draw questions at random, as many with the answer yes as with the answer no, and no image twice.

    Args:
        classifier: who answers.
        images: the originals.
        kept: by the name of a method, what it kept of each image, or of the first ones.
        count: how many questions, an even number.
        seed: of the draw.

    Raises:
        ValueError: the count is odd, or there are not enough images of one answer.
    """
    if count < 2 or count % 2:
        raise ValueError(f"count={count} must be even: half of the answers are yes")
    before = classifier.predict(images)[0]
    said = {method: classifier.predict(pictures) for method, pictures in kept.items()}
    pairs = [(method, row) for method, (classes, _) in said.items() for row in range(len(classes))]
    order = torch.randperm(len(pairs), generator=random_generator(seed)).tolist()
    places: dict[bool, list[tuple[str, int]]] = {True: [], False: []}
    taken: set[int] = set()
    for method, row in (pairs[place] for place in order):
        answer = bool(said[method][0][row] == before[row])
        if row not in taken and len(places[answer]) < count // 2:
            places[answer].append((method, row))
            taken.add(row)
    if len(taken) < count:
        raise ValueError(
            f"{len(places[True])} kept images are answered as before and {len(places[False])} are not; {count // 2} "
            "of each are needed: give more images, or ask for fewer questions"
        )
    mixed = places[True] + places[False]
    mixed = [mixed[k] for k in torch.randperm(count, generator=random_generator(seed + 1)).tolist()]
    names = classifier.class_names
    return [
        Question(
            *(images[row], kept[method][row], method),
            *(names[int(before[row])], names[int(said[method][0][row])], float(said[method][1][row])),
        )
        for method, row in mixed
    ]


@dataclass(frozen=True)
class GameCards:
    """The cards of the game as HTML that needs neither a kernel nor a script: an answer opens on a click."""

    questions: tuple[Question, ...]

    def __repr__(self) -> str:
        """How many cards there are, for where no HTML can be shown."""
        return f"<a game of {len(self.questions)} questions>"

    def _repr_html_(self) -> str:
        cards = "".join(_card(number, question) for number, question in enumerate(self.questions, 1))
        return f'<div class="kwm-game" role="group" aria-label="game"><style>{STYLE}</style>{cards}</div>'


def _card(number: int, question: Question) -> str:
    pair = "".join(
        f'<img class="dark-light" src="{frame.address}" alt="{escape(frame.description)}" width="{frame.width}" '
        f'height="{frame.height}"/>'
        for frame in (
            make_frame(question.image, "", f"scene {number}, which the classifier calls {question.before}"),
            make_frame(question.kept, "", f"what a method kept of scene {number}"),
        )
    )
    name = escape(question.before)
    return (
        f'<div class="kwm-card"><p><strong>{number}.</strong> Before: <em>{name}</em>. Is the right one still '
        f'<em>{name}</em>?</p><div class="kwm-pair">{pair}</div>'
        f"<details><summary>The classifier says …</summary><p>{escape(question.answer)}</p></details></div>"
    )


def chance_of(right: int, questions: int) -> float:
    """How likely at least `right` of the questions are answered well by a coin."""
    return sum(math.comb(questions, k) for k in range(right, questions + 1)) / 2**questions


def game_panel(questions: list[Question]) -> LivePanel:
    """The same questions with a running score: choose a card, then say yes or no."""
    card = ipywidgets.Dropdown(
        options=[(f"card {place + 1}", place) for place in range(len(questions))], description="Card"
    )
    guess = ipywidgets.ToggleButtons(
        options=[("not yet", None), ("still the same", True), ("another class", False)], description="Your guess"
    )
    guesses: dict[int, bool] = {}

    def draw(card: int, guess: bool | None) -> Figure:
        if guess is not None:
            guesses.setdefault(card, guess)  # the first guess counts
        question = questions[card]
        after = question.answer.replace(". ", ".\n") if card in guesses else "still?"
        right = sum(questions[place].same == said for place, said in guesses.items())
        score = f"{right} of {len(guesses)} right; a coin: {len(guesses) / 2:g}"
        return show_images([question.image, question.kept], [question.before, after], caption=score, width=6)

    # before the panel watches it: a new card comes without a guess
    card.observe(lambda _: setattr(guess, "value", None), names="value")
    return LivePanel(draw, {"card": card, "guess": guess}, label="a scene and what a method kept of it")
