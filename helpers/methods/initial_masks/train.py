"""Train a mask network, resuming where an earlier run was stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import Timer
from torch import nn

from helpers.methods.initial_masks.data import batch_loader
from helpers.methods.initial_masks.module import MaskModule
from helpers.methods.initial_masks.options import EPOCH, MaskTrainingOptions
from helpers.training.resume import quiet, read_checkpoint, resumable_trainer


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
        stored = read_checkpoint(last, options.plain())
        if stored["global_step"] >= options.steps:
            return _finished(stored, options, classifier, device)
    timer = Timer()
    with quiet():
        hundreds = options.steps // EPOCH if epochs is None else epochs
        trainer = resumable_trainer(
            Path(folder), timer, epochs=hundreds, device=device, show=show, gradient_clip_val=1.0
        )
    module = MaskModule(options, classifier)
    resume = last if last.exists() else None
    loader = batch_loader(options, show=show)
    with quiet():
        trainer.fit(module, loader, ckpt_path=resume, weights_only=True)
    return MaskTraining(module, timer.time_elapsed("train"), trainer.strategy.root_device.type)


def _finished(stored: dict[str, Any], options: MaskTrainingOptions, classifier: nn.Module, device: str) -> MaskTraining:
    """A training that its checkpoint says is over: nothing is drawn or read again."""
    module = MaskModule(options, classifier)
    module.load_state_dict(stored["state_dict"])
    return MaskTraining(module, stored["callbacks"]["Timer"]["time_elapsed"]["train"], device)
