"""The competitors' attributions, stored so that hours of them can be stopped and go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import captum
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.data.images import image_digest
from helpers.data.labelled import LabelledImages
from helpers.methods.baselines.attribution_methods import METHODS, attribution_method, threshold_images, to_unit_range
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.results import ItemStore, code_digest, digest_of_images, none_if_missing

COMPETITORS = ("deeplift", "integrated-gradients", "feature-ablation")
"""The paper's, in the order of its Table 1."""

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {"deeplift-published": ("deeplift", {"variant": "published"})}
"""Competitors as they come, where they were corrected: DeepLIFT by Captum, whose sums are wrong before max-pooling."""

MEASURED = (*COMPETITORS, *VARIANTS)
"""All that the table `sparsity` measures."""

CHUNK = 48
"""Images whose attributions are one stored item: what a kill loses, at most. Feature ablation likes multiples of 16."""


def method_options(study: SpaceStudy, name: str) -> tuple[str, dict[str, Any]]:
    """What `attribution_method` calls a competitor, and its options that are not the defaults.

    Raises:
        ValueError: there is no such competitor.
    """
    if name not in MEASURED:
        raise ValueError(f"there is no competitor {name!r}; use one of {', '.join(MEASURED)}")
    if name == "integrated-gradients":
        return name, {"steps": study.settings.evaluation.integration_steps}
    return VARIANTS.get(name, (name, {}))


def attribution_store(study: SpaceStudy, name: str) -> ItemStore:
    """Where a competitor's attributions lie."""
    method, options = method_options(study, name)
    return study.store(
        "space-vae-attributions",
        method=method,
        options=asdict(METHODS[method].Options(**options)),
        scaling="largest",
        classifier=study.classifier.digest,
        captum=captum.__version__,
        # a new rule to choose a threshold must not throw away hours of attributions: its code is not among these
        code=code_digest(METHODS[method], to_unit_range),
    )


def attribution_inputs(study: SpaceStudy) -> dict[str, Any]:
    """What tables owe to the competitors: their stores, and the images on which thresholds are chosen."""
    return {
        "validation": none_if_missing(lambda: digest_of_images(study.validation.pixels, study.validation.labels)),
        "attributions": {
            name: none_if_missing(lambda name=name: attribution_store(study, name).key) for name in MEASURED
        },
    }


def competitor_images(study: SpaceStudy, split: str) -> LabelledImages:
    """The images whose attributions are asked for: of the test split fewer than our own networks are measured on."""
    if split == "validation":
        return study.validation
    if split != "test":
        raise ValueError(f"split={split!r}: competitors are measured on 'test' and 'validation' images")
    return study.test[: study.settings.evaluation.competitors]


def attributions(
    study: SpaceStudy, name: str, images: LabelledImages, *, backwards: bool = False
) -> Float[Tensor, "images 3 height width"]:
    """A competitor's attributions of the predicted class, divided by each image's largest size: from -1 to 1.

    What is stored is read, what is not is computed and stored, in chunks of `CHUNK` images and half precision, under a
    key made of all that it depends on. Several processes may share the work.

    Args:
        study: the profile.
        name: one of `MEASURED`.
        images: any; those of `competitor_images` for the tables.
        backwards: begin with the last chunk, so that a second process meets the first one in the middle.

    Raises:
        ValueError: there is no such competitor.
    """
    base, options = method_options(study, name)
    chunks = [images[first : first + CHUNK] for first in range(0, len(images), CHUNK)]

    def compute(rows: list[int]) -> list[dict[str, Tensor]]:
        method = attribution_method(study.classifier, base, **options)
        return [{"attributions": _compact(method, chunks[row].floats().to(study.device))} for row in rows]

    items = study.stored(
        attribution_store(study, name), [_item(chunk) for chunk in chunks], compute, label=name, backwards=backwards
    )
    return torch.cat([item.tensors["attributions"].float().expand(-1, 3, -1, -1) for item in items])


def attributions_at(study: SpaceStudy, name: str, places: Sequence[int]) -> Float[Tensor, "images 3 height width"]:
    """A competitor's attributions of single test images; those beyond `competitor_images` are stored one by one.

    Args:
        study: the profile.
        name: one of `MEASURED`.
        places: of the images in `study.test`.
    """
    images = competitor_images(study, "test")
    known = attributions(study, name, images)
    return torch.stack(
        [
            known[place] if place < len(images) else attributions(study, name, study.test[place : place + 1])[0]
            for place in places
        ]
    )


def seconds_an_image(study: SpaceStudy, name: str, images: LabelledImages) -> float:
    """How long the stored attributions of these images took, each."""
    store = attribution_store(study, name)
    chunks = [images[first : first + CHUNK] for first in range(0, len(images), CHUNK)]
    return sum(store.load(_item(chunk)).metadata["seconds"] for chunk in chunks) / len(images)


def keep_above(attributed: Float[Tensor, "images 3 height width"], threshold: float | int) -> Callable[..., Tensor]:
    """Keep the entries whose attribution is at least `threshold`, and put the others to black (section 4)."""

    def keep(part: Tensor, rows: slice) -> Tensor:
        return threshold_images(part, attributed[rows].to(part.device), threshold)

    return keep


def _compact(method: Any, images: Float[Tensor, "images 3 height width"]) -> Tensor:
    """Attributions as they are stored: one channel where it tells all, in half precision."""
    values = to_unit_range(method.attribute(images)).cpu()
    if bool((values == values[:, :1]).all()):  # whole pixels were removed
        values = values[:, :1]
    return values.half()  # a thousand levels between a threshold and the next, in half the space


def _item(images: LabelledImages) -> str:
    """What the store calls a chunk: it is another one where any pixel is another."""
    return f"{len(images)} images {image_digest(images.pixels.flatten(0, 1))}"


def fill_stores(
    profile: str,
    *,
    methods: Sequence[str] | None = None,
    splits: Sequence[str] = ("test", "validation"),
    backwards: bool = False,
    threads: int | None = None,
    root: Path | None = None,
) -> None:
    """Compute and store the competitors' attributions of a profile, and say how long each took.

    Args:
        profile: its name, or the path of its file.
        methods: some of `MEASURED`; None for all.
        splits: "test", "validation" or both.
        backwards: begin with the last images, so that a second process meets the first one in the middle.
        threads: of the CPU.
        root: another folder than the project's `results/`.

    Raises:
        ValueError: there is no such profile or method.
    """
    if threads:
        torch.set_num_threads(threads)
    study = SpaceStudy(profile, root=root, show_progress=True)
    for split in splits:
        images = competitor_images(study, split)
        for name in methods or MEASURED:
            attributions(study, name, images, backwards=backwards)
            seconds = seconds_an_image(study, name, images)
            print(f"{name}, {len(images)} {split} images: {seconds:.3f} s per image", flush=True)
