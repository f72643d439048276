"""The registry of metrics: each is one class with one line that says its name, direction, domain and needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from jaxtyping import Float
from torch import Tensor

from helpers.benchmark.case import Case, Trial
from helpers.core.names import known_names

Domain = Literal["order", "values", "picture"]
"""What a metric reads of a map: the order of its pixels, their values, or the picture that the map keeps."""

Truth = Literal["none", "where", "used"]
"""The truth that a metric needs: none, where the object is, or what the classifier used."""


class Metric(ABC):
    """A metric of maps.

    A new one is a class with a `__call__`, under a line `@register(...)`.
    """

    @abstractmethod
    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image; nan where it is not defined for the *image*, whatever its map."""


@dataclass(frozen=True)
class Entry:
    """A metric's line in the registry.

    Attributes:
        name: of the metric, in tables.
        metric: from a trial to scores.
        higher: whether higher is better.
        domain: what it reads of a map.
        truth: the truth that it needs.
        fill: what takes the place of removed pixels; empty if no pixels are removed.
    """

    name: str
    metric: Metric
    higher: bool
    domain: Domain
    truth: Truth = "none"
    fill: str = ""

    @property
    def family(self) -> str:
        """The name without the fill."""
        return self.name.removesuffix(f"-{self.fill}") if self.fill else self.name

    def goodness(self, trial: Trial) -> Float[Tensor, " batch"]:
        """The score with the sign by which higher is better."""
        return self.metric(trial) if self.higher else -self.metric(trial)


METRICS: dict[str, Entry] = {}
"""The metrics by name, in the order of the registry: see `load_metrics`."""

Class = TypeVar("Class", bound=type[Metric])


def register(
    name: str, *, higher: bool, domain: Domain, truth: Truth = "none", fills: Sequence[str] = ()
) -> Callable[[Class], Class]:
    """Enter a class of metrics into the registry.

    Args:
        name: of the metric, in tables.
        higher, domain, truth: see `Entry`.
        fills: what takes the place of removed pixels: one entry `name-fill` for each, whose class is given the fill.

    Raises:
        ValueError: there is another metric of this name.
    """

    def enter(metric: Class) -> Class:
        for fill in fills or ("",):
            full = f"{name}-{fill}" if fill else name
            if full in METRICS:
                raise ValueError(f"there is already a metric {full!r}")
            made = metric(fill) if fill else metric()  # type: ignore[call-arg]
            METRICS[full] = Entry(full, made, higher, domain, truth, fill)
        return metric

    return enter


def load_metrics(case: Case | None = None) -> dict[str, Entry]:
    """All registered metrics by name, or those that a case allows.

    Args:
        case: images without truth leave out the metrics that need it.
    """
    from helpers.benchmark import truth, without_truth  # noqa: F401 - they enter their metrics

    def allowed(entry: Entry) -> bool:
        if case is None or entry.truth == "none":
            return True
        return (case.region if entry.truth == "where" else case.parts) is not None

    return {name: entry for name, entry in METRICS.items() if allowed(entry)}


def find_metric(name: str) -> Entry:
    """The metric of that name.

    Raises:
        ValueError: there is none; the message lists those that exist.
    """
    metrics = load_metrics()
    if name not in metrics:
        raise ValueError(f"there is no metric {name!r}{known_names(name, metrics, 'the metrics are')}")
    return metrics[name]
