"""The wavelet family: its methods and controls, their chosen prices and rates, and their stored explanations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.core.explanation import Explanation
from helpers.core.runtime import random_generator
from helpers.methods.baselines import WAM
from helpers.methods.rde import (
    CartoonX,
    PixelRDE,
    RateDistortionExplainer,
    RDEOptions,
    Representation,
    ShearletX,
    WaveletX,
    first_mask,
    shown_by,
)
from helpers.papers.recartoonx.experiments.family_images import Chosen, images_of, settings_of
from helpers.papers.recartoonx.experiments.study import Study
from helpers.results import StoredItem, code_digest

CENTRE_SIGMA = 0.25  # of the Gaussian in the centre, as a share of the side
DIMMED = 0.3  # the constant mask of the control `dimming`

_WAVELETS = ("cartoonx", "cartoonx-rate", "random-wavelets", "largest-wavelets")
_SHEARLETS = ("shearletx", "random-shearlets")


def searched(study: Study, name: str, **overrides: Any) -> RateDistortionExplainer:
    """The rate-distortion explainer of a method, or the one in whose representation a method or control works."""
    profile, given = study.profile, settings_of(study).methods.get(name)  # type: ignore[call-overload]
    options = {**(given.options if given else {}), **overrides}
    settings = profile.cartoonx
    if given is not None and given.spatial_ratio is not None:
        price = options.get("sparsity_weight", settings.options.sparsity_weight)
        options["spatial_weight"] = given.spatial_ratio * price
    if name == "waveletx":
        options = {"spatial_weight": WaveletX.spatial_weight, **options}
        return WaveletX(study.classifier, settings.options, **{**settings.transform, **options})
    if name in _SHEARLETS:
        options = {"spatial_weight": ShearletX.spatial_weight, **options}
        return ShearletX(study.classifier, settings.options, **options)
    if name in _WAVELETS:
        return CartoonX(study.classifier, settings.options, **{**settings.transform, **options})
    if name.startswith("wam"):
        wam = wam_of(study, name).options
        return CartoonX(study.classifier, settings.options, wavelet=wam.wavelet, levels=wam.levels, mode=wam.mode)
    return PixelRDE(study.classifier, profile.pixel_rde, **options)


def wam_of(study: Study, name: str) -> WAM:
    """The Wavelet Attribution Method in one of its variants."""
    given = settings_of(study).methods[name]  # type: ignore[index]
    return WAM(study.classifier, path=name == "wam-path", **given.options)


def representation_of(study: Study, name: str, size: tuple[int, int]) -> Representation:
    """The representation of whose entries a method keeps some."""
    return searched(study, name).representation(size)


def is_searched(study: Study, name: str) -> bool:
    """Whether a method searches its mask, with a price λ or at a given rate."""
    method = settings_of(study).methods[name]  # type: ignore[index]
    return bool(method.trials) or name.endswith("-rate")


def stored_explanation(study: Study, name: str, chosen: Chosen | None = None, **overrides: Any) -> Explanation:
    """The explanations of one method, from the store or computed.

    Args:
        study: of a profile with the section `family`.
        name: of the method or control.
        chosen: the images; None for those that the method explains (`images_of`).
        overrides: options of the search; if none are given, the price or the rate chosen by `family-tuning`.

    Returns:
        `mask` is the map of pixels, `representation_mask` what is kept of the method's own entries, and `kept` the
        picture of these.
    """
    chosen = images_of(study, name) if chosen is None else chosen
    tensors = _stacked(stored_items(study, name, chosen, **overrides))
    masks = tensors["representation_mask"]
    return Explanation(tensors["mask"], tensors["kept"], chosen.targets, representation_mask=masks)


def stored_order(study: Study, name: str, chosen: Chosen, **overrides: Any) -> Float[Tensor, "images 1 k"]:
    """The relevance of each of a method's own entries; its order counts."""
    return _stacked(stored_items(study, name, chosen, **overrides))["order"]


def stored_items(study: Study, name: str, chosen: Chosen, **overrides: Any) -> list[StoredItem]:
    """The stored explanation of each image, with the seconds of its computation."""
    explain, parts, makers = _explainer(study, name, overrides)

    def compute(rows: list[int]) -> list[dict[str, Tensor]]:
        images = chosen.images[rows].to(study.device)
        found = explain(images, chosen.targets[rows].to(study.device))
        return [{key: values[row].cpu() for key, values in found.items()} for row in range(len(rows))]

    store = study.store("family", made_by=makers, method=name, classifier=study.classifier.digest, **parts)
    items = [f"{item} {target}" for item, target in zip(chosen.items, chosen.targets.tolist(), strict=True)]
    return study.stored(store, items, compute, batch=study.profile.batch_size, label=name)


Found = Callable[[Tensor, Tensor], dict[str, Tensor]]


