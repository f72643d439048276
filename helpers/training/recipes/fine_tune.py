"""Fine-tuning of ImageNet classifiers on multi-label images."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import lightning
import torch
from jaxtyping import Bool, Float
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from helpers.classifiers import save_weights
from helpers.core.runtime import random_generator
from helpers.data.multilabel import MultiLabelImages
from helpers.training.fit import Fitted, fit
from helpers.training.optimisers import with_one_cycle
from helpers.training.options import FineTuneOptions, plain
from helpers.training.recipes.fine_tune_network import FineTuneNetwork, fine_tune_network, trunk_features
from helpers.training.rows import EpochSampler, batches

MONITORED = "validation loss"
Batch = tuple[Tensor, Tensor]
"""Features (batch, features) or 8-bit pixels (batch, 3, height, width), and labels (batch, classes)."""


class FineTuneModule(lightning.LightningModule):
    """Train the head of a network, or all its layers, on the binary cross-entropy of all classes.

    The trunk stays in eval mode. In the published training the statistics of its normalisations drifted, since
    Lightning sets all modules to train mode; this is corrected in every variant.

    Args:
        options: the recipe.
        network: the network, in two parts.
        classes: number of classes.
        steps: of the whole training, for the learning rate's cycle.
    """

    def __init__(self, options: FineTuneOptions, network: FineTuneNetwork, classes: int, steps: int = 1) -> None:
        super().__init__()
        self.options, self.head, self.steps = options, network.head, steps
        if options.body_rate is not None:
            self.body = network.trunk
        self.save_hyperparameters({"options": {**plain(options), "source": network.source, "classes": classes}})
        # a tuple hides a frozen trunk from Lightning, so that checkpoints leave it out
        self._hidden = (network,)

    @property
    def network(self) -> nn.Module:
        """The whole network, from normalised pixels to logits."""
        return self.parts.whole

    @property
    def parts(self) -> FineTuneNetwork:
        """The network in its two parts, with its normaliser."""
        return self._hidden[0]

    def train(self, mode: bool = True) -> FineTuneModule:
        """Set the mode of the head; the trunk stays in eval mode."""
        super().train(mode)
        self.parts.trunk.eval()
        self.head.train(mode)  # a trunk of timm's includes the head
        return self

    def on_fit_start(self) -> None:
        """Move the trunk to the device if features are not precomputed."""
        if not self.options.keep_features:
            self.parts.trunk.to(self.device)

    def training_step(self, batch: Batch, batch_index: int) -> Float[Tensor, ""]:
        """The loss of a batch, which may be mirrored."""
        inputs, labels = batch
        # random choices depend on the step only, so that a resumed run repeats those of an uninterrupted one
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
        """The loss of a validation batch, without dropout."""
        inputs, labels = batch
        self.log(MONITORED, self.loss(self.features(inputs), labels), prog_bar=True, batch_size=len(labels))

    def features(self, inputs: Tensor) -> Float[Tensor, "batch features"]:
        """The head's input: the precomputed features, or the trunk's features of pixels (batch, 3, height, width)."""
        if self.options.keep_features:
            return inputs
        network, trained = self.parts, self.options.body_rate is not None
        with torch.set_grad_enabled(trained and torch.is_grad_enabled()):
            return network.trunk(network.normalise(inputs))

    def loss(
        self, features: Float[Tensor, "batch features"], labels: Float[Tensor, "batch classes"]
    ) -> Float[Tensor, ""]:
        """The binary cross-entropy, averaged over images and classes."""
        return functional.binary_cross_entropy_with_logits(self.head(features).float(), labels)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam with a constant learning rate, as published; or with weight decay, or one cycle of the rates."""
        o = self.options
        groups: list[dict[str, Any]] = [{"params": list(self.head.parameters()), "lr": o.rate}]
        if o.body_rate is not None:
            own = {id(parameter) for parameter in self.head.parameters()}
            body = [parameter for parameter in self.body.parameters() if id(parameter) not in own]
            groups.append({"params": body, "lr": o.body_rate})
        optimiser_class: Any = torch.optim.AdamW if o.weight_decay else torch.optim.Adam
        optimiser = optimiser_class(groups, weight_decay=o.weight_decay, fused=True)
        return optimiser if o.schedule == "constant" else with_one_cycle(optimiser, self.steps, 0.3)


