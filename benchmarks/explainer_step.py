"""A training step of the Explainer at the paper's size, against a plain statement of the published step.

`python -m benchmarks.explainer_step --device cuda` on a GPU, with the projected time of the paper's training.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Iterator

import torch

from benchmarks.published_explainer import PublishedStep
from benchmarks.timing import medians, threads
from helpers.classifiers import Classifier, load_classifier
from helpers.methods.explainer import ExplainerOptions, NetworkOptions
from helpers.methods.explainer.training import ExplainerModule

CLASSES, SIZE = 20, 224
VOC_IMAGES, VOC_HELD_OUT, VOC_EPOCHS = 2501, 2510, 60
"""The paper's training on VOC-2007; its number of epochs under early stopping is not published, 60 are assumed."""


def batch(count: int, device: str, size: int = SIZE) -> dict[str, torch.Tensor]:
    """Images with one or two classes each."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.zeros(count, CLASSES, dtype=torch.bool)
    labels[torch.arange(count), torch.randint(0, CLASSES, (count,), generator=generator)] = True
    labels[::2, 7] = True
    image, target = labels.nonzero(as_tuple=True)
    pixels = torch.randint(0, 256, (count, 3, size, size), generator=generator, dtype=torch.uint8)
    rows = {"pixels": pixels, "labels": labels, "image": image, "kind": target}
    return {name: value.to(device) for name, value in rows.items()}


def our_step(classifier: Classifier, rows: dict[str, torch.Tensor], half: bool, device: str) -> Callable[[], None]:
    """Our step: forward, loss, backward, Adam."""
    options = ExplainerOptions(network=NetworkOptions(name="deeplabv3_resnet50"))
    module = ExplainerModule(options, classifier, CLASSES, 1).train().to(device)
    optimiser = module.configure_optimizers()
    generator = torch.Generator(device)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=half):
            terms = module.terms(rows["pixels"].float() / 255, rows, generator)
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()
        _wait(device)

    return step


class Logits(torch.nn.Module):
    """DeepLab's logits, taken from its output dictionary."""

    def __init__(self, body: torch.nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.body(images)["out"]


def published_step(classifier: Classifier, rows: dict[str, torch.Tensor], device: str) -> Callable[[], None]:
    """One step as published: the same networks in the default layout, in single precision."""
    options = ExplainerOptions(network=NetworkOptions(name="deeplabv3_resnet50"))
    network = ExplainerModule(options, classifier, CLASSES, 1).network
    body, explained = (
        copy.deepcopy(network).to(memory_format=torch.contiguous_format).to(device)
        for network in (network.body.train(), classifier.network)
    )
    step = PublishedStep(Logits(body), explained, device)
    images = (rows["pixels"].float() / 255 - classifier.mean.to(device)) / classifier.std.to(device)
    labels = rows["labels"].long()

    def run_step() -> None:
        step(images, labels)
        _wait(device)

    return run_step


def run(device: str = "cpu", count: int = 4, repeats: int = 3) -> Iterator[dict]:
    """The step with VGG-16 in half and in single precision."""
    classifier = load_classifier("vgg16", weights="random", model_args={"num_classes": CLASSES}, device=device)
    rows = batch(count, device)
    with threads():
        steps = [our_step(classifier, rows, half, device) for half in (True, False)]
        half, single, published = medians([*steps, published_step(classifier, rows, device)], repeats=repeats)
    name = f"a training step of the Explainer, VGG-16, {SIZE} px, batch {count}"
    more = {"ours_s": half, "reference_s": published, "ratio": published / half, "target": 2 if device == "cpu" else 5}
    yield {"name": f"{name}, bfloat16", **more}
    yield {"name": f"{name}, float32", "ours_s": single, "reference_s": published, "ratio": published / single}


def projected_hours(seconds: float, count: int) -> float:
    """The paper's training on VOC-2007 at this step's time; a validation step counts as a third."""
    return VOC_EPOCHS * (VOC_IMAGES + VOC_HELD_OUT / 3) / count * seconds / 3600


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def main(arguments: list[str] | None = None) -> None:
    """Print the ratios, and the projected time of the paper's VOC training (12 hours there, on a P100)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explainer_step", description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", choices=("cpu", "cuda"))
    parser.add_argument("--batch", type=int, help="images per step; 16 on a GPU, 4 on a CPU")
    chosen = parser.parse_args(arguments)
    count = chosen.batch or (4 if chosen.device == "cpu" else 16)
    for row in run(chosen.device, count):
        hours = [projected_hours(row[key], count) for key in ("ours_s", "reference_s")]
        print(
            f"{row['name']}: {row['ours_s']:.3f} s, published {row['reference_s']:.3f} s, {row['ratio']:.2f} times; ",
            end="",
        )
        print(f"{VOC_EPOCHS} epochs of VOC-2007: {hours[0]:.1f} h, published {hours[1]:.1f} h")


if __name__ == "__main__":
    main()
