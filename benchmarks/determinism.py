"""Whether maps depend on more than the image, the profile and the seed: on order, batch size, threads, PyTorch.

`python -m benchmarks.determinism` compares within one process, and prints a line per method. To compare two versions of
PyTorch, or two machines: `--save maps.safetensors` with one of them, `--compare maps.safetensors` with the other.
`--output results/determinism` adds the results to files there: the differences, and a sample of the maps.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save, save_file
from torch import Tensor

from helpers.benchmark.case import Case
from helpers.benchmark.maps import maps_by
from helpers.benchmark.methods import CONTESTANTS, contestants_for
from helpers.classifiers import Classifier, load_classifier
from helpers.core.files import atomic_write
from helpers.data.scenes import make_scenes

CLASSIFIERS = {"scenes-cnn": 64, "scenes-multilabel": 64, "scenes-vit": 64, "scenes-small": 32}
"""The classifiers and the side of their scenes; a method is compared on the first that it can explain."""

SEARCHES = ("pixel-rde", "pixel-rde-rate", "cartoonx", "cartoonx-rate", "waveletx", "shearletx")

QUICK: dict[str, dict[str, Any]] = {
    **{name: {"steps": 5} for name in SEARCHES},
    **{name: {"samples": 4} for name in ("wam-gradient", "wam-path", "smooth-grad")},
    **{name: {"cells": 4, "samples": 40} for name in ("lime", "kernel-shap")},
    "rise": {"masks": 40},
    "extremal-perturbation": {"steps": 5, "areas": (0.1, 0.3)},
    "igos++": {"iterations": 2, "integration_steps": 3},
    "integrated-gradients": {"steps": 5},
}
"""Settings with few steps, for methods that take long; whether numbers depend on the batch does not depend on them."""

COUNT = 6

SAME = ("again", "order", "company")
"""The comparisons whose maps must be the same bit for bit, except where a promise says otherwise (`place`)."""

LAST_BITS = ("batch of 1", "batch of 2", "threads")
"""The comparisons in which a network's sums are taken in another order."""

FAR = 1e-3
"""Pixels that differ by more count in `share`: a picture of eight bits shows nothing smaller."""

SAMPLE = slice(None, None, 4)
"""The rows and columns of the maps that are committed, to compare another machine with."""


@dataclass(frozen=True)
class Promise:
    """How far a method's maps in [0, 1] may be from those of another batch size, number of threads, PyTorch or machine.

    Attributes:
        largest: the largest difference of a pixel.
        share: the share of pixels that differ by more than `FAR`.
        why: the operation that makes the difference.
        place: the largest difference by order and company, in a batch of the same size.
    """

    largest: float
    share: float
    why: str
    place: float = 0.0


_NO_NETWORK = Promise(1e-6, 0.0, "no network: sums over a window of the image")
_SUMS = Promise(1e-4, 0.0, "sums of convolutions and products of matrices, in another order")
_SIGNS = Promise(
    1.0,
    0.25,
    "steps by the signs of gradients: where a gradient is nearly 0, its last bits decide the step, and the more steps "
    "there are, the more pixels differ (searches have five here, those from a learned mask forty)",
)

_COEFFICIENTS = Promise(1e-3, 0.0, "gradients by wavelet coefficients, which are sums over large parts of the image")

_TOKENS = Promise(
    1e-6,
    0.0,
    "products of matrices whose rows are the tokens of all images, in tiles: the place in the batch decides, too",
    place=1e-6,
)

PROMISES: dict[str, Promise] = {
    **dict.fromkeys(("rollout", "gradient-rollout"), _TOKENS),
    **dict.fromkeys(("wam-gradient", "wam-path"), _COEFFICIENTS),
    **dict.fromkeys(("random", "centre", "edges", "brightness", "everything"), _NO_NETWORK),
    **dict.fromkeys((*SEARCHES, "pixel-rde-learned", "cartoonx-learned"), _SIGNS),
}
"""The promise for each method, where it is not that of sums."""


def promise(method: str) -> Promise:
    """What is promised for a method's maps."""
    return PROMISES.get(method, _SUMS)


Explain = Callable[[Tensor, Tensor], Tensor]


def methods() -> Iterator[tuple[str, Classifier, Explain]]:
    """Each method and control, on the first classifier that it can explain."""
    seen = set()
    for name in CLASSIFIERS:
        classifier = load_classifier(name)
        for each in contestants_for(classifier):
            if each.name not in seen:
                seen.add(each.name)
                method = each.make(classifier, **QUICK.get(each.name, {}))
                yield each.name, classifier, _explain(each.name, classifier, method)
    if missing := CONTESTANTS.keys() - seen:
        raise ValueError(f"no classifier for {', '.join(sorted(missing))}; add one to CLASSIFIERS")


def _explain(name: str, classifier: Classifier, method: Any) -> Explain:
    return lambda images, targets: maps_by(method, Case(classifier, images, targets), name)


