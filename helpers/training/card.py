"""Model cards of weights: templates in `cards/`, filled with the values of a training."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from helpers.classifiers.sums import read_sums
from helpers.core.files import atomic_write
from helpers.training.fit import Fitted

_TEMPLATES = Path(__file__).parent / "cards"


def write_card(weights: Path, template: str, *, options: Any, fitted: Fitted[Any], command: str, **values: Any) -> None:
    """Fill the template `cards/<template>.md`, and write it beside the weights.

    A template is a format string with fields such as `{options.learning_rate:g}`. Besides the arguments, templates can
    use `name`, `digest` and `megabytes` of the weights, the `minutes` of the training, and the number of CPU `threads`
    with the suffix `plural`.

    Args:
        weights: the weights file, which has a line in the `SHA256SUMS` beside it.
        template: name of the template.
        options: the recipe.
        fitted: the training.
        command: the command that trains the weights again.
        values: further values of the template.

    Raises:
        KeyError: a value of the template is missing, or the file has no line in `SHA256SUMS`.
    """
    threads = int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads()))
    text = (_TEMPLATES / f"{template}.md").read_text(encoding="utf-8")
    card = text.format(
        name=weights.stem,
        digest=read_sums(weights.parent)[weights.name],
        megabytes=weights.stat().st_size / 1e6,
        minutes=fitted.seconds / 60,
        threads=threads,
        plural="s" if threads > 1 else "",
        options=options,
        fitted=fitted,
        command=command,
        **values,
    )
    atomic_write(weights.with_suffix(".md"), card.encode())


def parameter_count(module: torch.nn.Module) -> int:
    """The number of parameters of a network."""
    return sum(parameter.numel() for parameter in module.parameters())
