"""Table 3 of "What You See is What You Classify": the computing time of the masks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.papers.explainer.experiments import METHOD_NAMES

_PAPER_IMAGES = {"VOC-2007": 210, "COCO-2014": 1000}


def table_three(times: pd.DataFrame) -> pd.DataFrame:
    """One row per method: seconds per image, their ratio to the Explainer's, and the time for the paper's images."""
    explainer = float(times.loc[times["method"] == "explainer", "seconds_per_image"].iloc[0])
    rows = []
    for row in times.itertuples():
        projected = {
            f"{count} images ({name})": _clock(count * row.seconds_per_image) for name, count in _PAPER_IMAGES.items()
        }
        rows.append(
            {
                "method": METHOD_NAMES[str(row.method)],
                "seconds per image": f"{row.seconds_per_image:.3g}",
                "÷ Explainer": _ratio(row.seconds_per_image / explainer),
                **projected,
            }
        )
    return pd.DataFrame(rows)


def device_name(machine: Mapping[str, Any]) -> str:
    """The device of a machine, by its product name if known."""
    return machine["device_name"] or machine["device"]


def full_settings_words(machine: Mapping[str, Any]) -> str:
    """The searches' full settings and the machine on which they were timed, in a sentence."""
    return (
        "With 8,000 masks for RISE, 800 steps and four areas for Extremal Perturbations and 15 steps of 20 images each "
        f"for iGOS++, on {device_name(machine)} with {machine['threads']} thread(s), timed once:"
    )


def _ratio(ratio: float) -> str:
    """A ratio with three digits, and with thousands separators if it is large."""
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def _clock(seconds: float) -> str:
    """hh:mm:ss, as in the paper."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest:02d}"
