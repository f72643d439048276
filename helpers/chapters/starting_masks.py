"""Pictures of the chapter on starting masks: initial masks, and the objective along the steps from each."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.core.runtime import random_generator
from helpers.methods.initial_masks import MaskNetwork
from helpers.methods.initial_masks.learned import LARGEST_SHARE, refine_mask
from helpers.methods.rde import RateDistortionExplainer
from helpers.plots import MASK_COLOURS, METHOD_COLOURS, draw_image
from helpers.plots.figures import panels

START_COLOURS = {
    "ones": "#0072B2",
    "random": "#999999",
    "constant": "#56B4E9",
    "foreground": "#E69F00",
    "first prediction": "#CC79A7",
    "learned": "#D55E00",
}


def random_binary_mask(mask: Float[Tensor, "batch 1 k"], kept: float, seed: int = 0) -> Float[Tensor, "batch 1 k"]:
    """A binary mask with a random share `kept` of ones, the same for all images."""
    draw = torch.rand(mask.shape[2], generator=random_generator(seed))
    return (draw < kept).to(mask).expand_as(mask).contiguous()


def refined_masks(
    network: MaskNetwork,
    method: RateDistortionExplainer,
    images: Float[Tensor, "batch 3 height width"],
    weight: float,
    count: int = 3,
) -> list[Float[Tensor, "batch 1 k"]]:
    """The network's masks after 1 to `count` passes: the first one sees the image alone, the others refine its mask."""
    problem = method.problem(images)
    weights = images.new_full((len(images),), weight)
    return [refine_mask(network, problem, images, weights, refinement_steps=number + 1) for number in range(count)]


def draw_starts(
    method: RateDistortionExplainer,
    images: Float[Tensor, "batch 3 height width"],
    starts: Mapping[str, Float[Tensor, "batch 1 k"]],
) -> Figure:
    """One row per image: the image, then each start as a mask of its pixels, with the mean of the mask."""
    with panels(len(images), len(starts) + 1, size=(1.55 * (len(starts) + 1), 1.75 * len(images)), squeeze=False) as (
        figure,
        axes,
    ):
        pictures = {
            name: method.to_explanation(method.problem(images), start, {}).mask for name, start in starts.items()
        }
        for row, image in enumerate(images):
            draw_image(axes[row, 0], image, "the image" if row == 0 else "")
            for ax, (name, picture) in zip(axes[row, 1:], pictures.items(), strict=True):
                mean = float(starts[name][row].mean())
                draw_image(ax, picture[row], f"{name}\n{mean:.2f}" if row == 0 else f"{mean:.2f}", colours=MASK_COLOURS)
    return figure


def draw_descents(
    histories: Mapping[str, Float[Tensor, "batch steps"]], *, colours: Mapping[str, str] | None = None
) -> Figure:
    """The mean objective over the steps on a logarithmic scale, one line per start."""
    with panels(size=(6.5, 2.8)) as (figure, axes):
        for name, history in histories.items():
            axes.plot(history.mean(0), label=name, color=(colours or START_COLOURS).get(name))
        axes.set(xlabel="step", ylabel="objective, mean over images", yscale="log")
        axes.legend()
    return figure


def lost_images(
    method: RateDistortionExplainer,
    images: Float[Tensor, "batch 3 height width"],
    start: Float[Tensor, "batch 1 k"],
    *,
    share: float = 0.75,
) -> Bool[Tensor, " batch"]:
    """Whether an optimisation from this mask ends with a distortion above a share of p², on fresh noise."""
    problem = method.problem(images)
    mask = method.explain(images, initial=start).representation_mask
    assert mask is not None
    distortion = problem.evaluate(mask, samples=16)["distortion"]
    return distortion > share * problem.measure.reference.square()


def draw_lost(lost: Mapping[str, Bool[Tensor, " batch"]]) -> Figure:
    """A bar for each optimisation: how many images it lost."""
    with panels(size=(6.5, 2.2)) as (figure, axes):
        counts = [int(found.sum()) for found in lost.values()]
        axes.barh(list(lost), counts, color=METHOD_COLOURS["other"])
        axes.set(xlabel="lost images", xlim=(0, len(next(iter(lost.values())))))
        axes.invert_yaxis()
    return figure


def draw_risk() -> Figure:
    """The distortion and its risk-averse form over the share of p² that is lost."""
    share = torch.linspace(0, 1, 200)
    with panels(size=(4.6, 2.3)) as (figure, axes):
        axes.plot(share, share, label="D")
        axes.plot(share, share - torch.log1p(-LARGEST_SHARE * share), label="ρ(D), β = 1")
        axes.set(xlabel="D/p²", ylabel="loss (p = 1)")
        axes.legend()
    return figure
