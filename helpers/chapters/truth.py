"""The page on photographs whose objects are known: its tables, effects and drawings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers.chapters.measures.truth import VOC, curve_areas, paired_difference, seen_against_unseen
from helpers.core.statistics import LEVEL, Effect, Limits, column_words, holm, mean_effect, unit_means
from helpers.papers.recartoonx.figures.page import CartoonXPage
from helpers.plots import METHOD_COLOURS
from helpers.plots.figures import panels
from helpers.reporting.figure_page import LargerRun
from helpers.reporting.made import how_it_was_made
from helpers.reporting.mean_table import effects_in_words
from helpers.reporting.words import show_numbers, show_table

PROFILE = "truth-photographs"

METHODS = {
    "grad-cam": "Grad-CAM",
    "occlusion": "Occlusion",
    "rise": "RISE",
    "extremal-perturbation": "Extremal Perturbations",
    "igos++": "iGOS++",
    "cartoonx": "CartoonX",
    "pixel-rde": "Pixel RDE",
    "rollout": "Rollout",
    "rollout-published": "Rollout, as published",
}
CONTROLS = {"centre": "centre blob", "edges": "edges", "brightness": "brightness", "random": "random order"}
SOURCES = {VOC: "VOC's animals", "coco-tiny": "COCO", "imagenet-val": "ImageNet, boxes"}
SCORES = {"pointing": "pointing game", "mass": "mass above chance", "rank above chance": "rank accuracy above chance"}
LIMITS: dict[str, Limits] = {"pointing": (0, 1), "mass": (-1, 1), "rank above chance": (-1, 1)}
SIZES = {"under a tenth": (0.0, 0.1), "a tenth to three tenths": (0.1, 0.3), "more": (0.3, 1.01)}
"""Classes of an object's share of the photograph, fixed before any result was seen."""


class TruthPage(CartoonXPage):
    """The page of photographs with truth: its numbers are those of the profile `truth-photographs`."""

    larger_profile = PROFILE

    def run(self, name: str) -> LargerRun:
        """A table of the profile with photographs: made if the page shows that profile, else as committed."""
        if self.study.profile.truth is not None:
            return LargerRun({name: self.table(name)}, "", self.study.profile.name)
        return self.larger(name)

    def made_box(self, name: str, run: LargerRun) -> None:
        """Fill the box `made-<name>` with the origin of a table; the sentence why it is missing, if it is."""
        box: Any = run.absent
        if run.tables:
            profile = self.study.profile.name if self.study.profile.truth is not None else PROFILE
            box = show_table(how_it_was_made(profile, name), escape=False)
        show_numbers({f"made-{name}": box})


def with_chance(truth: pd.DataFrame) -> pd.DataFrame:
    """The table `truth` with the rank accuracy above chance: less the object's share of the photograph."""
    return truth.assign(**{"rank above chance": truth["rank"] - truth["share"]})


def chosen(truth: pd.DataFrame, source: str, correct: bool | None) -> pd.DataFrame:
    """The rows of a source with right (True) or wrong predictions; None for all."""
    rows = with_chance(truth[truth["source"] == source])
    return rows if correct is None else rows[rows["correct"] == correct]


def counts(truth: pd.DataFrame) -> pd.DataFrame:
    """One row per source and class: the photographs, those that each network predicts, and the mean share."""
    rows = []
    for source, name in SOURCES.items():
        both = truth[(truth["source"] == source) & truth["method"].isin(["grad-cam", "rollout"])]
        cnn, vit = (both[both["method"] == method] for method in ("grad-cam", "rollout"))
        groups = ["all"] if source != VOC else ["all", *sorted(cnn["class"].unique())]
        for group in groups:
            own, other = ((t if group == "all" else t[t["class"] == group]) for t in (cnn, vit))
            rows.append(
                {
                    "photographs": name,
                    "class": group,
                    "number": own["image"].nunique(),
                    "pairs": len(own),
                    "MobileNetV3-Small is right": own["correct"].mean(),
                    "DeiT-tiny is right": other["correct"].mean(),
                    "object's share": own["share"].mean(),
                }
            )
    return pd.DataFrame(rows)


def overall(truth: pd.DataFrame, source: str = VOC, correct: bool | None = True) -> pd.DataFrame:
    """One row per method and control: photographs, the three scores with intervals, silent masks, seconds.

    A mask is silent if it is constant, so that it scores chance in each measure.
    """
    rows, names = chosen(truth, source, correct), {**METHODS, **CONTROLS}
    table = []
    for method, name in names.items():
        own = rows[rows["method"] == method]
        if not len(own):
            continue
        scores = {head: mean_effect(unit_means(own, score), limits=LIMITS[score]) for score, head in SCORES.items()}
        rest = {"silent": own["silent"].mean(), "seconds": own["seconds"].mean()}
        table.append({"method": name, "photographs": own["image"].nunique(), **scores, **rest})
    frame = effects_in_words(pd.DataFrame(table))
    frame["silent"] = [f"{100 * share:.0f} %" for share in frame["silent"]]
    return frame


