"""Rows of the protocols' tables, and what the protocols share: a part of a case, and a method with other options."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.benchmark.case import Case, Trial
from helpers.benchmark.maps import maps_by
from helpers.benchmark.meter import forward_operations, operations_of
from helpers.benchmark.methods import CONTESTANTS, Contestant, contestants_for
from helpers.benchmark.runs import Images, stored_maps
from helpers.classifiers import Classifier
from helpers.core.statistics import Effect

SLOW = 200
"""The operations, in forward passes of the classifier, above which a method is slow and explains fewer images."""

_DECIMALS = 6


def effect_row(effect: Effect, **names: Any) -> dict[str, Any]:
    """A row with the names given, value, low, high (the 95 % interval) and n (units), rounded."""
    numbers = {"value": effect.value, "low": effect.low, "high": effect.high}
    return {**names, **{key: round(number, _DECIMALS) for key, number in numbers.items()}, "n": effect.count}


def part_of(case: Case, start: int, stop: int) -> Case:
    """Some images of a case, with their classes and without their truth: what a method is given."""
    rows = slice(start, stop)
    images = case.images[rows]
    return replace(case, images=images, targets=case.targets[rows], region=None, parts=None, fills={}, counted=None)


def base_maps(study: Any, contestant: Contestant, case: Case, count: int) -> Float[Tensor, "batch height width"]:
    """The maps of the first scenes of a case as the method comes, from the study's store or computed.

    Those of a reader's method, whose changes cannot be seen, are computed each time.

    Args:
        study: with the classifier and the store.
        contestant: the method.
        case: scenes of a profile, from the first.
        count: of the maps.
    """
    return changed_maps(study, contestant, None, case, count)


def changed_maps(
    study: Any,
    contestant: Contestant,
    method: Any,
    case: Case,
    count: int,
    *,
    change: str = "",
    seed: int | None = None,
) -> Float[Tensor, "batch height width"]:
    """The maps of the first scenes of a case after a change of the method, of its classifier, or of the scenes.

    They are stored like those of `base_maps`, so that a protocol that was cut off goes on where it stopped.

    Args:
        study: with the store.
        contestant: the method's line in the registry.
        method: the changed method; None for the method as it comes.
        case: with the scenes after the change, and the classifier that the method reads, or read before it was changed.
        count: of the maps.
        change: of the scenes, in words that no other change has; empty if they are those of the profile.
        seed: of the method, where it is another one.
    """
    part = part_of(case, 0, count)
    if CONTESTANTS.get(contestant.name) is not contestant:
        if method is None:
            return Trial(part, maps_by(contestant.make(case.classifier), part, contestant.name)).maps
        with global_seed(case.seed if seed is None else seed):  # for methods without a seed of their own
            return Trial(part, maps_by(method, part, contestant.name)).maps
    items = tuple(f"{study.profile.name} {number}{change and f' {change}'}" for number in range(len(case)))
    setting = {} if seed is None else {"seed": seed}
    maps, _, _ = stored_maps(study, contestant, Images(case, items), setting, count, made=method)
    return Trial(part, maps).maps


def option_of(method: Any, names: tuple[str, ...]) -> str | None:
    """The first of some options that a method has; None if it has none of them."""
    options = getattr(method, "options", None)
    if not is_dataclass(options):
        return None
    known = {field.name for field in fields(options)}
    return next((name for name in names if name in known), None)


def with_option(method: Any, name: str, value: Any) -> Any:
    """A copy of a method with another value of an option."""
    changed = copy.copy(method)
    changed.options = replace(method.options, **{name: value})
    return changed


def is_slow(contestant: Contestant, method: Any, case: Case) -> bool:
    """Whether a method is called slow in the registry, or takes more than `SLOW` forward passes."""
    return contestant.slow or price(method, case) > SLOW


def contestants(classifier: Classifier) -> list[Contestant]:
    """The methods and controls that can explain a classifier, each as it comes.

    Methods that differ from an earlier one by a chosen setting alone, such as CartoonX at a rate, are left out: without
    the setting they are that method again.
    """
    found: list[Contestant] = []
    seen: list[tuple[type, Any]] = []
    for contestant in contestants_for(classifier):
        method = contestant.make(classifier)
        key = (type(method), getattr(method, "options", None))
        if key[1] is None or key not in seen:
            found.append(contestant)
        seen.append(key)
    return found


def own_network(method: Any) -> nn.Module | None:
    """The network that was trained for this method alone, such as an Explainer's; None for most methods."""
    network = getattr(method, "network", None)
    return network if isinstance(network, nn.Module) else None


def remade(contestant: Contestant, method: Any, classifier: Classifier) -> Any:
    """The method for a randomised classifier; one with a network of its own keeps it, since nobody trains it again."""
    if own_network(method) is None:
        return contestant.make(classifier)
    changed = copy.copy(method)
    changed.classifier = classifier
    return changed


@contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """Begin PyTorch's global random numbers anew inside the block, for methods without a seed of their own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def price(method: Any, case: Case) -> float:
    """The operations of a method for one image, in forward passes of the classifier; the same on every machine."""
    one = part_of(case, 0, 1)
    return operations_of(lambda: maps_by(method, one, "the method")) / forward_operations(case.classifier, one.images)
