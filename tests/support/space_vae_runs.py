"""Small trainings of SpaCE-VAEs, for tests; some run in processes of their own (see test_space_vae_processes)."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from helpers.data.labelled import LabelledImages
from helpers.methods.space_vae import LossOptions, NetworkOptions, SpaceVAEOptions, VectorQuantiser
from helpers.methods.space_vae.training import SpaceVAEModule, train_space_vae
from helpers.training.fit import Fitted

SIZE = 8
NETWORK = NetworkOptions(
    size=SIZE, grid=2, hidden=16, residual_layers=1, residual_hidden=8, embedding=4, codes=12, decay=0.9
)
TINY = SpaceVAEOptions(
    network=NETWORK, loss=LossOptions(alpha=0.5, beta=1.0), epochs=3, batch=8, learning_rate=3e-3, patience=50
)
# everything at once that draws random numbers or keeps statistics
EVERYTHING = replace(
    TINY,
    network=replace(NETWORK, conditioned=True),
    loss=LossOptions(alpha=0.5, colours=0.1, palette=4, contrast=0.1, smoothness=0.1),
    flip=True,
    schedule="cycle",
)
# no code is restarted: what does not depend on which process shows its vectors
STILL = replace(TINY, network=replace(NETWORK, dead_below=0.0))


class ColourClassifier(nn.Module):
    """The class is the channel that is brightest on average on the left half of the image."""

    def __init__(self, scale: float = 30.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))
        self.dropout = nn.Dropout(0.5)  # would show if ever it were in train mode

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.scale * self.dropout(images)[..., : images.shape[-1] // 2].mean((2, 3))


def coloured(count: int, seed: int = 0) -> LabelledImages:
    """Noise with one channel brighter: all of the image, and more so on the left."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(20, 120, (count, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8)
    labels = torch.arange(count) % 3
    pixels[torch.arange(count), labels] += 60
    pixels[torch.arange(count), labels, :, : SIZE // 2] += 60
    return LabelledImages(pixels, labels, ("red", "green", "blue"), "colours")


def train(options: SpaceVAEOptions, folder: Path, **more: object) -> Fitted[SpaceVAEModule]:
    """A training on 32 images, in seconds."""
    return train_space_vae(
        options, ColourClassifier(), coloured(32), coloured(18, seed=1), folder, device="cpu", show=False, **more
    )


def state(training: Fitted[SpaceVAEModule]) -> dict[str, torch.Tensor]:
    """The weights that a training gives."""
    return training.module.network.state_dict()


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether two networks are equal, bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def vectors(step: int) -> torch.Tensor:
    """What a quantiser sees at a step, of all processes together."""
    return torch.randn(6, 4, 2, 2, generator=torch.Generator().manual_seed(step))


def follow(part: slice, dead_below: float, steps: int = 5) -> VectorQuantiser:
    """A quantiser after some steps on a part of each batch."""
    torch.manual_seed(0)
    quantiser = VectorQuantiser(5, 4, decay=0.8, dead_below=dead_below).train()
    for step in range(steps):
        quantiser(vectors(step)[part])
    return quantiser


def write(state: dict[str, torch.Tensor], path: Path) -> None:
    safetensors.torch.save_file({name: value.clone().contiguous() for name, value in state.items()}, path)


if __name__ == "__main__":  # both processes share each batch
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    for name, options in (("still", STILL), ("everything", replace(EVERYTHING, epochs=1))):
        done = train(options, folder / name, devices=2, strategy="ddp")
        rank = torch.distributed.get_rank()
        write(done.module.network.state_dict(), folder / f"{name}-{rank}.safetensors")
    for name, dead_below in (("follows", 0.0), ("restarts", 0.3)):
        half = slice(3 * rank, 3 * rank + 3)
        write(follow(half, dead_below).state_dict(), folder / f"{name}-{rank}.safetensors")
