"""Checks that students run on their own answers: `check("cartoonx-count", answer)`.

The exercises are in the package beside this one. They are known by the labels that they have on their pages, so
notebooks may be rearranged at will.
"""

from helpers.teaching.checks.find import exercises_of, find_exercise
from helpers.teaching.checks.kinds import Answer, Choice, Exercise, Function, Mistake, Number, Numbers, Tensors
from helpers.teaching.checks.verdicts import Verdict, check, mark, variable_of

__all__ = [
    "Answer",
    "Choice",
    "Exercise",
    "Function",
    "Mistake",
    "Number",
    "Numbers",
    "Tensors",
    "Verdict",
    "check",
    "exercises_of",
    "find_exercise",
    "mark",
    "variable_of",
]
