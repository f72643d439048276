"""Figures of "What You See is What You Classify": what is measured on the masks that they show, and the claims."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Bool, Float
from scipy.stats import spearmanr
from torch import Tensor

from helpers.core.class_masks import merge_classes
from helpers.core.statistics import mean_effect
from helpers.methods.explainer import Explainer
from helpers.metrics import segmentation_scores
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.reporting.claims import Claim

COMPARED = ("grad-cam", "rise", "extremal-perturbation", "igos++", "rtis", "explainer")
"""The methods of Figure 3, in its order."""

SHORT_NAMES = {
    "grad-cam": "Grad-CAM",
    "rise": "RISE",
    "extremal-perturbation": "EP",
    "igos++": "iGOS++",
    "rtis": "RTIS",
    "explainer": "Explainer",
}
SURE = 0.5
"""The classifier says a class where its probability is above this."""


def soft_pixel_fraction(masks: Float[Tensor, "*batch height width"]) -> Float[Tensor, "*batch"]:
    """The share of a mask's pixels between 0.1 and 0.9: 0 for a mask of zeros and ones, 1 for an even grey."""
    return ((masks > 0.1) & (masks < 0.9)).float().mean((-2, -1))


def merged_masks(study: ClassStudy, name: str, count: int) -> Float[Tensor, "count 1 height width"]:
    """A method's masks of the first images, those of an image's own classes merged into one."""
    return merge_classes(study.masks(name, count), study.segmented.images.labels[:count])


def comparison_table(study: ClassStudy, count: int) -> pd.DataFrame:
    """Merged masks against the objects: one row per image and method.

    Returns:
        Columns image, method, iou, inside (the share of the mask's mass on the objects), covered (the objects' mean
        mask), area (of the mask), object_area, between (see `between`). Pixels that do not count are left out.
    """
    truth = study.segmented[slice(count)]
    counted, objects = truth.counted.float(), truth.objects * truth.counted
    rows = []
    for name in COMPARED:
        masks = merged_masks(study, name, count)[:, 0]
        seen = masks * counted
        values = {
            "iou": segmentation_scores(masks, truth.objects, truth.counted)["iou"],
            "inside": _share((seen * objects).sum((1, 2)), seen.sum((1, 2))),
            "covered": _share((masks * objects).sum((1, 2)), objects.sum((1, 2))),
            "area": _share(seen.sum((1, 2)), counted.sum((1, 2))),
            "object_area": _share(objects.sum((1, 2)), counted.sum((1, 2))),
            "between": soft_pixel_fraction(masks),
        }
        columns = {key: value.tolist() for key, value in values.items()}
        rows.append(pd.DataFrame({"image": truth.images.names, "method": name, **columns}))
    return pd.concat(rows, ignore_index=True)


def comparison_claims(table: pd.DataFrame) -> list[Claim]:
    """What the paper says of Figures 3, 6, 7 and 8 (section 4.1, appendices D to F)."""
    iou, inside, area, soft = (
        table.pivot(index="image", columns="method", values=name) for name in ("iou", "inside", "area", "between")
    )
    objects = table.drop_duplicates("image").set_index("image")["object_area"]
    others = [name for name in COMPARED if name != "explainer"]
    best = str(iou[others].mean().idxmax())
    grey = "share of pixels between 0.1 and 0.9"
    return [
        Claim(
            "the Explainer's masks are sharper than those of Grad-CAM and RISE",
            f"Explainer − mean of Grad-CAM and RISE, {grey}",
            mean_effect(soft["explainer"] - soft[["grad-cam", "rise"]].mean(axis=1)),
            -1,
        ),
        Claim(
            "the Explainer's masks are sharper than those of EP and iGOS++",
            f"Explainer − mean of EP and iGOS++, {grey}",
            mean_effect(soft["explainer"] - soft[["extremal-perturbation", "igos++"]].mean(axis=1)),
            -1,
        ),
        Claim(
            "RTIS leaks over the borders of objects more than the Explainer",
            "Explainer − RTIS, share of the mask's mass on the objects",
            mean_effect(inside["explainer"] - inside["rtis"]),
            1,
        ),
        Claim(
            "RTIS marks more than the objects",
            "RTIS, area of the mask − area of the objects",
            mean_effect(area["rtis"] - objects),
            1,
        ),
        Claim(
            "iGOS++ marks small parts of the objects",
            "iGOS++, area of the mask − area of the objects",
            mean_effect(area["igos++"] - objects),
            -1,
        ),
        Claim(
            "the Explainer retains the objects and discards the rest better than all other methods",
            f"Explainer − {SHORT_NAMES[best]} (the best of the others here), IoU with the objects",
            mean_effect(iou["explainer"] - iou[best]),
            1,
        ),
    ]


