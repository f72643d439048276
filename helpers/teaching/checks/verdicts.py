"""`check`, for students, and `mark`, for marking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpers.teaching.checks.comparison import as_number
from helpers.teaching.checks.find import exercises_of, find_exercise
from helpers.teaching.checks.kinds import Exercise, Number


@dataclass(frozen=True)
class Verdict:
    """The verdict on an answer; true if it is right.

    Attributes:
        name: the exercise.
        right: whether the answer is right.
        remark: a hint if it is not.
        more: how many further comparisons are made at marking.
    """

    name: str
    right: bool
    remark: str = ""
    more: int = 0

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        if not self.right:
            return f"✗ {self.name}: not yet. {self.remark}"
        left = {0: "Marking adds nothing.", 1: "Marking adds 1 more check."}
        return f"✓ {self.name}: right. {left.get(self.more, f'Marking adds {self.more} more checks.')}"


def check(name: str, answer: Any = None) -> Verdict:
    """Whether an answer to an exercise is right; if not, a hint.

    Args:
        name: the label of the exercise, such as "cartoonx-count".
        answer: yours, as the exercise asks for it.

    Returns:
        A verdict, which is true if the answer is right, and which a notebook shows as a sentence.

    Raises:
        ValueError: there is no such exercise; the message names the nearest.
    """
    return _verdict(find_exercise(name), answer)


def mark(page: str, answers: Mapping[str, Any]) -> list[Verdict]:
    """The verdicts on all exercises of a page, with the comparisons that `check` leaves to marking.

    Args:
        page: the name of the page, such as "cartoonx".
        answers: the student's variables by name, such as `vars()` of the notebook; an exercise is answered by the
            variable `variable_of(name)`.

    Raises:
        ValueError: the page has no exercises with checks.
    """
    return [mark_one(exercise.name, answers) for exercise in exercises_of(page)]


def mark_one(name: str, answers: Mapping[str, Any]) -> Verdict:
    """The verdict on one exercise, with the comparisons that `check` leaves to marking; see `mark`.

    Raises:
        ValueError: there is no such exercise.
    """
    exercise = find_exercise(name)
    answer = answers.get(variable_of(name))
    verdict = _verdict(exercise, answer)
    if verdict and not exercise.answer.accepts_at_marking(answer):
        return Verdict(name, False, "It is right for the inputs of the check, and wrong for others.")
    return verdict


def variable_of(name: str) -> str:
    """The variable in which a notebook keeps the answer to an exercise: `cartoonx_count` for "cartoonx-count"."""
    return name.replace("-", "_")


def _verdict(exercise: Exercise, answer: Any) -> Verdict:
    if answer is None or answer is ... or (isinstance(answer, str) and not answer.strip()):
        return Verdict(exercise.name, False, f"There is no answer yet. It should be {exercise.ask}.")
    if remark := exercise.answer.unusable(answer):
        return Verdict(exercise.name, False, f"{remark} Wanted: {exercise.ask}.")
    if exercise.answer.accepts(answer):
        return Verdict(exercise.name, True, more=exercise.answer.more)
    for mistake in exercise.mistakes:
        if exercise.answer.same(answer, mistake.example):
            return Verdict(exercise.name, False, mistake.hint)
    return Verdict(exercise.name, False, _factor(exercise, answer) or exercise.hint)


def _factor(exercise: Exercise, answer: Any) -> str:
    """A remark where share and percentage were taken for each other."""
    number = as_number(answer)
    if not isinstance(exercise.answer, Number) or number is None:
        return ""
    for scaled, remark in ((number / 100, "100 times too large"), (number * 100, "100 times too small")):
        if exercise.answer.accepts(scaled) and exercise.answer.solution:
            return f"It is {remark}: is a share wanted, or a percentage?"
    return ""
