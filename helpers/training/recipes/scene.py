"""Classifiers of the largest object in a scene: convolutional networks and small vision transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import lightning
import timm
import torch
from jaxtyping import Float, Int, UInt8
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from timm.optim import Muon
from torch import Tensor, nn
from torch.nn import functional

from helpers.classifiers import save_weights
from helpers.data.scenes import SCENE_CLASSES
from helpers.training.augment import augment, hide_blobs, noise_like
from helpers.training.fit import Fitted, fit
from helpers.training.optimisers import adamw, with_one_cycle
from helpers.training.options import VALIDATION_SERIES, SceneOptions, plain
from helpers.training.recipes.scene_data import BACKGROUND, Batch, held_out_loader, training_loader
from helpers.training.recipes.transformers import PatchLabels, initialise_positions

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
_MUON_RATE = 10  # times the learning rate: Muon's steps have unit size, those of AdamW depend on the gradient's noise


class SceneModule(lightning.LightningModule):
    """Train a timm network to classify the largest object of a scene.

    A share of each batch is replaced by noise, for which the network learns to give all classes the same probability.
    Otherwise it would assign noise to one class, and a method that replaces pixels by noise could explain that class
    without keeping any. `hidden_share` hides parts of further images by noise, so that the network learns to recognise
    objects amid noise. `token_weight` adds the loss of `PatchLabels`.
    """

    multi_label: ClassVar[bool] = False  # of the weights, for `load_classifier`

    def __init__(self, options: SceneOptions) -> None:
        super().__init__()
        self.options = options
        self.save_hyperparameters({"options": plain(options)})
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(options.seed)
            self.network = timm.create_model(options.architecture, num_classes=len(SCENE_CLASSES), **options.model_args)
            self.patch_labels = PatchLabels(self.network, BACKGROUND + 1) if options.token_weight else None
        initialise_positions(self.network)
        self.network.to(memory_format=torch.channels_last)  # a third faster on a CPU

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        """Logits of images with pixels in [0, 1]."""
        return self.network(self._normalise(images))

    @staticmethod
    def _normalise(images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
        return ((images - MEAN[0]) / STD[0]).contiguous(memory_format=torch.channels_last)

    def training_step(self, batch: Batch, batch_index: int) -> Float[Tensor, ""]:
        """The cross-entropy of an augmented batch, part of it noise with a uniform target."""
        # random choices depend on the step only, so that a resumed run repeats those of an uninterrupted one
        generator = torch.Generator().manual_seed(1_000_003 * self.options.seed + self.global_step)
        images, target, class_maps = self._prepare(*batch, generator)
        if self.patch_labels is None:
            loss = functional.cross_entropy(self(images), target)
        else:
            network: Any = self.network  # timm's transformers have these two methods
            tokens = network.forward_features(self._normalise(images))
            scenes = slice(int(self.options.noise_share * len(images)), None)  # the first images are noise
            loss = functional.cross_entropy(network.forward_head(tokens), target)
            loss = loss + self.options.token_weight * self.patch_labels(tokens[scenes], class_maps[scenes])
        self.log("training loss", loss, prog_bar=True)
        return loss

    def _prepare(
        self,
        pixels: UInt8[Tensor, "batch 3 size size"],
        labels: Int[Tensor, " batch"],
        class_maps: UInt8[Tensor, "batch rows columns"],
        generator: torch.Generator,
    ) -> tuple[Float[Tensor, "batch 3 side side"], Float[Tensor, "batch classes"], UInt8[Tensor, "batch rows columns"]]:
        """Images in [0, 1], resized and augmented; their target probabilities; their class maps."""
        images = pixels.float() / 255
        side = self._draw_side(generator)
        if side != images.shape[-1]:  # first, since smaller images are faster to augment
            images = functional.interpolate(images, (side, side), mode="bilinear", antialias=True)
        images, class_maps = augment(images, class_maps, generator)
        target = functional.one_hot(labels, len(SCENE_CLASSES)).float()
        noisy, hidden = (int(share * len(labels)) for share in (self.options.noise_share, self.options.hidden_share))
        replaced, covered, whole = images.tensor_split([noisy, noisy + hidden])
        target[:noisy] = 1 / len(SCENE_CLASSES)
        changes = ((noise_like, replaced), (hide_blobs, covered))
        changed = [change(some, generator) for change, some in changes if len(some)]
        return torch.cat([*changed, whole]), target, class_maps

    def _draw_side(self, generator: torch.Generator) -> int:
        """The side of the next batch: one of the options' sizes, or the full size in the last quarter of training."""
        if self.current_epoch >= 0.75 * self.options.epochs:
            return self.options.size
        choice = int(torch.randint(len(self.options.sizes), (1,), generator=generator))
        return self.options.sizes[choice]

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """The accuracy on a batch of held-out scenes."""
        pixels, labels, _ = batch
        accuracy = (self(pixels.float() / 255).argmax(dim=1) == labels).float().mean()
        self.log("validation accuracy", accuracy, prog_bar=True, batch_size=len(labels))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The options' optimiser with a one-cycle learning rate."""
        o = self.options
        steps = o.epochs * ((o.single + o.double) // o.batch)
        return with_one_cycle(make_optimiser(self, o), steps, 0.2)


def make_optimiser(module: nn.Module, options: SceneOptions) -> torch.optim.Optimizer:
    """The optimiser of a module's parameters, without weight decay on biases and normalisations.

    Args:
        module: the module, with the transformer's layers in `.blocks.` for Muon.
        options: the recipe.

    Raises:
        ValueError: the optimiser is Muon, and the network has no transformer blocks.
    """
    rate, decay = options.learning_rate, options.weight_decay
    if options.optimiser == "adamw":
        return adamw(module, rate, decay)
    blocks = [p for name, p in module.named_parameters() if ".blocks." in name and p.ndim == 2]
    if not blocks:
        raise ValueError(f"optimiser='muon' is for transformers, but {options.architecture} has no blocks; use 'adamw'")
    block_ids = {id(parameter) for parameter in blocks}
    flat = [p for p in module.parameters() if p.ndim <= 1]
    others = [p for p in module.parameters() if p.ndim > 1 and id(p) not in block_ids]
    by_adamw = [
        {"params": others, "weight_decay": decay, "lr": rate, "use_fallback": True},
        {"params": flat, "weight_decay": 0.0, "lr": rate, "use_fallback": True},
    ]
    by_muon = {"params": blocks, "weight_decay": decay, "lr": _MUON_RATE * rate, "adjust_lr_fn": "original"}
    return Muon([by_muon, *by_adamw], lr=rate, nesterov=True)


def train_scene_classifier(
    options: SceneOptions, folder: str | Path, *, validation: int = 512, show: bool = True, **devices: Any
) -> Fitted[SceneModule]:
    """Train for all epochs.

    Args:
        options: the recipe.
        folder: the folder of checkpoints.
        validation: number of held-out scenes for the accuracy after each epoch; 0 for none.
        show: show progress bars.
        devices: `device` of `helpers.training.fit.fit`.
    """

    def data(_: torch.device) -> tuple[Any, Any]:
        seed = VALIDATION_SERIES + options.seed
        held_out = held_out_loader(validation, size=options.size, seed=seed) if validation else None
        return training_loader(options, show=show), held_out

    return fit(SceneModule(options), data, folder, epochs=options.epochs, show=show, **devices)


def save_scene_classifier(path: str | Path, module: Any) -> str:
    """Write a trained classifier of scenes in the format of `load_classifier`.

    Args:
        path: the file.
        module: a `SceneModule`, or a `MultiLabelModule`.

    Returns:
        The file's SHA-256.
    """
    options = module.options
    return save_weights(
        path,
        module.network.state_dict(),
        architecture=options.architecture,
        model_args={**options.model_args, "num_classes": len(SCENE_CLASSES)},
        mean=MEAN,
        std=STD,
        input_size=options.size,
        classes=SCENE_CLASSES,
        multi_label=module.multi_label,
    )
