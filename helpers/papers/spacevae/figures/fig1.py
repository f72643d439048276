"""Figure 1 of the SpaCE-VAE paper: drop what counts against the class, and the class may be gone."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.core.runtime import random_generator
from helpers.core.statistics import Effect, mean_effect
from helpers.papers.spacevae.experiments.competitors import CHUNK, attributions, competitor_images
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.grid import Column, answered_column, answers, draw_columns, true_names
from helpers.papers.spacevae.figures.words import COMPETITORS, METHOD_NAMES, row_name, score, share, with_interval
from helpers.reporting.claims import Claim

OURS = "beta-10"
"""The training whose kept images stand beside."""

SHORT_NAMES = {
    "deeplift": "DeepLIFT",
    "integrated-gradients": "Integrated\nGradients",
    "feature-ablation": "Feature\nAblation",
}


def without_negative(
    images: Float[Tensor, "batch 3 height width"], attributed: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, "batch 3 height width"]:
    """The images with every entry black whose attribution is negative."""
    return torch.where(attributed >= 0, images, 0.0)


def without_random(
    images: Float[Tensor, "batch 3 height width"], removed: Bool[Tensor, "batch 3 height width"], seed: int = 0
) -> Float[Tensor, "batch 3 height width"]:
    """The images with as many entries black as `removed` has in each of them, at random places."""
    order = torch.rand(images.shape, generator=random_generator(seed)).flatten(1).argsort(1).argsort(1)
    count = removed.flatten(1).sum(1, keepdim=True).cpu()
    return torch.where((order < count).reshape(images.shape).to(images.device), 0.0, images)


def flip_table(study: SpaceStudy) -> pd.DataFrame:
    """A row for each method and image: does the class change when the negative entries turn black?

    Returns:
        Columns image, method, dropped (the share of entries that turned black), flipped, and flipped_random (as many
        entries at random). The rows of SpaCE-VAE have the kept image's answer as flipped, and no others.
    """
    images = competitor_images(study, "test")
    pixels = images.floats().to(study.device)
    before, _ = answers(study.classifier, pixels)
    rows = []
    for method in COMPETITORS:
        attributed = attributions(study, method, images).to(study.device)
        flipped = answers(study.classifier, without_negative(pixels, attributed))[0] != before
        chance = answers(study.classifier, without_random(pixels, attributed < 0))[0] != before
        dropped = (attributed < 0).flatten(1).float().mean(1)
        rows.append(_rows(method, dropped, flipped, chance))
    if OURS in study.trained:
        after, _ = answers(study.classifier, study.model(OURS).explain(pixels).kept)
        nothing = torch.full((len(pixels),), torch.nan)
        rows.append(_rows("space-vae", nothing, after != before, nothing))
    return pd.concat(rows, ignore_index=True)


def flip_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: what was dropped, how often the class changed, and how often when as much went at random."""
    shown = []
    for method, rows in table.groupby("method", sort=False):
        known = method != "space-vae"
        shown.append(
            {
                "method": METHOD_NAMES[method] + ("" if known else ", β = 10"),
                "entries dropped": share(rows["dropped"].mean()) if known else "–",
                "class changed": str(mean_effect(rows["flipped"])),
                "class changed, as many at random": str(mean_effect(rows["flipped_random"])) if known else "–",
                "images": len(rows),
            }
        )
    return pd.DataFrame(shown)


def flip_claims(table: pd.DataFrame) -> list[Claim]:
    """What Figure 1 illustrates, for each attribution method over all images."""
    by_method = {method: rows.set_index("image") for method, rows in table.groupby("method", sort=False)}
    claims = []
    for method in COMPETITORS:
        rows, name = by_method[method], METHOD_NAMES[method]
        if "space-vae" in by_method:
            claims.append(
                Claim(
                    f"dropping what {name} calls negative changes the class more often than SpaCE-VAE does",
                    f"{name} − SpaCE-VAE (β = 10), share of images whose class changes",
                    mean_effect(rows["flipped"] - by_method["space-vae"]["flipped"]),
                    1,
                )
            )
        claims.append(
            Claim(
                f"dropping what {name} calls negative does less harm than dropping as much at random",
                f"{name}: negative − random entries, share of images whose class changes",
                mean_effect(rows["flipped"] - rows["flipped_random"]),
                -1,
            )
        )
    return claims


def sparsity_flips(table: pd.DataFrame) -> pd.DataFrame:
    """How often the class changes without negative entries, from a table `sparsity`, which has the threshold 0."""
    rows = table[(table["split"] == "test") & (table["threshold"] == 0) & table["method"].isin(COMPETITORS)]
    own = table[(table["split"] == "test") & (table["training"] == OURS)]
    shown = []
    for row in pd.concat([rows, own]).to_dict("records"):
        kept = score(row, "agreement")
        changed = Effect(1 - kept.value, 1 - kept.high, 1 - kept.low, kept.count)
        facts = {"method": row_name(row), "class changed": with_interval(changed)}
        facts["values that turn black, %"] = with_interval(score(row, "l0"), 1)
        shown.append({**facts, "images": kept.count})
    return pd.DataFrame(shown)


def telling_rows(table: pd.DataFrame, right: list[bool], shown: int, method: str) -> list[int]:
    """Of the rightly classified images, the first `shown` that lose their class and the first that does not."""
    flipped = table[table["method"] == method].sort_values("image")["flipped"].tolist()
    rows = [row for row, good in enumerate(right[:CHUNK]) if good]
    lost = [row for row in rows if flipped[row]]
    kept = [row for row in rows if not flipped[row]]
    return lost[:shown] + kept[:1]


def draw_flips(study: SpaceStudy, table: pd.DataFrame, shown: int = 3, method: str = "integrated-gradients") -> Figure:
    """For some images: each method's signed map, the image without what is negative in it, and SpaCE-VAE's kept image.

    Args:
        study: of scenes.
        table: its `flip_table`.
        shown: how many images that lose their class; one that keeps it stands below.
        method: whose flips choose the images.
    """
    images = competitor_images(study, "test")
    pixels = images.floats().to(study.device)
    before, _ = answers(study.classifier, pixels)
    rows = telling_rows(table, (before.cpu() == images.labels).tolist(), shown, method)
    pixels, classes = pixels[rows], before[rows]
    columns = [answered_column("image", study.classifier, pixels, classes, images.class_names)]
    for name in COMPETITORS:
        attributed = attributions(study, name, images)[rows].to(study.device)
        signed = attributed.sum(1, keepdim=True)
        largest = signed.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-12)
        columns.append(Column(SHORT_NAMES[name], (signed / largest).cpu()))
        left = without_negative(pixels, attributed)
        columns.append(answered_column("negatives\nblack", study.classifier, left, classes, images.class_names))
    if OURS in study.trained:
        kept = study.model(OURS).explain(pixels).kept
        columns.append(answered_column("SpaCE-VAE\nβ = 10", study.classifier, kept, classes, images.class_names))
    return draw_columns(columns, true_names(images, rows))


def _rows(method: str, dropped: Tensor, flipped: Tensor, chance: Tensor) -> pd.DataFrame:
    values = {"dropped": dropped, "flipped": flipped, "flipped_random": chance}
    columns = {name: value.float().cpu().numpy() for name, value in values.items()}
    return pd.DataFrame({"image": range(len(flipped)), "method": method, **columns})
