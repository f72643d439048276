"""Multi-label classifiers of scenes, prepared for masked images."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import lightning
import timm
import torch
from jaxtyping import Float, UInt8
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from helpers.core.runtime import random_generator
from helpers.data.multilabel.scenes import BACKGROUND, MARK, draw_multilabels
from helpers.data.scenes import SCENE_CLASSES
from helpers.training.augment import augment, noise_like
from helpers.training.fit import Fitted, fit
from helpers.training.optimisers import adamw, with_one_cycle
from helpers.training.options import TRAINING_SERIES, MultiLabelOptions, plain
from helpers.training.recipes.scene import MEAN, STD
from helpers.training.rows import EpochSampler

_LARGEST_HOLE = 0.7  # share of any object
Images = Float[Tensor, "batch 3 height width"]
ClassMaps = UInt8[Tensor, "batch height width"]
Batch = list[Tensor]
"""8-bit pixels (batch, 3, height, width), labels (batch, classes) and class maps (batch, height, width)."""


class MultiLabelModule(lightning.LightningModule):
    """Train a timm network on the binary cross-entropy of all classes.

    Methods that mask images will evaluate it on pictures with holes, so some training images get black holes and keep
    their labels, and others are replaced by noise or black, with no label. Holes in the shape of objects teach that an
    outline alone is no object.
    """

    multi_label: ClassVar[bool] = True  # of the weights, for `load_classifier`

    def __init__(self, options: MultiLabelOptions) -> None:
        super().__init__()
        self.options = options
        self.save_hyperparameters({"options": plain(options)})
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(options.seed)
            self.network = timm.create_model(options.architecture, num_classes=len(SCENE_CLASSES), **options.model_args)
        self.network.to(memory_format=torch.channels_last)

    def forward(self, images: Images) -> Float[Tensor, "batch classes"]:
        """Logits of images with pixels in [0, 1]."""
        return self.network(((images - MEAN[0]) / STD[0]).contiguous(memory_format=torch.channels_last))

    def training_step(self, batch: Batch, batch_index: int) -> Float[Tensor, ""]:
        """The binary cross-entropy of an augmented batch."""
        # random choices depend on the step only, so that a resumed run repeats those of an uninterrupted one
        generator = random_generator(1_000_003 * self.options.seed + self.global_step)
        pixels, labels, class_maps = batch
        images, class_maps = augment(pixels.float() / 255, class_maps, generator)
        target = labels.float()
        o = self.options
        sizes = [int(share * len(images)) for share in (o.empty_share, o.hidden_share, o.cut_share)]
        empty, hidden, cut, whole = images.split([*sizes, len(images) - sum(sizes)])
        _, hidden_maps, cut_maps, _ = class_maps.split([*sizes, len(images) - sum(sizes)])
        hidden = with_holes(hidden, hidden_maps, generator)
        cut, cut_labels = cut_out(cut, cut_maps, generator)
        images = torch.cat([empty_pictures(empty, generator), hidden, cut, whole])
        target[: len(empty)] = 0
        target[len(empty) + len(hidden) : len(images) - len(whole)] = cut_labels
        target = target * (1 - 2 * o.smoothing) + o.smoothing
        images = self.with_patterns(images, target, generator)
        loss = functional.binary_cross_entropy_with_logits(self(images), target)
        self.log("training loss", loss, prog_bar=True)
        return loss

    def with_patterns(
        self, images: Images, target: Float[Tensor, "batch classes"], generator: torch.Generator
    ) -> Images:
        """Darken every second image by an adversarial pattern: one step of the gradient's sign from a random pattern.

        Without this, a faint pattern of pixels could add or remove any class, and a mask would not have to show or hide
        objects. One step suffices for robust training (Goodfellow et al., 2015; Wong et al., 2020).

        Args:
            images: pixels in [0, 1].
            target: the probabilities of the classes.
            generator: generator of the random choices, such as the grain of the pattern: one, two or four pixels.
        """
        strength = self.options.pattern_strength
        if not strength:
            return images
        grain = 2 ** int(torch.randint(0, 3, (), generator=generator))
        rows = torch.arange(len(images), device=images.device) % 2 > 0
        shape = (len(images), 1, images.shape[2] // grain, images.shape[3] // grain)
        depth = strength * torch.rand(len(images), 1, 1, 1, generator=generator).to(images) * rows[:, None, None, None]
        pattern = torch.rand(shape, generator=generator).to(images).requires_grad_()

        def darkened(pattern: Tensor) -> Tensor:
            return images * (1 - depth * functional.interpolate(pattern, images.shape[2:], mode="nearest"))

        loss = functional.binary_cross_entropy_with_logits(self(darkened(pattern)), target)
        (gradient,) = torch.autograd.grad(loss, pattern)
        return darkened((pattern + 1.25 * gradient.sign()).clamp(0, 1).detach())

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with a one-cycle learning rate."""
        o = self.options
        steps = o.epochs * (sum(o.scenes) // o.batch)
        return with_one_cycle(adamw(self.network, o.learning_rate, o.weight_decay), steps, 0.2)


def empty_pictures(images: Images, generator: torch.Generator) -> Images:
    """Pictures without objects: noise in half of them, black in a quarter, noise with black blobs in a quarter.

    Args:
        images: pixels in [0, 1]; the noise has the mean and standard deviation of each.
        generator: generator of the random choices.
    """
    if not len(images):
        return images
    noise = noise_like(images, generator)
    remainder = torch.arange(len(images), device=images.device)[:, None, None, None] % 4
    return torch.where(remainder == 0, 0.0, torch.where(remainder == 1, noise * blobs(images, generator), noise))


def with_holes(images: Images, class_maps: ClassMaps, generator: torch.Generator) -> Images:
    """Black out blobs in half of the images, and the outlines of another image's objects in the others.

    An image in which more than 70 % of an object would be lost stays unchanged.

    Args:
        images: pixels in [0, 1].
        class_maps: the class visible at each pixel (`helpers.data.multilabel.scenes.class_maps`).
        generator: generator of the random choices.
    """
    if not len(images):
        return images
    outlines = (class_maps.roll(1, 0) < BACKGROUND).flip(1)[:, None]
    even = torch.arange(len(images), device=images.device)[:, None, None, None] % 2 == 0
    mask = torch.where(even, blobs(images, generator), 1 - outlines.float())  # (batch, 1, height, width)
    regions = functional.one_hot(class_maps.long().clamp_max(BACKGROUND), BACKGROUND + 1)[..., :BACKGROUND].float()
    areas = regions.sum((1, 2))  # (batch, classes)
    kept_shares = torch.einsum("bhwc,bhw->bc", regions, mask[:, 0]) / areas.clamp_min(1)
    is_lost = ((kept_shares < 1 - _LARGEST_HOLE) & (areas > 0)).any(1)
    return torch.where(is_lost[:, None, None, None], images, images * mask)


def cut_out(
    images: Images, class_maps: ClassMaps, generator: torch.Generator
) -> tuple[Images, Float[Tensor, "batch classes"]]:
    """Cut random objects out of each image, along their outline or up to eight pixels from it.

    Odd images lose these objects, even ones everything else; all lose the planted mark.

    Args:
        images: pixels in [0, 1].
        class_maps: the class visible at each pixel (`helpers.data.multilabel.scenes.class_maps`).
        generator: generator of the random choices.

    Returns:
        The images, black where something was removed; and 1 for each class that they still show, else 0.
    """
    margin = int(torch.randint(0, 9, (), generator=generator))
    # (batch, classes, height, width)
    regions = functional.one_hot(class_maps.long().clamp_max(BACKGROUND), BACKGROUND + 1)[..., :BACKGROUND].movedim(
        3, 1
    )
    shown = regions.flatten(2).any(2)  # (batch, classes)
    chosen = shown & (torch.rand(shown.shape, generator=generator) < 0.6).to(shown.device)
    inside = (regions * chosen[..., None, None]).amax(1, keepdim=True).to(images)
    inside = functional.max_pool2d(inside, 2 * margin + 1, stride=1, padding=margin)
    others = (regions * (shown & ~chosen)[..., None, None]).amax(1, keepdim=True).to(images)
    even = torch.arange(len(images), device=images.device)[:, None, None, None] % 2 == 0
    # the margin may overlap other objects; there, the labels decide
    kept = torch.where(even, inside * (1 - others), torch.maximum(1 - inside, others))
    labels = torch.where(even[:, :, 0, 0], chosen, shown & ~chosen)
    return images * kept * (class_maps != MARK)[:, None], labels.to(images)


def blobs(images: Images, generator: torch.Generator) -> Float[Tensor, "batch 1 height width"]:
    """Smooth random regions of each image, 1 inside and 0 outside, which cover a fifth to nine tenths of it."""
    count, _, height, width = images.shape
    share = torch.rand(count, 1, 1, 1, generator=generator).to(images)
    coarse = torch.rand(count, 1, 6, 6, generator=generator).to(images)
    smooth = functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
    return (smooth > 0.3 + 0.35 * share).to(images)


def training_loader(options: MultiLabelOptions, *, show: bool = False) -> DataLoader[Batch]:
    """The training scenes in shuffled batches, in the same order after a restart."""
    drawn = [
        draw_multilabels(
            count,
            size=options.size,
            seed=TRAINING_SERIES + options.seed + 10 * objects,
            objects=(objects, objects),
            shortcut_strength=options.shortcut_strength,
            shortcut_base_rate=options.shortcut_base_rate,
            shortcut_class=options.shortcut_class,
            show=show,
        )
        for objects, count in enumerate(options.scenes, 1)
        if count
    ]
    pixels, labels = (torch.cat([getattr(images, name) for images, _ in drawn]) for name in ("pixels", "labels"))
    dataset: Any = TensorDataset(pixels, labels, torch.cat([class_maps for _, class_maps in drawn]))
    sampler = EpochSampler(len(dataset), options.seed)
    return DataLoader(dataset, batch_size=options.batch, sampler=sampler, drop_last=True)


def train_multilabel(
    module: MultiLabelModule, folder: str | Path, *, show: bool = True, **devices: Any
) -> Fitted[MultiLabelModule]:
    """Train a module for all epochs of its options.

    Args:
        module: the module.
        folder: the folder of checkpoints.
        show: show progress bars.
        devices: `device` of `helpers.training.fit.fit`.
    """

    def data(_: torch.device) -> tuple[Any, Any]:
        return training_loader(module.options, show=show), None

    return fit(module, data, folder, epochs=module.options.epochs, show=show, **devices)
