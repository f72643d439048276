"""Drawings of the page on Pixel RDE."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from ipywidgets import FloatLogSlider, IntSlider, Widget
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.chapters.predictions import describe_predictions
from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.methods.rde.problem import RateDistortion
from helpers.plots import METHOD_COLOURS, curve_with_band, draw_image, show_images
from helpers.plots.figures import panels

BLUE, RED, GREEN, PURPLE, GREY = (
    METHOD_COLOURS[name] for name in ("Pixel RDE", "CartoonX", "truth", "other", "neutral")
)


def draw_obfuscations(
    classifier: Classifier,
    problem: RateDistortion,
    image: Float[Tensor, "1 3 height width"],
    masks: Mapping[str, Bool[Tensor, "height width"]],
    noise: Tensor,
) -> Figure:
    """An image, and each mask with its obfuscation, under the classifier's predictions.

    Args:
        classifier: names what it sees.
        problem: of the image, in pixels.
        image: pixels in [0, 1].
        masks: the kept pixels, by name.
        noise: one sample of `problem.draw`.
    """
    pictures, titles = [image[0]], describe_predictions(classifier, image)
    for name, mask in masks.items():
        kept = mask[None].float()
        obfuscation = problem.obfuscate(kept.reshape(1, 1, -1), noise)[0]
        pictures += [kept, obfuscation[0]]
        titles += [name, *describe_predictions(classifier, obfuscation)]
    return show_images(pictures, titles, columns=len(pictures))


def draw_discs(
    classifier: Classifier,
    radii: Float[Tensor, " discs"],
    values: Mapping[str, Float[Tensor, " discs"]],
    objective: Float[Tensor, " discs"],
    obfuscations: Float[Tensor, "discs 3 height width"],
) -> Figure:
    """Rate, distortion and objective against a disc's radius; an obfuscation with a small disc and with the best one.

    Args:
        classifier: names what it sees.
        radii: in pixels, ascending.
        values: distortion, distortion_error and sparsity of each disc (`RateDistortion.evaluate`).
        objective: at λk = 1.
        obfuscations: one per disc.
    """
    best = int(objective.argmin())
    with panels(1, 3, size=(9.6, 2.5), width_ratios=[1.6, 0.8, 0.8]) as (figure, axes):
        error = values["distortion_error"]
        curve_with_band(axes[0], radii, values["distortion"], error, "distortion", colour=BLUE)
        curve_with_band(axes[0], radii, values["sparsity"], None, "rate", colour=GREY, linestyle="--")
        curve_with_band(axes[0], radii, objective, error, "objective, λk = 1", colour=RED)
        axes[0].plot(radii[best], objective[best], "o", color=RED)
        axes[0].set(xlabel="radius of the disc, pixels", ylim=(0, 1.2))
        axes[0].legend(loc="upper center", fontsize=9, ncols=3, columnspacing=1.2)
        for panel, disc, name in ((axes[1], best // 2, "too small"), (axes[2], best, "the best disc")):
            (prediction,) = describe_predictions(classifier, obfuscations[disc : disc + 1])
            draw_image(panel, obfuscations[disc], f"{name}:\n{prediction}")
    return figure


def draw_search(explanation: Explanation) -> Figure:
    """The mask of one image, and its objective and distortion over the steps."""
    with panels(1, 2, size=(6.4, 2.1), width_ratios=[1, 1.7]) as (figure, axes):
        draw_image(axes[0], explanation.mask[0], f"mask: keeps {100 * float(explanation.mask.mean()):.1f} %")
        axes[1].plot(explanation.history["objective"][0], color=BLUE, label="objective")
        axes[1].plot(explanation.history["distortion"][0], color=PURPLE, label="distortion", linewidth=1)
        axes[1].set(xlabel="step", yscale="log", ylim=(1e-4, 30))
        axes[1].legend(loc="upper right")
    return figure


def search_controls() -> dict[str, Widget]:
    """Sliders for λk, the steps and the learning rate of a search, by the names of its options."""
    return {
        "sparsity_weight": FloatLogSlider(1.0, base=10, min=-1, max=2, description="λk", continuous_update=False),
        "steps": IntSlider(100, 10, 400, 10, continuous_update=False, description="steps"),
        "learning_rate": FloatLogSlider(0.1, min=-3, max=0, description="η", continuous_update=False),
    }


def draw_entries(
    paths: Mapping[float, Float[Tensor, "_steps 1 height width"]], useless: tuple[int, int], useful: tuple[int, int]
) -> Figure:
    """A useless and a useful entry of a mask over the steps at three learning rates, with dashes at 1 - η * step.

    Args:
        paths: the mask after 0, 1, ... steps, by learning rate.
        useless, useful: the row and the column of each entry.
    """
    with panels(size=(8.2, 2.5)) as (figure, axes):
        for (rate, path), colour in zip(paths.items(), (RED, GREEN, BLUE), strict=True):
            steps = torch.arange(1, len(path))
            axes.plot(
                steps, path[(slice(1, None), 0, *useless)], color=colour, label=f"outside the window, η = {rate:g}"
            )
            axes.plot(
                steps, path[(slice(1, None), 0, *useful)], color=colour, linewidth=0.8, label=f"inside, η = {rate:g}"
            )
            axes.plot(steps, (1 - rate * steps).clamp_min(0), "--", color="black", linewidth=0.8)
        axes.set(xscale="log", xlabel="step", ylabel="mask entry")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure
