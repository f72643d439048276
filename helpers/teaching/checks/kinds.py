"""The kinds of answers that an exercise can have: how they are compared, and the remark on an unusable one.

An answer that cannot be compared, such as text where a number is wanted, is *unusable*; all others are *usable*. Some
comparisons can be left to the marking of the work, such as further inputs of a function.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helpers.teaching.checks.comparison import as_number, as_numbers, call_safely, equal_outputs


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer.

    Attributes:
        example: a wrong answer; for an answer that is a function, a wrong function.
        hint: the remark on this answer, which does not give the right one away.
    """

    example: Any
    hint: str


class Answer(ABC):
    """What all kinds of answers have in common; see the module.

    Attributes:
        solution: a right answer.
        more: how many comparisons are left to marking.
    """

    solution: Any
    more: int = 0

    @abstractmethod
    def unusable(self, answer: Any) -> str:
        """Why the answer cannot be compared, as a sentence; empty if it can."""

    @abstractmethod
    def same(self, answer: Any, example: Any) -> bool:
        """Whether a usable answer is the same as an example."""

    def accepts(self, answer: Any) -> bool:
        """Whether a usable answer is right."""
        return self.same(answer, self.solution)

    def accepts_at_marking(self, answer: Any) -> bool:
        """Whether a usable answer passes the comparisons that are left to marking, too."""
        return True


@dataclass(frozen=True)
class Choice(Answer):
    """One of several words.

    Attributes:
        solution: the right one.
        options: all of them.
    """

    solution: str
    options: Sequence[str]

    def __post_init__(self) -> None:
        if self.solution not in self.options or len(set(self.options)) < 2:
            raise ValueError(f"{self.solution!r} must be one of at least two different options, not {self.options}")

    def unusable(self, answer: Any) -> str:
        """The answer is no string, or none of the options."""
        if isinstance(answer, str) and any(self.same(answer, option) for option in self.options):
            return ""
        return f"The answer should be one of {', '.join(map(repr, self.options))}, and is {_shown(answer)}."

    def same(self, answer: Any, example: Any) -> bool:
        """Whether two words are equal; capitals and spaces around them do not matter."""
        return " ".join(answer.split()).casefold() == " ".join(str(example).split()).casefold()


@dataclass(frozen=True)
class Number(Answer):
    """A number.

    Attributes:
        solution: the right one.
        within: the relative tolerance; by default none for an int, and 1 % for a float.
        plus: an absolute tolerance, added to the relative one.
    """

    solution: int | float
    within: int | float | None = None
    plus: int | float = 0

    @property
    def tolerance(self) -> float:
        """The largest accepted difference from the solution."""
        within = (0.0 if isinstance(self.solution, int) else 0.01) if self.within is None else self.within
        return within * abs(self.solution) + self.plus + 1e-9 * abs(self.solution)

    def unusable(self, answer: Any) -> str:
        """The answer is no finite number."""
        return "" if as_number(answer) is not None else f"The answer should be a number, and is {_shown(answer)}."

    def same(self, answer: Any, example: Any) -> bool:
        """Whether it is as near to an example as it would have to be to the solution."""
        given = as_number(answer)
        return given is not None and abs(given - example) <= self.tolerance


@dataclass(frozen=True)
class Numbers(Answer):
    """Several numbers, by name or in order.

    Attributes:
        solution: the right ones: a dictionary, or a tuple.
        within: the relative tolerance of each, as in `Number`.
        plus: an absolute tolerance of each, as in `Number`.
    """

    solution: Mapping[str, int | float] | Sequence[int | float]
    within: int | float | None = None
    plus: int | float = 0

    def unusable(self, answer: Any) -> str:
        """The answer has other names, another length, or an entry that is no finite number."""
        keys = list(self.solution) if isinstance(self.solution, Mapping) else None
        if keys is not None and (not isinstance(answer, Mapping) or set(answer) != set(keys)):
            return f"The answer should be a dictionary with the keys {', '.join(map(repr, keys))}."
        given = as_numbers(answer, keys)
        if given is None or len(given) != len(self.solution):
            return f"The answer should be {len(self.solution)} numbers, and is {_shown(answer)}."
        return ""

    def same(self, answer: Any, example: Any) -> bool:
        """Whether each number is as near to that of the example as it would have to be to that of the solution."""
        keys = list(self.solution) if isinstance(self.solution, Mapping) else None
        right, wanted, given = (as_numbers(values, keys) for values in (self.solution, example, answer))
        if right is None or wanted is None or given is None or len(wanted) != len(given):
            return False
        return all(
            Number(value, self.within, self.plus).same(entry, other)
            for value, other, entry in zip(right, wanted, given, strict=True)
        )