class LabelledInputs(Dataset[Batch]):
    """Features or pixels with their labels; a batch is indexed at once.

    Args:
        inputs: features (images, features) or 8-bit pixels (images, 3, height, width).
        labels: whether each image shows each class.
    """

    def __init__(self, inputs: Tensor, labels: Bool[Tensor, "images classes"]) -> None:
        self.inputs, self.labels = inputs, labels.float()

    def __len__(self) -> int:
        """The number of images."""
        return len(self.labels)

    def __getitem__(self, row: int) -> Batch:
        """The inputs and labels of one image."""
        return self.inputs[row], self.labels[row]

    def __getitems__(self, rows: list[int]) -> Batch:
        """The inputs and labels of several images."""
        return self.inputs[rows], self.labels[rows]


def fine_tune(
    training: MultiLabelImages,
    validation: MultiLabelImages,
    options: FineTuneOptions,
    folder: str | Path,
    *,
    show: bool = True,
    **devices: Any,
) -> Fitted[FineTuneModule]:
    """Train until the validation loss stops decreasing; a resumed training computes kept features again.

    Args:
        training, validation: square images with their classes.
        options: the recipe.
        folder: the folder of checkpoints, and temporarily of features.
        show: show progress bars.
        devices: `device` of `helpers.training.fit.fit`.

    Raises:
        ValueError: the folder's checkpoint was made with other options, or the classes or sizes of training and
            validation images differ.
        WeightsUnavailableError: (an OSError) the backbone's weights cannot be downloaded; the message says where to
            put them.
    """
    _check(training, validation)
    network = fine_tune_network(options, len(training.class_names))

    def data(device: torch.device) -> tuple[Any, Any]:
        datasets = []
        for images in (training, validation):
            inputs = images.pixels
            if options.keep_features:
                inputs = trunk_features(
                    network.trunk,
                    images,
                    Path(folder),
                    device=device,
                    precision=options.precision,
                    mean=network.mean,
                    std=network.std,
                    show=show,
                )
            datasets.append(LabelledInputs(inputs, images.labels))
        sampler = EpochSampler(len(training), options.seed)
        shuffled = batches(datasets[0], options.batch, seed=options.seed, sampler=sampler)
        return shuffled, batches(datasets[1], 4 * options.batch)

    steps = options.epochs * math.ceil(len(training) / options.batch)
    fitted = fit(
        FineTuneModule(options, network, len(training.class_names), steps),
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
    network.whole.cpu().eval().requires_grad_(False)
    return fitted


def save_fine_tuned(path: str | Path, module: FineTuneModule, images: MultiLabelImages) -> str:
    """Write a fine-tuned network in the format of `load_classifier(name, weights=path)`.

    Args:
        path: the file.
        module: the fine-tuned network.
        images: its training images, for their size and class names.

    Returns:
        The file's SHA-256.
    """
    network = module.parts
    return save_weights(
        path,
        module.network.state_dict(),
        architecture=str(network.architecture),
        model_args={**network.model_args, "num_classes": len(images.class_names)},
        mean=network.mean,
        std=network.std,
        input_size=images.pixels.shape[-1],
        classes=images.class_names,
        multi_label=True,
    )


def _check(training: MultiLabelImages, validation: MultiLabelImages) -> None:
    """Raise a ValueError if there are no images, or if their classes or sizes differ."""
    if training.class_names != validation.class_names:
        raise ValueError("training and validation images have different classes: load both in the same way")
    shapes = [tuple(images.pixels.shape) for images in (training, validation)]
    if shapes[0][2:] != shapes[1][2:] or not all(shape[0] for shape in shapes):
        raise ValueError(
            f"training and validation images have the shapes {shapes[0]} and {shapes[1]}; expected images of one size"
        )
