"""The mask network, which predicts the masks of CartoonX or Pixel RDE: amortised optimisation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import pywt
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from helpers.core.names import NamedOptions
from helpers.methods.rde import Pixels, Wavelets
from helpers.methods.wavelets import WaveletTransform

SIZES_KEPT = 8  # representations in the cache, one per image size
CONDITION = 32  # features that condition the blocks on λk
LAST_WIDTH = 16  # channels at full resolution, in the pixel network


@dataclass(frozen=True)
class NetworkOptions(NamedOptions):
    """The architecture of a mask network.

    Attributes:
        representation: of the predicted mask.
        wavelet, levels, mode: of the wavelet transform; for pixels `levels` is the number of halvings, the others have
            no effect.
        widths: feature channels at each level, finest first.
        weights: the range of λk in training; λk outside is clamped to it.
    """

    representation: Literal["wavelets", "pixels"] = "wavelets"
    wavelet: str = "db3"
    levels: int = 5
    mode: str = "zero"
    widths: tuple[int, ...] = (24, 32, 48, 64, 64)
    weights: tuple[float, float] = (2.0, 200.0)

    def __post_init__(self) -> None:
        if self.representation not in ("wavelets", "pixels"):
            raise ValueError(f"representation {self.representation!r} is not known; use 'wavelets' or 'pixels'")
        if len(self.widths) != self.levels:
            raise ValueError(f"{len(self.widths)} widths do not fit {self.levels} levels: give one for each level")
        if not 0 < self.weights[0] < self.weights[1]:
            raise ValueError(f"weights={self.weights} must be (least, greatest) λk with 0 < least < greatest")


class Clip(torch.autograd.Function):
    """Clamp to [0, 1] with a leaky gradient: 0 only beyond a margin of `MARGIN`, and there only outwards.

    So entries can be exactly 0 or 1 and still recover.
    """

    MARGIN = 0.5

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """x clamped."""
        ctx.save_for_backward(x)
        return x.clamp(0, 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """The gradient, masked where descent would push an entry further outwards."""
        (x,) = ctx.saved_tensors
        outwards = ((x < -Clip.MARGIN) & (gradient > 0)) | ((x > 1 + Clip.MARGIN) & (gradient < 0))
        return gradient.masked_fill(outwards, 0)


class _Block(nn.Module):
    """A residual 3 × 3 convolution whose input the condition scales and shifts (FiLM; Perez et al., 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.film = nn.Linear(CONDITION, 2 * width)
        self.convolution = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.film(condition)[..., None, None].chunk(2, 1)
        return x + self.convolution(functional.silu(self.norm(x) * (1 + scale) + shift))


class MaskNetwork(nn.Module):
    """A small U-Net on the grids of the wavelet bands.

    The encoder halves the resolution at each level, with its features aligned to the coefficients of that level. Each
    level also receives the coefficients themselves, divided by the standard deviation of their band. The decoder
    returns to the finest level. The heads predict a, b, c and d for each mask entry, which is then
    `a + b·log(1 + |h|/σ) + c·s + d·g`, clamped to [0, 1]: |h|/σ is the magnitude of the entry's coefficient (averaged
    over the channels, relative to its band), s and g are the mask and the gradient of the previous refinement step, or
    0. λk conditions each block: its logarithm scales and shifts the features.

    The first refinement step has the image alone; the others improve the mask with the gradient of the distortion at it
    (iterative amortised inference; Marino et al., 2018).
    """

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        self.options = options
        self.wavelets = options.representation == "wavelets"
        taps = pywt.Wavelet(options.wavelet).dec_len if self.wavelets else 2
        self.before = (taps - 2) // 2  # coefficient i is centred on the values 2i - before and 2i - before + 1
        self.after = taps - 1 - self.before
        bands = options.levels + 1 if self.wavelets else 1
        self.condition = nn.Sequential(nn.Linear(2 + 2 * bands, CONDITION), nn.SiLU(), nn.Linear(CONDITION, CONDITION))
        widths = options.widths
        self.down = nn.ModuleList(
            nn.Conv2d(below, width, 2, stride=2)
            for below, width in zip((3 if self.wavelets else 5, *widths), widths, strict=False)
        )
        self.encode, self.decode = (nn.ModuleList(_Block(width) for width in widths) for _ in range(2))
        self.up = nn.ModuleList(nn.Conv2d(w, v, 1) for v, w in pairwise(widths))
        last = [0] * (options.levels - 1) + [1]
        self.enter = nn.ModuleList(
            nn.Conv2d(18 + 6 * end, width, 1, bias=False)
            for width, end in zip(widths, last, strict=True)
            if self.wavelets
        )
        self.heads = nn.ModuleList(
            nn.Conv2d(width, 4 * (3 + end), 1) for width, end in zip(widths, last, strict=True) if self.wavelets
        )
        if not self.wavelets:
            self.rise = nn.Conv2d(widths[0], LAST_WIDTH, 1)
            self.mix = nn.Conv2d(LAST_WIDTH + 5, LAST_WIDTH, 3, padding=1)
            self.heads.append(nn.Conv2d(LAST_WIDTH, 4, 1))
        self._init_near_one()
        self.to(memory_format=torch.channels_last)
        self._representations: dict[tuple[int, int], Pixels | Wavelets] = {}

    def _init_near_one(self) -> None:
        """Initialise the heads so that the mask is near 1 everywhere: training then removes entries."""
        for head in self.heads:
            assert isinstance(head, nn.Conv2d)
            assert head.bias is not None
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)
            with torch.no_grad():
                head.bias[: len(head.bias) // 4] = 0.8

    def representation(self, size: tuple[int, int]) -> Pixels | Wavelets:
        """The representation for images of this height and width, cached."""
        if size not in self._representations:
            while len(self._representations) >= SIZES_KEPT:
                self._representations.pop(next(iter(self._representations)))
            o = self.options
            new = Wavelets(size, wavelet=o.wavelet, levels=o.levels, mode=o.mode) if self.wavelets else Pixels(size)
            self._representations[size] = new
        return self._representations[size]

    def forward(
        self,
        images: Float[Tensor, "batch 3 height width"],
        sparsity_weights: Float[Tensor, " batch"],
        *,
        coefficients: Float[Tensor, "batch 3 k"] | None = None,
        mask: Float[Tensor, "batch 1 k"] | None = None,
        gradient: Float[Tensor, "batch 1 k"] | None = None,
    ) -> Float[Tensor, "batch 1 k"]:
        """Predict the masks of images for their λk.

        Args:
            images: pixels in [0, 1].
            sparsity_weights: λk per image.
            coefficients: of the images; computed if None.
            mask, gradient: the mask of the previous refinement step, and the gradient of the distortion at it; None at
                the first step.
        """
        representation = self.representation((images.shape[2], images.shape[3])).to(images)
        if coefficients is None:
            coefficients = representation.analyse(images)
        if mask is None or gradient is None:
            mask = gradient = torch.zeros_like(coefficients[:, :1])  # batch, 1, k
        low, high = self.options.weights
        log_weight = (sparsity_weights.clamp(low, high) / math.sqrt(low * high)).log() / math.log(high / low) * 4
        gradient, sizes = _by_band(gradient, representation.bands)  # batch, 1, k; batch, bands
        coefficients, deviations = _by_band(coefficients, representation.bands)  # batch, 3, k; batch, bands
        refines = (sizes.amax(1, keepdim=True) > 0).to(sizes)  # batch, 1
        scales = torch.cat([deviations.clamp_min(1e-4).log(), refines * (sizes.clamp_min(1e-8).log() + 8) / 2], 1)
        condition = self.condition(torch.cat([log_weight[:, None], refines, scales], 1))  # batch, CONDITION
        previous = torch.cat([mask, gradient.clamp(-5, 5)], 1)  # batch, 2, k
        if isinstance(representation, Wavelets):
            return self._wavelet_mask(images, condition, coefficients, previous, representation.transform)
        return self._pixel_mask(images, condition, previous)

    def _wavelet_mask(
        self, images: Tensor, condition: Tensor, coefficients: Tensor, previous: Tensor, transform: WaveletTransform
    ) -> Tensor:
        magnitude = coefficients.abs().mean(1, keepdim=True).log1p()
        values = torch.cat([magnitude, previous, coefficients.clamp(-4, 4)], 1)  # batch, 6, k
        bands = [values[..., s].unflatten(2, transform.shapes[name]) for name, s in transform.slices.items()]
        # level by level, finest first; the approximation goes with the coarsest details
        groups = [torch.stack(bands[i : i + 3], 2) for i in range(len(bands) - 3, 0, -3)]
        groups[-1] = torch.cat([bands[0].unsqueeze(2), groups[-1]], 2)  # batch, 6, entries, height, width
        entering = [g.flatten(1, 2).contiguous(memory_format=torch.channels_last) for g in groups]
        features = self._features(images, condition, entering)
        masks = []
        for head, feature, group in zip(self.heads, features, groups, strict=True):
            factors = head(feature).unflatten(1, (4, -1))  # batch, 4, entries, height, width
            masks.append((factors[:, 0] + (factors[:, 1:] * group[:, :3]).sum(1)).flatten(1))
        return Clip.apply(torch.cat(masks[::-1], 1).unsqueeze(1))

    def _pixel_mask(self, images: Tensor, condition: Tensor, previous: Tensor) -> Tensor:
        height, width = images.shape[2:]
        previous = previous.unflatten(2, (height, width))
        feature = self._features(torch.cat([images, previous], 1), condition, None)[0]
        feature = functional.interpolate(self.rise(feature), scale_factor=2.0, mode="nearest")[..., :height, :width]
        feature = functional.silu(self.mix(torch.cat([feature, images - 0.5, previous], 1)))
        offset, _, *slopes = self.heads[0](feature).unbind(1)
        return Clip.apply((offset + slopes[0] * previous[:, 0] + slopes[1] * previous[:, 1]).flatten(1).unsqueeze(1))

    def _features(self, images: Tensor, condition: Tensor, entering: list[Tensor] | None) -> list[Tensor]:
        """The decoder's features at each level, finest first."""
        x = torch.cat([(images[:, :3] - 0.5) / 0.25, images[:, 3:]], 1).contiguous(memory_format=torch.channels_last)
        encoded = []
        for level, (down, block) in enumerate(zip(self.down, self.encode, strict=True)):
            x = down(functional.pad(x, (self.before, self.after) * 2))
            x = block(x + self.enter[level](entering[level]) if entering is not None else x, condition)
            encoded.append(x)
        decoded = [self.decode[-1](x, condition)]
        for level in reversed(range(self.options.levels - 1)):
            height, width = encoded[level].shape[2:]
            upsampled = functional.interpolate(self.up[level](decoded[0]), scale_factor=2.0, mode="nearest")
            upsampled = upsampled[..., self.before : self.before + height, self.before : self.before + width]
            decoded.insert(0, self.decode[level](encoded[level] + upsampled, condition))
        return decoded


def _by_band(
    values: Float[Tensor, "batch channels k"], bands: dict[str, slice]
) -> tuple[Float[Tensor, "batch channels k"], Float[Tensor, "batch bands"]]:
    """The values over the standard deviation of their band, and these deviations; the coarsest band is centred."""
    scaled, deviations = [], []
    for index, indices in enumerate(bands.values()):
        band = values[..., indices]  # batch, channels, entries
        deviation, mean = torch.std_mean(band, (1, 2), keepdim=True)  # batch, 1, 1
        scaled.append((band - mean if index == 0 and len(values[0]) > 1 else band) / (deviation + 1e-8))
        deviations.append(deviation.flatten())
    return torch.cat(scaled, 2), torch.stack(deviations, 1)
