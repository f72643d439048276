"""Train an Explainer, resuming where an earlier run was stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from lightning.pytorch.callbacks import EarlyStopping, Timer
from torch import nn

from helpers.data.multilabel import MultiLabelImages
from helpers.methods.explainer.data import LabelledRows
from helpers.methods.explainer.module import ExplainerModule
from helpers.methods.explainer.network import ExplainerNetwork
from helpers.methods.explainer.options import ExplainerOptions
from helpers.training.resume import best_epoch, best_weights, check_enough, quiet, read_checkpoint, resumable_trainer
from helpers.training.rows import RowsData

WATCHED = "validation loss"


@dataclass(frozen=True)
class ExplainerTraining:
    """A finished training.

    Attributes:
        network: with the weights of the epoch that is kept.
        epochs: how many were run.
        validation: the least validation loss.
        seconds: how long it took, all runs together.
        device: the kind of device it ran on, last.
    """

    network: ExplainerNetwork
    epochs: int
    validation: float
    seconds: float
    device: str


def train_explainer(
    options: ExplainerOptions,
    classifier: nn.Module,
    training: MultiLabelImages,
    validation: MultiLabelImages,
    folder: str | Path,
    *,
    device: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    strategy: str = "auto",
    show: bool = True,
) -> ExplainerTraining:
    """Train until the validation loss no longer falls; checkpoints go to `folder`, the last one there is resumed.

    A run that is killed loses the epoch it was in, no more. Resumed, it ends where a run that was not killed ends (bit
    for bit on one CPU).

    Args:
        options: the recipe; a checkpoint of another recipe is refused.
        classifier: what is explained: pixels in [0, 1] to logits. Frozen here, and left in eval mode.
        training, validation: images with the classes that they show.
        folder: for checkpoints.
        device, devices, nodes, strategy: as Lightning names them: `"auto"`, `"cpu"` or `"gpu"`; how many a machine; how
            many machines; such as `"ddp"`. Several processes share each batch.
        show: whether to show progress.

    Raises:
        ValueError: the folder's checkpoint was made with other options, or the images do not fill a batch.
    """
    folder = Path(folder)
    check_enough(len(training), len(validation), options.batch)
    last = folder / "last.ckpt"
    if last.exists():
        read_checkpoint(last, options.plain())
    classes = len(training.class_names)
    module = ExplainerModule(options, classifier, classes, options.epochs * (len(training) // options.batch))
    data = RowsData(LabelledRows(training), LabelledRows(validation), batch=options.batch, seed=options.seed)
    timer = Timer()
    stop = EarlyStopping(WATCHED, min_delta=options.min_delta, patience=options.patience, check_on_train_epoch_end=True)
    best = best_epoch(folder, WATCHED)
    with quiet():
        trainer = resumable_trainer(
            folder,
            timer,
            epochs=options.epochs,
            device=device,
            devices=devices,
            show=show,
            watching=[stop, best],
            num_nodes=nodes,
            strategy=strategy,
            precision=options.precision,
            sync_batchnorm=devices * nodes > 1 and torch.cuda.is_available(),
            use_distributed_sampler=False,
        )
        trainer.fit(module, datamodule=data, ckpt_path=last if last.exists() else None, weights_only=True)
    if options.keep == "best":
        module.load_state_dict(best_weights(best))
    return ExplainerTraining(
        network=module.network,
        epochs=trainer.current_epoch,
        validation=float(best.best_model_score) if best.best_model_score is not None else float("nan"),
        seconds=timer.time_elapsed("train"),
        device=trainer.strategy.root_device.type,
    )
