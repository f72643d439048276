"""Explanations per second: SpaCE-VAE against the paper's three competitors, in one run.

`python -m benchmarks.space_vae_explanations` uses the quick profile's networks; `--full` a classifier and a SpaCE-VAE
of the paper's size with random weights, which take as long; `--device cuda` a GPU; `--small` checks the script. Each
method has its own batch size; times are per image and include the classifier's prediction.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import torch

from benchmarks.timing import medians, threads
from helpers.classifiers import Classifier, load_classifier
from helpers.classifiers.vgg import VGG_NAME
from helpers.data.scenes import make_scenes
from helpers.methods.baselines.attribution_methods import attribution_method
from helpers.methods.space_vae import NetworkOptions, SpaceVAENetwork, load_space_vae
from helpers.methods.space_vae.method import SpaceVAE

SIZE = 32
AT_LEAST = 1.3  # windows against whole forward passes, on the paper's classifier
QUICK = ("scenes-small", "scenes-small-beta-10")
COMPETITORS: dict[str, tuple[str, int, dict[str, Any]]] = {  # label: name, images at once, options
    "DeepLIFT": ("deeplift", 64, {}),
    "Integrated Gradients": ("integrated-gradients", 5, {}),
    "Feature Ablation": ("feature-ablation", 16, {}),
    "Feature Ablation, whole passes": ("feature-ablation", 2, {"windows": False}),
}
"""The numbers of images make batches of about 256 for the classifier."""


def run(
    *, full: bool = False, device: str = "cpu", most: int = 64, repeats: int = 3, sizes: dict[str, Any] | None = None
) -> Iterator[dict]:
    """Seconds per explanation of each competitor against SpaCE-VAE; then windows against whole passes.

    Args:
        full: networks of the paper's size, with random weights.
        device: of the computation.
        most: the largest number of images at once.
        repeats: the number of runs behind each median.
        sizes: of a classifier with random weights, instead of the quick one.
    """
    classifier, method, source = _networks(full, device, sizes)
    images = make_scenes(min(64, most), size=SIZE, seed=5, objects=(1, 2)).images.to(device)
    functions: list[Callable[[], object]] = [_waiting(lambda: method.explain(images), device)]
    counts = [len(images)]
    for name, count, options in COMPETITORS.values():
        batch = images[: min(count, most)]
        competitor = attribution_method(classifier, name, **options)
        functions.append(_waiting(lambda batch=batch, method=competitor: method.attribute(batch), device))
        counts.append(len(batch))
    with threads():
        seconds = [time / count for time, count in zip(medians(functions, repeats=repeats), counts, strict=True)]
    ours, *others = seconds
    for label, theirs in zip(COMPETITORS, others, strict=True):
        name = f"SpaCE-VAE, {label}{source}"
        yield {"name": name, "ours_s": ours, "reference_s": theirs, "ratio": theirs / ours}
    windows, whole = others[-2:]
    row = {"name": f"Feature Ablation: windows, whole passes{source}", "ours_s": windows, "reference_s": whole}
    yield {**row, "ratio": whole / windows, **({"target": AT_LEAST} if full else {})}


def _networks(full: bool, device: str, sizes: dict[str, Any] | None) -> tuple[Classifier, SpaceVAE, str]:
    """The classifier and the SpaCE-VAE that explains it."""
    if not full and sizes is None:
        try:
            classifier = load_classifier(QUICK[0], device=device)
            return classifier, load_space_vae(QUICK[1], classifier), ""
        except (FileNotFoundError, ValueError):
            sizes = {"width": 0.25, "hidden": 256}
    classifier = load_classifier(VGG_NAME, weights="random", model_args=sizes, device=device)
    network = NetworkOptions() if full else NetworkOptions(hidden=64, embedding=32)
    return classifier, SpaceVAE(SpaceVAENetwork(network).to(device), classifier), ", random weights"


def _waiting(function: Callable[[], object], device: str) -> Callable[[], object]:
    """The same function, which also waits for the GPU."""

    def call() -> None:
        function()
        if device == "cuda":
            torch.cuda.synchronize()

    return call


def main(arguments: list[str] | None = None) -> None:
    """Print explanations per second and the ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.space_vae_explanations", description=__doc__)
    parser.add_argument("--full", action="store_true", help="networks of the paper's size, with random weights")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="a tiny classifier and few images, to check the script")
    chosen = parser.parse_args(arguments)
    small = {"most": 2, "repeats": 1, "sizes": {"width": 0.0625, "hidden": 8}}
    large = {"full": chosen.full, "repeats": chosen.repeats}
    for row in run(device=chosen.device, **(small if chosen.small else large)):
        rates = [1 / row[key] for key in ("ours_s", "reference_s")]
        target = f" (at least {row['target']:g})" if "target" in row else ""
        name = f"{row['name']}, images per second:"
        print(f"{name:<74}{rates[0]:>10.4g}{rates[1]:>10.4g}{row['ratio']:>10.4g} times{target}", flush=True)


if __name__ == "__main__":
    main()
