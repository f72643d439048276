"""Drawings of the chapter on wavelets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pywt
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.chapters.wavelets.pyramid import wavelet_pyramid
from helpers.methods.wavelets import WaveletTransform
from helpers.plots import METHOD_COLOURS, draw_image

BLUE, RED, GREY = METHOD_COLOURS["Pixel RDE"], METHOD_COLOURS["CartoonX"], METHOD_COLOURS["neutral"]

# how numpy calls the ways in which an image goes on beyond its border
_NUMPY_BORDERS = {"zero": "constant", "symmetric": "symmetric", "reflect": "reflect", "periodization": "wrap"}


def draw_row(image: Float[Tensor, "1 height width"], row: int) -> Figure:
    """An image with one of its rows marked, and the brightness along that row."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 2.9), width_ratios=[1, 2.4], layout="constrained")
    plt.close(figure)
    draw_image(left, image)
    left.axhline(row, color=RED, linewidth=1.5)
    right.plot(image[0, row], color=RED, linewidth=1.4)
    right.set(xlabel="column", ylabel="brightness", xlim=(0, image.shape[-1] - 1), ylim=(-0.03, 1.03))
    return figure


def draw_ladder(averages: Sequence[Float[Tensor, " _n"]], differences: Sequence[Float[Tensor, " _m"]]) -> Figure:
    """A signal and its Haar levels: averages as stairs on the left, differences as stems on the right.

    Args:
        averages: the signal itself, then the averages of each level.
        differences: those of each level.
    """
    levels = len(differences)
    figure, axes = plt.subplots(levels, 2, figsize=(9.6, 1.35 * levels), sharex=True, layout="constrained")
    plt.close(figure)
    length = len(averages[0])
    limit = 1.05 * max(float(part.abs().max()) for part in differences)
    for level, (average, difference, (left, right)) in enumerate(
        zip(averages[1:], differences, axes, strict=True), start=1
    ):
        edges = np.linspace(0, length, len(average) + 1)
        scale = 2 ** (level / 2)  # back to brightness: each level multiplied sums by 1/√2, not by 1/2
        left.plot(averages[0], color=GREY, linewidth=0.6, alpha=0.7)
        left.stairs(average / scale, edges, color=RED, linewidth=1.4, baseline=None)
        middles = (edges[1:] + edges[:-1]) / 2
        right.vlines(middles, 0, difference, color=BLUE, linewidth=1.2)
        right.axhline(0, color=GREY, linewidth=0.6)
        left.set(ylabel=f"level {level}", ylim=(-0.05, 1.05), yticks=[0, 1])
        right.set(ylim=(-limit, limit))
    axes[0, 0].set_title("averages (red) on the row (grey)")
    axes[0, 1].set_title("differences")
    axes[-1, 0].set(xlabel="column", xlim=(0, length))
    axes[-1, 1].set_xlabel("column")
    return figure


def pyramid_picture(
    transform: WaveletTransform, coefficients: Float[Tensor, " k"], *, gap: int = 2
) -> Float[Tensor, "1 height width"]:
    """One channel's coefficients as nested squares in [0, 1]; details by magnitude, each band on a scale of its own."""
    shown = coefficients.abs()
    for part in transform.slices.values():
        band = shown[part]
        shown[part] = (band / band.quantile(0.995).clamp_min(1e-12)).clamp(max=1).sqrt()
    approximation = coefficients[transform.slices["approximation"]]
    spread = approximation.amax() - approximation.amin()
    shown[transform.slices["approximation"]] = (approximation - approximation.amin()) / spread.clamp_min(1e-12)
    return wavelet_pyramid(transform, shown, gap=gap)


