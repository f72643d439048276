"""The scores of ShearletX and WAM as published and as corrected, on the explanations of the wavelet family."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from helpers.core.explanation import Explanation
from helpers.methods.baselines import WAM
from helpers.methods.rde import Pixels, Representation, ShearletX, Wavelets
from helpers.metrics import coefficient_curve, curve_area, fidelity, hallucination_score
from helpers.papers.recartoonx.experiments.family_images import Chosen, chosen_images, images_of, settings_of
from helpers.papers.recartoonx.experiments.family_methods import (
    representation_of,
    stored_explanation,
    stored_order,
    wam_of,
)
from helpers.papers.recartoonx.experiments.family_scores import as_columns
from helpers.papers.recartoonx.experiments.study import Study

Columns = dict[str, Float[Tensor, " batch"]]

METHODS = (
    "cartoonx",
    "cartoonx-rate",
    "waveletx",
    "shearletx",
    "pixel-rde",
    "pixel-rde-rate",
    "wam-gradient",
    "wam-path",
)
"""The methods of the family, without its controls."""

ORDERS = ("size", "coarse", "random")
"""Orders of WAM's coefficients that know no classifier: the largest first, coarse bands first, and none."""

_AREAS = ("own", "stretched", "published")
_ENTRIES_AT_ONCE = 2**20  # of each channel, since shearlets have 49 times as many as pixels
_LARGEST = 0.05  # of WAM's coefficients are compared between batches


def published_score_table(study: Study) -> pd.DataFrame:
    """One row per image and method of the profile (of `METHODS`), order (`ORDERS`), and for the frame of shearlets.

    Returns:
        Columns kind, image, method, and the columns of `picture_scores`, `area_scores`, `neighbour_scores` (of WAM's
        gradient variant) and `clamp_scores` (of shearlets); missing where a row has no picture or no map of pixels.
    """
    chosen = chosen_images(study)
    methods = [name for name in METHODS if name in settings_of(study).methods]
    tables = [_method_rows(study, name, images_of(study, name)) for name in methods]
    if "wam-gradient" in methods:
        tables += [_order_rows(study, name, chosen) for name in ORDERS]
    tables.append(_frame_rows(study, chosen))
    return pd.concat(tables, ignore_index=True)


@torch.no_grad()
def picture_scores(
    classifier: nn.Module,
    images: Float[Tensor, "batch 3 height width"],
    explanation: Explanation,
    representation: Representation,
) -> Columns:
    """The scores of kept pictures, fault by fault.

    Returns:
        `other_class` (1 if another class than the explained one is the most probable), `fidelity` and
        `fidelity_published` (of any class); `hallucination`, `hallucination_overflow` (in signed bytes) and
        `hallucination_stretched` (each picture divided by its largest value, without the overflow);
        `information_pixels` (kept share of the pixels' ℓ1 norm) and `information_own` (of the method's own entries', as
        published: coefficients for methods of coefficients, pixels for others); and conciseness-preciseness: `cp` (the
        explained class, by pixels), `cp_own` (the explained class, by the method's own entries) and `cp_published` (any
        class, by the method's own entries).
    """
    kept, targets, mask = explanation.kept, explanation.targets, explanation.representation_mask
    assert mask is not None
    sure, own, of_any = (
        fidelity(classifier, images, targets),
        fidelity(classifier, kept, targets),
        fidelity(classifier, kept, targets, "published"),
    )
    entries = representation.analyse(images).abs()  # batch, 3, k
    shares = {
        "pixels": kept.sum((1, 2, 3)) / images.sum((1, 2, 3)),
        "own": (mask * entries).sum((1, 2)) / entries.sum((1, 2)),
    }
    brightest = kept.amax((1, 2, 3), keepdim=True)
    stretched = torch.where(brightest > 0, kept / brightest, 0.0)
    return {
        "other_class": (classifier(kept).argmax(1) != targets).double(),
        "fidelity": own,
        "fidelity_published": of_any,
        "hallucination": hallucination_score(images, kept),
        "hallucination_overflow": hallucination_score(images, kept, variant="published"),
        "hallucination_stretched": hallucination_score(images, stretched),
        **{f"information_{name}": share for name, share in shares.items()},
        "cp": _over(own / sure, shares["pixels"]),
        "cp_own": _over(own / sure, shares["own"]),
        "cp_published": _over(of_any / sure, shares["own"]),
    }


