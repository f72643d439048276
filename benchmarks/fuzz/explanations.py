"""Explanations: every method of the book, with images, targets, options and models that are right or wrong."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import timm
import torch
from torch import Tensor, nn

from benchmarks.fuzz.case import Case, Due, Maker
from helpers.core.explanation import Explanation
from helpers.methods.baselines import (
    RISE,
    WAM,
    ExtremalOptions,
    ExtremalPerturbation,
    GradCAM,
    IGOSOptions,
    IGOSPlusPlus,
    OcclusionMaps,
    OcclusionOptions,
    RISEOptions,
)
from helpers.methods.rde import CartoonX, PixelRDE, ShearletX
from helpers.methods.rollout import AttentionRollout

SIDE, CLASSES = 32, 5
RDE: dict[str, Any] = {"steps": 2, "samples": 2, "tolerance": None}
METHODS: dict[str, Callable[[nn.Module], Any]] = {
    "pixel-rde": lambda model: PixelRDE(model, **RDE),
    "cartoonx": lambda model: CartoonX(model, levels=2, **RDE),
    "shearletx": lambda model: ShearletX(model, scales=2, **RDE),
    "grad-cam": lambda model: GradCAM(model),
    "rise": lambda model: RISE(model, RISEOptions(masks=10)),
    "occlusion": lambda model: OcclusionMaps(model, OcclusionOptions(stride=0.5)),
    "extremal-perturbation": lambda model: ExtremalPerturbation(model, ExtremalOptions(steps=2, cells=8, areas=(0.1,))),
    "igos++": lambda model: IGOSPlusPlus(model, IGOSOptions(iterations=1, integration_steps=2, cells=8)),
    "wam": lambda model: WAM(model, samples=2),
    "rollout": lambda model: AttentionRollout(model, discard_ratio=0.0),
}
COSTLY = {"extremal-perturbation", "shearletx"}


class Small(nn.Module):
    """A network of five classes with random weights, which may change its output."""

    def __init__(self, change: Callable[[Tensor], Any] = lambda logits: logits, dtype: torch.dtype = torch.float32):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.features = nn.Sequential(nn.Conv2d(3, 8, 5, stride=4), nn.Tanh(), nn.Conv2d(8, 8, 3, stride=2), nn.Tanh())
        self.head = nn.Linear(8, CLASSES)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.6
        self.change = change
        self.to(dtype).eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Any:
        """The logits, or what the change makes of them."""
        return self.change(self.head(self.features(images).mean((2, 3))))


@lru_cache
def _transformer() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        options = {"img_size": SIDE, "patch_size": 8, "embed_dim": 24, "depth": 1, "num_heads": 3}
        return timm.create_model("vit_tiny_patch16_224", num_classes=CLASSES, **options).eval().requires_grad_(False)


def _model(name: str) -> nn.Module:
    return _transformer() if name == "rollout" else Small()


def _images(random: Random, count: int = 2) -> Tensor:
    return torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(random.randrange(99)))


def _method(random: Random) -> str:
    names = list(METHODS)
    return random.choices(names, [1 if name in COSTLY else 4 for name in names])[0]


def not_masks(found: Any, count: int) -> str | None:
    """What is wrong with the explanations of so many images."""
    if not isinstance(found, Explanation):
        return f"it is a {type(found).__name__}"
    if found.mask.ndim != 4 or len(found.mask) != count or found.mask.shape[1] != 1:
        return f"its masks are {tuple(found.mask.shape)}"
    inside = (found.mask >= 0) & (found.mask <= 1)
    if not bool(inside.all()):
        return "its masks are not in [0, 1]"
    return None if bool(found.kept.isfinite().all()) else "its kept part is not finite"


def _with(images: Tensor, value: float) -> Tensor:
    changed = images.clone()
    changed[0, 1, 3, 4] = value
    return changed


IMAGES: dict[str, tuple[Due, Callable[[Tensor], Any]]] = {
    "right": ("accept", lambda x: x),
    "array": ("accept", lambda x: x.numpy()),
    "float64": ("accept", lambda x: x.double()),
    "half": ("accept", lambda x: x.half()),
    "black": ("accept", torch.zeros_like),
    "white": ("accept", torch.ones_like),
    "strided": ("accept", lambda x: x.flip(3).permute(0, 1, 3, 2)),
    "NaN": ("refuse", lambda x: _with(x, torch.nan)),
    "infinite": ("refuse", lambda x: _with(x, torch.inf)),
    "minus infinite": ("refuse", lambda x: _with(x, -torch.inf)),
    "normalised": ("refuse", lambda x: (x - 0.5) / 0.2),
    "0 to 255": ("refuse", lambda x: x * 255),
    "bytes": ("refuse", lambda x: (x * 255).byte()),
    "booleans": ("refuse", lambda x: x > 0.5),
    "integers": ("refuse", lambda x: (x * 255).long()),
    "complex": ("refuse", lambda x: x + 0j),
    "one image": ("refuse", lambda x: x[0]),
    "channels last": ("refuse", lambda x: x.permute(0, 2, 3, 1)),
    "grey": ("refuse", lambda x: x[:, :1]),
    "four channels": ("refuse", lambda x: torch.cat([x, x[:, :1]], 1)),
    "flat": ("refuse", lambda x: x.flatten(1)),
    "no pixels": ("refuse", lambda x: x[:, :, :0]),
    "meta": ("refuse", lambda x: x.to("meta")),
    "sparse": ("refuse", lambda x: x.to_sparse()),
    "none": ("refuse", lambda x: None),
    "list": ("refuse", lambda x: x.tolist()),
    "path": ("refuse", lambda x: "cat.png"),
    "objects": ("refuse", lambda x: np.array([None, {}])),
    "text": ("refuse", lambda x: np.array(["a"])),
    "tiny": ("either", lambda x: x[:, :, :1, :1]),
    "narrow": ("either", lambda x: x[:, :, :, :2]),
    "no images": ("either", lambda x: x[:0]),
}


def images(random: Random, folder: Path) -> Case:
    """Images for a method."""
    name, kind = _method(random), random.choice(list(IMAGES))
    due, change = IMAGES[kind]
    given, method = change(_images(random)), METHODS[name](_model(name))
    count = len(given) if hasattr(given, "__len__") else 0
    if name == "rollout" and kind in ("tiny", "narrow"):
        due = "refuse"
    return Case(f"{name}: {kind}", due, lambda: method.explain(given), lambda found: not_masks(found, count))


TARGETS: dict[str, tuple[Due, Any]] = {
    "none": ("accept", None),
    "class": ("accept", 3),
    "each": ("accept", torch.tensor([0, 4])),
    "list": ("accept", [1, 2]),
    "array": ("accept", np.array([2, 2])),
    "too large": ("refuse", CLASSES),
    "negative": ("refuse", -1),
    "huge": ("refuse", 10**30),
    "float": ("refuse", 1.0),
    "floats": ("refuse", torch.tensor([1.0, 2.0])),
    "NaN": ("refuse", float("nan")),
    "booleans": ("refuse", [True, False]),
    "three": ("refuse", [0, 1, 2]),
    "one-hot": ("refuse", torch.eye(CLASSES, dtype=torch.long)[:2]),
    "name": ("refuse", "cat"),
    "empty": ("refuse", []),
    "ragged": ("refuse", [[1], [1, 2]]),
    "dict": ("refuse", {"class": 1}),
    "bytes": ("refuse", b"cat"),
    "none in a list": ("refuse", [None, 1]),
    "object": ("refuse", object()),
    "complex": ("refuse", 1j),
    "callable of a batch": ("refuse", lambda logits: logits.mean()),
    "callable of nothing": ("refuse", lambda logits: None),
    "generator": ("refuse", (n for n in (1, 2))),
}


def targets(random: Random, folder: Path) -> Case:
    """Targets for a method."""
    name, kind = _method(random), random.choice(list(TARGETS))
    due, target = TARGETS[kind]
    given, method = _images(random), METHODS[name](_model(name))
    return Case(f"{name}: {kind}", due, lambda: method.explain(given, target), lambda found: not_masks(found, 2))


class Output:
    """As Hugging Face's outputs."""

    def __init__(self, logits: Any) -> None:
        self.logits = logits


