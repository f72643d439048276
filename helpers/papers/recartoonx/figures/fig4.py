"""Figure 4 of [Re] CartoonX: CartoonX of the CNN and of the transformer, and attention rollout, on the same images."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor

from helpers.core.statistics import mean_effect
from helpers.metrics.truth_scores import region_of_class, relevance_mass_accuracy
from helpers.papers.recartoonx.experiments import Study, transformer_explanations
from helpers.papers.recartoonx.experiments.study import scene_truth
from helpers.papers.recartoonx.measures.transformer import BLACK, by_explanation
from helpers.plots import MASK_COLOURS, METHOD_COLOURS
from helpers.plots.figures import panels
from helpers.reporting.mean_table import effects_in_words
from helpers.reporting.pictures import PictureRow, RowGroup, draw_groups

NAMES = {"cnn": "CartoonX, CNN", "vit": "CartoonX, ViT", "rollout": "rollout, ViT"}


def choose_examples(table: pd.DataFrame, count: int = 2) -> tuple[list[str], list[str]]:
    """The images of Figure 4, among those that both models classify correctly.

    Left: the images whose darker cartoon is the brightest, so that both cartoons show something. Right: those whose
    transformer's cartoon is darkest compared with the CNN's. No image is on both sides.
    """
    right = table[table["both_correct"]]
    if right.empty:
        return [], []
    bright = by_explanation(right, "brightness")
    both = bright[["cnn", "vit"]].min(axis=1).sort_values(ascending=False, kind="stable")
    gap = (bright["cnn"] - bright["vit"]).sort_values(ascending=False, kind="stable")
    first = list(both.head(min(count, (len(both) + 1) // 2)).index)
    second = [image for image in gap[gap > 0].index if image not in first][:count]
    return first, second


def example_group(study: Study, names: list[str], title: str, titles: list[str]) -> RowGroup:
    """The chosen images with their three explanations as a group to draw, each at its model's size."""
    explanations = transformer_explanations(study)
    indices = [study.images.names.index(name) for name in names]
    rows = [PictureRow("image", study.images.images[indices])]
    for key in ("cnn", "vit"):
        source, explanation = explanations[key]
        pictures = source.method("cartoonx").cartoon(source.images.images[: len(explanation)], explanation)
        rows.append(PictureRow(NAMES[key], pictures[indices]))
    rows.append(PictureRow(NAMES["rollout"], explanations["rollout"][1].mask[indices], MASK_COLOURS))
    return RowGroup(title, tuple(titles), tuple(rows))


def draw_examples(study: Study, table: pd.DataFrame, count: int = 2) -> Figure | Markdown:
    """Figure 4, or a sentence if there is no image on which both models are right."""
    chosen = choose_examples(table, count)
    heads = ("both bright", "ViT darker")
    if not any(chosen):
        return Markdown("There is no image on which both models are right, and so nothing to show.")
    bright = by_explanation(table, "brightness")
    labels = table.drop_duplicates("image").set_index("image")["prediction"]

    def title(image: str) -> str:
        cnn, vit = bright.loc[image, ["cnn", "vit"]]
        return f"{study.classifier.class_names[labels[image]]}\nCNN {cnn:.0%}, ViT {vit:.0%}"

    groups = [
        example_group(study, names, head, [title(name) for name in names])
        for names, head in zip(chosen, heads, strict=True)
        if names
    ]
    return draw_groups(groups, width=8.0)


def object_regions(study: Study) -> dict[str, Tensor] | None:
    """The visible pixels of the class predicted by each explanation's model: (images, 1, side, side) by explanation.

    None for photographs, whose objects are not known.
    """
    vit = study.with_transformer()
    count, regions = len(vit.images), {}
    for name, source in (("cnn", study), ("vit", vit), ("rollout", vit)):
        truth = scene_truth(source.profile.images.model_copy(update={"count": count}))
        if truth is None:
            return None
        regions[name] = region_of_class(truth, source.predictions[0][:count])
    return regions


def relevance_mass_accuracies(study: Study, regions: dict[str, Tensor]) -> dict[str, Tensor]:
    """The share of each explanation's relevance in its region of each image: (images,) by explanation.

    Nan if the region (the image does not show the predicted class) or the mask is empty.
    """
    shares = {}
    for name, (_, explanation) in transformer_explanations(study).items():
        inside = relevance_mass_accuracy(explanation.mask, regions[name])
        shares[name] = torch.where(regions[name].flatten(1).any(1), inside, torch.nan)
    return shares


def setting_numbers(study: Study, table: pd.DataFrame) -> dict[str, Any]:
    """The numbers of the page's text about the two models, their settings and the images."""
    transformer, profile = study.with_transformer().profile, study.profile
    images = table.drop_duplicates("image")
    return {
        "vit": transformer.classifier.name,
        "vit-size": transformer.images.size,
        "cnn-size": profile.images.size,
        "cnn-weight": profile.cartoonx.sparsity_weight,
        "vit-weight": transformer.cartoonx.sparsity_weight,
        "fusion": profile.transformer.rollout.fusion,
        "discard": profile.transformer.rollout.discard_ratio,
        "images": len(images),
        "both-right": int(images["both_correct"].sum()),
        "black": 100 * BLACK,
    }


def with_objects(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """The table with the columns inside and area: each explanation's relevance on the object that its model predicts.

    inside is the share of the relevance on the object, area the object's share of the image, which a uniform mask would
    score. Photographs, whose objects are not known, get neither column.
    """
    regions = object_regions(study)
    if regions is None:
        return table
    shares = relevance_mass_accuracies(study, regions)
    names = study.images.names
    rows = [
        (image, explanation, float(share), float(area))
        for explanation, values in shares.items()
        for image, share, area in zip(names, values, regions[explanation].float().mean((1, 2, 3)), strict=False)
    ]
    return table.merge(
        pd.DataFrame(rows, columns=["image", "explanation", "inside", "area"]), on=["image", "explanation"]
    )


def photograph_words(table: pd.DataFrame) -> str:
    """The number of photographs of the profile `study`, and on how many both models are right."""
    images = table.drop_duplicates("image")
    return (
        f"On photographs of ImageNet, both models are right on {int(images['both_correct'].sum())} of {len(images)}. "
        "Their pictures may not be published here; `make figure ID=recartoonx-fig4 PROFILE=study` draws them for you."
    )


def draw_summary(table: pd.DataFrame, *, width: float | int = 8.0) -> Figure:
    """Draw each image as a point: CNN against ViT, the kept share ‖s‖₁/k and the cartoon's brightness.

    Points below the diagonal have a sparser mask, or a darker cartoon, of the transformer. Filled points are images on
    which both models are right.

    Args:
        table: the table `transformer`.
        width: the figure's width in inches.
    """
    right = table.drop_duplicates("image").set_index("image")["both_correct"]
    names = {"sparsity": "kept share ‖s‖₁/k", "brightness": "brightness of the cartoon"}
    with panels(1, 2, size=(width, 3.8)) as (figure, axes):
        for ax, (column, name) in zip(axes, names.items(), strict=True):
            values = by_explanation(table, column)[["cnn", "vit"]]
            end = 1.08 * float(values.to_numpy().max())
            ax.plot([0, end], [0, end], color=METHOD_COLOURS["neutral"], linewidth=1, linestyle=":")
            for chosen, face in ((right, METHOD_COLOURS["CartoonX"]), (~right, "none")):
                points = values[chosen.reindex(values.index)]
                ax.scatter(points["cnn"], points["vit"], s=28, facecolor=face, edgecolor=METHOD_COLOURS["CartoonX"])
            ax.set(xlim=(0, end), ylim=(0, end), xlabel="CNN", ylabel="ViT", title=name, aspect="equal")
    return figure


def summary_table(table: pd.DataFrame) -> pd.DataFrame:
    """One row per explanation: means over images with intervals, and the number of black cartoons."""
    rows = []
    for name in NAMES:
        explained = table[table["explanation"] == name]
        cartoons = explained["brightness"].dropna()
        like = "–" if name == "rollout" else mean_effect(explained["correlation_rollout"], limits=(-1, 1))
        rows.append(
            {
                "explanation": NAMES[name],
                "‖s‖₁/k, or mean of the map": mean_effect(explained["sparsity"], limits=(0, 1)),
                "brightness": mean_effect(cartoons, limits=(0, 1)) if len(cartoons) else "–",
                "black": f"{int((cartoons < BLACK).sum())} of {len(cartoons)}" if len(cartoons) else "–",
                "model's confidence": mean_effect(explained["confidence"], limits=(0, 1)),
                "rank correlation with the rollout": like,
            }
        )
    return effects_in_words(pd.DataFrame(rows))
