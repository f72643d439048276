"""Classifiers that name every class of a scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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

_MOST_HIDDEN = 0.7  # of any object
Rows = list[Tensor]  # pixels, labels, parts


class MultiLabelModule(lightning.LightningModule):
    """Train a timm network on the binary cross-entropy of all classes.

    Some images get black holes and keep their labels, others become noise or black and show nothing: methods that mask
    images will show it such pictures. Holes in the shape of objects teach that an outline alone is no object.
    """

    def __init__(self, options: MultiLabelOptions) -> None:
        super().__init__()
        self.options = options
        self.save_hyperparameters({"options": plain(options)})
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(options.seed)
            self.network = timm.create_model(options.architecture, num_classes=len(SCENE_CLASSES), **options.model_args)
        self.network.to(memory_format=torch.channels_last)

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        """Logits of images with pixels in [0, 1]."""
        return self.network(((images - MEAN[0]) / STD[0]).contiguous(memory_format=torch.channels_last))

    def training_step(self, batch: Rows, batch_index: int) -> Tensor:
        """The binary cross-entropy of an augmented batch."""
        # random choices depend on the step alone, so a resumed run makes those of an uninterrupted one
        generator = random_generator(1_000_003 * self.options.seed + self.global_step)
        pixels, labels, parts = batch
        images, parts = augment(pixels.float() / 255, parts, generator)
        target = labels.float()
        o = self.options
        sizes = [int(share * len(images)) for share in (o.empty_share, o.hidden_share, o.cut_share)]
        empty, hidden, cut, whole = images.split([*sizes, len(images) - sum(sizes)])
        some, many = sizes[0], sum(sizes[:2])
        hidden = with_holes(hidden, parts[some:many], generator)
        cut, target[many : many + len(cut)] = cut_out(cut, parts[many : many + len(cut)], generator)
        images = torch.cat([empty_pictures(empty, generator), hidden, cut, whole])
        target[:some] = 0
        target = target * (1 - 2 * o.smoothing) + o.smoothing
        images = self._with_patterns(images, target, generator)
        loss = functional.binary_cross_entropy_with_logits(self(images), target)
        self.log("training loss", loss, prog_bar=True)
        return loss

    def _with_patterns(self, images: Tensor, target: Tensor, generator: torch.Generator) -> Tensor:
        """Every second image darkened by the pattern that misleads the network most, as far as one step can find it.

        Without this, a mask need not show or hide an object: a faint pattern of pixels says or unsays any class. One
        step of the gradient's sign from a random start is enough to learn against that (Goodfellow et al., 2015; Wong
        et al., 2020). The pattern has the grain of one, two or four pixels.
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
        (slope,) = torch.autograd.grad(loss, pattern)
        return darkened((pattern + 1.25 * slope.sign()).clamp(0, 1).detach())

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with one cycle of the learning rate."""
        o = self.options
        return with_one_cycle(
            adamw(self.network, o.learning_rate, o.weight_decay), o.epochs * (sum(o.scenes) // o.batch), 0.2
        )


def empty_pictures(images: Float[Tensor, "batch 3 height width"], generator: torch.Generator) -> Tensor:
    """Noise with the mean and spread of each image; every fourth one black, every fourth half black."""
    if not len(images):
        return images
    noise = noise_like(images, generator)
    turn = torch.arange(len(images), device=images.device)[:, None, None, None] % 4
    return torch.where(turn == 0, 0.0, torch.where(turn == 1, noise * blobs(images, generator), noise))


def with_holes(
    images: Float[Tensor, "batch 3 height width"],
    parts: UInt8[Tensor, "batch height width"],
    generator: torch.Generator,
) -> Float[Tensor, "batch 3 height width"]:
    """Black holes: blobs in half of the images, the outlines of the neighbouring image's objects in the others.

    An image stays whole where a hole would take more than 70 % of an object of it.
    """
    if not len(images):
        return images
    shapes = (parts.roll(1, 0) < BACKGROUND).flip(1)[:, None]
    kept = torch.where(torch.arange(len(images), device=images.device)[:, None, None, None] % 2 == 0, 1.0, 0.0)
    kept = torch.where(kept == 1, blobs(images, generator), 1 - shapes.float())
    seen = functional.one_hot(parts.long().clamp_max(BACKGROUND), BACKGROUND + 1)[..., :BACKGROUND].float()
    left = torch.einsum("bhwc,bhw->bc", seen, kept[:, 0]) / seen.sum((1, 2)).clamp_min(1)
    lost = ((left < 1 - _MOST_HIDDEN) & (seen.sum((1, 2)) > 0)).any(1)
    return torch.where(lost[:, None, None, None], images, images * kept)


def cut_out(
    images: Float[Tensor, "batch 3 height width"],
    parts: UInt8[Tensor, "batch height width"],
    generator: torch.Generator,
) -> tuple[Float[Tensor, "batch 3 height width"], Float[Tensor, "batch classes"]]:
    """Some objects of each image, chosen by chance, cut out along their outline or up to eight pixels from it.

    In half of the images they are taken away, in the other half everything else is, the planted mark always.

    Returns:
        The images, black where something was taken away; and which classes they still show.
    """
    reach = int(torch.randint(0, 9, (), generator=generator))
    seen = functional.one_hot(parts.long().clamp_max(BACKGROUND), BACKGROUND + 1)[..., :BACKGROUND].movedim(3, 1)
    shown = seen.flatten(2).any(2)
    chosen = shown & (torch.rand(shown.shape, generator=generator) < 0.6).to(shown.device)
    inside = (seen * chosen[..., None, None]).amax(1, keepdim=True).to(images)
    inside = functional.max_pool2d(inside, 2 * reach + 1, stride=1, padding=reach)
    others = (seen * (shown & ~chosen)[..., None, None]).amax(1, keepdim=True).to(images)
    only = torch.arange(len(images), device=images.device)[:, None, None, None] % 2 == 0
    # what is near one object may be another's: there the image shows what its labels say
    kept = torch.where(only, inside * (1 - others), torch.maximum(1 - inside, others))
    left = torch.where(only[:, :, 0, 0], chosen, shown & ~chosen)
    return images * kept * (parts != MARK)[:, None], left.to(images)


def blobs(images: Tensor, generator: torch.Generator) -> Tensor:
    """Smooth random areas, (batch, 1, height, width): 1 inside, 0 outside; they cover a fifth to nine tenths."""
    count, _, height, width = images.shape
    share = torch.rand(count, 1, 1, 1, generator=generator).to(images)
    coarse = torch.rand(count, 1, 6, 6, generator=generator).to(images)
    smooth = functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
    return (smooth > 0.3 + 0.35 * share).to(images)


def training_rows(options: MultiLabelOptions, *, show: bool = False) -> DataLoader[Rows]:
    """The training scenes in shuffled batches, whose order survives a restart."""
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
    rows: Any = TensorDataset(pixels, labels, torch.cat([parts for _, parts in drawn]))
    sampler = EpochSampler(len(rows), options.seed)
    return DataLoader(rows, batch_size=options.batch, sampler=sampler, drop_last=True)


def train_multilabel(
    module: MultiLabelModule, folder: str | Path, *, show: bool = True, **devices: Any
) -> Fitted[MultiLabelModule]:
    """Train a module to the last epoch of its own options; checkpoints go to `folder`.

    Args:
        module: what is trained.
        folder: for checkpoints.
        show: whether to show progress.
        devices: `device` of `helpers.training.fit.fit`.
    """

    def data(_: torch.device) -> tuple[Any, Any]:
        return training_rows(module.options, show=show), None

    return fit(module, data, folder, epochs=module.options.epochs, show=show, **devices)
