"""Figure 4 of [Re] CartoonX: CartoonX of the CNN and of the transformer, and attention rollout, on the same images."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor

from helpers.core.statistics import mean_effect, proportion_effect
from helpers.metrics.truth_scores import region_of_class, relevance_mass_accuracy
from helpers.papers.recartoonx.experiments import Study, transformer_explanations
from helpers.papers.recartoonx.experiments.study import scene_truth
from helpers.plots import MASK_COLOURS
from helpers.reporting.claims import Claim
from helpers.reporting.mean_table import effects_in_words
from helpers.reporting.pictures import PictureRow, RowGroup, draw_groups
from helpers.reporting.words import claims_in_words

NAMES = {"cnn": "CartoonX, CNN", "vit": "CartoonX, ViT", "rollout": "rollout, ViT"}
BLACK = 0.05
"""A cartoon counts as black if its mean brightness is below this share of the image's."""


def by_explanation(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """One column of `experiments.transformer_table` as a table: one row per image, one column per explanation."""
    return table.pivot(index="image", columns="explanation", values=column)


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


def object_words(study: Study) -> str:
    """Whether each explanation marks the predicted object, in Markdown."""
    regions = object_regions(study)
    if regions is None:
        return "These images are photographs, whose objects have not been outlined."
    return claims_in_words(object_claims(relevance_mass_accuracies(study, regions), regions))


def photograph_words(table: pd.DataFrame) -> str:
    """The number of photographs of the profile `study`, and on how many both models are right."""
    images = table.drop_duplicates("image")
    return (
        f"The same experiment on {len(images)} photographs of ImageNet, with MobileNetV2 and ViT-tiny, "
        f"from the numbers in `results/study/`. Both are right on {int(images['both_correct'].sum())}. "
        "The pictures may not be shown."
    )


def summary_table(table: pd.DataFrame) -> pd.DataFrame:
    """One row per explanation: means over images with intervals, and the number of black cartoons."""
    rows = []
    for name in NAMES:
        explained = table[table["explanation"] == name]
        cartoons = explained["brightness"].dropna()
        like = "–" if name == "rollout" else mean_effect(explained["correlation_rollout"])
        rows.append(
            {
                "explanation": NAMES[name],
                "‖s‖₁/k, or mean of the map": mean_effect(explained["sparsity"]),
                "brightness": mean_effect(cartoons) if len(cartoons) else "–",
                "black": f"{int((cartoons < BLACK).sum())} of {len(cartoons)}" if len(cartoons) else "–",
                "model's confidence": mean_effect(explained["confidence"]),
                "rank correlation with the rollout": like,
            }
        )
    return effects_in_words(pd.DataFrame(rows))


def side_by_side_claims(table: pd.DataFrame) -> list[Claim]:
    """The paper's claims about all images (section 4.2): sparser, more often black, and partly like the rollout."""
    sparsity, bright = (by_explanation(table, name) for name in ("sparsity", "brightness"))
    like = by_explanation(table, "correlation_rollout")
    black = (bright[["cnn", "vit"]] < BLACK).astype(float)
    return [
        Claim(
            "most explanations of the transformer are sparser than those of the CNN",
            "share of images on which the transformer's ‖s‖₁/k is the smaller one",
            proportion_effect((sparsity["vit"] < sparsity["cnn"]).astype(float)),
            1,
            0.5,
        ),
        Claim(
            "the transformer's explanations are more often black",
            f"ViT − CNN, share of cartoons with less than {BLACK:.0%} of the image's brightness",
            mean_effect(black["vit"] - black["cnn"]),
            1,
        ),
        Claim(
            "CartoonX of the transformer marks roughly the same regions as the rollout",
            "rank correlation of the two masks over a grid of 8 × 8 cells",
            mean_effect(like["vit"]),
            1,
        ),
        Claim(
            "the transformer's CartoonX is more like its own rollout than the CNN's CartoonX is",
            "ViT − CNN, rank correlation with the rollout",
            mean_effect(like["vit"] - like["cnn"]),
            1,
        ),
    ]


def object_claims(shares: dict[str, Tensor], regions: dict[str, Tensor]) -> list[Claim]:
    """Claims: more of the relevance lies on the predicted object than of a uniform mask.

    Args:
        shares: the result of `relevance_mass_accuracies`.
        regions: the result of `object_regions`; a uniform mask scores the region's share of the image.
    """
    return [
        Claim(
            f"{NAMES[name]} marks the predicted object more than the rest",
            f"{NAMES[name]}, share of the relevance on the object − the object's share of the image",
            mean_effect((share - regions[name].float().mean((1, 2, 3))).numpy()),
            1,
        )
        for name, share in shares.items()
    ]
