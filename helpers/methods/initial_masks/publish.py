"""Save a trained mask network, measure what was saved, and write its card."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.classifiers import Classifier
from helpers.data.photographs import imagenet_samples
from helpers.data.scenes import make_scenes
from helpers.methods.initial_masks.card import write_card
from helpers.methods.initial_masks.evaluation import compare_starts, seconds_a_call
from helpers.methods.initial_masks.files import MaskFile, load_mask_network, save_mask_network
from helpers.methods.initial_masks.learned import LEARNED_RATE, LOOKS, ONES_RATE, learned_mask
from helpers.methods.initial_masks.options import HELD_OUT_SERIES, MaskTrainingOptions
from helpers.methods.initial_masks.starting import starting_mask
from helpers.methods.initial_masks.train import MaskTraining
from helpers.methods.rde import CartoonX, PixelRDE, RateDistortionExplainer

HELD_OUT = {"scenes": 64, "photographs": 16}
STEPS = (0, 40, 80)
LONG_STEPS = 200


def publish(path: Path, training: MaskTraining, classifier: Classifier, command: str) -> None:
    """Save the weights, evaluate what was saved, then write the card beside it."""
    options = training.module.options
    digest = save_mask_network(
        path,
        training.module.network,
        classifier=classifier.name,
        classifier_digest=classifier.digest,
        normalise=classifier.normalise,
    )
    saved = load_mask_network(path)
    kind = CartoonX if options.network.representation == "wavelets" else PixelRDE
    method = kind(classifier)
    sizes = (min(options.sizes), max(options.sizes))
    tables = {
        size: evaluate_mask_network(saved, method, held_out_images(options, size), thorough=size == min(sizes))
        for size in sorted({*sizes})
    }
    images = held_out_images(options, min(sizes))[:8]
    times = {
        "one look": seconds_a_call(lambda: learned_mask(method, images, network=saved, looks=1)) / len(images),
        f"{LOOKS} looks": seconds_a_call(lambda: learned_mask(method, images, network=saved)) / len(images),
        "10 steps": seconds_a_call(lambda: kind(classifier, steps=10).explain(images)) / len(images),
    }
    write_card(
        path.with_suffix(".md"),
        weights=path,
        digest=digest,
        options=options,
        method=method,
        tables=tables,
        times=times,
        training=training,
        command=command,
    )
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, sha256 {digest}")


def held_out_images(options: MaskTrainingOptions, size: int) -> Float[Tensor, "count 3 height width"]:
    """Images that no training drew: scenes of another series, or photographs of the classes of study."""
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
    """The objective from ones, and from the network's mask after one look and after all, before and after some steps.

    Returns:
        As `compare_starts`, with "black" for the empty mask; `thorough` adds 80 steps from each, and 200 from ones.
    """
    ones, black = starting_mask("ones", method, images), torch.zeros_like(starting_mask("ones", method, images))
    bare = {
        name: learned_mask(method, images, network=network, looks=count, lambda_shrink=1, mix=0)
        for name, count in (("one look", 1), (f"{LOOKS} looks", LOOKS))
    }
    starts = {"ones": ones, "learned": learned_mask(method, images, network=network)}
    rates = {"ones": ONES_RATE, "learned": LEARNED_RATE}
    parts = [
        compare_starts(method, images, {"black": black, **bare}, [0]),
        compare_starts(method, images, starts, STEPS if thorough else STEPS[:2], rates=rates),
    ]
    if thorough:
        parts.append(compare_starts(method, images, {"ones": ones}, [LONG_STEPS]))
    return pd.concat(parts, ignore_index=True)
