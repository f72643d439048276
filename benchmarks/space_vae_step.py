"""A training step of SpaCE-VAE at the paper's size, against a plain statement of the published parent's step.

`python -m benchmarks.space_vae_step --device cuda` on a GPU, with the projected time of one of the paper's trainings;
`--small` checks the script. The assumptions about the published step are in `benchmarks.published_space_vae`. Both
steps start with a batch on the device; ours has 8-bit pixels and classes predicted before training.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Iterator

import torch
from torch import nn

from benchmarks.published_space_vae import PublishedStep
from benchmarks.timing import medians, threads
from helpers.classifiers import Classifier, load_classifier
from helpers.classifiers.architectures import CIFAR_MEAN, CIFAR_STD
from helpers.classifiers.vgg import VGG_NAME, SmallImageVGG
from helpers.methods.space_vae import SpaceVAEOptions
from helpers.methods.space_vae.training import SpaceVAEModule

SIZE = 32
IMAGES, HELD_OUT, EPOCHS = 42_500, 7_500, 200
"""One of the paper's trainings, about an hour on a 4070 Ti."""

BATCHES = (32, 256)  # that of the parent code, and a larger one
AT_LEAST = {"cpu": 2.0, "cuda": 6.0}


class PlainClassifier(nn.Module):
    """The paper's classifier in plain form: normalisation, then the network in its default memory layout."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(CIFAR_MEAN).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(CIFAR_STD).reshape(1, 3, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network((images - self.mean) / self.std)


def our_step(classifier: Classifier, pixels: torch.Tensor, device: str, half: bool) -> Callable[[], None]:
    """Our step: forward, loss, backward, Adam."""
    options = SpaceVAEOptions(batch=len(pixels), precision="bf16-mixed" if half else "32-true")
    module = SpaceVAEModule(options, classifier, 0.06, 1).train().to(device)
    optimiser = module.configure_optimizers()
    with torch.no_grad():
        classes = classifier(pixels.float() / 255).argmax(1)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=half):
            terms, _ = module.terms(pixels.float() / 255, classes, None)
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()
        _wait(device)

    return step


def published_step(network: nn.Module, pixels: torch.Tensor, device: str) -> Callable[[], None]:
    """One step as published, in single precision."""
    classifier = PlainClassifier(copy.deepcopy(network)).eval().to(device)
    step = PublishedStep(classifier, device)
    images = pixels.float() / 255

    def run_step() -> None:
        step(images)
        _wait(device)

    return run_step


def run(
    device: str = "cpu", batches: tuple[int, ...] = BATCHES, repeats: int = 5, width: float = 1.0, hidden: int = 4096
) -> Iterator[dict]:
    """Both steps at each batch size, ours in half and in single precision."""
    sizes = {"width": width, "hidden": hidden}
    classifier = load_classifier(VGG_NAME, weights="random", model_args=sizes, device=device)
    network = SmallImageVGG(**sizes)
    for count in batches:
        generator = torch.Generator().manual_seed(0)
        pixels = torch.randint(0, 256, (count, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8).to(device)
        with threads():
            steps = [our_step(classifier, pixels, device, half) for half in (True, False)]
            half, single, published = medians([*steps, published_step(network, pixels, device)], repeats=repeats)
        for precision, seconds in (("bfloat16", half), ("float32", single)):
            yield {
                "name": f"a training step of SpaCE-VAE, VGG-11, batch {count}, {precision}",
                "ours_s": seconds,
                "reference_s": published,
                "ratio": published / seconds,
                "batch": count,
                **({"target": AT_LEAST[device]} if precision == "bfloat16" else {}),
            }


def projected_hours(seconds: float, count: int) -> float:
    """Hours of a training of the paper at this step's time, all epochs; a validation step counts a third."""
    return EPOCHS * (IMAGES + HELD_OUT / 3) / count * seconds / 3600


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def main(arguments: list[str] | None = None) -> None:
    """Print images per second, the ratios, and the projected time of one of the paper's trainings."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.space_vae_step", description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", choices=("cpu", "cuda"))
    parser.add_argument("--batch", type=int, nargs="+", default=BATCHES, help="images per step")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="a narrow classifier and few images, to check the script")
    chosen = parser.parse_args(arguments)
    small = {"batches": (4,), "repeats": 1, "width": 0.0625, "hidden": 8}
    for row in run(chosen.device, **(small if chosen.small else {"batches": chosen.batch, "repeats": chosen.repeats})):
        count = row["batch"]
        rates = [count / row[key] for key in ("ours_s", "reference_s")]
        hours = [projected_hours(row[key], count) for key in ("ours_s", "reference_s")]
        target = f" (at least {row['target']:g})" if "target" in row else ""
        print(
            f"{row['name']}: {rates[0]:.0f} images per second, published {rates[1]:.0f}, "
            f"{row['ratio']:.2f} times{target}"
        )
        print(f"    {EPOCHS} epochs of {IMAGES:,} images: {hours[0]:.1f} h, published {hours[1]:.1f} h", flush=True)


if __name__ == "__main__":
    main()
