"""Black explanations, and what an image's own λk makes of them: [Re] CartoonX, section 4.2, and beyond it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from time import perf_counter

import pandas as pd
from torch import Tensor

from helpers.methods.rde import explain_at
from helpers.papers.recartoonx.experiments.convergence import searched
from helpers.papers.recartoonx.experiments.study import NUMERICS, Study, running_code
from helpers.results import ItemStore, results_folder, run_key

EVALUATION_SAMPLES = 64
BLACK = 0.05  # a cartoon is black where its mean is below this share of the image's
PRICES = ("fixed", "relative", "own")


def price_table(study: Study) -> pd.DataFrame:
    """The least sure images under three prices: one λk for all, the same for relative distortion, and one an image.

    An image's own λk is the one at which the distortion is the wanted share of that of an output of zeros. The images
    are the least sure ones, since of a sure one the first two prices are the same.

    Returns:
        Columns image, model (cnn or vit), confidence, price (fixed, relative, own), sparsity_weight (λk), distortion
        (label, relative to p²), standard_error, sparsity (‖s‖₁/k), brightness (the cartoon's mean ÷ the image's),
        black (brightness below 0.05), seconds.
    """
    rows = []
    for model, source, count in searched(study):
        for place in least_sure(source, count):
            image = source.images.images[place : place + 1]
            about = {"image": source.images.names[place], "model": model}
            about["confidence"] = float(source.predictions[1][place])
            rows += [{**about, **row} for row in _three_prices(source, place, image)]
    return pd.DataFrame(rows)


def price_seconds(study: Study) -> float:
    """How long the masks took to find in all, of every run that contributed."""
    return sum(
        _found(source, place, price)[2]
        for _, source, count in searched(study)
        for place in least_sure(source, count)
        for price in PRICES
    )


def least_sure(source: Study, count: int) -> list[int]:
    """The places of the images whose predictions are the least sure, in the images' order."""
    return source.predictions[1].argsort(stable=True)[:count].sort().values.tolist()


def _three_prices(source: Study, place: int, image: Tensor) -> Iterator[dict[str, object]]:
    method, relative = source.method("cartoonx"), source.method("cartoonx", relative=True)
    problem = relative.problem(image.to(source.device))
    for price in PRICES:
        mask, weight, seconds = _found(source, place, price)
        measured = problem.evaluate(mask.to(source.device), samples=EVALUATION_SAMPLES, seed=source.profile.seed + 1)
        grey = problem.representation.analyse(image.mean(1, keepdim=True).to(source.device))
        cartoon = problem.representation.synthesise(mask.to(source.device) * grey).clamp(0, 1)
        bright = float(cartoon.mean() / image.mean().clamp_min(1e-6))
        yield {
            "price": price,
            "sparsity_weight": method.options.sparsity_weight if weight is None else weight,
            "distortion": float(measured["distortion"][0]),
            "standard_error": float(measured["distortion_error"][0]),
            "sparsity": float(measured["sparsity"][0]),
            "brightness": bright,
            "black": bright < BLACK,
            "seconds": seconds,
        }


def _found(source: Study, place: int, price: str) -> tuple[Tensor, float | None, float]:
    """The mask of one image at a price, its own λk where it has one, and the seconds that it took; stored."""
    if price == "own":
        return _own(source, place)
    one = Study(source.profile, root=source.root, images=source.images[place : place + 1])
    changes = {"relative": True} if price == "relative" else {}
    mask = one.explain("cartoonx", **changes).representation_mask
    return mask, None, one.seconds("cartoonx", **changes)[0]


def _own(source: Study, place: int) -> tuple[Tensor, float, float]:
    method, wanted = source.method("cartoonx", relative=True), source.profile.search.distortion
    key = run_key(
        what="own-price",
        distortion=wanted,
        options=asdict(method.options),
        transform=source.profile.cartoonx.transform,
        classifier=source.classifier.digest,
        normalise=source.profile.classifier.normalise,
        code=running_code(*NUMERICS),
    )
    store = ItemStore(results_folder(source.profile, source.root) / "work" / "prices", key)
    item = source.items[place]
    if store.missing([item]):
        begin = perf_counter()
        found = explain_at(method, source.images.images[place : place + 1].to(source.device), distortion=wanted)
        tensors = {"mask": found.explanation.representation_mask, "weight": found.sparsity_weights}
        store.save(item, tensors, {"seconds": perf_counter() - begin})
    stored = store.load(item)
    return stored.tensors["mask"], float(stored.tensors["weight"][0]), stored.metadata["seconds"]
