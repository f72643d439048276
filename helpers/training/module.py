"""A classifier of scenes as a LightningModule."""

from __future__ import annotations

from dataclasses import asdict

import lightning
import timm
import torch
from jaxtyping import Float, Int
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional

from helpers.scenes import SCENE_CLASSES
from helpers.training.augment import augment, hide_part, noise_like
from helpers.training.data import Batch
from helpers.training.options import TrainingOptions

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


class SceneClassifierModule(lightning.LightningModule):
    """Train a timm network to name the largest object of a scene.

    A share of each batch is noise, on which the network learns to hold all classes for equally likely: else it
    would answer to noise with one class of its own, and an explanation of that class by "keep little, put noise
    elsewhere" would keep nothing. `hidden_share` hides a part of further images by noise, which teaches the
    network to find an object amid noise.
    """

    def __init__(self, options: TrainingOptions) -> None:
        super().__init__()
        self.options = options
        self.save_hyperparameters({"options": asdict(options)})
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(options.seed)
            self.network = timm.create_model(options.architecture, num_classes=len(SCENE_CLASSES), **options.model_args)
        self.network.to(memory_format=torch.channels_last)  # a third faster on CPU

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        """Logits of images with pixels in [0, 1]."""
        return self.network(((images - MEAN[0]) / STD[0]).contiguous(memory_format=torch.channels_last))

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """The cross-entropy of an augmented batch, part of it noise with a uniform target."""
        # random choices depend on the step alone, so a resumed run makes those of an uninterrupted one
        generator = torch.Generator().manual_seed(1_000_003 * self.options.seed + self.global_step)
        images, target = self._prepare(*batch, generator)
        loss = functional.cross_entropy(self(images), target)
        self.log("training loss", loss, prog_bar=True)
        return loss

    def _prepare(
        self, pixels: Tensor, labels: Int[Tensor, " batch"], generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Floats in [0, 1], augmented and resized, with the probabilities that the network should give."""
        images = pixels.float() / 255
        side = self._side(generator)
        if side != images.shape[-1]:  # before anything else: smaller images are faster to augment
            images = functional.interpolate(images, (side, side), mode="bilinear", antialias=True)
        images = augment(images, generator)
        target = functional.one_hot(labels, len(SCENE_CLASSES)).float()
        noisy, hidden = (int(share * len(labels)) for share in (self.options.noise_share, self.options.hidden_share))
        noise, part, whole = images.tensor_split([noisy, noisy + hidden])
        target[:noisy] = 1 / len(SCENE_CLASSES)
        changed = [change(some, generator) for change, some in ((noise_like, noise), (hide_part, part)) if len(some)]
        return torch.cat([*changed, whole]), target

    def _side(self, generator: torch.Generator) -> int:
        """The side to train at: any of the options' sizes at first, the full size in the last quarter."""
        if self.current_epoch >= 0.75 * self.options.epochs:
            return self.options.size
        choice = int(torch.randint(len(self.options.sizes), (1,), generator=generator))
        return self.options.sizes[choice]

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """The accuracy on scenes that are not trained on."""
        pixels, labels = batch
        right = (self(pixels.float() / 255).argmax(dim=1) == labels).float().mean()
        self.log("validation accuracy", right, prog_bar=True, batch_size=len(labels))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with one cycle of the learning rate; no weight decay on biases and normalisations."""
        flat = [p for p in self.network.parameters() if p.ndim <= 1]
        others = [p for p in self.network.parameters() if p.ndim > 1]
        groups = [
            {"params": others, "weight_decay": self.options.weight_decay},
            {"params": flat, "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW(groups, lr=self.options.learning_rate)
        steps = self.options.epochs * ((self.options.single + self.options.double) // self.options.batch)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, self.options.learning_rate, total_steps=steps, pct_start=0.2
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
