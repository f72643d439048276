"""The methods on the planted shortcut: the mass of their masks on it, with intervals, and pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.core.statistics import LEVEL, Effect, column_words, holm, mean_effect
from helpers.papers.explainer.experiments import METHOD_NAMES, METHODS, ClassStudy, shortcut_pairs
from helpers.papers.explainer.figures.masks import last_map_cells
from helpers.papers.explainer.measures.shortcut import IGNORES, USES, fooled, mass_on_mark, told_apart
from helpers.plots import MASK_COLOURS, METHOD_COLOURS
from helpers.plots.figures import panels
from helpers.reporting.mean_table import effects_in_words

CLASSIFIERS = {USES: "trained with the mark", IGNORES: "trained without it"}
_COLOURS = {USES: METHOD_COLOURS["CartoonX"], IGNORES: METHOD_COLOURS["Pixel RDE"]}


def sensitivity_summary(table: pd.DataFrame) -> pd.DataFrame:
    """The effect of the mark alone on the logit and the probability of its class, per classifier."""
    rows = []
    for classifier, training in CLASSIFIERS.items():
        marked = _marked(table, classifier)
        for shown, scenes in ((True, "with the class"), (False, "without it")):
            chosen = marked[marked["shown"] == shown]
            rows.append(
                {
                    "classifier": training,
                    "scenes": scenes,
                    "probability with the mark": mean_effect(chosen["probability"], limits=(0, 1)),
                    "added by the mark": mean_effect(chosen["probability_change"], limits=(-1, 1)),
                    "to the logit": mean_effect(chosen["logit_change"]),
                }
            )
    return effects_in_words(pd.DataFrame(rows))


def shortcut_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: the mask's mass on the mark above chance, with intervals over the marked scenes.

    Columns: for each classifier on scenes with and without the class, and the difference of the classifiers on scenes
    with it.

    Args:
        table: `table_of_pairs(profile, "explainer-shortcut")`.
    """
    columns = {"method": [METHOD_NAMES[name] for name in METHODS]}
    for shown, where in ((True, "with the class"), (False, "without it")):
        for classifier, behaviour in ((USES, "uses the mark"), (IGNORES, "does not")):
            effects = [mass_on_mark(table, name, classifier, shown) for name in METHODS]
            columns[f"{where}, classifier {behaviour}"] = column_words(effects)
    columns["difference of the classifiers, with the class"] = column_words(
        [told_apart(table, name) for name in METHODS]
    )
    return pd.DataFrame(columns)


def verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: whether it marks the shortcut if it is used, and leaves it alone if it is not.

    Both are decided by the mass on the mark on scenes that show the class, corrected by Holm's method for their number.
    """
    cases = [(name, classifier) for name in METHODS for classifier in (USES, IGNORES)]
    effects = {case: mass_on_mark(table, *case) for case in cases}
    p_values = dict(zip(cases, holm([effects[case].p_value() for case in cases]), strict=True))
    rows = []
    for name in METHODS:
        used, unused = (
            (effects[name, classifier].value > 0) if p_values[name, classifier] <= 1 - LEVEL + 1e-12 else None
            for classifier in (USES, IGNORES)
        )
        finds, leaves = _word(used), _word(None if unused is None else not unused)
        both = "yes" if finds == leaves == "yes" else "no" if "no" in (finds, leaves) else "undecided"
        rows.append({"method": METHOD_NAMES[name], "finds it": finds, "leaves it alone": leaves, "both": both})
    return pd.DataFrame(rows)


def _word(answer: bool | None) -> str:
    return "undecided" if answer is None else "yes" if answer else "no"


def marked_scenes(table: pd.DataFrame, *, shown: bool = True) -> int:
    """The number of marked scenes that show the class, or that do not."""
    return int((_marked(table, USES)["shown"] == shown).sum())


def scene_numbers(study: ClassStudy, table: pd.DataFrame) -> dict[str, Any]:
    """The values of the page's text: the class, the scenes, Grad-CAM's cells, and how often the mark alone deceives.

    Args:
        study: the study of the classifier that uses the mark.
        table: the table of all pairs.
    """
    rows, columns = last_map_cells(study)
    return {
        "marked-class": study.settings.marked_class,
        "pairs": marked_scenes(table),
        "others": marked_scenes(table, shown=False),
        "rows": rows,
        "columns": columns,
        "fooled": fooled(table).words(2),
    }


def draw_shortcut_scores(table: pd.DataFrame, *, width: float | int = 8.0) -> Figure:
    """The mass on the mark above chance: dots with intervals for each method and classifier, two kinds of scenes."""
    contents = ((True, "scenes with the class"), (False, "scenes without the class"))
    with panels(1, len(contents), size=(width, 3.6), sharey=True, sharex=True) as (figure, axes):
        for ax, (shown, title) in zip(axes, contents, strict=True):
            for shift, classifier in ((-0.13, USES), (0.13, IGNORES)):
                effects = [mass_on_mark(table, name, classifier, shown) for name in METHODS]
                _draw_effects(ax, effects, shift, _COLOURS[classifier], CLASSIFIERS[classifier])
            ax.axvline(0, color=METHOD_COLOURS["neutral"], linewidth=1, linestyle=":")
            ax.set_title(title, fontsize=10)
            ax.set_xlabel("mass on the mark above chance")
        axes[0].set_yticks(range(len(METHODS)), [METHOD_NAMES[name] for name in METHODS])
        axes[0].invert_yaxis()
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def draw_examples(studies: dict[str, ClassStudy], *, scenes: int = 2, width: float | int = 9.5) -> Figure:
    """The first marked scenes with and without the class: each method's mask of the class, for both classifiers."""
    pairs = shortcut_pairs(studies[USES])
    with_class, without = (chosen.nonzero().flatten()[:scenes].tolist() for chosen in (pairs.shown, ~pairs.shown))
    rows, images = [*with_class, *without], pairs.images(marked=True)
    requested = torch.zeros_like(images.labels)
    requested[:, pairs.target] = True
    masks = {
        (name, classifier): study.masks(name, images=images.select(rows), classes=requested[rows])[:, pairs.target]
        for classifier, study in studies.items()
        for name in METHODS
    }
    with panels(2 * len(rows), 1 + len(METHODS), size=(width, 2.35 * len(rows)), squeeze=False) as (figure, axes):
        for panel in axes.flat:
            panel.set_axis_off()
        for number, row in enumerate(rows):
            axes[2 * number, 0].imshow(images.pixels[row].permute(1, 2, 0).numpy())
            axes[2 * number, 0].set_title(
                "shows the class" if bool(pairs.shown[row]) else "does not show it", fontsize=8
            )
            for below, classifier in enumerate((USES, IGNORES)):
                first = axes[2 * number + below, 1]
                label = "uses it" if classifier == USES else "does not"
                first.text(
                    -0.12, 0.5, label, rotation=90, fontsize=8, va="center", ha="center", transform=first.transAxes
                )
                for column, name in enumerate(METHODS, 1):
                    panel = axes[2 * number + below, column]
                    panel.imshow(masks[name, classifier][number].numpy(), vmin=0, vmax=1, cmap=MASK_COLOURS)
                    panel.contour(pairs.marked.shortcut_mask[row].numpy(), levels=[0.5], colors="white", linewidths=0.8)
                    if number == below == 0:
                        panel.set_title(METHOD_NAMES[name].replace(" ", "\n"), fontsize=8)
    return figure


def _marked(table: pd.DataFrame, classifier: str) -> pd.DataFrame:
    """One row per marked scene: a classifier's outputs, which are the same for all methods."""
    return table[table["marked"] & (table["method"] == METHODS[0]) & (table["classifier"] == classifier)]


def _draw_effects(ax: Axes, effects: list[Effect], shift: float, colour: str, label: str) -> None:
    values = np.array([effect.value for effect in effects])
    ends = np.array([(effect.value - effect.low, effect.high - effect.value) for effect in effects]).T
    heights = np.arange(len(effects)) + shift
    ax.errorbar(values, heights, xerr=np.nan_to_num(ends).clip(0), fmt="o", color=colour, markersize=4.5, label=label)
