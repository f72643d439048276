"""Train a SpaCE-VAE, resuming where an earlier run was stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import EarlyStopping, Timer
from torch import nn

from helpers.core.runtime import resolve_device
from helpers.data.labelled import LabelledImages
from helpers.methods.space_vae.data import ExplainedRows, answers
from helpers.methods.space_vae.module import SpaceVAEModule
from helpers.methods.space_vae.network import SpaceVAENetwork
from helpers.methods.space_vae.options import SpaceVAEOptions
from helpers.training.resume import best_epoch, best_weights, check_enough, quiet, read_checkpoint, resumable_trainer
from helpers.training.rows import RowsData

WATCHED = "validation loss"


@dataclass(frozen=True)
class SpaceVAETraining:
    """A finished training.

    Attributes:
        network: with the weights of the epoch whose validation loss was least.
        epochs: how many were run.
        validation: that loss.
        seconds: how long it took, all runs together.
        device: the kind of device it ran on, last.
    """

    network: SpaceVAENetwork
    epochs: int
    validation: float
    seconds: float
    device: str


def train_space_vae(
    options: SpaceVAEOptions,
    classifier: nn.Module,
    training: LabelledImages,
    validation: LabelledImages,
    folder: str | Path,
    *,
    start: SpaceVAENetwork | None = None,
    device: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    strategy: str = "auto",
    show: bool = True,
) -> SpaceVAETraining:
    """Train until the validation loss no longer falls; checkpoints go to `folder`, the last one there is resumed.

    The paper says that the model with the highest validation loss is kept, a slip for the lowest. The labels of the
    images are not used: the class to keep is the one that the classifier gives the image.

    A run that is killed loses the epoch it was in, no more. Resumed, it ends where a run that was not killed ends (bit
    for bit on one CPU).

    Args:
        options: the recipe; a checkpoint of another recipe is refused.
        classifier: what is explained: pixels in [0, 1] to logits. Frozen here, and left in eval mode.
        training, validation: images.
        folder: for checkpoints.
        start: the network of `options.start`, whose weights this one begins with.
        device, devices, nodes, strategy: as Lightning names them: `"auto"`, `"cpu"` or `"gpu"`; how many a machine; how
            many machines; such as `"ddp"`. Several processes share each batch.
        show: whether to show progress.

    Raises:
        ValueError: the folder's checkpoint was made with other options, the images do not fill a batch, or the start is
            missing or has other layers.
    """
    folder = Path(folder)
    check_enough(len(training), len(validation), options.batch)
    if (start is None) != (options.start is None):
        raise ValueError(
            f"options.start={options.start!r}: pass start= if, and only if, a training begins with another"
        )
    last = folder / "last.ckpt"
    found = read_checkpoint(last, options.plain()) if last.exists() else None
    steps = options.epochs * (len(training) // options.batch)
    module = SpaceVAEModule(options, classifier, pixel_variance(training), steps)
    if start is not None:
        module.network.init_from(start)
    classifier.to(resolve_device("cuda" if device == "gpu" else device))  # else a GPU would wait for a CPU's answers
    rows = [ExplainedRows(each, answers(classifier, each, mirrored=options.flip)) for each in (training, validation)]
    data = RowsData(rows[0], rows[1], batch=options.batch, seed=options.seed, validation_batch=max(250, options.batch))
    timer = Timer()
    stop = EarlyStopping(WATCHED, min_delta=0.0, patience=options.patience, check_on_train_epoch_end=True)
    best = best_epoch(folder, WATCHED)
    with quiet():
        trainer = resumable_trainer(
            folder,
            timer,
            # Lightning would give a training that has stopped early one more epoch
            epochs=found["epoch"] + 1 if found and _has_stopped(found, stop) else options.epochs,
            device=device,
            devices=devices,
            show=show,
            watching=[stop, best],
            num_nodes=nodes,
            strategy=strategy,
            precision=options.precision,
            use_distributed_sampler=False,
        )
        trainer.fit(module, datamodule=data, ckpt_path=last if found else None, weights_only=True)
    state = best_weights(best)
    module.load_state_dict(state)
    assert best.best_model_score is not None
    return SpaceVAETraining(
        network=module.network.eval(),
        epochs=trainer.current_epoch,
        validation=float(best.best_model_score),
        seconds=timer.time_elapsed("train"),
        device=trainer.strategy.root_device.type,
    )


def _has_stopped(checkpoint: dict[str, Any], stop: EarlyStopping) -> bool:
    """Whether a checkpoint is that of a training that was ended for want of improvement."""
    waited = checkpoint["callbacks"].get(stop.state_key, {}).get("wait_count", 0)
    return waited >= stop.patience


def pixel_variance(images: LabelledImages) -> float:
    """The variance of all pixels in [0, 1], counted exactly from the 256 values that they have."""
    counts = torch.bincount(images.pixels.flatten(), minlength=256).double()
    values = torch.arange(256).double() / 255
    mean = (counts * values).sum() / counts.sum()
    return float((counts * (values - mean).square()).sum() / counts.sum())
