"""The training of a small network within seconds, in memory: nothing is stored or resumed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from helpers.training.finite import NonFiniteTrainingError


def train_in_memory(
    weights: Iterable[nn.Parameter],
    loss: Callable[[], Tensor],
    *,
    steps: int,
    rate: float,
    weight_decay: float = 0.01,
) -> None:
    """Train by AdamW with one cycle of the learning rate. What takes longer goes through `fit`.

    Args:
        weights: of the network, changed in place.
        loss: of one step, a scalar; called once per step.
        steps: of the training.
        rate: the largest learning rate.
        weight_decay: of AdamW.

    Raises:
        NonFiniteTrainingError: the last loss is NaN or infinite, as all are after the first that is.
    """
    optimiser = torch.optim.AdamW(weights, lr=rate, weight_decay=weight_decay)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    value = torch.zeros(())
    for _ in range(steps):
        value = loss()
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        optimiser.step()
        cycle.step()
    if not torch.isfinite(value):
        raise NonFiniteTrainingError(f"the loss is {float(value)} after {steps} steps; a lower rate may help")
