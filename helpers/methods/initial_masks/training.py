"""The training of mask networks: batches, the LightningModule, and `train_mask_network`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning
import torch
from jaxtyping import Float, UInt8
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler

from helpers.core.replica import replica
from helpers.core.runtime import progress, random_generator
from helpers.data.photographs import imagenet_samples
from helpers.data.scenes import make_scenes
from helpers.methods.initial_masks.learned import risk_gradient
from helpers.methods.initial_masks.network import MaskNetwork
from helpers.methods.initial_masks.options import EPOCH, TRAINING_SERIES, MaskTrainingOptions
from helpers.methods.rde import CartoonX, PixelRDE
from helpers.training.fit import Fitted, fit
from helpers.training.optimisers import adamw, with_one_cycle
from helpers.training.options import plain

_SHARD = 256
_MARGIN = 1.25  # photographs are loaded larger by this factor, for random crops


class MaskBatches(Dataset[Tensor]):
    """The training batches; batch i depends only on the options and on i.

    So a resumed run has the same batches as an uninterrupted one.

    Args:
        options: the recipe.
        pixels: the images, 0 to 255, instead of those of the recipe's source; larger ones are cropped.
        show: whether to show progress.

    Raises:
        ValueError: the images are smaller than the recipe's sizes, or do not fill a batch.
    """

    def __init__(
        self,
        options: MaskTrainingOptions,
        pixels: UInt8[Tensor, "count 3 height width"] | None = None,
        *,
        show: bool = False,
    ) -> None:
        self.options = options
        if pixels is not None:
            _check_pixels(options, pixels)
        draw = _scenes if options.source == "scenes" else _photographs
        self.pixels = {size: draw(options, size, show) if pixels is None else pixels for size in options.sizes}

    def __len__(self) -> int:
        """The number of training steps."""
        return self.options.steps

    def __getitem__(self, index: int) -> Float[Tensor, "batch 3 height width"]:
        """Batch `index`: images of one size, cropped if they are larger, half of them mirrored."""
        generator = random_generator(1_000_003 * self.options.seed + index)
        sizes, shares = list(self.options.sizes), torch.tensor(list(self.options.sizes.values()))
        size = sizes[int(torch.multinomial(shares, 1, generator=generator))]
        pixels = self.pixels[size]
        rows = torch.randperm(len(pixels), generator=generator)[: self.options.batch_at(size)]
        top, left = (int(torch.randint(side - size + 1, (1,), generator=generator)) for side in pixels.shape[-2:])
        images = pixels[rows, :, top : top + size, left : left + size].float() / 255
        mirrored = torch.rand(len(rows), 1, 1, 1, generator=generator) < 0.5
        return torch.where(mirrored, images.flip(3), images)


class EpochSteps(Sampler[int]):
    """The indices of an epoch's batches; Lightning calls `set_epoch`."""

    def __init__(self) -> None:
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Steps per epoch."""
        return EPOCH

    def __iter__(self) -> Iterator[int]:
        """Consecutive batch indices over all epochs."""
        # a generator, so that `self.epoch` is read after `set_epoch`: a resumed Lightning calls that after `iter`
        yield from range(self.epoch * EPOCH, (self.epoch + 1) * EPOCH)


def batch_loader(
    options: MaskTrainingOptions, pixels: UInt8[Tensor, "count 3 height width"] | None = None, *, show: bool = False
) -> DataLoader[Tensor]:
    """The training batches, in order; see `MaskBatches`."""
    return DataLoader(MaskBatches(options, pixels, show=show), batch_size=None, sampler=EpochSteps())


def _check_pixels(options: MaskTrainingOptions, pixels: Tensor) -> None:
    least, (height, width) = max(options.sizes), pixels.shape[-2:]
    if min(height, width) < least:
        raise ValueError(f"the images have {height} x {width} px, but options.sizes has {least}: give larger images")
    if len(pixels) < options.batch:
        raise ValueError(f"{len(pixels)} images do not fill a batch of {options.batch}: give more, or a smaller batch")


def _scenes(options: MaskTrainingOptions, size: int, show: bool) -> UInt8[Tensor, "count 3 size size"]:
    """Scenes of one or two objects, another series for each size."""
    shards = []
    for first in progress(range(0, options.images, _SHARD), label=f"drawing scenes of {size} px", show=show):
        count = min(_SHARD, options.images - first)
        seed = TRAINING_SERIES + 1000 * options.seed + size
        shards.append(
            (make_scenes(count, size=size, seed=seed, start=first, objects=(1, 2)).images * 255).round().byte()
        )
    return torch.cat(shards)


def _photographs(options: MaskTrainingOptions, size: int, show: bool) -> UInt8[Tensor, "count 3 side side"]:
    """Photographs of imagenet-samples/rest, never of study, larger than the crops."""
    side = round(_MARGIN * size)
    photographs = imagenet_samples(subset="rest", size=side, count=options.images, resize="stretch", seed=options.seed)
    return (photographs.images * 255).round().byte()


class MaskModule(lightning.LightningModule):
    """Train a network to predict masks by the rate-distortion objective itself, without target masks.

    The mask s of each refinement step receives the gradient of `risk-averse distortion + weight · mean(s)`, estimated
    on one antithetic pair of noise draws, as in a step of the fast recipe. The next refinement step takes the same
    gradient as its input, at no extra cost. Each image has its own λk, and its loss is divided by 1 + λk/20, so that
    images with a large λk do not dominate.

    The weight is λk · (1 - D/p²)², which vanishes with the evidence. With λk alone the network prunes until masks are
    empty, where the gradient of the distortion no longer recovers them.
    """

    def __init__(self, options: MaskTrainingOptions, classifier: nn.Module) -> None:
        super().__init__()
        self.options = options
        self.save_hyperparameters({"options": plain(options)})
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(options.seed)
            self.network = MaskNetwork(options.network)
        # a tuple hides the classifier from Lightning: frozen, it belongs in no checkpoint
        network = options.network
        transform: dict[str, Any] = {"wavelet": network.wavelet, "levels": network.levels, "mode": network.mode}
        wavelets = network.representation == "wavelets"
        self._method = (CartoonX(classifier, **transform) if wavelets else PixelRDE(classifier),)

    def training_step(self, images: Float[Tensor, "batch 3 height width"], batch_index: int) -> Tensor:
        """A scalar with the gradient of the objective, summed over the refinement steps."""
        # random choices depend on the step alone, so that a resumed run repeats those of an uninterrupted one
        generator = random_generator(2_000_003 * self.options.seed + self.global_step)
        noise = random_generator(2_000_003 * self.options.seed + self.global_step, images.device)
        low, high = self.options.network.weights
        weights = low * (high / low) ** torch.rand(len(images), generator=generator).to(images)
        warmed = weights * self.warmup_factor()
        problem = self._method[0].problem(images, check=False)
        importance = 1 / (1 + warmed / 20) / len(images)  # batch
        mask, gradient = None, None
        loss = images.new_zeros(())
        for _ in range(self.options.refinement_steps):
            predicted = self.network(images, weights, coefficients=problem.coefficients, mask=mask, gradient=gradient)
            mask = predicted.detach()
            gradient, lost = risk_gradient(problem, mask, noise, risk=self.options.risk)
            sparsity_weights = warmed * (1 - lost).square()  # batch
            direction = gradient + sparsity_weights[:, None, None] / mask.shape[2]  # batch, 1, k
            loss = loss + (predicted * importance[:, None, None] * direction).sum()
            kept = problem.sparsity(mask).mean()
        self.log("kept", kept, prog_bar=True, batch_size=len(images))
        return loss

    def warmup_factor(self) -> float:
        """The factor of λk at this step: small at first, to learn the evidence before pruning."""
        done = self.global_step / self.options.steps
        return math.exp(math.log(self.options.initial_factor) * max(0.0, 1 - done / self.options.warmup))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with one cycle of the learning rate."""
        o = self.options
        optimiser = adamw(self.network, o.learning_rate, o.weight_decay, betas=(0.9, 0.99))
        return with_one_cycle(optimiser, o.steps, 0.1, cycle_momentum=False)


def train_mask_network(
    options: MaskTrainingOptions,
    classifier: nn.Module,
    folder: str | Path,
    *,
    images: UInt8[Tensor, "count 3 height width"] | None = None,
    show: bool = True,
    **devices: Any,
) -> Fitted[MaskModule]:
    """Train all steps, with a checkpoint every 100 steps, which count as an epoch.

    The trained network, `fitted.module.network`, is for `learned_mask(method, images, network=...)`.

    Args:
        options: the recipe.
        classifier: the classifier whose masks are to be predicted: pixels in [0, 1] to logits. It is left as it is: the
            training uses a frozen replica.
        folder: for checkpoints.
        images: the training images, 0 to 255, at least as large as the largest of `options.sizes`; None: those that
            the options name.
        show: whether to show progress.
        devices: `device` of `helpers.training.fit.fit`.

    Raises:
        ValueError: the folder's checkpoint was made with other options, or the images are too small or too few.
    """
    if images is not None:
        _check_pixels(options, images)

    def data(_: torch.device) -> tuple[Any, Any]:
        return batch_loader(options, images, show=show), None

    epochs = options.steps // EPOCH
    return fit(MaskModule(options, replica(classifier)), data, folder, epochs=epochs, clip=1.0, show=show, **devices)
