"""A SpaCE-VAE's training as a LightningModule."""

from __future__ import annotations

import copy
from typing import Any

import lightning
import torch
from jaxtyping import Float, Int
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from helpers.core.runtime import random_generator
from helpers.core.types import Precision
from helpers.methods.space_vae.data import Batch
from helpers.methods.space_vae.loss import SpaceVAELoss
from helpers.methods.space_vae.network import SpaceVAENetwork
from helpers.methods.space_vae.options import SpaceVAEOptions

_HALVES = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16}


class SpaceVAEModule(lightning.LightningModule):
    """Train an auto-encoder whose images a frozen classifier still recognises.

    Args:
        options: the recipe.
        classifier: pixels in [0, 1] to logits, its normaliser inside; frozen here, and in eval mode throughout.
        variance: of the training pixels.
        steps: of the whole training, for the learning rate's cycle.
    """

    def __init__(self, options: SpaceVAEOptions, classifier: nn.Module, variance: float, steps: int) -> None:
        super().__init__()
        self.options, self.steps = options, steps
        self.save_hyperparameters({"options": options.plain()})
        self.network = SpaceVAENetwork(options.network, seed=options.seed)
        self.loss = SpaceVAELoss(options.loss, variance)
        # a tuple hides the classifier from Lightning: frozen, it belongs in no checkpoint and to no optimiser
        self._classifier = (in_precision(classifier.eval().requires_grad_(False), options.precision),)

    @property
    def classifier(self) -> nn.Module:
        """The classifier, on this module's device."""
        return self._classifier[0]

    def on_fit_start(self) -> None:
        """Bring the classifier to the device; only now every strategy knows which it is."""
        self.classifier.to(self.device)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """The loss of a batch."""
        pixels, plain, mirrored = batch
        images = pixels.float() / 255
        # random choices depend on the step and the process alone, so a resumed run makes those of an uninterrupted one
        place = self.global_step * max(1, self.trainer.world_size) + self.trainer.global_rank
        generator = random_generator(1_000_003 * self.options.seed + place)
        if self.options.flip:
            turned = (torch.rand(len(images), generator=generator) < 0.5).to(images.device)
            images = torch.where(turned[:, None, None, None], images.flip(3), images)
            plain = torch.where(turned, mirrored, plain)
        terms, _ = self.terms(images, plain, self._betas(torch.rand(len(images), generator=generator)))
        loss = torch.stack(list(terms.values())).sum()
        self.log("training loss", loss, prog_bar=True, batch_size=len(images))
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """The same loss on images that are not trained on, and how many of their classes are kept."""
        pixels, classes, _ = batch
        images = pixels.float() / 255
        # every look takes the same betas
        terms, logits = self.terms(images, classes, self._betas(torch.linspace(0, 1, len(images))))
        named = {"validation loss": torch.stack(list(terms.values())).sum()}
        named |= {f"validation {name}": value for name, value in terms.items()}
        if logits is not None:
            named["validation agreement"] = (logits.argmax(1) == classes).float().mean()
        self.log_dict(named, batch_size=len(images), sync_dist=True)

    def terms(
        self, images: Float[Tensor, "batch 3 height width"], classes: Int[Tensor, " batch"], beta: Tensor | None
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        """The weighted terms of the loss, and the classifier's logits of the kept images where they are asked for."""
        decoded = self.network(images, beta)
        logits = self.classifier(decoded.kept) if self.loss.asks_classifier else None
        return self.loss.terms(images, decoded, logits, classes, beta), logits

    def _betas(self, places: Float[Tensor, " batch"]) -> Float[Tensor, " batch"] | None:
        """Betas at places in [0, 1] of the logarithmic scale; None for a network that is not conditioned on beta."""
        if not self.options.network.conditioned:
            return None
        lowest, highest = self.options.loss.lowest_beta, self.options.loss.highest_beta
        return (lowest * (highest / lowest) ** places).to(self.device)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam at a constant rate, as published, or with one cycle of the rate."""
        o = self.options
        made = torch.optim.Adam(self.network.parameters(), lr=o.learning_rate, amsgrad=o.amsgrad)
        if o.schedule == "constant":
            return made
        cycle: Any = torch.optim.lr_scheduler.OneCycleLR(
            made, o.learning_rate, total_steps=self.steps, pct_start=0.15, cycle_momentum=False
        )
        return {"optimizer": made, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}


def in_precision(classifier: nn.Module, precision: Precision) -> nn.Module:
    """The classifier for a training in some precision; for mixed precision a copy.

    Under autocast, convolutions and linear layers round their weights at each call, and keep the rounded ones only of
    weights that are trained. A frozen classifier's may as well be rounded once, to the same values: a step of 32 images
    takes a fifth less time on a CPU.
    """
    if precision not in _HALVES:
        return classifier
    rounded = copy.deepcopy(classifier)
    for module in rounded.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.to(_HALVES[precision])
    return rounded
