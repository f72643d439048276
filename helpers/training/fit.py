"""One way to train: early stopping, the best epoch, resuming after a kill, several processes."""

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

from helpers.training.options import plain

Module = TypeVar("Module", bound=lightning.LightningModule)
Data = Callable[[torch.device], tuple[Any, Any]]
"""Gives the training data (a loader, or a LightningDataModule) and a validation loader, or None, for a device."""


@dataclass(frozen=True)
class Fitted(Generic[Module]):
    """A finished training.

    Attributes:
        module: with the weights that are kept; on the CPU, in eval mode.
        epochs: how many were run.
        best, last: the watched measure of the best epoch and of the last one; NaN where none is watched.
        seconds: how long the epochs took, all runs together.
        device: the type of device it ran on, last.
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
    watch: str | None = None,
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
    """Train a module, resuming from the last epoch in `folder`; a finished training is read, not trained on.

    A run that is killed loses the epoch it was in, no more. Resumed, it ends where a run that was not killed ends (bit
    for bit on one CPU), as long as data and module draw their random numbers from the epoch or the step.

    Args:
        module: its options are saved as the hyperparameter `options`; a checkpoint with other options is refused.
        data: gives the data; called only if there is something left to train.
        folder: for the checkpoints `last.ckpt` and, where a measure is watched, `best.ckpt` (weights only).
        epochs: at most.
        watch: the logged measure that decides which epoch is best; None: there is no best epoch.
        mode: whether the least or the highest value is best.
        patience: epochs without a better value after which training stops; None: it never stops early.
        min_delta: by how much a value has to be better to count for `patience`.
        keep: whether the module returns with the weights of the best epoch or of the last one.
        device, devices, nodes, strategy: as Lightning names them: `"auto"`, `"cpu"` or `"gpu"`; processes per machine;
            machines; such as `"ddp"`. Several processes share each batch if the data is `rows.RowsData`.
        precision: as Lightning names it.
        clip: the norm to which gradients are clipped; None: not at all.
        show: whether to show progress.

    Raises:
        ValueError: the folder's checkpoint was made with other options.
    """
    folder, recipe = Path(folder), module.hparams["options"]
    timer, watched, stop, best = Timer(), _Watched(watch), None, None
    callbacks: list[Callback] = [timer, watched]
    if watch is not None:
        if patience is not None:
            stop = EarlyStopping(
                watch, mode=mode, min_delta=min_delta, patience=patience, check_on_train_epoch_end=True
            )
            callbacks.append(stop)
        best = _checkpoint(folder, "best", monitor=watch, mode=mode, save_weights_only=True)  # nothing resumes from it
        callbacks.append(best)
    # the last one to be called, so that it holds the state of the others
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
        # Lightning itself would give a training that has stopped early one more epoch
        if stored is None or not _is_finished(stored, epochs, stop):
            resume = None if stored is None else path
            trainer.fit(module, *data(root_device), ckpt_path=resume, weights_only=True)
            stored = read_checkpoint(path, recipe)
    kept = stored if keep == "last" else read_checkpoint(folder / "best.ckpt", recipe)
    module.load_state_dict(kept["state_dict"])
    states = stored["callbacks"]
    return Fitted(
        module=module.cpu().eval(),
        epochs=stored["epoch"] + 1,
        best=float(states[best.state_key]["best_model_score"]) if best else math.nan,
        last=states[watched.state_key]["value"],
        seconds=float(states[timer.state_key]["time_elapsed"]["train"]),
        device=root_device.type,
    )


def in_words(fitted: Fitted[Any]) -> str:
    """The length and the outcome of a training, for the terminal."""
    return f"{fitted.epochs} epochs, validation loss {fitted.best:.4f}, {fitted.seconds:.0f} s on {fitted.device}"


def read_checkpoint(checkpoint: Path, options: Any) -> dict[str, Any]:
    """A checkpoint, refused if its options differ.

    Args:
        checkpoint: the file.
        options: a dataclass, or its plain values.

    Raises:
        ValueError: it was made with another value of an option.
    """
    content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    stored: Mapping[str, Any] = plain(content["hyper_parameters"]["options"])
    others = [name for name, value in plain(options).items() if stored.get(name) != value]
    if others:
        raise ValueError(
            f"{checkpoint} was made with another value of {', '.join(others)}; "
            "delete it to start anew, or train in another folder"
        )
    return content


class _Watched(Callback):
    """Keeps the watched measure of the last epoch in checkpoints; Lightning's callbacks know only the best ones."""

    def __init__(self, name: str | None) -> None:
        self.name, self.value = name, math.nan

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Read the measure, which validation has logged by now."""
        self.value = float(trainer.callback_metrics[self.name]) if self.name else math.nan

    def state_dict(self) -> dict[str, float]:
        """The measure, for the checkpoint."""
        return {"value": self.value}


def _checkpoint(folder: Path, name: str, **options: Any) -> ModelCheckpoint:
    """A callback that writes `<name>.ckpt` at the end of epochs."""
    return ModelCheckpoint(folder, name, enable_version_counter=False, save_on_train_epoch_end=True, **options)


def _is_finished(stored: Mapping[str, Any], epochs: int, stop: EarlyStopping | None) -> bool:
    """Whether a checkpoint is that of the last epoch, or of the one after which training stopped early."""
    if stored["epoch"] + 1 >= epochs or stop is None:
        return stored["epoch"] + 1 >= epochs
    state = stored["callbacks"][stop.state_key]
    return state["wait_count"] >= stop.patience or state["stopped_epoch"] > 0


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning's advertisements, and advice that does not apply here, out of the output."""
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
