"""A training step of the Explainer at the paper's size, against a plain statement of the published step."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch

from benchmarks.published_explainer import PublishedStep
from benchmarks.timing import medians, threads
from helpers.classifiers import Classifier, load_classifier
from helpers.explainer import ExplainerOptions, NetworkOptions
from helpers.explainer.module import ExplainerModule

CLASSES, SIZE, BATCH = 20, 224, 4
VOC_IMAGES, VOC_EPOCHS = 2501, 30
"""An epoch of VOC-2007; how many epochs early stopping leaves is not published: this many are assumed."""


def batch(size: int = SIZE, count: int = BATCH) -> dict[str, torch.Tensor]:
    """Images with one or two classes each."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.zeros(count, CLASSES, dtype=torch.bool)
    labels[torch.arange(count), torch.randint(0, CLASSES, (count,), generator=generator)] = True
    labels[::2, 7] = True
    image, kind = labels.nonzero(as_tuple=True)
    pixels = torch.randint(0, 256, (count, 3, size, size), generator=generator, dtype=torch.uint8)
    return {"pixels": pixels, "labels": labels, "image": image, "kind": kind}


def our_step(classifier: Classifier, precision: torch.dtype | None, device: str = "cpu"):
    """A function that does one step of ours: forward, loss, backward, Adam."""
    options = ExplainerOptions(network=NetworkOptions(name="deeplabv3_resnet50"), batch=BATCH)
    module = ExplainerModule(options, classifier, CLASSES, 1).train().to(device)
    optimiser = module.configure_optimizers()

    def step(rows: dict[str, torch.Tensor]) -> None:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=precision or torch.bfloat16, enabled=precision is not None):
            terms = module.terms(rows["pixels"].float() / 255, rows, torch.Generator())
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()

    return step


def published_step(classifier: Classifier, device: str = "cpu"):
    """A function that does one step as published: the same networks in the default layout, single precision."""
    options = NetworkOptions(name="deeplabv3_resnet50")
    module = ExplainerModule(ExplainerOptions(network=options), classifier, CLASSES, 1)
    body = copy.deepcopy(module.network.body).to(memory_format=torch.contiguous_format).train().to(device)
    network = copy.deepcopy(classifier.network).to(memory_format=torch.contiguous_format).to(device)

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = body

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.body(images)["out"]

    step = PublishedStep(Logits(), network)
    mean, std = classifier.mean.to(device), classifier.std.to(device)

    def run(rows: dict[str, torch.Tensor]) -> None:
        step((rows["pixels"].float() / 255 - mean) / std, rows["labels"].long())

    return run


def run() -> Iterator[dict]:
    """The step with VGG-16, in this CPU's half precision where it has one, and in single precision."""
    classifier = load_classifier("vgg16", weights="random", model_args={"num_classes": CLASSES})
    rows = batch()
    with threads():
        half, single, published = our_step(classifier, torch.bfloat16), our_step(classifier, None), None
        published = published_step(classifier)
        times = medians([lambda: half(rows), lambda: single(rows), lambda: published(rows)], repeats=3)
    name = f"a training step of the Explainer, VGG-16, {SIZE} px, batch {BATCH}"
    yield {
        "name": f"{name}, bfloat16",
        "ours_s": times[0],
        "reference_s": times[2],
        "ratio": times[2] / times[0],
        "target": 2,
    }
    yield {"name": f"{name}, float32", "ours_s": times[1], "reference_s": times[2], "ratio": times[2] / times[1]}
