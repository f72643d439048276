"""The methods on the planted shortcut: scores with intervals, claims, and pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.core.statistics import Effect, mean_effect
from helpers.methods.baselines.feature_layers import last_feature_layer
from helpers.papers.explainer.experiments import METHOD_NAMES, METHODS, ClassStudy, shortcut_pairs
from helpers.plots import MASK_COLOURS, METHOD_COLOURS
from helpers.plots.figures import panels
from helpers.reporting.claims import Claim
from helpers.reporting.mean_table import effects_in_words

USES, IGNORES = "resnet50", "vgg16"
"""The substitute for ResNet-50 was trained on images with the shortcut, that for VGG-16 on images without it."""

CLASSIFIERS = {USES: "trained with the shortcut", IGNORES: "trained without it"}
SHORTCUT_SCORES = {
    "over_background": "pixel AUROC against the background",
    "over_object": "pixel AUROC against the object",
    "relevance_mass_above_chance": "relevance mass above chance",
}
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
                    "probability with the mark": mean_effect(chosen["probability"]),
                    "added by the mark": mean_effect(chosen["probability_change"]),
                    "to the logit": mean_effect(chosen["logit_change"]),
                }
            )
    return effects_in_words(pd.DataFrame(rows))


def shortcut_effect(table: pd.DataFrame, method: str, classifier: str, score: str, *, shown: bool = True) -> Effect:
    """One score of one method and classifier: the mean over marked scenes with its interval."""
    return mean_effect(_values(table, method, classifier, score, shown=shown))


def shortcut_summary(table: pd.DataFrame, *, shown: bool = True) -> pd.DataFrame:
    """One row per method: each score for both classifiers, with intervals over the marked scenes.

    Args:
        table: `table_of_pairs(profile, "explainer-shortcut")`.
        shown: whether the scenes show the class.
    """
    scores = (
        SHORTCUT_SCORES
        if shown
        else {key: SHORTCUT_SCORES[key] for key in ("over_background", "relevance_mass_above_chance")}
    )
    rows = []
    for name in METHODS:
        row = {"method": METHOD_NAMES[name]}
        for score, head in scores.items():
            for classifier, behaviour in ((USES, "uses it"), (IGNORES, "does not")):
                row[f"{head}, {behaviour}"] = shortcut_effect(table, name, classifier, score, shown=shown)
        rows.append(row)
    return effects_in_words(pd.DataFrame(rows))


def classifier_contrasts(
    table: pd.DataFrame, score: str = "over_background", *, shown: bool = True
) -> dict[str, Effect]:
    """For each method, the paired difference of a score: classifier that uses the mark − the other."""
    return {
        name: mean_effect(
            _values(table, name, USES, score, shown=shown) - _values(table, name, IGNORES, score, shown=shown)
        )
        for name in METHODS
    }


def verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: whether it marks the shortcut if it is used, and leaves it alone if it is not.

    The criterion is the relevance mass above chance on scenes that show the class. The pixel AUROC would punish sharp
    masks for the order of nearly black pixels, which nobody sees.
    """
    by_side = {1: ("yes", "no"), -1: ("no", "yes"), 0: ("undecided", "undecided")}
    rows = []
    for name in METHODS:
        used, unused = (
            shortcut_effect(table, name, classifier, "relevance_mass_above_chance") for classifier in (USES, IGNORES)
        )
        finds, leaves = by_side[used.side_of(0)][0], by_side[unused.side_of(0)][1]
        both = "yes" if finds == leaves == "yes" else "no" if "no" in (finds, leaves) else "undecided"
        rows.append({"method": METHOD_NAMES[name], "finds it": finds, "leaves it alone": leaves, "both": both})
    return pd.DataFrame(rows)


def shortcut_claims(table: pd.DataFrame, *, shown: bool = True) -> list[Claim]:
    """Claims for each method: its mask shows the mark more if the classifier uses it."""
    where = "scenes of the class" if shown else "scenes without the class"
    return [
        Claim(
            f"{METHOD_NAMES[name]} tells the two classifiers apart",
            f"{where}: pixel AUROC of the mark against the background, classifier that uses it − the other",
            effect,
            1,
        )
        for name, effect in classifier_contrasts(table, shown=shown).items()
    ]


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
    marked = _marked(table, USES)
    return {
        "marked-class": study.settings.marked_class,
        "pairs": marked_scenes(table),
        "others": marked_scenes(table, shown=False),
        "rows": rows,
        "columns": columns,
        "fooled": float((marked[~marked["shown"]]["probability"] > 0.5).mean()),
    }


def last_map_cells(study: ClassStudy) -> tuple[int, int]:
    """The rows and columns of the classifier's last feature map, which limit Grad-CAM's resolution."""
    return last_feature_layer(study.classifier, study.segmented.images[:1].images(study.device)).grid


def draw_shortcut_scores(table: pd.DataFrame, *, width: float | int = 9.0) -> Figure:
    """Dots with intervals for each method and classifier, on scenes with and without the class."""
    contents = (
        ("over_background", True, "scenes of the class:\nmark against background"),
        ("over_object", True, "scenes of the class:\nmark against object"),
        ("over_background", False, "scenes without the class:\nmark against background"),
    )
    with panels(1, len(contents), size=(width, 3.6), sharey=True) as (figure, axes):
        for ax, (score, shown, title) in zip(axes, contents, strict=True):
            for shift, classifier in ((-0.13, USES), (0.13, IGNORES)):
                effects = [shortcut_effect(table, name, classifier, score, shown=shown) for name in METHODS]
                _draw_effects(ax, effects, shift, _COLOURS[classifier], CLASSIFIERS[classifier])
            ax.axvline(0.5, color=METHOD_COLOURS["neutral"], linewidth=1, linestyle=":")
            ax.set_xlim(-0.03, 1.03)
            ax.set_title(title, fontsize=10)
            ax.set_xlabel("pixel AUROC")
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


def _values(table: pd.DataFrame, method: str, classifier: str, score: str, *, shown: bool) -> pd.Series:
    """One value per marked scene, indexed by the scene."""
    rows = table[table["marked"] & (table["shown"] == shown) & (table["method"] == method)]
    return rows[rows["classifier"] == classifier].set_index("image")[score]
