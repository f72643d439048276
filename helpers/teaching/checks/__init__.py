"""Checks that students run on their own answers: `check("cartoonx-count", answer)`.

Each module of this package besides `kinds`, `verdicts` and `comparison` has the exercises of one page, in its tuple
`EXERCISES`. They are known by the labels that they have on the page, so notebooks may be rearranged at will.
"""

from helpers.teaching.checks.find import exercises_of, find_exercise
from helpers.teaching.checks.verdicts import Verdict, check, mark, variable_of

__all__ = ["Verdict", "check", "exercises_of", "find_exercise", "mark", "variable_of"]
