"""The metrics that Quantus has, too: the scores of the same maps by both libraries, and their time.

python -m benchmarks quantus
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

from torch import nn

from benchmarks.timing import medians, threads
from helpers.benchmark import Case, method_maps
from helpers.benchmark.outside import PAIRS, Compared, Pair
from helpers.benchmark.outside_tables import AGREE, compare
from helpers.benchmark.quantus_package import load_quantus
from helpers.benchmark.table import profile_case
from helpers.papers.recartoonx.experiments import Study

TARGET = 10
SCENES = 64
REPEATS = 3  # Quantus takes seconds for a curve


def run() -> list[dict]:
    """Median seconds of each metric by both for the Explainer's maps of some scenes, and how far the scores differ.

    The target is one for the metrics that read the map alone. Curves wait for the network, which both ask as often (for
    a deletion, Quantus three times as often): they can be faster only where curves are shared. The last lines measure
    the bound: how much of the time for curves is spent inside the network, and the ratio if ours took no time beside.

    Raises:
        QuantusMissingError: Quantus is not installed.
    """
    quantus = load_quantus()
    case = profile_case(Study("benchmark"), SCENES)
    maps = method_maps(case, ("explainer",))["explainer"]

    def ours(pairs: list[Pair]) -> None:
        compared = Compared(case, maps)
        for pair in pairs:
            pair.ours(compared)

    def theirs(pairs: list[Pair]) -> None:
        compared = Compared(case, maps)
        for pair in pairs:
            pair.theirs(quantus, compared)

    with threads(1):
        rows = [_agreement(quantus, case)]
        every = {f"{pair.name}, quantus.{pair.quantus}": [pair] for pair in PAIRS.values()}
        alone = [pair for pair in PAIRS.values() if not pair.curve]
        curves = [pair for pair in PAIRS.values() if pair.curve]
        every |= {f"the {len(alone)} metrics that read the map alone": alone, f"the {len(curves)} curves": curves}
        for name, pairs in every.items():
            times = medians([lambda pairs=pairs: ours(pairs), lambda pairs=pairs: theirs(pairs)], REPEATS)
            row = {"name": name, "ours_s": times[0], "reference_s": times[1], "ratio": times[1] / times[0]}
            rows.append(row | ({"target": TARGET} if pairs == alone else {}))
        with _inside(case.classifier) as network:
            ours(curves)
        with _inside(case.classifier) as its:
            theirs(curves)
    share = {"name": "share of our time for curves inside the network", "ratio": network.seconds / network.total}
    its_share = {"name": "share of Quantus' time for curves inside the network", "ratio": its.seconds / its.total}
    bound = {"name": "Quantus' time for curves over our time inside the network", "ours_s": network.seconds}
    return [*rows, share, its_share, bound | {"reference_s": its.total, "ratio": its.total / network.seconds}]


@dataclass
class _Clock:
    """Seconds inside a network, and of all."""

    seconds: float = 0
    total: float = 0
    begin: float = 0


@contextmanager
def _inside(network: nn.Module) -> Iterator[_Clock]:
    """Measure how long a network computes: what is left for a faster curve, since it must be asked."""
    clock = _Clock()

    def enter(*_: object) -> None:
        clock.begin = time.perf_counter()

    def leave(*_: object) -> None:
        clock.seconds += time.perf_counter() - clock.begin

    hooks = [network.register_forward_pre_hook(enter), network.register_forward_hook(leave)]
    begin = time.perf_counter()
    try:
        yield clock
    finally:
        clock.total = time.perf_counter() - begin
        for hook in hooks:
            hook.remove()


def _agreement(quantus: ModuleType, case: Case) -> dict:
    """The largest difference of a score, over what both libraries' scores may differ by."""
    tables = [compare(quantus, case, maps, name) for name, maps in method_maps(case).items()]
    counted = [table.loc[~table["tied"] & ~table["silent"], "difference"].max() for table in tables]
    name = f"largest difference from Quantus {quantus.__version__}, over {AGREE:g}"
    return {"name": name, "ratio": max(counted) / AGREE, "at_most": 1}
