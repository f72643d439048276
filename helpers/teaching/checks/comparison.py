"""Comparing what students hand in, of whatever type, with what is expected. Nothing here raises."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def as_number(answer: Any) -> float | None:
    """A finite number from an int, a float, or a tensor or array with one entry; None from all else.

    Truth values and text are no numbers.
    """
    if isinstance(answer, bool | str | bytes) or answer is None or answer is ...:
        return None
    if getattr(answer, "dtype", None) is not None and "bool" in str(answer.dtype):
        return None
    try:
        number = float(answer.item() if hasattr(answer, "item") else answer)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_numbers(answer: Any, keys: Sequence[str] | None = None) -> list[float] | None:
    """Finite numbers, those of a dictionary in the order of `keys`; None if there is an entry that is none."""
    if isinstance(answer, Mapping):
        values = None if keys is None or set(answer) != set(keys) else [answer[key] for key in keys]
    elif isinstance(answer, str | bytes):
        values = None
    else:
        try:
            values = list(answer)
        except TypeError:
            values = None
    numbers = [as_number(value) for value in values] if values is not None else [None]
    return None if None in numbers else [number for number in numbers if number is not None]


def call_safely(function: Callable[..., Any], arguments: tuple) -> tuple[Any, str]:
    """The result of a function, and what it raised: one of the two.

    The arguments are copied, so that a function which changes its input does no harm, and random numbers begin with
    the same seed each time, while those of the notebook are left alone.

    Returns:
        The result, and an empty string; or None, and the name and message of the exception.
    """
    import torch

    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return function(*copy.deepcopy(arguments)), ""
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"


def equal_outputs(given: Any, wanted: Any, within: int | float) -> bool:
    """Whether two outputs are equal: numbers and tensors nearly, lists and dictionaries entry by entry.

    Args:
        given: the student's.
        wanted: ours.
        within: the largest difference, relative to the largest entry of ours.
    """
    import torch

    if isinstance(wanted, str | bool) or wanted is None:
        return type(given) is type(wanted) and given == wanted
    if isinstance(wanted, Mapping):
        return (
            isinstance(given, Mapping)
            and set(given) == set(wanted)
            and all(equal_outputs(given[key], wanted[key], within) for key in wanted)
        )
    if isinstance(wanted, tuple | list) and any(isinstance(entry, torch.Tensor | str | Mapping) for entry in wanted):
        return (
            isinstance(given, tuple | list)
            and len(given) == len(wanted)
            and all(equal_outputs(entry, other, within) for entry, other in zip(given, wanted, strict=True))
        )
    try:
        given, wanted = (torch.as_tensor(value).detach().cpu().double() for value in (given, wanted))
    except (TypeError, ValueError, RuntimeError):
        return False
    if given.shape != wanted.shape:
        return False
    largest = float(wanted.abs().max()) if wanted.numel() else 0.0
    return bool(((given - wanted).abs() <= within * max(largest, 1e-12)).all())
