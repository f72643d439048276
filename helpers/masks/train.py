"""Train a mask network, resuming where an earlier run was stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, Timer
from torch import nn

from helpers.masks.data import batch_loader
from helpers.masks.module import MaskModule
from helpers.masks.options import EPOCH, MaskTrainingOptions
from helpers.training.train import quiet


@dataclass(frozen=True)
class MaskTraining:
    """A finished training.

    Attributes:
        module: the trained network.
        seconds: how long training took, all runs together.
        device: the kind of device it ran on, last.
    """

    module: MaskModule
    seconds: float
    device: str


def train_mask_network(
    options: MaskTrainingOptions,
    classifier: nn.Module,
    folder: str | Path,
    *,
    device: str = "auto",
    epochs: int | None = None,
    show: bool = True,
) -> MaskTraining:
    """Train to the last step; checkpoints go to `folder` every 100 steps, and training goes on from the last one there.

    A run that is killed loses less than 100 steps. Resumed, it ends where a run that was not killed ends (bit for bit
    on one CPU).

    Args:
        options: the recipe; a checkpoint of another recipe is refused.
        classifier: the classifier that the options name.
        folder: for checkpoints.
        device: `"auto"`, `"cpu"` or `"gpu"`, as Lightning names them.
        epochs: stop after so many hundreds of steps, for a look at what there is; None for all.
        show: whether to show progress.

    Raises:
        ValueError: the folder's checkpoint was made with other options.
    """
    last = Path(folder) / "last.ckpt"
    if last.exists():
        stored = _same_recipe(last, options)
        if stored["global_step"] >= options.steps:
            return _finished(stored, options, classifier, device)
    timer = Timer()
    with quiet():
        trainer = _trainer(options, Path(folder), timer, device, epochs, show)
    module = MaskModule(options, classifier)
    resume = last if last.exists() else None
    loader = batch_loader(options, show=show)
    with quiet():
        trainer.fit(module, loader, ckpt_path=resume, weights_only=True)
    return MaskTraining(module, timer.time_elapsed("train"), trainer.strategy.root_device.type)


def _trainer(
    options: MaskTrainingOptions, folder: Path, timer: Timer, device: str, epochs: int | None, show: bool
) -> lightning.Trainer:
    """A trainer that keeps a checkpoint of the last 100 steps' end."""
    return lightning.Trainer(
        accelerator=device,
        devices=1,
        max_epochs=options.steps // EPOCH if epochs is None else epochs,
        gradient_clip_val=1.0,
        callbacks=[
            timer,
            ModelCheckpoint(
                dirpath=folder, filename="last", enable_version_counter=False, save_on_train_epoch_end=True
            ),
        ],
        logger=False,
        enable_progress_bar=show,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def _finished(stored: dict[str, Any], options: MaskTrainingOptions, classifier: nn.Module, device: str) -> MaskTraining:
    """A training that its checkpoint says is over: nothing is drawn or read again."""
    module = MaskModule(options, classifier)
    module.load_state_dict(stored["state_dict"])
    return MaskTraining(module, stored["callbacks"]["Timer"]["time_elapsed"]["train"], device)


def _same_recipe(checkpoint: Path, options: MaskTrainingOptions) -> dict[str, Any]:
    """A checkpoint, refused where its options are others."""
    found = torch.load(checkpoint, map_location="cpu", weights_only=True)
    stored = found["hyper_parameters"]["options"]
    other = [name for name, value in options.plain().items() if stored.get(name) != value]
    if other:
        raise ValueError(
            f"{checkpoint} was made with another value of {', '.join(other)}; "
            "delete it to start anew, or train in another folder"
        )
    return found