def differences(
    classifier: Classifier, explain: Explain, count: int = COUNT, other: Tensor | None = None
) -> tuple[dict[str, tuple[float, float]], Tensor]:
    """How far a method's maps, which lie in [0, 1], are from those of the whole batch.

    Args:
        classifier: one of `CLASSIFIERS`.
        explain: from images and classes to maps.
        count: of images.
        other: the maps of the whole batch of another machine or version; None for none.

    Returns:
        By comparison, the largest difference and the share of pixels that differ by more than `FAR`: `again`, `order`
        (the batch reversed), `company` (other images beside the first two), `batch of 1`, `batch of 2`, `threads`
        (two instead of one), `other`. And the maps of the whole batch.
    """
    images, targets = scenes(classifier, 2 * count - 2)
    whole = explain(images[:count], targets[:count])
    others = torch.tensor([0, 1, *range(count, 2 * count - 2)])

    def pieces(size: int) -> Tensor:
        parts = zip(images[:count].split(size), targets[:count].split(size), strict=True)
        return torch.cat([explain(*part) for part in parts])

    found = {
        "again": distance(explain(images[:count], targets[:count]), whole),
        "order": distance(explain(images[:count].flip(0), targets[:count].flip(0)).flip(0), whole),
        "company": distance(explain(images[others], targets[others])[:2], whole[:2]),
        "batch of 1": distance(pieces(1), whole),
        "batch of 2": distance(pieces(2), whole),
    }
    with threads(2):
        found["threads"] = distance(explain(images[:count], targets[:count]), whole)
    return found | ({} if other is None else {"other": distance(other, whole)}), whole


def distance(maps: Tensor, wanted: Tensor) -> tuple[float, float]:
    """The largest difference of two sets of maps, and the share of pixels that differ by more than `FAR`."""
    apart = (maps - wanted).abs()
    return float(apart.max()), float((apart > FAR).float().mean())


def kept(method: str, found: tuple[float, float]) -> bool:
    """Whether a largest difference and a share are within a method's promise."""
    promised = promise(method)
    return found[0] <= promised.largest and found[1] <= promised.share


def scenes(classifier: Classifier, count: int) -> tuple[Tensor, Tensor]:
    """Scenes of the classifier's size, and the classes that it predicts, as methods from predictions need them."""
    images = make_scenes(count, size=CLASSIFIERS[classifier.name], seed=77, objects=(1, 2)).images
    with torch.no_grad():
        return images, torch.cat([classifier(image[None]) for image in images]).argmax(-1)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute with so many threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def main(arguments: list[str] | None = None) -> int:
    """Compare, print, write; 1 if a map differs where it must not, or by more than is promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.determinism", description=__doc__)
    parser.add_argument("--save", type=Path, help="only compute the maps, and store them")
    parser.add_argument("--compare", type=Path, help="compare also with maps that another version or machine stored")
    parser.add_argument("--other", default="", help="the name of that version, for the table")
    parser.add_argument("--only", nargs="+", help="some methods; default: all")
    parser.add_argument("--output", type=Path, help="a folder for determinism.json and maps.safetensors")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    others, saved, broken = load_file(chosen.compare) if chosen.compare else {}, {}, []
    for name, classifier, explain in methods():
        if chosen.only and name not in chosen.only:
            continue
        if chosen.save:
            saved[name] = explain(*scenes(classifier, COUNT)).contiguous()
            print(name, flush=True)
            continue
        row, maps = differences(classifier, explain, other=others.get(name))
        print(
            f"{name:<24}" + "  ".join(f"{key} {far:.1e} {share:.1%}" for key, (far, share) in row.items()), flush=True
        )
        broken += [f"{name}: {key}" for key in SAME if row[key][0] > promise(name).place]
        broken += [f"{name}: {key}" for key in row.keys() - set(SAME) if not kept(name, row[key])]
        if chosen.output:
            _write(chosen.output, name, row, maps, chosen.other)
    if chosen.save:
        save_file(saved, chosen.save)
    print("not as promised: " + ", ".join(broken) if broken else "all as promised")
    return int(bool(broken))


def _write(folder: Path, name: str, row: dict[str, tuple[float, float]], maps: Tensor, other: str) -> None:
    """Put one method's row and its sample into the files of a folder, in place of earlier ones."""
    folder.mkdir(parents=True, exist_ok=True)
    path, sample = folder / "determinism.json", folder / "maps.safetensors"
    about: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {"differences": {}}
    about |= {"machine": platform.platform(), "torch": torch.__version__, "images": COUNT, "far": FAR}
    about |= {"other": other} if other else {}
    about["differences"].setdefault(name, {}).update(row)
    about.setdefault("promised", {})[name] = asdict(promise(name))
    stored = load_file(sample) if sample.is_file() else {}
    atomic_write(sample, save(stored | {name: maps[:, SAMPLE, SAMPLE].contiguous()}))
    atomic_write(path, (json.dumps(about, indent=1) + "\n").encode())


if __name__ == "__main__":
    sys.exit(main())
