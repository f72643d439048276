"""The training of Explainers: batches, the LightningModule, and `train_explainer`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning
import torch
from jaxtyping import Float
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.utils.data import Dataset

from helpers.core.outputs import classifier_to_train_for
from helpers.core.replica import frozen
from helpers.core.runtime import random_generator
from helpers.data.multilabel import MultiLabelImages
from helpers.methods.explainer.aggregation import target_and_other_masks
from helpers.methods.explainer.loss import ExplainerLoss
from helpers.methods.explainer.network import ExplainerNetwork
from helpers.methods.explainer.options import ExplainerOptions
from helpers.methods.explainer.rtis import RTISLoss
from helpers.training.fit import Fitted, fit
from helpers.training.optimisers import with_one_cycle
from helpers.training.options import plain
from helpers.training.rows import BatchDataModule, check_image_counts

MONITORED = "validation loss"
Batch = dict[str, Tensor]


class LabelledRows(Dataset[Batch]):
    """Batches of images with the indices of their labels, which a GPU could not compute without a synchronisation."""

    def __init__(self, images: MultiLabelImages) -> None:
        self.images = images

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def __getitem__(self, row: int) -> Batch:
        """A batch of one image."""
        return self.__getitems__([row])

    def __getitems__(self, rows: list[int]) -> Batch:
        """The images of these rows."""
        labels = self.images.labels[rows]
        image, label = labels.nonzero(as_tuple=True)
        return {"pixels": self.images.pixels[rows], "labels": labels, "image": image, "label": label}


class ExplainerModule(lightning.LightningModule):
    """Train a network to mask the evidence of a classifier, which stays frozen and in eval mode.

    The published code runs the classifier in train mode (with dropout, and with drifting batch statistics); every
    variant here corrects that.

    Args:
        options: the recipe.
        classifier: pixels in [0, 1] to logits.
        classes: their number.
        steps: of the whole training, for the learning rate's cycle.
    """

    def __init__(self, options: ExplainerOptions, classifier: nn.Module, classes: int, steps: int) -> None:
        super().__init__()
        self.options, self.steps = options, steps
        self.save_hyperparameters({"options": plain(options)})
        self.network = ExplainerNetwork(options.network, classes, seed=options.seed)
        self.loss = ExplainerLoss(options.loss)
        self.saliency_loss = RTISLoss(options.rtis)
        # a tuple hides the classifier from Lightning: frozen, it belongs in no checkpoint and to no optimiser
        self._classifier = (frozen(classifier),)

    @property
    def classifier(self) -> nn.Module:
        """The classifier, on this module's device."""
        return self._classifier[0]

    def on_fit_start(self) -> None:
        """Move the classifier to the device, which not every strategy knows before."""
        self.classifier.to(self.device)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """The loss of a batch."""
        images = batch["pixels"].float() / 255
        # random choices depend on step and process alone, so that a resumed run repeats those of an uninterrupted one
        seed = self.global_step * max(1, self.trainer.world_size) + self.trainer.global_rank
        if self.options.flip:
            mirrored = torch.rand(len(images), 1, 1, 1, generator=random_generator(7_000_003 + seed)) < 0.5
            images = torch.where(mirrored.to(images.device), images.flip(3), images)
        terms = self.terms(images, batch, random_generator(seed, images.device))
        loss = torch.stack(list(terms.values())).sum()
        self.log("training loss", loss, prog_bar=True, batch_size=len(images))
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """The same loss on validation images, with the same random numbers in every epoch."""
        images = batch["pixels"].float() / 255
        terms = self.terms(images, batch, random_generator(batch_index, images.device))
        loss = torch.stack(list(terms.values())).sum()
        named = {MONITORED: loss, **{f"validation {name}": value for name, value in terms.items()}}
        self.log_dict(named, prog_bar=False, batch_size=len(images), sync_dist=True)

    def terms(
        self, images: Float[Tensor, "batch 3 height width"], batch: Batch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """The weighted terms of the objective."""
        labels = batch["labels"]
        logits = self.network(images)
        if self.options.objective == "rtis":
            target, _ = target_and_other_masks(logits.float(), labels)
            return self.saliency_loss(self.classifier, images, target, labels, generator)
        terms = self.loss.terms(self.classifier, images, labels, logits, (batch["image"], batch["label"]))
        return {name: self.loss.weights[name] * value for name, value in terms.items()}

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam at a constant rate, as published; or with weight decay, or with one cycle of the rate."""
        o = self.options
        optimiser_class: Any = torch.optim.AdamW if o.weight_decay else torch.optim.Adam
        groups: list[dict[str, Any]] = [{"params": list(self.network.parameters())}]
        if o.body_rate is not None:
            encoder = list(self.network.body.trunk.parameters())
            own = {id(parameter) for parameter in encoder}
            rest = [parameter for parameter in self.network.parameters() if id(parameter) not in own]
            groups = [{"params": rest}, {"params": encoder, "lr": o.body_rate}]
        optimiser = optimiser_class(groups, lr=o.learning_rate, weight_decay=o.weight_decay)
        return optimiser if o.schedule == "constant" else with_one_cycle(optimiser, self.steps, 0.15)


def train_explainer(
    options: ExplainerOptions,
    classifier: nn.Module,
    training: MultiLabelImages,
    validation: MultiLabelImages,
    folder: str | Path,
    *,
    show: bool = True,
    **devices: Any,
) -> Fitted[ExplainerModule]:
    """Train an Explainer with early stopping on the validation loss.

    Args:
        options: the recipe.
        classifier: the classifier to explain: pixels in [0, 1] to logits, one per class of the images. It is left as it
            is: the training uses a frozen replica.
        training, validation: images with the labels of their classes.
        folder: for checkpoints.
        show: whether to show progress.
        devices: `device`, `devices`, `nodes` and `strategy` of `helpers.training.fit.fit`.

    Raises:
        ValueError: the folder's checkpoint was made with other options, the images do not fill a batch, or the
            classifier does not give one logit per class.
    """
    check_image_counts(len(training), len(validation), options.batch)
    classifier = classifier_to_train_for(classifier, training.pixels, len(training.class_names))
    steps = options.epochs * (len(training) // options.batch)

    def data(_: torch.device) -> tuple[Any, Any]:
        rows = LabelledRows(training), LabelledRows(validation)
        return BatchDataModule(*rows, batch=options.batch, seed=options.seed), None

    return fit(
        ExplainerModule(options, classifier, len(training.class_names), steps),
        data,
        folder,
        epochs=options.epochs,
        monitor=MONITORED,
        patience=options.patience,
        min_delta=options.min_delta,
        keep=options.keep,
        precision=options.precision,
        show=show,
        **devices,
    )
