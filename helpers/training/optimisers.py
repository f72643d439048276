"""Optimisers and learning-rate schedules shared by all trainings."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def adamw(module: nn.Module, learning_rate: float, weight_decay: float, **options: Any) -> torch.optim.AdamW:
    """AdamW without weight decay on biases and normalisations.

    Args:
        module: the module whose parameters are optimised.
        learning_rate: the learning rate.
        weight_decay: the weight decay of matrices and convolutions.
        options: further options of `torch.optim.AdamW`.
    """
    flat = [p for p in module.parameters() if p.ndim <= 1]
    others = [p for p in module.parameters() if p.ndim > 1]
    groups = [{"params": others, "weight_decay": weight_decay}, {"params": flat, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, **options)


def with_one_cycle(optimiser: torch.optim.Optimizer, steps: int, rising: float, **options: Any) -> dict[str, Any]:
    """An optimiser with a one-cycle schedule of its learning rate, in Lightning's format.

    Args:
        optimiser: the optimiser, with the highest learning rate of the cycle.
        steps: number of steps of the whole training.
        rising: share of the steps over which the rate rises.
        options: further options of `OneCycleLR`.
    """
    highest = [group["lr"] for group in optimiser.param_groups]
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, highest, total_steps=steps, pct_start=rising, **options)
    return {"optimizer": optimiser, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}
