"""The training of SpaCE-VAEs: batches, the LightningModule, and `train_space_vae`."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import lightning
import torch
from jaxtyping import Float, Int
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.utils.data import Dataset

from helpers.core.outputs import Logits, as_logits, classifier_to_train_for
from helpers.core.replica import frozen
from helpers.core.runtime import random_generator
from helpers.core.types import Precision
from helpers.data.labelled import LabelledImages
from helpers.methods.space_vae.loss import SpaceVAELoss
from helpers.methods.space_vae.network import SpaceVAENetwork
from helpers.methods.space_vae.options import SpaceVAEOptions
from helpers.training.fit import Fitted, fit
from helpers.training.optimisers import with_one_cycle
from helpers.training.options import plain
from helpers.training.rows import BatchDataModule, check_image_counts

MONITORED = "validation loss"
Batch = tuple[Tensor, Tensor, Tensor]  # pixels, predicted class, predicted class of the mirrored image
_HALVES = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16}
_VALIDATION_BATCH = 250


class ExplainedRows(Dataset[Batch]):
    """Images with their predicted classes; a batch is a single indexing operation."""

    def __init__(self, images: LabelledImages, classes: Int[Tensor, "2 images"]) -> None:
        self.images, self.classes = images, classes

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def __getitem__(self, row: int) -> Batch:
        """A batch of one image."""
        return self.__getitems__([row])

    def __getitems__(self, rows: list[int]) -> Batch:
        """The images of these rows."""
        return self.images.pixels[rows], self.classes[0][rows], self.classes[1][rows]


@torch.no_grad()
def predicted_classes(
    classifier: nn.Module, images: LabelledImages, *, mirrored: bool, batch: int = 500
) -> Int[Tensor, "2 images"]:
    """The predicted classes of the images, and of their mirror images (the same again, unless `mirrored`).

    They are computed once, before the training.
    """
    device, classify = next((p.device for p in classifier.parameters()), torch.device("cpu")), Logits(classifier)
    rows = []
    for pixels in images.pixels.split(batch):
        floats = pixels.to(device).float() / 255
        plain = classify(floats).argmax(1)
        rows.append(torch.stack([plain, classify(floats.flip(3)).argmax(1) if mirrored else plain]).cpu())
    return torch.cat(rows, 1)


class SpaceVAEModule(lightning.LightningModule):
    """Train an auto-encoder whose images a frozen classifier still recognises.

    Args:
        options: the recipe.
        classifier: pixels in [0, 1] to logits; it is frozen and stays in eval mode.
        variance: of the training pixels.
        steps: of the whole training, for the learning rate's cycle.
    """

    def __init__(self, options: SpaceVAEOptions, classifier: nn.Module, variance: float, steps: int) -> None:
        super().__init__()
        self.options, self.steps = options, steps
        self.save_hyperparameters({"options": plain(options)})
        self.network = SpaceVAENetwork(options.network, seed=options.seed)
        self.loss = SpaceVAELoss(options.loss, variance)
        # a tuple hides the classifier from Lightning: frozen, it belongs in no checkpoint and to no optimiser
        self._classifier = (in_precision(frozen(classifier), options.precision),)

    @property
    def classifier(self) -> nn.Module:
        """The classifier, on this module's device."""
        return self._classifier[0]

    def on_fit_start(self) -> None:
        """Move the classifier to the device, which not every strategy knows before."""
        self.classifier.to(self.device)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """The loss of a batch."""
        pixels, plain, mirrored = batch
        images = pixels.float() / 255
        # random choices depend on step and process alone, so that a resumed run repeats those of an uninterrupted one
        step = self.global_step * max(1, self.trainer.world_size) + self.trainer.global_rank
        generator = random_generator(1_000_003 * self.options.seed + step)
        if self.options.flip:
            flipped = (torch.rand(len(images), generator=generator) < 0.5).to(images.device)
            images = torch.where(flipped[:, None, None, None], images.flip(3), images)
            plain = torch.where(flipped, mirrored, plain)
        terms, _ = self.terms(images, plain, self._betas(torch.rand(len(images), generator=generator)))
        loss = torch.stack(list(terms.values())).sum()
        self.log("training loss", loss, prog_bar=True, batch_size=len(images))
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """The same loss on validation images, and the prediction agreement of their kept images."""
        pixels, classes, _ = batch
        images = pixels.float() / 255
        # the same betas each time
        terms, logits = self.terms(images, classes, self._betas(torch.linspace(0, 1, len(images))))
        named = {MONITORED: torch.stack(list(terms.values())).sum()}
        named |= {f"validation {name}": value for name, value in terms.items()}
        if logits is not None:
            named["validation agreement"] = (logits.argmax(1) == classes).float().mean()
        self.log_dict(named, batch_size=len(images), sync_dist=True)

    def terms(
        self, images: Float[Tensor, "batch 3 height width"], classes: Int[Tensor, " batch"], beta: Tensor | None
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        """The weighted terms of the loss, and the logits of the kept images if the loss needs them."""
        decoded = self.network(images, beta)
        logits = as_logits(self.classifier(decoded.kept)) if self.loss.needs_classifier else None
        return self.loss.terms(images, decoded, logits, classes, beta), logits

    def _betas(self, positions: Float[Tensor, " batch"]) -> Float[Tensor, " batch"] | None:
        """Betas at positions in [0, 1] on the logarithmic scale; None for an unconditioned network."""
        if not self.options.network.conditioned:
            return None
        lowest, highest = self.options.loss.lowest_beta, self.options.loss.highest_beta
        return (lowest * (highest / lowest) ** positions).to(self.device)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam at a constant rate, as published, or with one cycle of the rate."""
        o = self.options
        optimiser = torch.optim.Adam(self.network.parameters(), lr=o.learning_rate, amsgrad=o.amsgrad)
        if o.schedule == "constant":
            return optimiser
        return with_one_cycle(optimiser, self.steps, 0.15, cycle_momentum=False)


def in_precision(classifier: nn.Module, precision: Precision) -> nn.Module:
    """The classifier with its weights in the precision of the training; a copy for mixed precision.

    Under autocast, convolutions and linear layers round their weights at each call, and cache the rounded weights only
    if they are trained. Rounding a frozen classifier once gives the same values and makes a step of 32 images a fifth
    faster on a CPU.
    """
    if precision not in _HALVES:
        return classifier
    rounded = copy.deepcopy(classifier)
    for module in rounded.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.to(_HALVES[precision])
    return rounded


def train_space_vae(
    options: SpaceVAEOptions,
    classifier: nn.Module,
    training: LabelledImages,
    validation: LabelledImages,
    folder: str | Path,
    *,
    init_from: SpaceVAENetwork | None = None,
    show: bool = True,
    **devices: Any,
) -> Fitted[SpaceVAEModule]:
    """Train with early stopping, and keep the epoch of the lowest validation loss.

    The paper keeps the model with the "highest" validation loss, a slip for the lowest. Labels are not used: the class
    to keep is the one that the classifier predicts.

    Args:
        options: the recipe.
        classifier: the classifier to explain: pixels in [0, 1] to logits. It is left as it is: the training uses a
            frozen replica.
        training, validation: images.
        folder: for checkpoints.
        init_from: the network that `options.init_from` names, whose weights initialise this one.
        show: whether to show progress.
        devices: `device`, `devices`, `nodes` and `strategy` of `helpers.training.fit.fit`.

    Raises:
        ValueError: the folder's checkpoint was made with other options, the images do not fill a batch, the
            classifier does not give logits, or `init_from` is missing or has another architecture.
    """
    check_image_counts(len(training), len(validation), options.batch)
    if (init_from is None) != (options.init_from is None):
        raise ValueError(
            f"options.init_from={options.init_from!r}: pass init_from= if and only if the options name one"
        )
    classifier = classifier_to_train_for(classifier, training.pixels)
    steps = options.epochs * (len(training) // options.batch)
    module = SpaceVAEModule(options, classifier, pixel_variance(training), steps)
    if init_from is not None:
        module.network.init_from(init_from)

    def data(device: torch.device) -> tuple[Any, Any]:
        classifier.to(device)
        rows = [
            ExplainedRows(images, predicted_classes(classifier, images, mirrored=options.flip))
            for images in (training, validation)
        ]
        validation_batch = max(_VALIDATION_BATCH, options.batch)
        return BatchDataModule(*rows, batch=options.batch, seed=options.seed, validation_batch=validation_batch), None

    return fit(
        module,
        data,
        folder,
        epochs=options.epochs,
        monitor=MONITORED,
        patience=options.patience,
        keep="best",
        precision=options.precision,
        show=show,
        **devices,
    )


def pixel_variance(images: LabelledImages) -> float:
    """The variance of all pixels in [0, 1], exact, from the histogram of their 256 values."""
    counts = torch.bincount(images.pixels.flatten(), minlength=256).double()
    values = torch.arange(256).double() / 255
    mean = (counts * values).sum() / counts.sum()
    return float((counts * (values - mean).square()).sum() / counts.sum())
