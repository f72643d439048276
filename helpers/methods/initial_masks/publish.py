"""Train the mask networks in models/, evaluate the saved weights, and write their model cards."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.classifiers import Classifier, load_classifier
from helpers.core.files import MODELS_FOLDER, ROOT
from helpers.data.photographs import imagenet_samples
from helpers.data.scenes import make_scenes
from helpers.methods.initial_masks.evaluation import compare_starts, mean_interval, paired_difference, seconds_per_call
from helpers.methods.initial_masks.files import MaskFile, load_mask_network, save_mask_network
from helpers.methods.initial_masks.learned import (
    LAMBDA_SHRINK,
    LEARNED_RATE,
    ONES_FRACTION,
    ONES_RATE,
    REFINEMENT_STEPS,
    learned_mask,
)
from helpers.methods.initial_masks.options import HELD_OUT_SERIES, RECIPES, TRAINING_SERIES, MaskTrainingOptions
from helpers.methods.initial_masks.starting import starting_mask
from helpers.methods.initial_masks.training import MaskModule, train_mask_network
from helpers.methods.rde import CartoonX, PixelRDE, RateDistortionExplainer
from helpers.training.card import parameter_count, write_card
from helpers.training.fit import Fitted

HELD_OUT = {"scenes": 64, "photographs": 16}
STEPS = (0, 40, 80)
LONG_STEPS = 200

_DATA = {
    "scenes": "Scenes of `helpers.data.scenes` with one or two objects: {images:,} at each of {sizes} px ({shares} of "
    "the batches), series {series} + size, half of them mirrored.",
    "photographs": "The {images:,} photographs of `imagenet-samples/rest` (never those of `study`), stretched, cropped "
    "to {sizes} px, half of them mirrored.",
}


def train(
    name: str,
    *,
    again: bool = False,
    output: Path = MODELS_FOLDER,
    results: Path | None = None,
    device: str = "auto",
) -> str:
    """Train one of the mask networks, save and evaluate its weights, and write its model card.

    Args:
        name: of the weights, such as `"scenes-cnn-cartoonx-mask"`.
        again: train even if the weights exist.
        output: folder for the weights and the model card.
        results: folder for checkpoints instead of results/; a killed training resumes from there.
        device: `"auto"`, `"cpu"` or `"gpu"`.

    Returns:
        A line for the log.

    Raises:
        ValueError: there is no mask network of this name.
    """
    if name not in RECIPES:
        raise ValueError(f"there is no mask network {name!r}; use one of {', '.join(RECIPES)}")
    path, options = output / f"{name}.safetensors", RECIPES[name]
    if path.is_file() and not again:
        return f"{path.name} already exists"
    work = (results or ROOT / "results") / "quick" / "work" / f"training-{name}"
    classifier = load_classifier(options.classifier)
    fitted = train_mask_network(options, classifier, work, device=device)
    publish(path, fitted, classifier)
    return f"{path.name}: {options.steps} steps, {fitted.seconds:.0f} s"


def publish(path: Path, fitted: Fitted[MaskModule], classifier: Classifier) -> None:
    """Save the weights, evaluate the saved file, and write its model card."""
    options, trained = fitted.module.options, fitted.module.network
    save_mask_network(
        path,
        trained,
        classifier=classifier.name,
        classifier_digest=classifier.digest,
        normalise=classifier.normalise,
    )
    network = load_mask_network(path)
    wavelets = options.network.representation == "wavelets"
    explainer = CartoonX if wavelets else PixelRDE
    method = explainer(classifier)
    smallest, largest = min(options.sizes), max(options.sizes)
    tables = {
        size: evaluate_mask_network(network, method, held_out_images(options, size), thorough=size == smallest)
        for size in sorted({smallest, largest})
    }
    images = held_out_images(options, smallest)[:8]
    calls = {
        "1 refinement step": lambda: learned_mask(method, images, network=network, refinement_steps=1),
        f"{REFINEMENT_STEPS} refinement steps": lambda: learned_mask(method, images, network=network),
        "10 optimisation steps": lambda: explainer(classifier, steps=10).explain(images),
    }
    sizes = ", ".join(map(str, options.sizes))
    shares = ", ".join(f"{share:.0%}" for share in options.sizes.values())
    series = TRAINING_SERIES + 1000 * options.seed
    write_card(
        path,
        "initial-mask",
        options=options,
        fitted=fitted,
        command=f"python -m helpers train --model {path.stem}",
        method=method,
        where="wavelet" if wavelets else "pixel",
        widths=", ".join(map(str, options.network.widths)),
        parameters=parameter_count(trained),
        data=_DATA[options.source].format(images=options.images, sizes=sizes, shares=shares, series=series),
        smallest=smallest,
        largest=largest,
        count=max(table["image"].nunique() for table in tables.values()),
        refinement_steps=REFINEMENT_STEPS,
        lambda_shrink=LAMBDA_SHRINK,
        ones_fraction=ONES_FRACTION,
        ones_rate=ONES_RATE,
        learned_rate=LEARNED_RATE,
        held_out=f" (series {HELD_OUT_SERIES})" if options.source == "scenes" else " (photographs of `study`)",
        tables="\n\n".join(_size_table(size, table) for size, table in tables.items()),
        times=", ".join(f"{name} {1000 * seconds_per_call(call) / len(images):.1f} ms" for name, call in calls.items()),
    )


def held_out_images(options: MaskTrainingOptions, size: int) -> Float[Tensor, "count 3 height width"]:
    """Held-out images: scenes of another series, or the photographs of `study`."""
    count = HELD_OUT[options.source]
    if options.source == "scenes":
        return make_scenes(count, size=size, seed=HELD_OUT_SERIES, objects=(1, 2)).images
    return imagenet_samples(subset="study", size=size, count=count, seed=1).images


def evaluate_mask_network(
    network: MaskFile,
    method: RateDistortionExplainer,
    images: Float[Tensor, "batch 3 height width"],
    *,
    thorough: bool = True,
) -> pd.DataFrame:
    """The objective from all ones and from the network's mask, before and after some steps.

    Returns:
        As `compare_starts`, with "black" for the empty mask; `thorough` adds 80 steps from each, and 200 from ones.
    """
    ones, black = starting_mask("ones", method, images), torch.zeros_like(starting_mask("ones", method, images))
    bare = {
        name: learned_mask(method, images, network=network, refinement_steps=count, lambda_shrink=1, ones_fraction=0)
        for name, count in (("1 refinement step", 1), (f"{REFINEMENT_STEPS} refinement steps", REFINEMENT_STEPS))
    }
    starts = {"ones": ones, "learned": learned_mask(method, images, network=network)}
    rates = {"ones": ONES_RATE, "learned": LEARNED_RATE}
    tables = [
        compare_starts(method, images, {"black": black, **bare}, [0]),
        compare_starts(method, images, starts, STEPS if thorough else STEPS[:2], rates=rates),
    ]
    if thorough:
        tables.append(compare_starts(method, images, {"ones": ones}, [LONG_STEPS]))
    return pd.concat(tables, ignore_index=True)


def _size_table(size: int, table: pd.DataFrame) -> str:
    """The mean objective from each initial mask after each number of steps, and the paired difference from ones."""
    lines = [
        f"| {size} px: start | steps | distortion | mean of the mask | objective | improvement on ones |",
        "|---|---|---|---|---|---|",
    ]
    for (start, steps), rows in table.groupby(["start", "steps"], sort=False):
        means = rows[["distortion", "sparsity", "objective"]].mean()
        gain = ""
        if start == "learned":
            mean, low, high = mean_interval(-paired_difference(table, str(start), "ones", int(steps)))
            gain = f"{mean:.3f} ({low:.3f} to {high:.3f})"
        lines.append(
            f"| {start} | {steps} | {means['distortion']:.3f} | {means['sparsity']:.4f} | {means['objective']:.3f} "
            f"| {gain} |"
        )
    return "\n".join(lines)
