"""Figure 7 of [Re] CartoonX: CartoonX of the transformer at several sparsity weights λk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from helpers.core.statistics import mean_effect
from helpers.papers.recartoonx.experiments import Study
from helpers.papers.recartoonx.figures.lines import draw_images
from helpers.papers.recartoonx.figures.summaries import recipe_line
from helpers.papers.recartoonx.measures.transformer import BLACK
from helpers.plots import METHOD_COLOURS, show_images
from helpers.plots.figures import panels
from helpers.reporting.mean_table import effects_in_words
from helpers.reporting.pictures import PictureRow, RowGroup, draw_groups
from helpers.reporting.words import join_words
from helpers.widgets import StaticFrames, frame_slider

MODELS = {"cnn": "CNN", "vit": "ViT"}
COLOURS = {"cnn": METHOD_COLOURS["CartoonX"], "vit": METHOD_COLOURS["other"]}
PANELS = {"sparsity": "‖s‖₁/k", "distortion": "distortion", "brightness": "brightness of the cartoon"}


def weight_group(study: Study, titles: Sequence[str]) -> RowGroup:
    """The images of the sweep, each with the transformer's cartoon at every λk.

    Args:
        study: the study of the images.
        titles: one title per image.
    """
    vit = study.with_transformer()
    images = vit.images.images[: len(titles)]
    rows = [PictureRow("image", images)]
    for weight in vit.profile.sweep.sparsity_weights:
        explanation = vit.explain("cartoonx", count=len(titles), sparsity_weight=float(weight))
        cartoons = vit.method("cartoonx").cartoon(images, explanation)
        rows.append(PictureRow(f"λk = {weight:g}", cartoons))
    return RowGroup("", tuple(titles), tuple(rows))


def sweep_titles(study: Study, sweep: pd.DataFrame) -> list[str]:
    """The titles of the sweep's images: the transformer's prediction and its probability."""
    vit = study.with_transformer()
    classes, confidence = vit.predictions
    count = sweep["image"].nunique()
    return [f"{vit.classifier.class_names[classes[index]]}\n{confidence[index]:.0%}" for index in range(count)]


def setting_numbers(study: Study) -> dict[str, Any]:
    """The values of the page's text about the transformer, its recipe and the sparsity weights."""
    profile = study.with_transformer().profile
    return {
        "vit": profile.classifier.name,
        "weights": join_words([f"{weight:g}" for weight in profile.sweep.sparsity_weights]),
        "recipe": recipe_line(profile.cartoonx.options),
        "black": 100 * BLACK,
    }


def weight_slider(group: RowGroup) -> StaticFrames:
    """A slider over λk: the images above, the cartoons at that weight below."""
    rows = {row.name.removeprefix("λk = "): row for row in group.rows[1:]}

    def render(weight: str) -> Figure:
        pictures = [*group.rows[0].pictures, *rows[weight].pictures]
        return show_images(pictures, columns=len(group.titles), width=2 * len(group.titles))

    def describe(weight: str) -> str:
        return f"The images, and below each the transformer's cartoon at λk = {weight}"

    return frame_slider(render, list(rows), "λk", describe=describe)


def draw_weights(group: RowGroup) -> Figure:
    """The group as one figure: one row per λk, in ascending order."""
    return draw_groups([group])


def draw_weight_curves(sweep: pd.DataFrame, *, width: float | int = 10.0) -> Figure:
    """Draw sparsity, distortion and brightness against λk, one line per model (see `draw_images`).

    Args:
        sweep: the result of `experiments.transformer_sweep`.
        width: the figure's width in inches.
    """
    with panels(1, 3, size=(width, 3.2)) as (figure, axes):
        for ax, (quantity, label) in zip(axes, PANELS.items(), strict=True):
            for model in (name for name in MODELS if name in set(sweep["model"])):
                rows = sweep[sweep["model"] == model]
                values = rows.pivot(index="image", columns="sparsity_weight", values=quantity).sort_index(axis=1)
                draw_images(ax, values, MODELS[model], colour=COLOURS[model], marker="o")
            ax.set_xscale("log")
            ax.xaxis.set_major_formatter(ScalarFormatter())
            ax.set_xlabel("λk")
            ax.set_title(label)
            ax.set_ylim(bottom=0)
        axes[2].axhline(BLACK, color=METHOD_COLOURS["neutral"], linewidth=1, linestyle=":")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def weight_summary(sweep: pd.DataFrame) -> pd.DataFrame:
    """One row per model and λk: mean sparsity and distortion, and the numbers of black and of rightly black cartoons.

    "Empty is as good" counts the images on which the empty mask has no higher objective than the optimised one: there
    black is the right solution, and no failure of the search.
    """
    marked = sweep.assign(
        black=sweep["brightness"] < BLACK, empty=sweep["empty_objective"] <= sweep["objective"] + 1e-6
    )
    rows = [
        {
            "model": MODELS[model],
            "λk": f"{weight:g}",
            "‖s‖₁/k": mean_effect(group["sparsity"], limits=(0, 1)),
            "distortion": mean_effect(group["distortion"]),
            "black": f"{int(group['black'].sum())} of {len(group)}",
            "empty is as good": f"{int(group['empty'].sum())} of {len(group)}",
        }
        for (model, weight), group in marked.groupby(["model", "sparsity_weight"], sort=True)
    ]
    return effects_in_words(pd.DataFrame(rows))
