"""Pictures of the chapter on wavelets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pywt
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.chapters.wavelets.pyramid import wavelet_pyramid
from helpers.methods.wavelets import WaveletTransform
from helpers.plots import METHOD_COLOURS, draw_image
from helpers.plots.figures import panels

BLUE, RED, GREY = METHOD_COLOURS["Pixel RDE"], METHOD_COLOURS["CartoonX"], METHOD_COLOURS["neutral"]

# the boundary mode: its name in numpy
_NUMPY_BORDERS = {"zero": "constant", "symmetric": "symmetric", "reflect": "reflect", "periodization": "wrap"}


def draw_row(image: Float[Tensor, "1 height width"], row: int) -> Figure:
    """An image with one of its rows marked, and the brightness along that row."""
    with panels(1, 2, size=(9.6, 2.5), width_ratios=[1, 2.9]) as (figure, (left, right)):
        draw_image(left, image)
        left.axhline(row, color=RED, linewidth=1.5)
        right.plot(image[0, row], color=RED, linewidth=1.4)
        right.set(xlabel="column", ylabel="brightness", xlim=(0, image.shape[-1] - 1), ylim=(-0.03, 1.03))
    return figure


def draw_ladder(averages: Sequence[Float[Tensor, " _n"]], differences: Sequence[Float[Tensor, " _m"]]) -> Figure:
    """A signal and its Haar levels: averages as stairs on the left, differences as stems on the right.

    Args:
        averages: the signal, then the averages of each level.
        differences: the differences of each level.
    """
    levels = len(differences)
    with panels(levels, 2, size=(9.6, 0.85 * levels), sharex=True) as (figure, axes):
        length = len(averages[0])
        limit = 1.05 * max(float(level_differences.abs().max()) for level_differences in differences)
        for level, (average, difference, (left, right)) in enumerate(
            zip(averages[1:], differences, axes, strict=True), start=1
        ):
            edges = np.linspace(0, length, len(average) + 1)
            scale = 2 ** (level / 2)  # averages in brightness: each level scaled sums by 1/√2, not by 1/2
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
    """One channel's coefficients as nested squares in [0, 1]; details by magnitude, each band scaled by itself."""
    values = coefficients.abs()
    for band_slice in transform.slices.values():
        band = values[band_slice]
        values[band_slice] = (band / band.quantile(0.995).clamp_min(1e-12)).clamp(max=1).sqrt()
    approximation = coefficients[transform.slices["approximation"]]
    value_range = approximation.amax() - approximation.amin()
    values[transform.slices["approximation"]] = (approximation - approximation.amin()) / value_range.clamp_min(1e-12)
    return wavelet_pyramid(transform, values, gap=gap)


def pattern(transform: WaveletTransform, band: str) -> Float[Tensor, "1 height width"]:
    """The wavelet of a band's middle coefficient, centred in the picture, with a maximum of 1."""
    height, width = transform.shapes[band]
    coefficients = torch.zeros(1, 1, transform.coefficients)
    coefficients[..., transform.slices[band].start + (height // 2) * width + width // 2] = 1
    return _centred(transform.synthesise(coefficients)[0])


def _centred(picture: Tensor) -> Tensor:
    energy = picture[0].square()
    moves = []
    for dim in (0, 1):
        along = energy.sum(1 - dim)
        centre = float((along * torch.arange(len(along))).sum() / along.sum())
        moves.append(round((len(along) - 1) / 2 - centre))
    return picture.roll(moves, dims=(1, 2)) / picture.abs().max()


def draw_details_of_signals(signals: Mapping[str, Float[Tensor, " _n"]], wavelets: Sequence[str]) -> Figure:
    """Signals in the upper row; below each, its details at level 1 by each wavelet, on one scale per signal.

    Details whose filter crosses the border are left out.
    """
    rows = 1 + len(wavelets)
    with panels(rows, len(signals), size=(9.6, rows), squeeze=False) as (figure, axes):
        for column, (name, signal) in enumerate(signals.items()):
            axes[0, column].plot(signal, color=RED)
            axes[0, column].set(title=name, xticks=[], ylim=(-0.1, 1.1), yticks=[0, 1])
            details = [details_inside(signal, wavelet) for wavelet in wavelets]
            limit = 1.15 * max(0.04, *(float(abs(inner).max()) for inner in details))
            for axis, inner in zip(axes[1:, column], details, strict=True):
                axis.vlines(range(len(inner)), 0, inner, color=BLUE, linewidth=2)
                axis.axhline(0, color=GREY, linewidth=0.6)
                axis.set(xticks=[], ylim=(-limit, limit))
        for axis, name in zip(axes[:, 0], ["signal", *(f"details\n{wavelet}" for wavelet in wavelets)], strict=True):
            axis.set_ylabel(name)
    return figure


def details_inside(signal: Float[Tensor, " _n"], wavelet: str) -> np.ndarray:
    """The details of a signal at level 1, without those whose filter crosses the border: at most n / 2."""
    over_the_border = pywt.Wavelet(wavelet).dec_len // 2 - 1
    return pywt.dwt(signal.numpy(), wavelet, "zero")[1][over_the_border : len(signal) // 2]


def draw_borders(row: Float[Tensor, " n"], beyond: int) -> Figure:
    """The continuation of a row of pixels beyond its ends in each boundary mode."""
    with panels(1, 4, size=(9.6, 2.0), sharey=True) as (figure, axes):
        columns = np.arange(-beyond, len(row) + beyond)
        for axis, (mode, numpy_mode) in zip(axes, _NUMPY_BORDERS.items(), strict=True):
            continued = np.pad(row.numpy(), beyond, mode=numpy_mode)  # type: ignore[call-overload]
            axis.plot(columns, continued, color=RED, linewidth=1.2, linestyle=":")
            axis.plot(row, color=RED, linewidth=1.6)
            axis.axvspan(-beyond, 0, color=GREY, alpha=0.12, linewidth=0)
            axis.axvspan(len(row) - 1, len(row) - 1 + beyond, color=GREY, alpha=0.12, linewidth=0)
            axis.set(title=mode, xlabel="column", xlim=(-beyond, len(row) - 1 + beyond))
        axes[0].set_ylabel("brightness")
    return figure


def draw_decay(shares: Sequence[float], discarded: Mapping[str, Float[Tensor, " shares"]]) -> Figure:
    """The discarded energy against the kept share of the coefficients, on logarithmic axes, one line per name.

    Args:
        shares: of the coefficients, in (0, 1].
        discarded: by an image's name, for its wavelets; with ", Fourier" or ", pixels", for another representation.
    """
    colours = {"scene": METHOD_COLOURS["truth"], "photograph": RED, "noise": GREY}
    with panels(size=(7.2, 3.0)) as (figure, axes):
        for name, values in discarded.items():
            image, _, representation = name.partition(", ")
            axes.loglog(
                100 * np.asarray(shares),
                100 * values.numpy(),
                label=name,
                color=colours[image],
                linestyle={"": "-", "Fourier": "-.", "pixels": "--"}[representation],
                linewidth=1.4 if representation else 2.2,
            )
        guide = np.array([0.3, 3.0])
        for factor, slope, words in ((5.0, -1, "slopes of −1"), (16.0, -0.5, "and −1/2")):
            axes.loglog(guide, factor * guide**slope, color="black", linewidth=1, linestyle=":", label=words)
        axes.set(xlabel="coefficients kept, %", ylabel="energy left out, %", ylim=(0.01, 130))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def draw_gradient_test(changes: Mapping[str, Mapping[str, float]], truth: str) -> Figure:
    """Bars of slopes by boundary mode and estimate, with a line at 1, the true slope.

    Args:
        changes: by estimate, the slope in each mode as a multiple of the true one; modes may be missing.
        truth: the label of the line at 1.
    """
    modes = list(dict.fromkeys(mode for slopes in changes.values() for mode in slopes))
    with panels(size=(9.6, 2.7)) as (figure, axes):
        width = 0.8 / len(changes)
        for index, (name, slopes) in enumerate(changes.items()):
            positions = [modes.index(mode) + (index - (len(changes) - 1) / 2) * width for mode in slopes]
            axes.bar(positions, list(slopes.values()), width=0.92 * width, label=name, color=(GREY, BLUE, RED)[index])
        axes.axhline(1, color="black", linewidth=1, linestyle="--", label=truth)
        axes.set(xticks=range(len(modes)), xticklabels=modes, ylabel="slope / true slope")
        axes.grid(axis="x", visible=False)
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure
