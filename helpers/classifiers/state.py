"""Weights that must fit their network exactly."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn


def load_state(network: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Load weights, which must fit exactly.

    Raises:
        ValueError: keys or shapes differ; the message lists up to five of them.
    """
    expected = network.state_dict()
    # files from before 2018 lack the numbers of batches, which eval mode does not use
    batch_counts = {key: value for key, value in expected.items() if key.endswith("num_batches_tracked")}
    state = {**batch_counts, **state}
    problems = [f"{key} is missing" for key in expected if key not in state]
    problems += [f"{key} is not in the network" for key in state if key not in expected]
    problems += [
        f"{key} has shape {tuple(state[key].shape)}, expected {tuple(value.shape)}"
        for key, value in expected.items()
        if key in state and state[key].shape != value.shape
    ]
    if problems:
        shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
        raise ValueError(f"the weights of {source} do not fit the network: {shown}; check architecture and model_args")
    complete = OrderedDict(state)
    complete._metadata = expected._metadata  # type: ignore[attr-defined]  # the layers' versions, which files lack
    network.load_state_dict(complete)


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights with today's keys: torchvision's DenseNet files have `norm.1` instead of `norm1`."""
    pattern = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.")
    return {pattern.sub(r"\1\2.", key): value for key, value in state.items()}
