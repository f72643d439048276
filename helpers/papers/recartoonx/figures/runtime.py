"""The running time of [Re] CartoonX: the paper's seconds per image, and ours for each recipe."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers.methods.rde.options import RECIPES
from helpers.papers.recartoonx.experiments import METHODS, Study, published_seconds, step_seconds
from helpers.papers.recartoonx.figures.summaries import CURVE_NAMES, recipe_line
from helpers.papers.recartoonx.published import MODEL_AGNOSTICISM_SECONDS, published_hours
from helpers.plots import METHOD_COLOURS
from helpers.plots.figures import panels
from helpers.profiles import load_profile
from helpers.reporting.committed import committed_table
from helpers.results import read_provenance
from helpers.results.provenance import describe_machine

PAPER_DEVICE = "NVIDIA Titan RTX"
FULL_RUNS = ("quick-published", "study-published", "study-mobilenetv2-published")
"""The profiles that run the published recipe in full."""


def recipe_seconds(study: Study, *, steps: int = 3, repeats: int = 3) -> pd.DataFrame:
    """Seconds per image of the paper, of the two recipes on this device, and of the profile's explanations.

    The two recipes are not run to their ends: one step of each is timed and multiplied by the number of steps. The time
    of the profile's explanations is that recorded in the store when they were computed in batches.

    Args:
        study: the study of the images.
        steps, repeats: as in `step_seconds`; the minimum counts, since other work can only slow a step down.

    Returns:
        Columns method, recipe, device, batch, samples, steps, seconds_per_step, seconds, measured (how).
    """
    rows: list[dict[str, object]] = []
    device = device_name(study)
    for name in METHODS:
        seconds = published_seconds()[name]
        published = RECIPES["published"]
        rows.append(
            _row(name, "paper", PAPER_DEVICE, 1, published.samples, published.steps, seconds / published.steps, "text")
        )
        for recipe in ("published", "fast"):
            options = RECIPES[recipe]
            step = min(step_seconds(study, name, recipe, steps=steps, repeats=repeats))
            rows.append(_row(name, recipe, device, 1, options.samples, options.steps, step, "a step, times the steps"))
        options, stored = study.method(name).options, study.seconds(name)
        step = float(np.mean(stored)) / max(options.steps, 1)
        batch = min(study.profile.batch_size, len(study.images))
        label = f"profile {study.profile.name}"
        rows.append(_row(name, label, device, batch, options.samples, options.steps, step, "in full"))
    return pd.DataFrame(rows)


def draw_seconds(seconds: pd.DataFrame, *, width: float | int = 8.0) -> Figure:
    """Draw the seconds of each recipe as bars on a logarithmic axis, one panel per method."""
    recipes = list(dict.fromkeys(seconds["recipe"]))
    size = (width, 0.48 * len(recipes) + 1.1)
    with panels(1, len(METHODS), size=size, sharey=True, sharex=True) as (figure, axes):
        for ax, method in zip(axes, METHODS, strict=True):
            name = CURVE_NAMES[method]
            rows = seconds[seconds["method"] == method].set_index("recipe").loc[recipes]
            labels = [_label(recipe) for recipe in recipes]
            bars = ax.barh(labels, rows["seconds"], color=METHOD_COLOURS[name], height=0.62)
            for bar, recipe in zip(bars, recipes, strict=True):
                if recipe == "paper":  # the published value, as everywhere in the book: hollow
                    bar.set(facecolor="none", edgecolor=METHOD_COLOURS[name], linewidth=1.5)
            ax.bar_label(bars, labels=[_seconds(value) for value in rows["seconds"]], padding=4, fontsize=9)
            ax.set_xscale("log")
            ax.margins(x=0.25)
            ax.set_title(name)
            ax.set_xlabel("seconds per image")
            ax.grid(axis="y", visible=False)
        axes[0].invert_yaxis()
    return figure


def objective_comparison(objectives: pd.DataFrame) -> pd.DataFrame:
    """The final objective and the seconds of each recipe: one row per method.

    Args:
        objectives: the result of `experiments.objective_table`, with the recipes "published" and "fast".

    Returns:
        Columns method, images, published, fast (mean objectives), published_seconds, fast_seconds.
    """
    rows = []
    for method, table in objectives.groupby("method", sort=False):
        means = table.groupby("recipe")[["objective", "seconds"]].mean()
        rows.append(
            {
                "method": CURVE_NAMES[str(method)],
                "images": table["image"].nunique(),
                "published": float(means.loc["published", "objective"]),
                "fast": float(means.loc["fast", "objective"]),
                "published_seconds": float(means.loc["published", "seconds"]),
                "fast_seconds": float(means.loc["fast", "seconds"]),
            }
        )
    return pd.DataFrame(rows)


def compared_recipes() -> pd.DataFrame:
    """`objective_comparison` of the profiles that ran the published recipe in full, with a column profile."""
    tables = {name: committed_table(name, "objectives") for name in FULL_RUNS}
    rows = [objective_comparison(table).assign(profile=name) for name, table in tables.items() if table is not None]
    return pd.concat(rows) if rows else pd.DataFrame()


def paper_hours() -> pd.DataFrame:
    """The paper's GPU hours of each experiment, beside the product of its own seconds, images and weights λk.

    Returns:
        Columns experiment, stated (hours), product (how it is computed), hours (of the product; nan without one).
    """
    stated, seconds = published_hours(), published_seconds()
    images, weights = 100, 6
    both = seconds["cartoonx"] + seconds["pixel-rde"]
    own = MODEL_AGNOSTICISM_SECONDS
    products = {
        "reproduction": (f"{both:g} s × {images} images × {weights} λk", both * images * weights / 3600),
        "model agnosticism": (f"{own:g} s × {images} images", own * images / 3600),
        "initial masks": ("–", float("nan")),
        "all": ("sum of the three", sum(hours for name, hours in stated.items() if name != "all")),
    }
    rows = [(name, stated[name], text, hours) for name, (text, hours) in products.items()]
    return pd.DataFrame(rows, columns=["experiment", "stated", "product", "hours"])


def photograph_words(explanations: pd.DataFrame, profile: str) -> str:
    """The seconds per explanation of a photograph with each method, in a sentence.

    Args:
        explanations: the table `explanations`.
        profile: the profile of the table.
    """
    machine = read_provenance(profile, "explanations")["machine"]
    means = explanations.groupby("method")["seconds"].mean()
    return (
        f"On {explanations['image'].nunique()} real photographs (profile `{profile}`, "
        f"{machine['device_name'] or machine['device']}) an explanation took {means['cartoonx']:.1f} s with "
        f"CartoonX and {means['pixel-rde']:.1f} s with Pixel RDE."
    )


def recipe_numbers(study: Study, seconds: pd.DataFrame) -> dict[str, object]:
    """The values of the page's text about the times: recipes, and for each method the seconds and their ratio.

    Args:
        study: the page's study.
        seconds: the result of `recipe_seconds`.
    """
    times = seconds.pivot(index="recipe", columns="method", values="seconds")
    fast, published = times.loc["fast"], times.loc["published"]
    return {
        "fast": recipe_line(RECIPES["fast"]),
        "published": recipe_line(RECIPES["published"]),
        "study": recipe_line(load_profile("study").cartoonx.options),
        **{f"ratio-{method}": float(published[method] / fast[method]) for method in times},
        **{f"seconds-{method}": float(fast[method]) for method in times},
        **{f"published-seconds-{method}": float(published[method]) for method in times},
    }


def method_ratios(seconds: pd.DataFrame) -> pd.DataFrame:
    """The ratio of CartoonX's time to Pixel RDE's: one row per recipe."""
    times = seconds.pivot(index="recipe", columns="method", values="seconds")
    return (times["cartoonx"] / times["pixel-rde"]).rename("CartoonX ÷ Pixel RDE").reset_index()


def device_name(study: Study) -> str:
    """The study's device, by its product name if known."""
    return describe_machine(study.device)["device_name"] or str(study.device)


def _seconds(value: float) -> str:
    return f"{value:,.0f} s" if value >= 100 else f"{value:.3g} s"


def _label(recipe: str) -> str:
    labels = {"paper": f"paper,\n{PAPER_DEVICE}", "published": "recipe published", "fast": "recipe fast"}
    return labels.get(recipe, recipe)


def _row(
    method: str, recipe: str, device: str, batch: int, samples: int, steps: int, step: float, measured: str
) -> dict[str, object]:
    return {
        "method": method,
        "recipe": recipe,
        "device": device,
        "batch": batch,
        "samples": samples,
        "steps": steps,
        "seconds_per_step": step,
        "seconds": step * steps,
        "measured": measured,
    }