def pattern(transform: WaveletTransform, band: str) -> Float[Tensor, "1 height width"]:
    """What the middle coefficient of a band stands for: its wavelet, moved to the middle, its largest value 1."""
    height, width = transform.shapes[band]
    one = torch.zeros(1, 1, transform.coefficients)
    one[..., transform.slices[band].start + (height // 2) * width + width // 2] = 1
    return _centred(transform.synthesise(one)[0])


def _centred(picture: Tensor) -> Tensor:
    energy = picture[0].square()
    moves = []
    for dim in (0, 1):
        along = energy.sum(1 - dim)
        centre = float((along * torch.arange(len(along))).sum() / along.sum())
        moves.append(round((len(along) - 1) / 2 - centre))
    return picture.roll(moves, dims=(1, 2)) / picture.abs().max()


def draw_details_of_signals(signals: Mapping[str, Float[Tensor, " _n"]], wavelets: Sequence[str]) -> Figure:
    """Signals in the upper row, and under each its details at level 1 by each wavelet, on one scale a signal.

    The details whose filter hangs over the border are left out.
    """
    rows = 1 + len(wavelets)
    figure, axes = plt.subplots(rows, len(signals), figsize=(9.6, 1.35 * rows), squeeze=False, layout="constrained")
    plt.close(figure)
    for column, (name, signal) in enumerate(signals.items()):
        axes[0, column].plot(signal, color=RED)
        axes[0, column].set(title=name, xticks=[], ylim=(-0.1, 1.1), yticks=[0, 1])
        details = [_inner_details(signal, wavelet) for wavelet in wavelets]
        limit = 1.15 * max(0.04, *(float(abs(part).max()) for part in details))
        for place, part in zip(axes[1:, column], details, strict=True):
            place.vlines(range(len(part)), 0, part, color=BLUE, linewidth=2)
            place.axhline(0, color=GREY, linewidth=0.6)
            place.set(xticks=[], ylim=(-limit, limit))
    for place, name in zip(axes[:, 0], ["signal", *(f"details\n{wavelet}" for wavelet in wavelets)], strict=True):
        place.set_ylabel(name)
    return figure


def _inner_details(signal: Tensor, wavelet: str) -> np.ndarray:
    over_the_border = pywt.Wavelet(wavelet).dec_len // 2 - 1
    return pywt.dwt(signal.numpy(), wavelet, "zero")[1][over_the_border : len(signal) // 2]


def draw_borders(row: Float[Tensor, " n"], beyond: int) -> Figure:
    """How each mode continues a row of pixels beyond its two ends."""
    figure, axes = plt.subplots(1, 4, figsize=(9.6, 2.0), sharey=True, layout="constrained")
    plt.close(figure)
    places = np.arange(-beyond, len(row) + beyond)
    for place, (mode, called) in zip(axes, _NUMPY_BORDERS.items(), strict=True):
        continued = np.pad(row.numpy(), beyond, mode=called)  # type: ignore[call-overload]
        place.plot(places, continued, color=RED, linewidth=1.2, linestyle=":")
        place.plot(row, color=RED, linewidth=1.6)
        place.axvspan(-beyond, 0, color=GREY, alpha=0.12, linewidth=0)
        place.axvspan(len(row) - 1, len(row) - 1 + beyond, color=GREY, alpha=0.12, linewidth=0)
        place.set(title=mode, xlabel="column", xlim=(-beyond, len(row) - 1 + beyond))
    axes[0].set_ylabel("brightness")
    return figure


def draw_decay(
    shares: Sequence[float], left_out: Mapping[str, Float[Tensor, " shares"]], colours: Mapping[str, str]
) -> Figure:
    """The energy left out against the share of coefficients kept, both on logarithmic axes, one line a name."""
    figure, axes = plt.subplots(figsize=(7.2, 3.6), layout="constrained")
    plt.close(figure)
    for name, values in left_out.items():
        dashed = "pixels" in name
        axes.loglog(
            *(100 * np.asarray(shares), 100 * values.numpy()),
            label=name,
            color=colours[name],
            linestyle="--" if dashed else "-",
            linewidth=1.4 if dashed else 2.2,
        )
    guide = np.array([0.3, 5.0])
    axes.loglog(guide, 12 / guide, color="black", linewidth=1, linestyle=":", label="a slope of −1")
    axes.set(xlabel="coefficients kept, %", ylabel="energy left out, %", ylim=(0.01, 130))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def draw_gradient_test(changes: Mapping[str, Mapping[str, float]], truth: str) -> Figure:
    """Slopes by mode and by who says so: bars, with a line at the truth's height of 1.

    Args:
        changes: for each name the slope in each mode, as a multiple of the true one; a mode may be missing.
        truth: the label of the line at 1.
    """
    modes = list(dict.fromkeys(mode for slopes in changes.values() for mode in slopes))
    figure, axes = plt.subplots(figsize=(9.6, 2.7), layout="constrained")
    plt.close(figure)
    width = 0.8 / len(changes)
    for index, (name, slopes) in enumerate(changes.items()):
        places = [modes.index(mode) + (index - (len(changes) - 1) / 2) * width for mode in slopes]
        axes.bar(places, list(slopes.values()), width=0.92 * width, label=name, color=(GREY, BLUE, RED)[index])
    axes.axhline(1, color="black", linewidth=1, linestyle="--", label=truth)
    axes.set(xticks=range(len(modes)), xticklabels=modes, ylabel="slope / true slope")
    axes.grid(axis="x", visible=False)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure
