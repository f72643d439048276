"""The model cards that stand beside weights: templates in `cards/`, filled with the values of a training."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from helpers.classifiers.weight_files import read_sums
from helpers.core.files import atomic_write
from helpers.training.fit import Fitted

_TEMPLATES = Path(__file__).parent / "cards"


def write_card(weights: Path, template: str, *, options: Any, fitted: Fitted[Any], command: str, **values: Any) -> None:
    """Fill the template `cards/<template>.md`, and write it beside the weights that it describes.

    A template is a format string: its fields name a value, an attribute of one, and the format of a number, as in
    `{options.learning_rate:g}`. Besides what is passed, templates know `name`, `digest` and `megabytes` of the weights,
    the `minutes` of the training, and `threads` of the CPU with their `plural`.

    Args:
        weights: the file, which has its line in the `SHA256SUMS` beside it.
        template: name of the template.
        options: the recipe.
        fitted: the training.
        command: the command that trains the weights again.
        values: whatever else the template names.

    Raises:
        KeyError: the template names a value that is not given, or the file has no line in `SHA256SUMS`.
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
    """How many parameters a network has."""
    return sum(parameter.numel() for parameter in module.parameters())