def comparison_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: means over images with their bootstrap intervals."""
    heads = {
        "iou": "IoU with the objects",
        "inside": "mass on the objects",
        "covered": "objects covered",
        "area": "area",
        "between": "between 0.1 and 0.9",
    }
    rows = []
    for name in COMPARED:
        found = table[table["method"] == name]
        rows.append({"method": SHORT_NAMES[name]} | {head: str(mean_effect(found[key])) for key, head in heads.items()})
    return pd.DataFrame(rows)


def class_mask_table(study: ClassStudy, names: tuple[str, ...], count: int) -> pd.DataFrame:
    """Each present class's mask by itself, on the first `count` images with at least two classes.

    Returns:
        One row per image, method and class; columns image, method, class, own (the share of the mask's mass on this
        class's object), other (on objects of other classes), between. `own` and `other` are nan where nobody knows
        where each class is.
    """
    several = (study.segmented.images.labels.sum(1) > 1).nonzero()[:count, 0].tolist()
    images = study.segmented.images.select(several)
    known = study.class_regions()
    regions = None if known is None else known[several]
    rows = []
    for name in names:
        masks = study.masks(name, images=images)
        own, other = (torch.full(images.labels.shape, torch.nan) for _ in range(2))
        if regions is not None:
            mass = masks.sum((2, 3))
            elsewhere = regions.any(1, keepdim=True) & ~regions
            own = _share((masks * regions).sum((2, 3)), mass)
            other = _share((masks * elsewhere).sum((2, 3)), mass)
        soft = soft_pixel_fraction(masks)
        rows += [
            {
                "image": images.names[i],
                "method": name,
                "class": images.class_names[k],
                "own": float(own[i, k]),
                "other": float(other[i, k]),
                "between": float(soft[i, k]),
            }
            for i, k in images.labels.nonzero().tolist()
        ]
    columns = ["image", "method", "class", "own", "other", "between"]
    return pd.DataFrame(rows, columns=columns)


def class_mask_claims(table: pd.DataFrame) -> list[Claim]:
    """What the paper says of Figure 1: sharper boundaries, and more class-accurate, than Grad-CAM and EP."""
    found = []
    table = table.assign(astray=table["other"] / (table["own"] + table["other"]))
    for name in ("grad-cam", "extremal-perturbation"):
        for column, words, measure in (
            ("between", "sharper", "share of pixels between 0.1 and 0.9"),
            ("astray", "more class-accurate", "of a class mask's mass on objects, the share on those of other classes"),
        ):
            by_image = table.groupby(["image", "method"])[column].mean().unstack("method")
            difference = by_image["explainer"] - by_image[name] if len(by_image) else []
            found.append(
                Claim(
                    f"the Explainer's class masks are {words} than those of {SHORT_NAMES[name]}",
                    f"Explainer − {SHORT_NAMES[name]}, {measure}",
                    mean_effect(difference),
                    -1,
                )
            )
    return found


@torch.no_grad()
def activation_table(study: ClassStudy, count: int) -> pd.DataFrame:
    """Every class of the first test images: one row per image and class (appendix C).

    Returns:
        Columns image, class, present, ama (average mask activation, 0 to 100) and cls (the classifier's probability of
        the class on the whole image, 0 to 100).
    """
    images = study.images[:count]
    masks, scores = all_class_masks(study, count)
    image, kind = (places.flatten() for places in torch.meshgrid(*map(torch.arange, masks.shape[:2]), indexing="ij"))
    return pd.DataFrame(
        {
            "image": [images.names[i] for i in image.tolist()],
            "class": [images.class_names[k] for k in kind.tolist()],
            "present": images.labels.flatten().tolist(),
            "ama": (100 * masks.mean((2, 3))).flatten().tolist(),
            "cls": (100 * scores).flatten().tolist(),
        }
    )


@torch.no_grad()
def all_class_masks(
    study: ClassStudy, count: int
) -> tuple[Float[Tensor, "count classes height width"], Float[Tensor, "count classes"]]:
    """The Explainer's masks of all classes for the first test images, and the classifier's probabilities."""
    pixels = study.images[:count].images(study.device)
    method = study.method("explainer")
    assert isinstance(method, Explainer)
    scores = torch.cat([study.classifier(part).sigmoid() for part in pixels.split(study.profile.batch_size)])
    return method.class_masks(pixels, None).cpu(), scores.cpu()


def activation_claims(table: pd.DataFrame) -> list[Claim]:
    """What the paper says of Figures 4 and 5: activation and score usually go together, also where both are wrong."""
    by_image = [group for _, group in table.groupby("image", sort=False)]
    ranks = [float(spearmanr(group["ama"], group["cls"]).statistic) for group in by_image]
    strongest = [float(group.loc[group["ama"].idxmax(), "present"]) for group in by_image]
    absent = [group[~group["present"]] for group in by_image]
    said = [(group[group["cls"] > 100 * SURE]["ama"], group[group["cls"] <= 100 * SURE]["ama"]) for group in absent]
    return [
        Claim(
            "average mask activation and classification score go together",
            "rank correlation of AMA and CLS over the classes of an image",
            mean_effect(ranks),
            1,
        ),
        Claim(
            "the class with the strongest mask is one that the image shows",
            "share of images",
            mean_effect(strongest),
            1,
            0.5,
        ),
        Claim(
            "where the classifier wrongly says a class, that class gets a larger mask than other absent classes",
            "AMA of absent classes that the classifier says − AMA of those that it does not (images that have both)",
            mean_effect([float(yes.mean() - no.mean()) if len(yes) and len(no) else float("nan") for yes, no in said]),
            1,
        ),
    ]


def spurious_claim(first: pd.DataFrame, second: pd.DataFrame) -> Claim:
    """ResNet-50's masks have more spurious activations than VGG-16's (appendix C): both tables of the same images."""
    amas = [table[~table["present"]].groupby("image")["ama"].sum() for table in (first, second)]
    return Claim(
        "ResNet-50's Explainer has more spurious activations than VGG-16's",
        "ResNet-50 − VGG-16, sum of AMA over the classes that an image does not show",
        mean_effect(amas[1] - amas[0]),
        1,
    )


def least_exact(table: pd.DataFrame, count: int) -> list[str]:
    """The images on which the Explainer overlaps least with the objects."""
    found = table[table["method"] == "explainer"].set_index("image")["iou"]
    return list(found.sort_values(kind="stable").index[:count])


def present_pairs(labels: Bool[Tensor, "images classes"], shown: int, most: int) -> tuple[list[int], list[int]]:
    """The first images with at least two classes, and up to `most` classes: theirs, in the order of appearance."""
    images = (labels.sum(1) > 1).nonzero()[:shown, 0].tolist()
    seen = list(dict.fromkeys(int(k) for i in images for k in labels[i].nonzero()[:, 0]))
    rest = [k for k in range(labels.shape[1]) if k not in seen]
    return images, sorted((seen + rest)[:most])


def _share(part: Tensor, whole: Tensor) -> Tensor:
    return torch.where(whole > 0, part / whole.clamp_min(1e-12), torch.nan)