def _raising(logits: Tensor) -> Tensor:
    return torch.cat([logits, logits[:, :2]], 0)


MODELS: dict[str, tuple[Due, Callable[[Tensor], Any]]] = {
    "logits": ("accept", lambda x: x),
    "object": ("accept", Output),
    "dict": ("accept", lambda x: {"logits": x}),
    "tuple of one": ("accept", lambda x: (x,)),
    "half": ("accept", lambda x: x.half()),
    "one logit": ("accept", lambda x: x[:, :1]),
    "none": ("refuse", lambda x: None),
    "text": ("refuse", lambda x: "cat"),
    "number": ("refuse", lambda x: 3),
    "tuple": ("refuse", lambda x: (x, x)),
    "empty tuple": ("refuse", lambda x: ()),
    "list of numbers": ("refuse", lambda x: [1.0, 2.0]),
    "dict without": ("refuse", lambda x: {"scores": x}),
    "object without": ("refuse", lambda x: Output(None)),
    "NaN": ("refuse", lambda x: x * torch.nan),
    "some NaN": ("refuse", lambda x: torch.where(torch.arange(CLASSES) == 2, torch.nan, x)),
    "infinite": ("refuse", lambda x: x / 0),
    "wrong batch": ("refuse", lambda x: torch.cat([x, x])),
    "no batch": ("refuse", lambda x: x.sum()),
    "one row": ("refuse", lambda x: x.mean(0, keepdim=True)),
    "no classes": ("refuse", lambda x: x[:, :0]),
    "dense": ("refuse", lambda x: x[:, :, None, None].expand(-1, -1, 4, 4)),
    "array": ("refuse", lambda x: x.detach().numpy()),
    "integers": ("refuse", lambda x: x.long()),
    "booleans": ("refuse", lambda x: x > 0),
    "complex": ("refuse", lambda x: x + 0j),
    "probabilities": ("refuse", lambda x: x.softmax(1)),
    "detached": ("either", lambda x: x.detach()),
    "sparse": ("refuse", lambda x: x.to_sparse()),
    "meta": ("refuse", lambda x: x.to("meta")),
}
NO_MODELS = (None, 3, "vgg16", Small, lambda x: x, {"a": 1}, torch.zeros(3))


