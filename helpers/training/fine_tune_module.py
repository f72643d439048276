"""Fine-tuning as a LightningModule."""

from __future__ import annotations

import lightning
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from helpers.core.runtime import random_generator
from helpers.training.fine_tune_features import Batch, normalised
from helpers.training.fine_tune_network import FineTuneNetwork
from helpers.training.fine_tune_options import FineTuneOptions

WATCHED = "validation loss"


class FineTuneModule(lightning.LightningModule):
    """Train the head of a network on the binary cross-entropy of all classes.

    The trunk stays in eval mode. In the published training its normalisations' statistics drifted, since Lightning
    sets all modules to train mode: this is corrected here, in every variant.

    Args:
        options: the recipe.
        network: the parts.
        recipe: what a checkpoint of this training has to agree in.
    """

    def __init__(self, options: FineTuneOptions, network: FineTuneNetwork, recipe: dict[str, object]) -> None:
        super().__init__()
        self.options, self.head = options, network.head
        self.save_hyperparameters({"options": recipe})
        # a tuple hides the trunk from Lightning: frozen, it belongs in no checkpoint, and train() must not reach it
        self._trunk = (network.trunk,)

    def on_fit_start(self) -> None:
        """Bring the trunk to the device, where it is still needed."""
        if not self.options.keep_features:
            self._trunk[0].to(self.device)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """The loss of a batch."""
        inputs, labels = batch
        # random choices depend on the step alone, so a resumed run makes those of an uninterrupted one
        seed = 1_000_003 * self.options.seed + self.global_step
        if self.options.flip:
            mirrored = torch.rand(len(inputs), 1, 1, 1, generator=random_generator(seed)) < 0.5
            inputs = torch.where(mirrored.to(inputs.device), inputs.flip(3), inputs)
        on_gpu = self.device.type == "cuda"
        features = self.features(inputs)
        with torch.random.fork_rng(devices=[self.device] if on_gpu else []):  # dropout draws from the global generators
            torch.cuda.manual_seed(seed) if on_gpu else torch.default_generator.manual_seed(seed)
            loss = self.loss(features, labels)
        self.log("training loss", loss, prog_bar=True, batch_size=len(labels))
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """The loss on images that are not trained on, without dropout."""
        inputs, labels = batch
        self.log(WATCHED, self.loss(self.features(inputs), labels), prog_bar=True, batch_size=len(labels))

    def features(self, inputs: Tensor) -> Float[Tensor, "batch features"]:
        """What the head works on: the inputs as they are, or what the trunk makes of these pixels."""
        if self.options.keep_features:
            return inputs
        with torch.no_grad():
            return self._trunk[0](normalised(inputs))

    def loss(
        self, features: Float[Tensor, "batch features"], labels: Float[Tensor, "batch classes"]
    ) -> Float[Tensor, ""]:
        """The mean over images and classes of the binary cross-entropy."""
        return functional.binary_cross_entropy_with_logits(self.head(features).float(), labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam at a constant rate."""
        return torch.optim.Adam(self.head.parameters(), lr=self.options.rate, fused=True)