@torch.no_grad()
def area_scores(
    classifier: nn.Module,
    images: Float[Tensor, "batch 3 height width"],
    targets: Int[Tensor, " batch"],
    order: Float[Tensor, "batch 1 k"],
    representation: Representation,
    heatmap: Float[Tensor, "batch 1 height width"] | None,
    *,
    steps: int,
    seed: int,
) -> Columns:
    """Areas under insertion and deletion curves of one order, fault by fault.

    Returns:
        For insertion and deletion: `..._pixels` (pixels of the map are shown or blackened), `..._own` (the method's own
        entries), `..._stretched` (its own entries, each altered image stretched to full contrast) and `..._published`
        (the same curve's mean over its own largest value).
    """
    at_once = max(1, _ENTRIES_AT_ONCE // order.shape[2])
    rest = {"steps": steps, "seed": seed, "score": "softmax", "chunk": at_once}
    areas: Columns = {}
    for direction in ("insert", "delete"):
        name = {"insert": "insertion", "delete": "deletion"}[direction]
        own, stretched = (
            coefficient_curve(
                classifier,
                images,
                order,
                targets,
                representation,
                direction=direction,  # type: ignore[arg-type]
                variant=variant,  # type: ignore[arg-type]
                **rest,  # type: ignore[arg-type]
            )
            for variant in ("corrected", "published")
        )
        found = (curve_area(own), curve_area(stretched), curve_area(stretched, "published"))
        areas |= {f"{name}_{column}": area for column, area in zip(_AREAS, found, strict=True)}
        if heatmap is not None:
            pixels = Pixels((images.shape[2], images.shape[3]))
            curve = coefficient_curve(
                classifier,
                images,
                heatmap.flatten(2),
                targets,
                pixels,
                direction=direction,  # type: ignore[arg-type]
                **rest,  # type: ignore[arg-type]
            )
            areas[f"{name}_pixels"] = curve_area(curve)
    return areas


def neighbour_scores(
    wam: WAM, images: Float[Tensor, "batch 3 height width"], targets: Int[Tensor, " batch"]
) -> Columns:
    """How much WAM's choice of coefficients depends on the batch, if bands are scaled as in the published code.

    There, the magnitudes of a band, averaged over the channels, are divided by their maximum over the *batch*. Of each
    image's largest 5 % of the coefficients, in a batch with the others and alone, the share that differs is counted.

    Returns:
        `neighbours`, the share that differs, in [0, 1].
    """
    values = wam.coefficient_attributions(images, targets).mean(1).abs()  # batch, k
    representation = wam.representation((images.shape[2], images.shape[3]))
    together, alone = torch.empty_like(values), torch.empty_like(values)
    for band in representation.transform.slices.values():
        largest = values[:, band].amax(1, keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)
        together[:, band], alone[:, band] = values[:, band] / largest.max(), values[:, band] / largest
    count = max(1, round(_LARGEST * values.shape[1]))
    chosen = [torch.zeros_like(values).scatter(1, each.topk(count, 1).indices, 1) for each in (together, alone)]
    return {"neighbours": 1 - (chosen[0] * chosen[1]).sum(1) / count}


@torch.no_grad()
def clamp_scores(representation: Representation, images: Float[Tensor, "batch 3 height width"]) -> Columns:
    """The contrast lost if coefficients are clamped to [0, 1] before the synthesis, as in ShearletX's published code.

    CartoonX clamps the altered *image* to [0, 1]. Coefficients of details have both signs, and no upper bound of 1.

    Returns:
        `clamped`: the norm of the error of the image's own synthesis over that of the image, both without each
        channel's mean.
    """
    error = representation.synthesise(representation.analyse(images).clamp(0, 1)) - images  # batch, 3, height, width
    sizes = [(each - each.mean((2, 3), keepdim=True)).flatten(1).norm(dim=1) for each in (error, images)]
    return {"clamped": sizes[0] / sizes[1]}


def coarse_first(wavelets: Wavelets) -> Float[Tensor, "1 1 k"]:
    """An order that shows coarse bands before fine ones, whatever the image."""
    order = torch.zeros(1, 1, max(band.stop for band in wavelets.bands.values()))
    for place, band in enumerate(wavelets.bands.values()):
        order[..., band] = -float(place)
    return order


def _over(kept: Float[Tensor, " batch"], share: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    """A share of the probability over a share of the information; nan where nothing is kept."""
    return torch.where(share > 0, kept / share, torch.nan)


def _method_rows(study: Study, name: str, chosen: Chosen) -> pd.DataFrame:
    """The rows of one method or control."""
    explanation, order = stored_explanation(study, name, chosen), stored_order(study, name, chosen)
    representation = representation_of(study, name, (chosen.images.shape[2], chosen.images.shape[3])).to(study.device)
    settings, tables = settings_of(study), []
    for rows in torch.arange(len(chosen)).split(study.profile.batch_size):
        images, part = chosen.images[rows].to(study.device), explanation[rows].to(study.device)
        of_order = (order[rows].to(study.device), representation, part.mask)
        scores = {
            **picture_scores(study.classifier, images, part, representation),
            **area_scores(
                study.classifier, images, part.targets, *of_order, steps=settings.steps, seed=study.profile.seed
            ),
        }
        if name == "wam-gradient":
            scores |= neighbour_scores(wam_of(study, name), images, part.targets)
        tables.append(as_columns(scores))
    return _head(chosen, name).join(pd.concat(tables, ignore_index=True))


def _order_rows(study: Study, name: str, chosen: Chosen) -> pd.DataFrame:
    """The rows of an order of WAM's coefficients that knows no classifier."""
    size, tables = (chosen.images.shape[2], chosen.images.shape[3]), []
    wavelets = wam_of(study, "wam-gradient").representation(size).to(study.device)
    for rows in torch.arange(len(chosen)).split(study.profile.batch_size):
        images, targets = chosen.images[rows].to(study.device), chosen.targets[rows].to(study.device)
        order = wavelets.analyse(images).norm(dim=1, keepdim=True)  # batch, 1, k: the size
        if name == "coarse":
            order = coarse_first(wavelets).to(images).expand_as(order)
        elif name == "random":
            order = torch.zeros_like(order)  # equal coefficients come in a random order
        steps, seed = settings_of(study).steps, study.profile.seed
        scores = area_scores(study.classifier, images, targets, order, wavelets, None, steps=steps, seed=seed)
        tables.append(as_columns(scores))
    return _head(chosen, name).join(pd.concat(tables, ignore_index=True))


def _frame_rows(study: Study, chosen: Chosen) -> pd.DataFrame:
    """The rows of the frame of shearlets, which need no explanation."""
    shearlets = ShearletX(study.classifier).representation((chosen.images.shape[2], chosen.images.shape[3]))
    shearlets = shearlets.to(study.device)
    batches = chosen.images.split(study.profile.batch_size)
    tables = [as_columns(clamp_scores(shearlets, images.to(study.device))) for images in batches]
    return _head(chosen, "shearlets").join(pd.concat(tables, ignore_index=True))


def _head(chosen: Chosen, name: str) -> pd.DataFrame:
    return pd.DataFrame({"kind": chosen.kinds, "image": chosen.names, "method": name})
