"""Extremal perturbations and iGOS++ against plain restatements on 8 images, and one image's masks by every method.

python -m benchmarks.class_methods
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import torch

from benchmarks.published_class_methods import published_extremal, published_igos
from benchmarks.timing import medians, threads
from helpers.classifiers import Classifier, load_classifier
from helpers.core.runtime import random_generator
from helpers.data.scenes import make_scenes
from helpers.methods.baselines import (
    RISE,
    ExtremalOptions,
    ExtremalPerturbation,
    IGOSOptions,
    IGOSPlusPlus,
    RISEOptions,
)
from helpers.methods.baselines.igos import Search
from helpers.methods.explainer import Explainer, ExplainerNetwork, load_explainer
from helpers.profiles import load_profile

TARGET = 4.0
IMAGES, SIZE = 8, 64
STEPS = 6  # of extremal perturbations, of the published 800: every step does the same work
ITERATIONS = 1  # of iGOS++, of the published 15
LONG = 5  # iterations to the objective that ours has to reach
TIMED = 40  # steps of extremal perturbations in the table; the time of 800 is in proportion


def run() -> list[dict]:
    """The comparisons with a target, then the table of ratios."""
    with threads():
        classifier = load_classifier("scenes-multilabel")
        scenes = make_scenes(IMAGES, size=SIZE, seed=5, objects=(1, 2))
        images, labels = scenes.images, scenes.label
        return [
            extremal(classifier, images, labels),
            igos(classifier, images, labels),
            igos_to_objective(classifier, images, labels),
            *table(classifier, images[:1]),
        ]


def compare(name: str, ours: Callable[[], object], reference: Callable[[], object], target: float | None) -> dict:
    """A row: medians of three, taking turns."""
    mine, theirs = medians([ours, reference], repeats=3)
    row = {"name": name, "ours_s": mine, "reference_s": theirs, "ratio": theirs / mine}
    return row if target is None else {**row, "target": target}


def extremal(classifier: Classifier, images: torch.Tensor, labels: torch.Tensor) -> dict:
    """One class of each image, four areas; the same number of steps on masks of the same cells."""
    options = ExtremalOptions(steps=STEPS)
    method, classes = ExtremalPerturbation(classifier, options), as_classes(labels, classifier)
    step = -(-SIZE // options.cells)
    settings = {"areas": options.areas, "steps": STEPS, "step": step, "sigma": round(options.spread * step)}

    def published() -> None:
        for image, label in zip(images.split(1), labels.tolist(), strict=True):
            published_extremal(classifier, image, label, **settings, blur=options.blur * SIZE)

    name = f"extremal perturbations, {len(images)} images, {STEPS} steps"
    return compare(name, lambda: method.class_masks(images, classes), published, TARGET)


def igos(classifier: Classifier, images: torch.Tensor, labels: torch.Tensor) -> dict:
    """One class of each image; as many iterations, each with as many gradients. No target: most is the classifier."""
    options = IGOSOptions(iterations=ITERATIONS)
    method, classes = IGOSPlusPlus(classifier, options), as_classes(labels, classifier)
    name = f"iGOS++, {len(images)} images, the same iterations"
    return compare(
        name,
        lambda: method.class_masks(images, classes),
        lambda: run_published_igos(classifier, images, labels, ITERATIONS),
        None,
    )


def run_published_igos(
    classifier: Classifier, images: torch.Tensor, labels: torch.Tensor, iterations: int
) -> torch.Tensor:
    """The masks (2, images, cells, cells) of the restatement, one image after the other."""
    steps = IGOSOptions().integration_steps
    found = [
        published_igos(
            classifier, image, label, iterations=iterations, integration_steps=steps, generator=random_generator(0)
        )
        for image, label in zip(images.split(1), labels.tolist(), strict=True)
    ]
    return torch.stack(found, 1)


def igos_to_objective(classifier: Classifier, images: torch.Tensor, labels: torch.Tensor) -> dict:
    """Until ours, by its fast recipe, is where the restatement gets to, by the mean objective over the images."""
    begin = time.perf_counter()
    masks = run_published_igos(classifier, images, labels, LONG)
    theirs = time.perf_counter() - begin
    wanted = float(Search(classifier, IGOSOptions(), images, labels).objective(masks[:, None]).mean())
    begin = time.perf_counter()
    search, generator = Search(classifier, IGOSOptions.fast(), images, labels), random_generator(0)
    reached = False
    for _ in range(10 * LONG):
        search.step(generator)
        if reached := float(search.value.mean()) <= wanted:
            break
    ours = time.perf_counter() - begin
    name = f"iGOS++, {len(images)} images, to the objective after {LONG} iterations"
    row = {"name": name, "ours_s": ours, "reference_s": theirs, "ratio": theirs / ours}
    return {**row, "target": TARGET, "reached": reached}


def table(classifier: Classifier, image: torch.Tensor) -> list[dict]:
    """The seconds of all class masks of one image, by each method at its published settings, over the Explainer's."""
    explainer, source = any_explainer(classifier)
    every = torch.ones(1, len(classifier.class_names), dtype=torch.bool)
    (ours,) = medians([lambda: explainer.class_masks(image, every)])
    extremal, igos = ExtremalOptions(), IGOSOptions()
    methods = [  # what is run, and how many times as long the published settings take
        ("RISE, 8,000 masks", RISE(classifier, RISEOptions()), 1.0),
        ("EP, 800 steps", *shortened(ExtremalPerturbation, classifier, extremal, steps=TIMED)),
        ("iGOS++, 15 iterations", *shortened(IGOSPlusPlus, classifier, igos, iterations=ITERATIONS)),
    ]
    rows = []
    for name, method, times in methods:
        begin = time.perf_counter()
        method.class_masks(image, every)
        seconds = (time.perf_counter() - begin) * times
        name = f"all masks of one image: {name}"
        rows.append({"name": f"{name}{source}", "ours_s": ours, "reference_s": seconds, "ratio": seconds / ours})
    return rows


def shortened(label: type, classifier: Classifier, options: object, **fewer: int) -> tuple[object, float]:
    """The method with fewer steps, and what its time has to be multiplied by."""
    ((name, count),) = fewer.items()
    return label(classifier, replace(options, **fewer)), getattr(options, name) / count


def any_explainer(classifier: Classifier) -> tuple[Explainer, str]:
    """The trained Explainer where there is one, else one with random weights, whose work is the same."""
    try:
        return load_explainer("scenes-multilabel-explainer", classifier), ""
    except (FileNotFoundError, ValueError):
        options = load_profile("quick").explainer.classifier("vgg16").explainer.network
        network = ExplainerNetwork(replace(options, backbone="random"), len(classifier.class_names))
        return Explainer(network, classifier), ", random weights"


def as_classes(labels: torch.Tensor, classifier: Classifier) -> torch.Tensor:
    """One class of each image, as `class_masks` takes them."""
    return torch.nn.functional.one_hot(labels, len(classifier.class_names)).bool()


def main() -> None:
    """Print the comparison."""
    from benchmarks.__main__ import line

    for row in run():
        print(line(row))


if __name__ == "__main__":
    main()
