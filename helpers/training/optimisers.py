"""What the optimisers of all trainings share."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def adamw(module: nn.Module, learning_rate: float, weight_decay: float, **options: Any) -> torch.optim.AdamW:
    """AdamW without weight decay on biases and normalisations."""
    flat = [p for p in module.parameters() if p.ndim <= 1]
    others = [p for p in module.parameters() if p.ndim > 1]
    groups = [{"params": others, "weight_decay": weight_decay}, {"params": flat, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, **options)


def with_one_cycle(optimiser: torch.optim.Optimizer, steps: int, rising: float, **options: Any) -> dict[str, Any]:
    """An optimiser with one rise and fall of its learning rate over all steps, as Lightning takes it.

    Args:
        optimiser: its learning rate is the highest one of the cycle.
        steps: of the whole training.
        rising: share of the steps over which the rate rises.
        options: further ones of `OneCycleLR`.
    """
    highest = [group["lr"] for group in optimiser.param_groups]
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, highest, total_steps=steps, pct_start=rising, **options)
    return {"optimizer": optimiser, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}
