"""What every training of the book shares: checkpoints that a killed run resumes from, and silence."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, Timer


def resumable_trainer(
    folder: Path,
    timer: Timer,
    *,
    epochs: int,
    device: str,
    show: bool,
    devices: int = 1,
    watching: Sequence[Callback] = (),
    **more: Any,
) -> lightning.Trainer:
    """A trainer that keeps a checkpoint of the last epoch, `last.ckpt`.

    Args:
        folder: for the checkpoint.
        timer: counts the seconds of all runs together.
        epochs: how many.
        device: `"auto"`, `"cpu"` or `"gpu"`, as Lightning names them.
        show: whether to show progress.
        devices: how many processes on each machine.
        watching: further callbacks; the checkpoint comes after them, so that it holds what they know.
        more: other arguments of `lightning.Trainer`.
    """
    return lightning.Trainer(
        accelerator=device,
        devices=devices,
        max_epochs=epochs,
        callbacks=[
            timer,
            *watching,
            ModelCheckpoint(
                dirpath=folder, filename="last", enable_version_counter=False, save_on_train_epoch_end=True
            ),
        ],
        logger=False,
        enable_progress_bar=show,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **more,
    )


def read_checkpoint(checkpoint: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """A checkpoint, refused where its options are others.

    Raises:
        ValueError: it was made with another value of an option.
    """
    found = torch.load(checkpoint, map_location="cpu", weights_only=True)
    stored = found["hyper_parameters"]["options"]
    other = [name for name, value in options.items() if stored.get(name) != value]
    if other:
        raise ValueError(
            f"{checkpoint} was made with another value of {', '.join(other)}; "
            "delete it to start anew, or train in another folder"
        )
    return found


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning's advertisements and advice that does not apply here out of the output."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # November 2026: Lightning 2.6 uses what PyTorch 2.15 has deprecated
            warnings.filterwarnings("ignore", ".*LeafSpec", FutureWarning)
            # scenes lie in memory, so that worker processes would only copy them; validation may be left out
            warnings.filterwarnings("ignore", ".*does not have many workers")
            warnings.filterwarnings("ignore", ".*no `val_dataloader`")
            warnings.filterwarnings("ignore", "Checkpoint directory .* exists")
            yield
    finally:
        logger.setLevel(level)
