"""Training of any module: early stopping, checkpoints, resuming after a kill, several processes, no NaN."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, Timer

from helpers.training.finite import StopAtNonFinite
from helpers.training.options import plain
from helpers.training.processes import ignore_unused_srun

Module = TypeVar("Module", bound=lightning.LightningModule)
Data = Callable[[torch.device], tuple[Any, Any]]
"""A function from a device to the training data (a loader or LightningDataModule) and a validation loader or None."""


@dataclass(frozen=True)
class Fitted(Generic[Module]):
    """A finished training.

    Attributes:
        module: the module with the selected weights, on the CPU and in eval mode.
        epochs: number of epochs.
        best, last: the monitored metric of the best and of the last epoch; NaN if none is monitored.
        seconds: seconds of all epochs, over all resumed runs.
        device: the type of device of the last run.
    """

    module: Module
    epochs: int
    best: float
    last: float
    seconds: float
    device: str


def fit(
    module: Module,
    data: Data,
    folder: str | Path,
    *,
    epochs: int,
    monitor: str | None = None,
    mode: Literal["min", "max"] = "min",
    patience: int | None = None,
    min_delta: float = 0.0,
    keep: Literal["best", "last"] = "last",
    device: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    strategy: str = "auto",
    precision: Any = "32-true",
    clip: float | None = None,
    show: bool = True,
) -> Fitted[Module]:
    """Train a module, resuming from the last checkpoint in `folder`; a finished training is only loaded.

    A killed run loses its current epoch and nothing else. A resumed run gives the result of an uninterrupted one (bit
    for bit on one CPU), provided that data and module seed their random numbers with the epoch or the step.

    Args:
        module: the module, whose hyperparameter `options` is saved; a checkpoint with other options is an error.
        data: gives the data; called only if training is not finished.
        folder: the folder of the checkpoints `last.ckpt` and, if a metric is monitored, `best.ckpt` (weights only).
        epochs: maximal number of epochs.
        monitor: the logged metric that determines the best epoch; None: there is no best epoch.
        mode: whether the lowest or the highest value is best.
        patience: number of epochs without improvement after which training stops; None: no early stopping.
        min_delta: the smallest change that counts as an improvement.
        keep: return the weights of the best or of the last epoch.
        device: `"auto"`, `"cpu"` or `"gpu"`.
        devices: number of processes per machine; they share each batch if the data is a `rows.BatchDataModule`.
        nodes: number of machines.
        strategy, precision: as in Lightning, such as `"ddp"` and `"bf16-mixed"`.
        clip: the norm to which gradients are clipped; None: no clipping.
        show: show a progress bar.

    Raises:
        ValueError: the folder's checkpoint was made with other options.
        NonFiniteTrainingError: the loss, a gradient or the monitored metric is NaN or infinite; the message names the
            step, whose changes are not kept.
    """
    folder, recipe = Path(folder), module.hparams["options"]
    timer, recorder, stop, best = Timer(), _MetricRecorder(monitor), None, None
    callbacks: list[Callback] = [timer, recorder, StopAtNonFinite(monitor)]
    if monitor is not None:
        if patience is not None:
            stop = EarlyStopping(
                monitor, mode=mode, min_delta=min_delta, patience=patience, check_on_train_epoch_end=True
            )
            callbacks.append(stop)
        best = _checkpoint(folder, "best", monitor=monitor, mode=mode, save_weights_only=True)  # never resumed from
        callbacks.append(best)
    # called last, so that the checkpoint holds the state of all other callbacks
    callbacks.append(_checkpoint(folder, "last"))
    path = folder / "last.ckpt"
    stored = read_checkpoint(path, recipe) if path.exists() else None
    with quiet():
        trainer = lightning.Trainer(
            accelerator=device,
            devices=devices,
            num_nodes=nodes,
            strategy=strategy,
            precision=precision,
            max_epochs=epochs,
            callbacks=callbacks,
            gradient_clip_val=clip,
            sync_batchnorm=devices * nodes > 1 and torch.cuda.is_available(),
            use_distributed_sampler=False,
            logger=False,
            enable_progress_bar=show,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        root_device = trainer.strategy.root_device
        # a training that has stopped early would get one more epoch from Lightning
        if stored is None or not _is_finished(stored, epochs, stop):
            resume = None if stored is None else path
            trainer.fit(module, *data(root_device), ckpt_path=resume, weights_only=True)
            stored = read_checkpoint(path, recipe)
    selected = stored if keep == "last" else read_checkpoint(folder / "best.ckpt", recipe)
    module.load_state_dict(selected["state_dict"])
    states = stored["callbacks"]
    return Fitted(
        module=module.cpu().eval(),
        epochs=stored["epoch"] + 1,
        best=float(states[best.state_key]["best_model_score"]) if best else math.nan,
        last=states[recorder.state_key]["value"],
        seconds=float(states[timer.state_key]["time_elapsed"]["train"]),
        device=root_device.type,
    )


def describe_training(fitted: Fitted[Any]) -> str:
    """A summary of a training for the terminal."""
    return f"{fitted.epochs} epochs, validation loss {fitted.best:.4f}, {fitted.seconds:.0f} s on {fitted.device}"


def read_checkpoint(checkpoint: Path, options: Any) -> dict[str, Any]:
    """The content of a checkpoint with the expected options.

    Args:
        checkpoint: the file.
        options: the expected options, a dataclass or its plain values.

    Raises:
        ValueError: an option of the checkpoint differs.
    """
    content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    stored: Mapping[str, Any] = plain(content["hyper_parameters"]["options"])
    different = [name for name, value in plain(options).items() if stored.get(name) != value]
    if different:
        raise ValueError(
            f"{checkpoint} was made with another value of {', '.join(different)}; "
            "delete it to start over, or train in another folder"
        )
    return content


class _MetricRecorder(Callback):
    """Stores the monitored metric of the last epoch in checkpoints, since Lightning's callbacks store the best only."""

    def __init__(self, name: str | None) -> None:
        self.name, self.value = name, math.nan

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Read the metric, which validation has logged by now."""
        self.value = float(trainer.callback_metrics[self.name]) if self.name else math.nan

    def state_dict(self) -> dict[str, float]:
        """The metric, for the checkpoint."""
        return {"value": self.value}


def _checkpoint(folder: Path, name: str, **options: Any) -> ModelCheckpoint:
    """A callback that writes `<name>.ckpt` at the end of each epoch, or of each better one."""
    return ModelCheckpoint(folder, name, enable_version_counter=False, save_on_train_epoch_end=True, **options)


def _is_finished(stored: Mapping[str, Any], epochs: int, stop: EarlyStopping | None) -> bool:
    """Whether a checkpoint is of the last epoch, or of the one after which training stopped early."""
    if stored["epoch"] + 1 >= epochs or stop is None:
        return stored["epoch"] + 1 >= epochs
    state = stored["callbacks"][stop.state_key]
    return state["wait_count"] >= stop.patience or state["stopped_epoch"] > 0


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress Lightning's advertisements, and its advice that does not apply here."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # November 2026: Lightning 2.6 uses what PyTorch 2.15 has deprecated
            warnings.filterwarnings("ignore", ".*LeafSpec", FutureWarning)
            # scenes are in memory, so that worker processes would only copy them; validation is optional
            warnings.filterwarnings("ignore", ".*does not have many workers")
            warnings.filterwarnings("ignore", ".*no `val_dataloader`")
            # layers whose normalisations keep the statistics of ImageNet are meant to be in eval mode
            warnings.filterwarnings("ignore", r"Found \d+ module\(s\) in eval mode")
            warnings.filterwarnings("ignore", "Checkpoint directory .* exists")
            ignore_unused_srun()
            yield
    finally:
        logger.setLevel(level)
