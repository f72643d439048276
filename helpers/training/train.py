"""Train a classifier of scenes, resuming where an earlier run was stopped."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, Timer

from helpers.training.data import held_out_loader, training_loader
from helpers.training.module import SceneClassifierModule
from helpers.training.options import VALIDATION_SERIES, TrainingOptions


@dataclass(frozen=True)
class Training:
    """A finished training.

    Attributes:
        module: the trained classifier.
        seconds: how long training took, all runs together.
        device: the kind of device it ran on, last.
    """

    module: SceneClassifierModule
    seconds: float
    device: str


def train_scene_classifier(
    options: TrainingOptions, folder: str | Path, *, device: str = "auto", validation: int = 512, show: bool = True
) -> Training:
    """Train to the last epoch; checkpoints go to `folder`, and training starts from the last one there.

    A run that is killed loses the epoch it was in, no more. Resumed, it ends where a run that was not killed ends
    (bit for bit on one CPU).

    Args:
        options: the recipe; a checkpoint of another recipe is refused.
        folder: for checkpoints.
        device: `"auto"`, `"cpu"` or `"gpu"`, as Lightning names them.
        validation: how many held-out scenes measure the accuracy after each epoch; 0 for none.
        show: whether to show progress.

    Raises:
        ValueError: the folder's checkpoint was made with other options.
    """
    last = Path(folder) / "last.ckpt"
    if last.exists():
        _check_same_recipe(last, options)
    timer = Timer()
    with quiet():
        trainer = _trainer(options, Path(folder), timer, device, show)
    module = SceneClassifierModule(options)
    held_out = None
    if validation:
        held_out = held_out_loader(validation, size=options.size, seed=VALIDATION_SERIES + options.seed)
    resume = last if last.exists() else None
    loader = training_loader(options, show=show)
    with quiet():
        trainer.fit(module, loader, held_out, ckpt_path=resume, weights_only=True)
    return Training(module, timer.time_elapsed("train"), trainer.strategy.root_device.type)


def _trainer(options: TrainingOptions, folder: Path, timer: Timer, device: str, show: bool) -> lightning.Trainer:
    """A trainer that keeps a checkpoint of the last epoch."""
    return lightning.Trainer(
        accelerator=device,
        devices=1,
        max_epochs=options.epochs,
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


def _check_same_recipe(checkpoint: Path, options: TrainingOptions) -> None:
    """Refuse to go on with a checkpoint of other options."""
    stored = torch.load(checkpoint, map_location="cpu", weights_only=True)["hyper_parameters"]["options"]
    other = [name for name, value in asdict(options).items() if stored.get(name) != value]
    if other:
        raise ValueError(
            f"{checkpoint} was made with another value of {', '.join(other)}; "
            "delete it to start anew, or train in another folder"
        )
