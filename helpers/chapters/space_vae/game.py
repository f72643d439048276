"""A game without a kernel: guess for which kept images the prediction stays the same."""

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
from helpers.widgets import InBrowser, LivePanel
from helpers.widgets.frames import make_frame
from helpers.widgets.in_browser import BUTTON_STYLE

STYLE = """
.kwm-game{display:grid;grid-template-columns:repeat(auto-fill,minmax(11em,1fr));gap:.8em;margin:1em 0;color:inherit}
.kwm-card{border:1px solid #8886;border-radius:6px;padding:.6em;break-inside:avoid}
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
        image, kept: the original and the kept image, in [0, 1].
        method: the name of the method, in words.
        before, after: the predicted class of the original and of the kept image.
        confidence: the probability of `after` for the kept image.
    """

    image: Float[Tensor, "3 height width"]
    kept: Float[Tensor, "3 height width"]
    method: str
    before: str
    after: str
    confidence: float

    @property
    def same(self) -> bool:
        """Whether the prediction stays the same."""
        return self.before == self.after

    @property
    def answer(self) -> str:
        """The answer, which opens on a click."""
        prediction = f"{self.after}, {100 * self.confidence:.0f} %"
        return f"{'Yes' if self.same else 'No'}: {prediction}. It was made by {self.method}."


@torch.no_grad()
def make_game(
    classifier: Classifier,
    images: Float[Tensor, "images 3 height width"],
    kept: Mapping[str, Float[Tensor, "_some 3 height width"]],
    *,
    count: int = 12,
    seed: int = 0,
) -> list[Question]:
    """Random questions, as many with the answer yes as with the answer no, each about another image.

    Args:
        classifier: the classifier.
        images: the originals.
        kept: the kept images of each method by its name, of all images or of the first ones.
        count: the number of questions, even.
        seed: the seed of the draw.

    Raises:
        ValueError: the count is odd, or there are too few images with one of the answers.
    """
    if count < 2 or count % 2:
        raise ValueError(f"count={count} must be even: half of the answers are yes")
    before = classifier.predict(images)[0]
    predictions = {method: classifier.predict(pictures) for method, pictures in kept.items()}
    candidates = [(method, row) for method, (classes, _) in predictions.items() for row in range(len(classes))]
    order = torch.randperm(len(candidates), generator=random_generator(seed)).tolist()
    rows_by_answer: dict[bool, list[tuple[str, int]]] = {True: [], False: []}
    taken: set[int] = set()
    for method, row in (candidates[index] for index in order):
        answer = bool(predictions[method][0][row] == before[row])
        if row not in taken and len(rows_by_answer[answer]) < count // 2:
            rows_by_answer[answer].append((method, row))
            taken.add(row)
    if len(taken) < count:
        raise ValueError(
            f"{len(rows_by_answer[True])} kept images keep their prediction and {len(rows_by_answer[False])} do not; "
            f"{count // 2} of each are needed: give more images, or ask for fewer questions"
        )
    chosen = rows_by_answer[True] + rows_by_answer[False]
    chosen = [chosen[index] for index in torch.randperm(count, generator=random_generator(seed + 1)).tolist()]
    names = classifier.class_names
    return [
        Question(
            image=images[row],
            kept=kept[method][row],
            method=method,
            before=names[int(before[row])],
            after=names[int(predictions[method][0][row])],
            confidence=float(predictions[method][1][row]),
        )
        for method, row in chosen
    ]


@dataclass(frozen=True)
class GameCards:
    """The cards of the game as HTML that needs neither a kernel nor a script: an answer opens on a click.

    Attributes:
        questions: one per card.
        live: a game with new cards, which a reader can start in the browser.
    """

    questions: tuple[Question, ...]
    live: InBrowser | None = None

    def __repr__(self) -> str:
        """The number of cards, for displays without HTML."""
        return f"<a game of {len(self.questions)} questions>"

    def _repr_html_(self) -> str:
        cards = "".join(_card(number, question) for number, question in enumerate(self.questions, 1))
        data, style = ("", STYLE) if self.live is None else (self.live.attributes(), STYLE + BUTTON_STYLE)
        return f'<div class="kwm-game" role="group" aria-label="game"{data}><style>{style}</style>{cards}</div>'


def _card(number: int, question: Question) -> str:
    pair = "".join(
        f'<img class="dark-light" src="{frame.address}" alt="{escape(frame.description)}" width="{frame.width}" '
        f'height="{frame.height}"/>'
        for frame in (
            make_frame(question.image, "", f"scene {number}, which the classifier calls {question.before}"),
            make_frame(question.kept, "", f"the kept image of scene {number}"),
        )
    )
    name = escape(question.before)
    return (
        f'<div class="kwm-card"><p><strong>{number}.</strong> Left: <em>{name}</em>. Is the right one still '
        f'<em>{name}</em>?</p><div class="kwm-pair">{pair}</div>'
        f"<details><summary>The answer</summary><p>{escape(question.answer)}</p></details></div>"
    )


def chance_of_score(right: int, questions: int) -> float:
    """The probability that random guesses get at least `right` of the questions right."""
    return sum(math.comb(questions, k) for k in range(right, questions + 1)) / 2**questions


def game_panel(questions: list[Question]) -> LivePanel:
    """The same questions with a running score: choose a card, then say yes or no."""
    card = ipywidgets.Dropdown(
        options=[(f"card {index + 1}", index) for index in range(len(questions))], description="Card"
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
        right = sum(questions[index].same == same for index, same in guesses.items())
        score = f"{right} of {len(guesses)} right; a coin: {len(guesses) / 2:g}"
        return show_images([question.image, question.kept], [question.before, after], caption=score, width=6)

    # registered before the panel's own observer, so that a new card starts without a guess
    card.observe(lambda _: setattr(guess, "value", None), names="value")
    return LivePanel(draw, {"card": card, "guess": guess}, label="a scene and its kept image")