def _explainer(study: Study, name: str, overrides: dict[str, Any]) -> tuple[Found, dict[str, Any], tuple[type, ...]]:
    """A method as a function of images and classes, its part of the key of the store, and the classes that compute."""
    if is_searched(study, name):
        method = searched(study, name, **(overrides or tuned(study, name)))
        transform = {key: value for key, value in vars(method).items() if key not in ("classifier", "options")}

        def search(images: Tensor, targets: Tensor) -> dict[str, Tensor]:
            found = method.explain(images, targets)
            mask = found.representation_mask
            assert mask is not None
            return {**_halved(found.mask, found.kept, mask), "order": mask.half()}

        return search, {"options": _given(method.options), "transform": transform}, (type(method),)
    rate = float(overrides.get("rate") or tuned(study, name).get("rate", 0.0))
    if name.startswith("wam"):
        wam = wam_of(study, name)

        def attribute(images: Tensor, targets: Tensor) -> dict[str, Tensor]:
            found = wam.explain(images, targets)
            assert found.representation_mask is not None
            representation = wam.representation(_size(images)).to(images)
            _, kept, binary = largest(representation, images, found.representation_mask, rate)
            return {**_halved(found.mask, kept, binary), "order": found.representation_mask}

        return attribute, {"options": asdict(wam.options), "rate": rate}, (WAM,)

    def control(images: Tensor, targets: Tensor) -> dict[str, Tensor]:
        representation = representation_of(study, name, _size(images)).to(images)
        coefficients = representation.analyse(images)
        order = control_order(name, coefficients, _size(images), study.profile.seed)
        if rate:
            return {**_halved(*largest(representation, images, order, rate)), "order": order.clone()}
        kept = representation.synthesise(order * coefficients).clamp(0, 1)
        return {**_halved(representation.relevance(order, coefficients), kept, order), "order": order.clone()}

    makers = (type(searched(study, name)),)
    return control, {"control": code_digest(control_order, largest), "rate": rate, "seed": study.profile.seed}, makers


def control_order(
    name: str, coefficients: Float[Tensor, "batch channels k"], size: tuple[int, int], seed: int
) -> Float[Tensor, "batch 1 k"]:
    """The relevance of each entry for a control, which does not know the classifier.

    Random numbers for `random-...`, the coefficient's size for `largest-...`, a Gaussian in the middle for `centre`,
    and a constant for `dimming` (`DIMMED`) and `everything` (1).

    Raises:
        ValueError: there is no such control.
    """
    batch, _, entries = coefficients.shape
    if name.startswith("largest"):
        return coefficients.norm(dim=1, keepdim=True)
    if name.startswith("random"):
        order = torch.rand(entries, generator=random_generator(seed))
    elif name == "centre":
        lines = [torch.exp(-0.5 * ((torch.arange(n) + 0.5 - n / 2) / (CENTRE_SIGMA * n)) ** 2) for n in size]
        order = (lines[0][:, None] * lines[1]).flatten()
    elif name in ("dimming", "everything"):
        order = torch.full((entries,), DIMMED if name == "dimming" else 1.0)
    else:
        raise ValueError(f"{name!r} is no control")
    return order.to(coefficients).expand(batch, 1, -1)


def largest(
    representation: Representation,
    images: Float[Tensor, "batch 3 height width"],
    order: Float[Tensor, "batch 1 k"],
    rate: float | int,
) -> tuple[Float[Tensor, "batch 1 height width"], Float[Tensor, "batch 3 height width"], Float[Tensor, "batch 1 k"]]:
    """The map, the kept picture and the binary mask of a share `rate` of the entries, those of largest relevance."""
    count = max(1, round(rate * order.shape[2]))
    shown = shown_by(first_mask(order, count), representation.analyse(images), representation)
    return shown["mask"], shown["kept"], shown["representation_mask"]


def tuned(study: Study, name: str) -> dict[str, Any]:
    """The option of a method that was chosen on other images: its price, or its rate (`keep` if it searches)."""
    method = settings_of(study).methods[name]  # type: ignore[index]
    table = study.table("family-tuning")
    source = table[table["chosen"] & (table["method"] == (method.rate_of or name))]
    if method.trials:
        return {"sparsity_weight": float(source["sparsity_weight"].iloc[0])}
    if method.rate_of is None:
        return {}
    share = float(source["share"].iloc[0])
    return {"keep": share} if name.endswith("-rate") else {"rate": share}


def _size(images: Tensor) -> tuple[int, int]:
    return images.shape[2], images.shape[3]


def _halved(mask: Tensor, kept: Tensor, representation_mask: Tensor) -> dict[str, Tensor]:
    """Named tensors in half precision, so that a table has the same numbers whether they were computed or read."""
    return {"mask": mask.half(), "kept": kept.half(), "representation_mask": representation_mask.half()}


def _stacked(items: list[StoredItem]) -> dict[str, Tensor]:
    return {name: torch.stack([item.tensors[name].float() for item in items]) for name in items[0].tensors}


def _given(options: RDEOptions) -> dict[str, Any]:
    """The options without those that are None, so that a new option leaves the keys of stored results as they are."""
    return {name: value for name, value in asdict(options).items() if value is not None}
