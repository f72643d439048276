"""What error messages say about a name that is not known, and options that refuse unknown names."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable
from dataclasses import fields
from typing import Any, TypeVar

Self = TypeVar("Self", bound="NamedOptions")


def known_names(name: str, known: Iterable[str], intro: str = "there are") -> str:
    """The rest of a message about an unknown name: the nearest known one, if any is near, and all known ones.

    Args:
        name: the name that is not known.
        known: those that are.
        intro: the words before the known names.

    Returns:
        Such as `"; did you mean 'curves'? There are: curves, sweep"`.
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    start = f"; did you mean {near[0]!r}? {intro[0].upper()}{intro[1:]}" if near else f"; {intro}"
    return f"{start}: {', '.join(names) or 'none'}"


class UnknownOptionError(TypeError, ValueError):
    """An option that does not exist: a TypeError, as for any keyword, and a ValueError, as for any wrong option."""


def refuse_unknown(owner: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise an `UnknownOptionError` if a given name is not known, with the nearest one and all that are.

    Args:
        owner: what has the options, for the message.
        given: the names that a caller gave.
        known: those that there are.
    """
    names = list(known)
    for name in given:
        if name not in names:
            raise UnknownOptionError(f"{owner} has no option {name!r}{known_names(name, names, 'its options are')}")


class _PlainErrors(type):
    """Calls of a class whose errors of pydantic become a plain ValueError, in a sentence for each wrong value."""

    def __call__(cls, *values: Any, **options: Any) -> Any:
        try:
            return super().__call__(*values, **options)
        except ValueError as error:
            if not callable(getattr(error, "errors", None)):
                raise
            problem = "; ".join(map(_wrong_value, error.errors(include_url=False)))  # type: ignore[attr-defined]
            raise ValueError(f"{cls.__name__} has a wrong option: {problem}") from None


def _wrong_value(entry: dict[str, Any]) -> str:
    """What is wrong with a value, from an entry of pydantic's list."""
    key = ".".join(map(str, entry["loc"]))
    message = entry["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    return f"{key} = {reprlib.repr(entry['input'])} {message}" if key else message


class NamedOptions(metaclass=_PlainErrors):
    """Base of a dataclass of options that refuses an unknown name with the nearest one, and lists those that exist.

    Values that pydantic refuses raise a ValueError that says what was wrong, and what is right.
    """

    def __new__(cls: type[Self], *values: Any, **options: Any) -> Self:
        """The object to be initialised.

        Raises:
            UnknownOptionError: (a `TypeError` and a `ValueError`) an option does not exist.
        """
        names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        if not options.keys() <= set(names):
            refuse_unknown(cls.__name__, options, names)
        return super().__new__(cls)
