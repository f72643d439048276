"""The metrics that Quantus has, too: the scores of the same maps by both libraries, and their time.

python -m benchmarks quantus
"""

from __future__ import annotations

from types import ModuleType

from benchmarks.timing import medians, threads
from helpers.benchmark import Case, method_maps
from helpers.benchmark.outside import PAIRS, Compared, Pair, load_quantus
from helpers.benchmark.outside_tables import AGREE, compare
from helpers.benchmark.table import profile_case
from helpers.papers.recartoonx.experiments import Study

TARGET = 10
SCENES = 64
REPEATS = 3  # Quantus takes seconds for a curve


def run() -> list[dict]:
    """Median seconds of each metric by both for the Explainer's maps of some scenes, and how far the scores differ.

    The target is one for the metrics that read the map alone. Curves wait for the network, which both ask as often (for
    a deletion, Quantus three times as often): they can be faster only where curves are shared, as in the last line.

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
    return rows


def _agreement(quantus: ModuleType, case: Case) -> dict:
    """The largest difference of a score, over what both libraries' scores may differ by."""
    tables = [compare(quantus, case, maps, name) for name, maps in method_maps(case).items()]
    counted = [table.loc[~table["tied"] & ~table["silent"], "difference"].max() for table in tables]
    name = f"largest difference from Quantus {quantus.__version__}, over {AGREE:g}"
    return {"name": name, "ratio": max(counted) / AGREE, "at_most": 1}