def findings(truth: pd.DataFrame) -> dict[str, str]:
    """The numbers of the page's text, all on VOC's animals with right predictions.

    The pointing game of the centre blob and of Grad-CAM, chance, Grad-CAM's gain over the blob on the smallest and on
    the largest objects, and the number of photographs of the slowest methods.
    """
    rows = chosen(truth, VOC, True)
    small, *_, large = (truth[(truth["share"] >= low) & (truth["share"] < high)] for low, high in SIZES.values())
    gains = [paired_difference(part, "grad-cam", "centre", "rank") for part in (small, large)]
    means = {name: unit_means(rows[rows["method"] == name], "pointing").mean() for name in ("centre", "grad-cam")}
    near = unit_means(rows[rows["method"] == "centre"], "near").mean()
    slow = [paired_difference(truth, name, "centre", "rank").count for name in ("cartoonx", "pixel-rde")]
    return {
        "centre-pointing": f"{means['centre']:.2f}",
        "grad-cam-pointing": f"{means['grad-cam']:.2f}",
        "chance-pointing": f"{near:.2f}",
        "gain-small": gains[0].words(2),
        "gain-large": gains[1].words(2),
        "slow": str(min(slow)),
    }


def against_controls(
    truth: pd.DataFrame, score: str = "rank", source: str = VOC, correct: bool | None = True
) -> pd.DataFrame:
    """One row per method: its score − that of each control on the same photographs, and whether it beats them.

    Verdicts are corrected by Holm's method for all methods and controls of the table.
    """
    methods = _present(truth, source)
    effects = {
        (method, control): paired_difference(truth, method, control, score, source, correct)
        for method in methods
        for control in CONTROLS
    }
    corrected = dict(zip(effects, holm([effect.p_value() for effect in effects.values()]), strict=True))
    table: dict[str, Any] = {"method": [METHODS[m] for m in methods]}
    table["photographs"] = [effects[m, "centre"].count for m in methods]
    for control, name in CONTROLS.items():
        words = column_words([effects[m, control] for m in methods])
        decided = [corrected[m, control] <= 1 - LEVEL for m in methods]
        table[f"− {name}"] = [f"{word}{' *' if sure else ''}" for word, sure in zip(words, decided, strict=True)]
    table["beats the centre blob"] = [_verdict(effects[m, "centre"], corrected[m, "centre"]) for m in methods]
    return pd.DataFrame(table)


def between_methods(
    truth: pd.DataFrame, score: str = "rank", source: str = VOC, correct: bool | None = None
) -> pd.DataFrame:
    """One row per pair of methods: the paired difference on the photographs that both explain, corrected by Holm.

    The arguments are those of `paired_difference`; whether a prediction is right is up to the first one's classifier.
    """
    methods = _present(truth, source)
    pairs = [(a, b) for index, a in enumerate(methods) for b in methods[index + 1 :]]
    effects = [paired_difference(truth, a, b, score, source, correct) for a, b in pairs]
    corrected = holm([effect.p_value() for effect in effects])
    return pd.DataFrame(
        {
            "first": [METHODS[a] for a, _ in pairs],
            "second": [METHODS[b] for _, b in pairs],
            "photographs": [effect.count for effect in effects],
            "first − second": column_words(effects),
            "better": [
                {1: METHODS[a], -1: METHODS[b], 0: "undecided"}[_side(effect, p)]
                for (a, b), effect, p in zip(pairs, effects, corrected, strict=True)
            ],
        }
    )


def by_group(truth: pd.DataFrame, group: str, source: str = VOC, correct: bool | None = True) -> pd.DataFrame:
    """The rank accuracy − that of the centre blob: one row per method, one column per class or size of the object.

    The group is "class" or "size"; the other arguments are those of `paired_difference`.
    """
    methods, rows = _present(truth, source), truth[truth["source"] == source]
    if group == "size":
        parts = {name: rows[(rows["share"] >= low) & (rows["share"] < high)] for name, (low, high) in SIZES.items()}
    else:
        parts = {name: rows[rows["class"] == name] for name in sorted(rows["class"].unique())}
    table: dict[str, Any] = {"method": [METHODS[method] for method in methods]}
    for name, part in parts.items():
        effects = [paired_difference(part, method, "centre", "rank", source, correct) for method in methods]
        table[f"{name} ({max(effect.count for effect in effects)})"] = effects
    return effects_in_words(pd.DataFrame(table))


def curve_gains(curves: pd.DataFrame) -> pd.DataFrame:
    """One row per method: the mean probability that its order adds to a random one, on seen and on unseen images."""
    gains = curve_areas(curves)
    table = []
    for method, name in {**METHODS, "centre": CONTROLS["centre"]}.items():
        if method not in gains:
            continue
        gain = (gains[method] - gains["random"]).dropna()
        seen, unseen = (mean_effect(gain.xs(images, level="images")) for images in ("seen", "unseen"))
        table.append(
            {
                "method": name,
                "images seen": seen.count,
                "images unseen": unseen.count,
                "gain, seen": seen,
                "gain, unseen": unseen,
                "seen − unseen": seen_against_unseen(curves, method),
            }
        )
    return effects_in_words(pd.DataFrame(table))


def draw_scores(truth: pd.DataFrame, *, sources: Sequence[str] = (VOC,), width: float | int = 9.5) -> Figure:
    """The three scores of all methods and controls with intervals; right predictions filled, wrong ones hollow."""
    names = {**METHODS, **CONTROLS}
    height = 0.3 * len(names) + 0.9
    with panels(len(sources), len(SCORES), size=(width, height * len(sources)), sharey=True, squeeze=False) as (
        figure,
        axes,
    ):
        for row, source in zip(axes, sources, strict=True):
            for ax, (score, head) in zip(row, SCORES.items(), strict=True):
                for shift, correct, face in ((-0.15, True, None), (0.15, False, "white")):
                    rows = chosen(truth, source, correct)
                    own = [unit_means(rows[rows["method"] == name], score) for name in names]
                    effects = [mean_effect(values, limits=LIMITS[score]) for values in own]
                    _dots(ax, effects, shift, face, list(names))
                if score != "pointing":
                    ax.axvline(0, color=METHOD_COLOURS["neutral"], linewidth=1, linestyle=":")
                ax.set_xlabel(head)
            row[0].set_title(SOURCES[source], loc="left")
            row[0].set_yticks(range(len(names)), list(names.values()))
        axes[0, 0].invert_yaxis()
    return figure


def draw_curves(curves: pd.DataFrame, methods: Sequence[str] = ("grad-cam", "centre", "random")) -> Figure:
    """The mean curves of the kept part, for photographs that the networks may have seen and for unseen ones."""
    names, colours = {**METHODS, **CONTROLS}, list(METHOD_COLOURS.values())
    with panels(1, 2, size=(9.5, 3.4), sharey=True) as (figure, axes):
        for ax, (images, title) in zip(
            axes, {"seen": "study photographs", "unseen": "validation images"}.items(), strict=True
        ):
            rows = curves[curves["images"] == images]
            for method, colour in zip(methods, colours, strict=False):
                mean = rows[rows["method"] == method].groupby("fraction")["probability"].mean()
                ax.plot(mean.index, mean.to_numpy(), color=colour, label=names[method])
            ax.set_title(title)
            ax.set_xlabel("share of pixels kept")
        axes[0].set_ylabel("probability of the class")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(methods))
    return figure


def _present(truth: pd.DataFrame, source: str) -> list[str]:
    """The methods that explain some photographs of a source, in the order of the tables."""
    found = set(truth.loc[truth["source"] == source, "method"])
    return [method for method in METHODS if method in found]


def _side(effect: Effect, corrected: float) -> int:
    """1 or -1 for a decided effect, 0 for an undecided one (also for too few photographs)."""
    return 0 if not corrected <= 1 - LEVEL else 1 if effect.value > 0 else -1


def _verdict(effect: Effect, corrected: float) -> str:
    return {1: "yes", -1: "no, it is worse", 0: "undecided"}[_side(effect, corrected)]


def _dots(ax: Any, effects: list[Effect], shift: float, face: str | None, names: list[str]) -> None:
    for position, (effect, name) in enumerate(zip(effects, names, strict=True)):
        if effect.count < 2:
            continue
        colour = METHOD_COLOURS["neutral"] if name in CONTROLS else METHOD_COLOURS["Pixel RDE"]
        ends = np.array([[effect.value - effect.low], [effect.high - effect.value]])
        ax.errorbar(
            effect.value,
            position + shift,
            xerr=np.nan_to_num(ends).clip(0),
            fmt="o",
            markersize=4,
            color=colour,
            markerfacecolor=face or colour,
            linewidth=1.2,
        )
