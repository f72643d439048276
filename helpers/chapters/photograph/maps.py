"""Maps of the photograph: the peers, rollout, and Explainers, each with its first pixels kept or taken away."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.chapters.photograph.album import NAME, Entry, cat_of_the_gallery
from helpers.chapters.photograph.judge import Judge, load_other
from helpers.classifiers import load_classifier
from helpers.core.runtime import random_generator
from helpers.data.photographs import gallery_images
from helpers.methods.baselines import (
    RISE,
    ExtremalPerturbation,
    GradCAM,
    OcclusionMaps,
)
from helpers.methods.explainer import load_explainer
from helpers.methods.rollout import AttentionRollout
from helpers.metrics.curves import random_ranks
from helpers.metrics.perturbation import curve_area, pixel_curve
from helpers.profiles import load_profile
from helpers.results import results_folder

SHARES = (0.1, 0.3)
STEPS = 16
RANDOM_ORDERS = 8
RISE_MASKS = 2000
EXTREMAL = {"steps": 80, "learning_rate": 0.1, "area_growth": 1.0356}
"""A tenth of the published steps, as in the profile `voc-animals`."""

TRANSFORMER = "deit_tiny_patch16_224"
TRANSFORMER_SIZE = 224
EXPLAINED = {"squeezenet": "voc2007-vgg16", "mobilenet": "voc2007-resnet50"}
"""The classifiers of VOC's animals and their files: the profile calls them by the paper's two classifiers."""

ANIMALS = ("cat", "dog")


def peer_entries(judge: Judge) -> dict[str, Entry]:
    """The peers' maps, those of the gallery's two explanations, and random orders of the pixels."""
    classifier, image = judge.classifier, judge.image
    methods = {
        "occlusion": OcclusionMaps(classifier, score="softmax"),
        "grad-cam": GradCAM(classifier),
        "rise": RISE(classifier, masks=RISE_MASKS, score="softmax"),
        "extremal-perturbation": ExtremalPerturbation(classifier, **EXTREMAL),
    }
    entries = {}
    for name, method in methods.items():
        mask = method.explain(image).mask
        entries[name] = _judged_map(judge, mask, {"mask": mask[0]})
    cat = cat_of_the_gallery()
    for name in ("cartoonx", "pixel-rde"):
        entries[f"{name}-map"] = _judged_map(judge, cat.pictures[f"{name}-mask"][None], {})
    entries["random-map"] = _random_orders(judge)
    return entries


def rollout_entry() -> Entry:
    """DeiT-tiny's prediction, its rollout, and its gradient rollout."""
    image = gallery_images(TRANSFORMER_SIZE, names=[NAME]).images
    judge = Judge(load_other(TRANSFORMER), image)
    numbers, pictures = judge(image), {}
    for name, gradient in (("rollout", False), ("gradient", True)):
        mask = AttentionRollout(judge.classifier, gradient=gradient).explain(image).mask
        of_map = _judged_map(judge, mask, {})
        numbers |= {f"{name}-{key}": value for key, value in of_map.numbers.items()}
        pictures[f"{name}-mask"] = mask[0] / mask.max()
    numbers |= {f"random-{key}": value for key, value in _random_orders(judge).numbers.items()}
    return Entry(numbers, {"image": image[0], **pictures})


def explainer_entry(root: Path | None = None) -> Entry:
    """Both Explainers of VOC's animals: the probabilities of cat and dog, and a mask for each.

    Raises:
        FileNotFoundError: they are not trained on this machine; the message says how.
    """
    size = load_profile("voc-animals", needs="explainer").explainer.size
    image = gallery_images(size, names=[NAME]).images
    numbers, pictures = {}, {}
    for name, files in explainer_files(root).items():
        classifier = load_classifier(str(files[0]))
        explainer = load_explainer(files[1], classifier)
        classes = [classifier.class_names.index(animal) for animal in ANIMALS]
        chosen = torch.zeros(1, len(classifier.class_names), dtype=torch.bool)
        chosen[0, classes] = True
        masks = explainer.class_masks(image, chosen)[0, classes]
        with torch.no_grad():
            shown = torch.cat([image, image * masks[:1], image * (1 - masks[:1])])
            probabilities = classifier(shown).sigmoid()[:, classes]
        for index, animal in enumerate(ANIMALS):
            numbers[f"{name}-{animal}"] = float(probabilities[0, index])
            numbers[f"{name}-{animal}-area"] = float(masks[index].mean())
            pictures[f"{name}-{animal}-mask"] = masks[index][None]
        numbers[f"{name}-kept"], numbers[f"{name}-removed"] = probabilities[1:, 0].tolist()
    return Entry(numbers, {"image": image[0], **pictures})


def explainer_files(root: Path | None = None) -> dict[str, tuple[Path, Path]]:
    """The files of VOC's classifiers and of their Explainers.

    Raises:
        FileNotFoundError: they are not trained on this machine; the message says how.
    """
    folder = results_folder("voc-animals", root) / "work" / "models"
    files = {
        name: (folder / f"{stem}.safetensors", folder / f"{stem}-explainer.safetensors")
        for name, stem in EXPLAINED.items()
    }
    missing = next((path for pair in files.values() for path in pair if not path.is_file()), None)
    if missing is not None:
        raise FileNotFoundError(f"there is no {missing}; train it: python -m helpers train --profile voc-animals")
    return files


def _judged_map(judge: Judge, mask: Float[Tensor, "1 1 size size"], pictures: dict[str, Tensor]) -> Entry:
    """A map's first pixels alone on black, the photograph without them, and the areas of both curves."""
    numbers: dict[str, float | str] = {"mean": float(mask.mean())}
    for share in SHARES:
        first = _first_pixels(mask, share)
        for name, shown in (("kept", first), ("removed", ~first)):
            found = judge(judge.image * shown)
            numbers |= {f"{name}-{100 * share:g}-{key}": value for key, value in found.items()}
    black = torch.zeros_like(judge.image)
    for direction in ("insert", "delete"):
        curve = pixel_curve(
            judge.classifier, judge.image, mask, judge.target, black, direction=direction, steps=STEPS, score="softmax"
        )
        numbers[direction] = float(curve_area(curve))
    return Entry(numbers, pictures)


def _random_orders(judge: Judge) -> Entry:
    """The mean over several random orders of single pixels."""
    entries = [
        _judged_map(judge, torch.rand(1, 1, *judge.image.shape[2:], generator=random_generator(seed)), {})
        for seed in range(RANDOM_ORDERS)
    ]
    names = [name for name, value in entries[0].numbers.items() if not isinstance(value, str)]
    return Entry({name: sum(float(entry.numbers[name]) for entry in entries) / len(entries) for name in names})


def _first_pixels(mask: Float[Tensor, "1 1 size size"], share: float) -> Bool[Tensor, "1 1 size size"]:
    """The share of the pixels with the largest values; ties are broken at random."""
    ranks = random_ranks(mask.flatten(1), 1, random_generator(0))[0]
    return (ranks < round(share * ranks.shape[1])).view_as(mask)
