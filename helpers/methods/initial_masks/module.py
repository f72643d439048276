"""A mask network as a LightningModule, trained by the rate-distortion objective itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import lightning
import torch
from jaxtyping import Float
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from helpers.core.runtime import random_generator
from helpers.methods.initial_masks.learned import risk_gradient
from helpers.methods.initial_masks.network import MaskNetwork
from helpers.methods.rde import CartoonX, PixelRDE

if TYPE_CHECKING:
    from torch import nn

    from helpers.methods.initial_masks.options import MaskTrainingOptions


class MaskModule(lightning.LightningModule):
    """Train a network to predict the masks of a classifier's images: no target masks, only the objective.

    At each look the network's mask s gets the gradient of `risk-averse distortion + price · mean(s)`, estimated on one
    antithetic pair of noise draws, as a step of the fast recipe does. The same gradient is what the next look sees, so
    that looks cost nothing beside the training of each. Every image has its own λk; an image's loss is divided by
    1 + λk/20, so that large ones do not drown the others.

    The price is λk · (1 - D/p²)²: where the evidence is lost, nothing more is to be gained by pruning. Without this
    factor the network prunes until masks are black, and there the distortion's gradient no longer leads back.
    """

    def __init__(self, options: MaskTrainingOptions, classifier: nn.Module) -> None:
        super().__init__()
        self.options = options
        self.save_hyperparameters({"options": options.plain()})
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(options.seed)
            self.network = MaskNetwork(options.network)
        # a tuple hides the classifier from Lightning: frozen, it belongs in no checkpoint
        network = options.network
        transform: dict[str, Any] = {"wavelet": network.wavelet, "levels": network.levels, "mode": network.mode}
        wavelets = network.representation == "wavelets"
        self._method = (CartoonX(classifier, **transform) if wavelets else PixelRDE(classifier),)

    def training_step(self, images: Float[Tensor, "batch 3 height width"], batch_index: int) -> Tensor:
        """A scalar whose gradient is that of the objective, summed over the looks."""
        # random choices depend on the step alone, so a resumed run makes those of an uninterrupted one
        generator = random_generator(2_000_003 * self.options.seed + self.global_step)
        noise = random_generator(2_000_003 * self.options.seed + self.global_step, images.device)
        low, high = self.options.network.weights
        weights = low * (high / low) ** torch.rand(len(images), generator=generator).to(images)
        asked = weights * self.factor()
        problem = self._method[0].problem(images)
        importance = 1 / (1 + asked / 20) / len(images)
        mask, gradient = None, None
        loss = images.new_zeros(())
        for _ in range(self.options.looks):
            predicted = self.network(images, weights, coefficients=problem.coefficients, mask=mask, gradient=gradient)
            mask = predicted.detach()
            gradient, lost = risk_gradient(problem, mask, noise, risk=self.options.risk)
            price = asked * (1 - lost).square()
            towards = gradient + price[:, None, None] / mask.shape[2]
            loss = loss + (predicted * importance[:, None, None] * towards).sum()
            kept = problem.sparsity(mask).mean()
        self.log("kept", kept, prog_bar=True, batch_size=len(images))
        return loss

    def factor(self) -> float:
        """What λk is multiplied by at this step: little at first, to learn what counts before pruning."""
        done = self.global_step / self.options.steps
        return math.exp(math.log(self.options.gentle) * max(0.0, 1 - done / self.options.ramp))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with one cycle of the learning rate; no weight decay on biases and normalisations."""
        flat = [p for p in self.network.parameters() if p.ndim <= 1]
        others = [p for p in self.network.parameters() if p.ndim > 1]
        groups = [{"params": others, "weight_decay": self.options.weight_decay}, {"params": flat, "weight_decay": 0.0}]
        optimiser = torch.optim.AdamW(groups, lr=self.options.learning_rate, betas=(0.9, 0.99))
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, self.options.learning_rate, total_steps=self.options.steps, pct_start=0.1, cycle_momentum=False
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
