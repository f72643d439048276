"""Whether maps depend on more than the image, the profile and the seed: on order, batch size, threads, PyTorch.

`python -m benchmarks.determinism` compares within one process, and prints a line per method. To compare two versions of
PyTorch, or two machines: `--save maps.safetensors` with one of them, `--compare maps.safetensors` with the other.
`--output results/determinism` adds the result to a file there.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from helpers.benchmark.case import Case
from helpers.benchmark.maps import maps_by
from helpers.benchmark.methods import CONTESTANTS, contestants_for
from helpers.classifiers import Classifier, load_classifier
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
"""The comparisons whose maps must be the same bit for bit."""

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


def differences(classifier: Classifier, explain: Explain, count: int = COUNT) -> dict[str, float]:
    """The largest differences of a method's maps, which lie in [0, 1], from those of the whole batch.

    Args:
        classifier: one of `CLASSIFIERS`.
        explain: from images and classes to maps.
        count: of images.

    Returns:
        By comparison: `again`, `order` (the batch reversed), `company` (other images beside the first two),
        `batch of 1`, `batch of 2`, `threads` (two instead of one).
    """
    images, targets = scenes(classifier, 2 * count - 2)
    whole = explain(images[:count], targets[:count])
    others = torch.tensor([0, 1, *range(count, 2 * count - 2)])

    def far(maps: Tensor, wanted: Tensor = whole) -> float:
        return float((maps - wanted).abs().max())

    def pieces(size: int) -> Tensor:
        parts = zip(images[:count].split(size), targets[:count].split(size), strict=True)
        return torch.cat([explain(*part) for part in parts])

    found = {
        "again": far(explain(images[:count], targets[:count])),
        "order": far(explain(images[:count].flip(0), targets[:count].flip(0)).flip(0)),
        "company": far(explain(images[others], targets[others])[:2], whole[:2]),
        "batch of 1": far(pieces(1)),
        "batch of 2": far(pieces(2)),
    }
    with threads(2):
        return found | {"threads": far(explain(images[:count], targets[:count]))}


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
    """Compare, print, write; 1 if a map differs where it must not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.determinism", description=__doc__)
    parser.add_argument("--save", type=Path, help="only compute the maps, and store them")
    parser.add_argument("--compare", type=Path, help="compare with maps that another version or machine has stored")
    parser.add_argument("--output", type=Path, help="a folder for determinism.json")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if chosen.save or chosen.compare:
        from safetensors.torch import load_file, save_file

        maps = {name: explain(*scenes(classifier, COUNT)) for name, classifier, explain in methods()}
        if chosen.save:
            save_file({name: values.contiguous() for name, values in maps.items()}, chosen.save)
            return 0
        theirs = load_file(chosen.compare)
        rows = {name: {"other": float((values - theirs[name]).abs().max())} for name, values in maps.items()}
    else:
        rows = {}
        for name, classifier, explain in methods():
            rows[name] = differences(classifier, explain)
            print(f"{name:<24}" + "  ".join(f"{key} {value:.1e}" for key, value in rows[name].items()), flush=True)
    print(json.dumps({key: max(row[key] for row in rows.values()) for key in next(iter(rows.values()))}))
    if chosen.output:
        _write(chosen.output / "determinism.json", rows, chosen.compare)
    return int(any(row.get(key, 0) for row in rows.values() for key in SAME))


def _write(path: Path, rows: dict[str, dict[str, float]], compared: Path | None) -> None:
    from helpers.core.files import atomic_write

    about: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {"differences": {}}
    if compared is not None:
        about["other"] = compared.stem
    about |= {"machine": platform.platform(), "torch": torch.__version__, "images": COUNT}
    for name, row in rows.items():
        about["differences"].setdefault(name, {}).update(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, (json.dumps(about, indent=1) + "\n").encode())


if __name__ == "__main__":
    sys.exit(main())