def models(random: Random, folder: Path) -> Case:
    """Models for a method, most of which return nonsense."""
    name = _method(random)
    while name == "rollout":
        name = _method(random)
    given = _images(random)
    if random.random() < 0.1:
        model = random.choice(NO_MODELS)
        return Case(f"{name}: {model!r}", "refuse", lambda: METHODS[name](model).explain(given))  # type: ignore[arg-type]
    kind = random.choice(list(MODELS))
    due, change = MODELS[kind]
    return Case(
        f"{name}: a model that returns {kind}",
        due,
        lambda: METHODS[name](Small(change)).explain(given),
        lambda found: not_masks(found, 2),
    )


OPTIONS: dict[str, tuple[str, ...]] = {
    "pixel-rde": ("steps", "samples", "sparsity_weight", "learning_rate", "optimiser", "schedule"),
    "cartoonx": ("steps", "samples", "levels", "wavelet", "mode", "sparsity_weight", "tolerance"),
}
VALUES: tuple[Any, ...] = (
    *(
        0,
        -1,
        2.5,
        float("nan"),
        float("inf"),
        "x",
        "",
        None,
        True,
        [],
        [2],
        {},
        10**12,
        torch.tensor(2),
        np.int64(2),
        1j,
    ),
)


def options(random: Random, folder: Path) -> Case:
    """Options of the optimised methods."""
    name = random.choice(list(OPTIONS))
    option, value = random.choice(OPTIONS[name]), random.choice(VALUES)
    if option in ("steps", "samples") and value == 10**12:
        value = -(10**12)  # so many steps are what was asked for
    kind = {"pixel-rde": PixelRDE, "cartoonx": CartoonX}[name]
    chosen: dict[str, Any] = {"steps": 2, "samples": 2, "tolerance": None, option: value}
    given = _images(random)
    return Case(
        f"{name}: {option}={value!r}",
        "either",
        lambda: kind(Small(), **chosen).explain(given),
        lambda found: not_masks(found, 2),
    )


KINDS: dict[str, Maker] = {
    "images for explain()": images,
    "targets for explain()": targets,
    "models for explain()": models,
    "options of methods": options,
}
