"""From the label of an exercise, or a page, to the specification of its check."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from helpers.core.names import known_names
from helpers.teaching.checks.kinds import Exercise

_PACKAGE = "helpers.teaching.exercises"


def checked_pages() -> list[str]:
    """The names of the pages whose exercises have checks, such as "pixel-rde", sorted."""
    modules = (Path(__file__).parents[1] / "exercises").glob("[!_]*.py")
    return sorted(path.stem.replace("_", "-") for path in modules)


@cache
def exercises_of(page: str) -> tuple[Exercise, ...]:
    """The exercises of a page that have a check, in the order of the page.

    Args:
        page: its name without folder and ending, such as "pixel-rde".

    Raises:
        ValueError: no exercise of the page has a check, or the page does not exist.
    """
    pages = checked_pages()
    if page not in pages:
        raise ValueError(
            f"there are no checks for the page {page!r}{known_names(page, pages, 'pages with checks are')}"
        )
    # by its name alone, so that a page does not depend on the checks of all other pages
    module = import_module(f"{_PACKAGE}.{page.replace('-', '_')}")
    exercises: tuple[Exercise, ...] = module.EXERCISES
    return exercises


def find_exercise(name: str) -> Exercise:
    """The exercise with a label.

    Raises:
        ValueError: no exercise has it; the message names the nearest.
    """
    known = {exercise.name: exercise for page in checked_pages() for exercise in exercises_of(page)}
    if name not in known:
        raise ValueError(f"there is no exercise {name!r}{known_names(name, known, 'exercises with a check are')}")
    return known[name]
