"""The vector-quantised auto-encoder."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from helpers.methods.space_vae.options import NetworkOptions
from helpers.methods.space_vae.quantiser import VectorQuantiser


class Decoded(NamedTuple):
    """The output of the auto-encoder for a batch.

    Attributes:
        raw: the decoder's unclamped output.
        codes: the grid of codes.
        commitment: the mean squared distance of the encoder outputs to their codes.
    """

    raw: Float[Tensor, "batch 3 height width"]
    codes: Int[Tensor, "batch grid grid"]
    commitment: Float[Tensor, ""]

    @property
    def kept(self) -> Float[Tensor, "batch 3 height width"]:
        """The kept image: pixels in [0, 1], so that black is exactly 0."""
        return self.raw.clamp(0, 1)


class SpaceVAENetwork(nn.Module):
    """A VQ-VAE (van den Oord et al., 2017), with the architecture of the published code that SpaCE-VAE builds on.

    The encoder halves the resolution with strided convolutions down to that of the grid, and the decoder doubles it
    again. Between them the encoder's output at each grid cell is replaced by the nearest code. With `conditioned`, beta
    scales and shifts the channels of both (feature-wise linear modulation; Perez et al., 2018).

    Args:
        options: of the architecture.
        seed: of the random weights.
    """

    def __init__(self, options: NetworkOptions, *, seed: int = 0) -> None:
        super().__init__()
        self.options = options
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self._build(options)
        self.to(memory_format=torch.channels_last)

    def _build(self, o: NetworkOptions) -> None:
        halvings = int(math.log2(o.size // o.grid))
        # the outermost layer has half the channels, unless it is the only one
        widths = [3, *([o.hidden // 2] if halvings > 1 else []), *[o.hidden] * max(1, halvings - 1)]
        self.down = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in pairwise(widths))
        self.encoder_in = nn.Conv2d(o.hidden, o.hidden, 3, padding=1)
        self.encoder_blocks = _Blocks(o)
        self.to_codes = nn.Conv2d(o.hidden, o.embedding, 1)
        self.quantiser = VectorQuantiser(
            o.codes, o.embedding, decay=o.decay, epsilon=o.epsilon, dead_below=o.dead_below
        )
        self.decoder_in = nn.Conv2d(o.embedding, o.hidden, 3, padding=1)
        self.decoder_blocks = _Blocks(o)
        widths = widths[::-1]
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, 2, 1) for a, b in pairwise(widths))
        self.encoder_beta = _Modulation(o.hidden) if o.conditioned else None
        self.decoder_beta = _Modulation(o.hidden) if o.conditioned else None

    def init_from(self, other: SpaceVAENetwork) -> None:
        """Copy the weights and the codebook of a network of the same architecture, conditioned on beta or not.

        The layers that condition on beta keep their own weights. Files do not store the EMA counts of the codebook:
        each code starts with a count of 1, and so adapts quickly.

        Raises:
            ValueError: the architectures differ.
        """
        if replace(other.options, conditioned=False) != replace(self.options, conditioned=False):
            raise ValueError(f"the layers differ: {other.options} cannot initialise {self.options}")
        self.load_state_dict(other.state_dict(), strict=False)

    def forward(
        self, images: Float[Tensor, "batch 3 height width"], beta: Float[Tensor, " batch"] | None = None
    ) -> Decoded:
        """Encode, quantise and decode images with pixels in [0, 1].

        Args:
            images: of the size in the options.
            beta: one per image, for a conditioned network.

        Raises:
            ValueError: the size differs, or beta is missing for a conditioned network or given to another one.
        """
        quantised = self.quantiser(self.encode(images, beta))  # vectors: batch, embedding, grid, grid
        return Decoded(self.decode(quantised.vectors, beta), quantised.codes, quantised.commitment)

    def encode(
        self, images: Float[Tensor, "batch 3 height width"], beta: Float[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch embedding grid grid"]:
        """The encoder outputs, before quantisation."""
        self._check(images, beta)
        # the published VQ-VAE sees pixels in [-1, 1]
        x = (2 * images - 1).contiguous(memory_format=torch.channels_last)
        for layer in self.down:
            x = functional.relu(layer(x))
        x = self.encoder_in(x)  # batch, hidden, grid, grid
        if self.encoder_beta is not None:
            x = self.encoder_beta(x, beta)
        return self.to_codes(functional.relu(self.encoder_blocks(x)))

    def decode(
        self, vectors: Float[Tensor, "batch embedding grid grid"], beta: Float[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """The decoded images, unclamped."""
        x = self.decoder_in(vectors)  # batch, hidden, grid, grid
        if self.decoder_beta is not None:
            x = self.decoder_beta(x, beta)
        x = self.decoder_blocks(x)
        for layer in self.up:
            x = layer(functional.relu(x))
        return x.float()

    def _check(self, images: Tensor, beta: Tensor | None) -> None:
        side = self.options.size
        if images.ndim != 4 or tuple(images.shape[1:]) != (3, side, side):
            raise ValueError(f"this network takes images of (batch, 3, {side}, {side}), got {tuple(images.shape)}")
        if (beta is not None) != self.options.conditioned:
            expected = "a beta for each image" if self.options.conditioned else "no beta: it was trained with one"
            raise ValueError(f"this network needs {expected}")


class _Blocks(nn.Module):
    """A stack of residual blocks; with `shared_blocks` a single block, applied repeatedly."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        count = min(1, options.residual_layers) if options.shared_blocks else options.residual_layers
        self.blocks = nn.ModuleList(_Residual(options.hidden, options.residual_hidden) for _ in range(count))
        self.repeats = options.residual_layers if options.shared_blocks else 1

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.repeats):
            for block in self.blocks:
                x = block(x)
        return x


class _Residual(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, inner, 3, padding=1, bias=False)
        self.second = nn.Conv2d(inner, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.relu(self.first(functional.relu(x))))


class _Modulation(nn.Module):
    """A scale and a shift of each channel that depend on the logarithm of beta; initially the identity."""

    def __init__(self, width: int, inner: int = 32) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(1, inner), nn.Linear(inner, 2 * width)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor, beta: Tensor) -> Tensor:
        scale, shift = self.second(functional.relu(self.first(beta.log10()[:, None]))).chunk(2, 1)
        return x * (1 + scale)[..., None, None] + shift[..., None, None]
