"""What every training of the book shares: checkpoints that a killed run resumes from, and silence."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

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


def best_epoch(folder: Path, watched: str, *, mode: Literal["min", "max"] = "min") -> ModelCheckpoint:
    """A callback that keeps the weights of the best epoch, `best.ckpt`.

    Nothing resumes from them, so the optimiser's state stays behind: 160 MB of DeepLab instead of 480.

    Args:
        folder: for the checkpoint.
        watched: what the module logs.
        mode: whether the least or the highest value is best.
    """
    return ModelCheckpoint(
        folder,
        "best",
        monitor=watched,
        mode=mode,
        save_weights_only=True,
        enable_version_counter=False,
        save_on_train_epoch_end=True,
    )


def best_weights(best: ModelCheckpoint) -> dict[str, Any]:
    """The weights that `best_epoch` kept."""
    return torch.load(best.best_model_path, map_location="cpu", weights_only=True)["state_dict"]


def check_enough(training: int, validation: int, batch: int) -> None:
    """Raise a ValueError where the training images do not fill a batch, or no validation images are there."""
    if training < batch or not validation:
        raise ValueError(
            f"{training} training images do not fill a batch of {batch}, or there are no validation "
            f"images ({validation}): give more images or a smaller batch"
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
