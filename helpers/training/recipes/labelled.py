"""Classifiers of small images with one label each: VGG-11 on CIFAR-10, a narrow one on scenes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import torch
from jaxtyping import Float
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from torchvision.transforms import v2

from helpers.classifiers import save_weights
from helpers.classifiers.vgg import VGG_NAME, SmallImageVGG
from helpers.core.runtime import random_generator
from helpers.data.labelled import LabelledImages
from helpers.training.fit import Fitted, fit
from helpers.training.options import LabelledOptions, plain
from helpers.training.rows import EpochSampler, check_image_counts

MONITORED = "validation accuracy"
Batch = list[Tensor]
"""8-bit pixels (batch, 3, height, width) and labels (batch)."""

_VALIDATION_BATCH = 500
_GROUP = 16  # images per random augmentation: one per image would take longer than the training itself


class LabelledModule(lightning.LightningModule):
    """Train a `SmallImageVGG` on the cross-entropy of the labels.

    Args:
        options: the recipe.
        classes: number of classes.
        steps: number of steps of the whole training, for the learning rate and the augmentation policy.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, options: LabelledOptions, classes: int, steps: int) -> None:
        super().__init__()
        self.options, self.classes, self.steps = options, classes, steps
        self.save_hyperparameters({"options": plain(options)})
        with _seeded(options.seed):
            self.network = SmallImageVGG(classes, options.width, options.hidden, options.dropout)
        self.network.to(memory_format=torch.channels_last)
        self.policy = v2.TrivialAugmentWide()
        self.register_buffer("mean", torch.tensor(options.mean).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(options.std).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        """Logits of images with pixels in [0, 1]."""
        return self.network(((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last))

    def training_step(self, batch: Batch, batch_index: int) -> Float[Tensor, ""]:
        """The cross-entropy of an augmented batch."""
        pixels, labels = batch
        # random choices depend on the step only, so that a resumed run repeats those of an uninterrupted one
        seed = 1_000_003 * self.options.seed + self.global_step
        generator, o = random_generator(seed), self.options
        with _seeded(seed, pixels.device):  # torchvision's policy and dropout have no generators of their own
            if o.policy == "trivial" and self.global_step < o.policy_share * self.steps:
                pixels = torch.cat([self.policy(group) for group in pixels.split(_GROUP)])
            images = shift_and_mirror(pixels.float() / 255, generator, padding=o.padding, flip=o.flip)
            if o.erase:
                images = erase(images, generator, side=o.erase, colour=self.mean)
            loss = functional.cross_entropy(self(images).float(), labels)
        self.log("training loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """The accuracy on a validation batch."""
        pixels, labels = batch
        accuracy = (self(pixels.float() / 255).argmax(1) == labels).float().mean()
        self.log(MONITORED, accuracy, prog_bar=True, batch_size=len(labels))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Stochastic gradient descent; the learning rate rises linearly, then falls along a cosine."""
        o = self.options
        optimiser = torch.optim.SGD(
            self.parameters(), o.learning_rate, momentum=o.momentum, weight_decay=o.weight_decay, nesterov=True
        )
        rising = max(1, round(o.warm_up * self.steps))
        schedule = torch.optim.lr_scheduler.SequentialLR(
            optimiser,
            [
                torch.optim.lr_scheduler.LinearLR(optimiser, 1e-3, total_iters=rising),
                torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(1, self.steps - rising), eta_min=1e-8),
            ],
            [rising],
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


@contextmanager
def _seeded(seed: int, device: torch.device | str = "cpu") -> Iterator[None]:
    """Seed the global generators of the CPU and of `device`, and restore them afterwards."""
    cuda = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)
        if cuda:
            torch.cuda.manual_seed(seed)
        yield


def shift_and_mirror(
    images: Float[Tensor, "batch 3 height width"], generator: torch.Generator, *, padding: int, flip: bool
) -> Float[Tensor, "batch 3 height width"]:
    """Shift each image randomly by up to `padding` pixels along both axes, filling with black, and mirror half of them.

    Args:
        images: pixels in [0, 1].
        generator: generator of the random choices.
        padding: the largest shift.
        flip: whether to mirror.
    """
    count, _, height, width = images.shape
    mirrored = torch.rand(count, generator=generator).to(images.device)[:, None, None, None] < 0.5
    images = torch.where(mirrored & flip, images.flip(3), images)
    shift = torch.randint(0, 2 * padding + 1, (2, count, 1), generator=generator).to(images.device)
    rows = shift[0] + torch.arange(height, device=images.device)
    columns = shift[1] + torch.arange(width, device=images.device)
    padded = functional.pad(images, (padding,) * 4).movedim(1, 3)
    index = torch.arange(count, device=images.device)[:, None, None]
    return padded[index, rows[:, :, None], columns[:, None]].movedim(3, 1)


def erase(
    images: Float[Tensor, "batch 3 height width"],
    generator: torch.Generator,
    *,
    side: int,
    colour: Float[Tensor, "1 3 1 1"],
) -> Float[Tensor, "batch 3 height width"]:
    """Fill a square around a random pixel of each image (Cutout); near the border the square is cropped.

    Args:
        images: pixels in [0, 1].
        generator: generator of the random choices.
        side: side of the square in pixels.
        colour: its colour.
    """
    count, _, height, width = images.shape
    centres = torch.rand(2, count, 1, generator=generator).to(images.device)
    rows, columns = (
        (torch.arange(length, device=images.device) - (centre * length).floor() + side // 2).div(side).floor() == 0
        for length, centre in zip((height, width), centres, strict=True)
    )
    return torch.where(rows[:, None, :, None] & columns[:, None, None], colour, images)


def train_labelled(
    options: LabelledOptions,
    training: LabelledImages,
    validation: LabelledImages,
    folder: str | Path,
    *,
    show: bool = True,
    **devices: Any,
) -> Fitted[LabelledModule]:
    """Train for all epochs; the best epoch is that of the highest validation accuracy.

    Args:
        options: the recipe.
        training, validation: images with their labels.
        folder: the folder of checkpoints.
        show: show a progress bar.
        devices: `device` of `helpers.training.fit.fit`.

    Raises:
        ValueError: the folder's checkpoint was made with other options, or the images do not fill a batch.
    """
    check_image_counts(len(training), len(validation), options.batch)
    steps = options.epochs * (len(training) // options.batch)

    def data(_: torch.device) -> tuple[Any, Any]:
        sampler = EpochSampler(len(training), options.seed)
        shuffled = _loader(training, options, batch_size=options.batch, sampler=sampler, drop_last=True)
        return shuffled, _loader(validation, options, batch_size=_VALIDATION_BATCH)

    return fit(
        LabelledModule(options, len(training.class_names), steps),
        data,
        folder,
        epochs=options.epochs,
        monitor=MONITORED,
        mode="max",
        keep=options.keep,
        precision=options.precision,
        show=show,
        **devices,
    )


def _loader(images: LabelledImages, recipe: LabelledOptions, **options: Any) -> DataLoader[Any]:
    """The images in batches, without effect on the global generator, from which loaders draw a number by default."""
    dataset: Any = TensorDataset(images.pixels, images.labels)
    return DataLoader(dataset, generator=random_generator(recipe.seed), **options)


def save_labelled(path: str | Path, module: LabelledModule, class_names: tuple[str, ...], size: int = 32) -> str:
    """Write a trained classifier in the format of `load_classifier`.

    Args:
        path: the file.
        module: the trained classifier.
        class_names: in the order of the logits.
        size: side in pixels of the training images.

    Returns:
        The file's SHA-256.
    """
    options = module.options
    arguments = {"num_classes": module.classes, "width": options.width, "hidden": options.hidden}
    return save_weights(
        path,
        module.network.state_dict(),
        architecture=VGG_NAME,
        model_args={**arguments, "dropout": options.dropout},
        mean=options.mean,
        std=options.std,
        input_size=size,
        classes=class_names,
    )
