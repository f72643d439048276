"""A classifier of scenes as a LightningModule."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import lightning
import timm
import torch
from jaxtyping import Float, Int
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional

from helpers.data.scenes import SCENE_CLASSES
from helpers.training.augment import augment, hide_part, noise_like
from helpers.training.data import BACKGROUND, Batch
from helpers.training.optimisers import make_optimiser
from helpers.training.options import TrainingOptions
from helpers.training.transformers import PatchLabels, start_positions

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


class SceneClassifierModule(lightning.LightningModule):
    """Train a timm network to name the largest object of a scene.

    A share of each batch is noise, on which the network learns to hold all classes for equally likely: else it
    would answer to noise with one class of its own, and an explanation of that class by "keep little, put noise
    elsewhere" would keep nothing. `hidden_share` hides a part of further images by noise, which teaches the
    network to find an object amid noise. `token_weight` adds the loss of `PatchLabels`.
    """

    def __init__(self, options: TrainingOptions) -> None:
        super().__init__()
        self.options = options
        self.save_hyperparameters({"options": asdict(options)})
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(options.seed)
            self.network = timm.create_model(options.architecture, num_classes=len(SCENE_CLASSES), **options.model_args)
            self.patch_labels = PatchLabels(self.network, BACKGROUND + 1) if options.token_weight else None
        start_positions(self.network)
        self.network.to(memory_format=torch.channels_last)  # a third faster on CPU

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        """Logits of images with pixels in [0, 1]."""
        return self.network(self._normalised(images))

    @staticmethod
    def _normalised(images: Tensor) -> Tensor:
        return ((images - MEAN[0]) / STD[0]).contiguous(memory_format=torch.channels_last)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """The cross-entropy of an augmented batch, part of it noise with a uniform target."""
        # random choices depend on the step alone, so a resumed run makes those of an uninterrupted one
        generator = torch.Generator().manual_seed(1_000_003 * self.options.seed + self.global_step)
        images, target, parts = self._prepare(*batch, generator)
        if self.patch_labels is None:
            loss = functional.cross_entropy(self(images), target)
        else:
            network: Any = self.network  # timm's transformers answer in two steps
            tokens = network.forward_features(self._normalised(images))
            shown = slice(int(self.options.noise_share * len(images)), None)  # noise shows nothing
            loss = functional.cross_entropy(network.forward_head(tokens), target)
            loss = loss + self.options.token_weight * self.patch_labels(tokens[shown], parts[shown])
        self.log("training loss", loss, prog_bar=True)
        return loss

    def _prepare(
        self, pixels: Tensor, labels: Int[Tensor, " batch"], parts: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Floats in [0, 1], augmented and resized; the probabilities that the network should give; the parts."""
        images = pixels.float() / 255
        side = self._side(generator)
        if side != images.shape[-1]:  # before anything else: smaller images are faster to augment
            images = functional.interpolate(images, (side, side), mode="bilinear", antialias=True)
        images, parts = augment(images, parts, generator)
        target = functional.one_hot(labels, len(SCENE_CLASSES)).float()
        noisy, hidden = (int(share * len(labels)) for share in (self.options.noise_share, self.options.hidden_share))
        noise, part, whole = images.tensor_split([noisy, noisy + hidden])
        target[:noisy] = 1 / len(SCENE_CLASSES)
        changed = [change(some, generator) for change, some in ((noise_like, noise), (hide_part, part)) if len(some)]
        return torch.cat([*changed, whole]), target, parts

    def _side(self, generator: torch.Generator) -> int:
        """The side to train at: any of the options' sizes at first, the full size in the last quarter."""
        if self.current_epoch >= 0.75 * self.options.epochs:
            return self.options.size
        choice = int(torch.randint(len(self.options.sizes), (1,), generator=generator))
        return self.options.sizes[choice]

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """The accuracy on scenes that are not trained on."""
        pixels, labels, _ = batch
        right = (self(pixels.float() / 255).argmax(dim=1) == labels).float().mean()
        self.log("validation accuracy", right, prog_bar=True, batch_size=len(labels))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The options' optimiser with one cycle of the learning rate."""
        optimiser = make_optimiser(self, self.options)
        steps = self.options.epochs * ((self.options.single + self.options.double) // self.options.batch)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, [group["lr"] for group in optimiser.param_groups], total_steps=steps, pct_start=0.2
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
