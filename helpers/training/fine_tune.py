"""Fine-tune an ImageNet classifier to name every class of an image, resuming where an earlier run was stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import EarlyStopping, Timer
from torch import Tensor, nn

from helpers.classifiers import save_weights
from helpers.classifiers.architectures import IMAGENET_MEAN, IMAGENET_STD
from helpers.data.multilabel import MultiLabelImages
from helpers.training.fine_tune_features import batches, trunk_features
from helpers.training.fine_tune_module import WATCHED, FineTuneModule
from helpers.training.fine_tune_network import FineTuneNetwork, fine_tune_network
from helpers.training.fine_tune_options import FineTuneOptions
from helpers.training.resume import best_epoch, quiet, read_checkpoint, resumable_trainer


@dataclass(frozen=True)
class FineTuning:
    """A finished fine-tuning.

    Attributes:
        network: frozen, in eval mode, on the CPU: from pixels normalised as ImageNet's to logits.
        options: the recipe.
        class_names: one name a logit.
        size: the side of the images trained on.
        epochs: how many were run.
        validation: the least validation loss.
        seconds: how long training took, all runs together, without the features.
        device: the kind of device it ran on, last.
    """

    network: nn.Module
    options: FineTuneOptions
    class_names: tuple[str, ...]
    size: int
    epochs: int
    validation: float
    seconds: float
    device: str


def fine_tune(
    training: MultiLabelImages,
    validation: MultiLabelImages,
    options: FineTuneOptions,
    folder: str | Path,
    *,
    device: str = "auto",
    show: bool = True,
) -> FineTuning:
    """Train the head until the validation loss no longer falls; checkpoints go to `folder`, the last one is resumed.

    A run that is killed loses the epoch it was in, no more (and computes features again). Resumed, it ends where a
    run that was not killed ends; a finished one is read, not trained on.

    Args:
        training, validation: square images with their classes.
        options: the recipe; a checkpoint of another recipe is refused.
        folder: for checkpoints, and for the features while they are needed.
        device: `"auto"`, `"cpu"` or `"gpu"`, as Lightning names them.
        show: whether to show progress.

    Raises:
        ValueError: the folder's checkpoint was made with other options, or the images do not fit each other.
        WeightsUnavailableError: (an OSError) the backbone's weights cannot be downloaded; says where to put them.
    """
    _check(training, validation)
    folder = Path(folder)
    network = fine_tune_network(options, len(training.class_names))
    recipe = {**options.plain(), "source": network.source, "classes": len(training.class_names)}
    last, timer = folder / "last.ckpt", Timer()
    stop = EarlyStopping(WATCHED, min_delta=options.min_delta, patience=options.patience, check_on_train_epoch_end=True)
    best = best_epoch(folder, WATCHED)
    with quiet():
        trainer = resumable_trainer(
            folder,
            timer,
            epochs=options.epochs,
            device=device,
            show=show,
            watching=[stop, best],
            precision=options.precision,
        )
        if not (last.exists() and _finished(read_checkpoint(last, recipe), options)):
            place = trainer.strategy.root_device
            rows = [_inputs(network, images, options, folder, place, show) for images in (training, validation)]
            trainer.fit(
                FineTuneModule(options, network, recipe),
                batches(rows[0], training.labels, options.batch, options.seed),
                batches(rows[1], validation.labels, 4 * options.batch, None),
                ckpt_path=last if last.exists() else None,
                weights_only=True,
            )
    found = read_checkpoint(last, recipe)
    kept = read_checkpoint(folder / "best.ckpt", recipe) if options.keep == "best" else found
    head = {name.removeprefix("head."): value for name, value in kept["state_dict"].items()}
    network.head.load_state_dict(head)
    network.whole.cpu().eval().requires_grad_(False)
    return FineTuning(
        network=network.whole,
        options=options,
        class_names=training.class_names,
        size=training.pixels.shape[-1],
        epochs=found["epoch"] + 1,
        validation=float(_callback(found, "ModelCheckpoint", "best_model_score")),
        seconds=float(_callback(found, "Timer", "time_elapsed")["train"]),
        device=trainer.strategy.root_device.type,
    )


def save_fine_tuned(path: str | Path, training: FineTuning) -> str:
    """Write a fine-tuned network as `load_classifier(name, weights=path)` reads it.

    Returns:
        The file's SHA-256.
    """
    return save_weights(
        path,
        training.network.state_dict(),
        architecture=f"torchvision/{training.options.architecture}",
        model_args={"num_classes": len(training.class_names)},
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        input_size=training.size,
        classes=training.class_names,
    )


def _inputs(
    network: FineTuneNetwork,
    images: MultiLabelImages,
    options: FineTuneOptions,
    folder: Path,
    device: torch.device,
    show: bool,
) -> Tensor:
    """What the training reads: features, or pixels where these are not kept."""
    if not options.keep_features:
        return images.pixels
    return trunk_features(network.trunk, images, folder, device=device, precision=options.precision, show=show)


def _finished(checkpoint: dict[str, Any], options: FineTuneOptions) -> bool:
    """Whether the last epoch of a training was its last one."""
    waited = _callback(checkpoint, "EarlyStopping", "wait_count")
    return checkpoint["epoch"] + 1 >= options.epochs or waited >= options.patience


def _callback(checkpoint: dict[str, Any], name: str, value: str) -> Any:
    """A value that a callback left in a checkpoint; the one of the first of several that has it."""
    states = [state for key, state in checkpoint["callbacks"].items() if key.startswith(name)]
    return next(state[value] for state in states if state.get(value) is not None)


def _check(training: MultiLabelImages, validation: MultiLabelImages) -> None:
    """Refuse images that do not belong together."""
    parts: Sequence[MultiLabelImages] = (training, validation)
    if training.class_names != validation.class_names:
        raise ValueError("the training images and the validation images have other classes: load both the same way")
    if len({images.pixels.shape[2:] for images in parts}) > 1 or not all(len(images) for images in parts):
        shapes = " and ".join(str(tuple(images.pixels.shape)) for images in parts)
        raise ValueError(f"training and validation images have the shapes {shapes}; expected some of each, of one size")
