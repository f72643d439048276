"""Train a classifier of scenes, resuming where an earlier run was stopped."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from lightning.pytorch.callbacks import Timer

from helpers.training.data import held_out_loader, training_loader
from helpers.training.module import SceneClassifierModule
from helpers.training.options import VALIDATION_SERIES, TrainingOptions
from helpers.training.resume import quiet, read_checkpoint, resumable_trainer


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
        read_checkpoint(last, asdict(options))
    timer = Timer()
    with quiet():
        trainer = resumable_trainer(Path(folder), timer, epochs=options.epochs, device=device, show=show)
    module = SceneClassifierModule(options)
    held_out = None
    if validation:
        held_out = held_out_loader(validation, size=options.size, seed=VALIDATION_SERIES + options.seed)
    resume = last if last.exists() else None
    loader = training_loader(options, show=show)
    with quiet():
        trainer.fit(module, loader, held_out, ckpt_path=resume, weights_only=True)
    return Training(module, timer.time_elapsed("train"), trainer.strategy.root_device.type)