@dataclass(frozen=True)
class Tensors(Answer):
    """A tensor, or a NumPy array.

    Attributes:
        reference: returns the right one.
        within: the largest difference from it, relative to its largest entry.
    """

    reference: Callable[[], Any]
    within: int | float = 1e-4

    @property
    def solution(self) -> Any:
        """The right tensor."""
        return self.reference()

    def unusable(self, answer: Any) -> str:
        """The answer is no tensor, has another shape, or has entries that are not finite."""
        import torch

        try:
            given, wanted = torch.as_tensor(answer), torch.as_tensor(self.solution)
        except (TypeError, ValueError, RuntimeError):
            return f"The answer should be a tensor, and is {_shown(answer)}."
        if given.shape != wanted.shape:
            return f"The answer should have the shape {tuple(wanted.shape)}, and has {tuple(given.shape)}."
        return "" if bool(torch.isfinite(given).all()) else "Some entries of the answer are infinite or no numbers."

    def same(self, answer: Any, example: Any) -> bool:
        """Whether all entries are near those of an example."""
        return equal_outputs(answer, example, self.within)


@dataclass(frozen=True)
class Function(Answer):
    """A function that the student writes, compared with ours on inputs.

    Attributes:
        reference: ours.
        inputs: returns the inputs of the check, each a tuple of arguments.
        marking: returns further inputs, for marking only.
        within: the largest difference from ours, relative to the largest entry.
    """

    reference: Callable[..., Any]
    inputs: Callable[[], list[tuple]]
    marking: Callable[[], list[tuple]] = list
    within: int | float = 1e-4

    @property
    def solution(self) -> Callable[..., Any]:
        """Our function."""
        return self.reference

    @property
    def more(self) -> int:
        """The number of inputs that are left to marking."""
        return len(self.marking())

    def unusable(self, answer: Any) -> str:
        """The answer is no function, or it raises."""
        if not callable(answer):
            return f"The answer should be a function, without brackets after its name, and is {_shown(answer)}."
        for arguments in self.inputs():
            _, fault = call_safely(answer, arguments)
            if fault:
                return f"Your function raises {fault}"
        return ""

    def accepts_at_marking(self, answer: Any) -> bool:
        """Whether it returns what ours returns, for the inputs of marking."""
        return self._agree(answer, self.reference, self.marking())

    def same(self, answer: Any, example: Any) -> bool:
        """Whether two functions return the same for the inputs of the check."""
        return self._agree(answer, example, self.inputs())

    def _agree(self, answer: Any, example: Any, inputs: list[tuple]) -> bool:
        for arguments in inputs:
            (given, fault), (wanted, other) = call_safely(answer, arguments), call_safely(example, arguments)
            if fault or other or not equal_outputs(given, wanted, self.within):
                return False
        return True


@dataclass(frozen=True)
class Exercise:
    """An exercise of a page and the check of its answer.

    Attributes:
        name: its label on the page, such as "cartoonx-count".
        ask: the answer that is wanted, such as "the number of coefficients, an integer".
        answer: the kind of answer, with the right one.
        mistakes: typical wrong answers.
        hint: the remark on all other wrong answers.
    """

    name: str
    ask: str
    answer: Answer
    mistakes: tuple[Mistake, ...]
    hint: str = "Read the question once more, and compare your answer with a small case that you know."


def _shown(answer: Any) -> str:
    text = repr(answer)
    return text if len(text) <= 60 else f"{type(answer).__name__} {text[:57]}…"
