"""The optimisers of the recipes."""

from __future__ import annotations

import torch
from timm.optim import Muon
from torch import nn

from helpers.training.options import TrainingOptions

_MUON_RATE = 10  # times the learning rate: Muon's steps are of unit size, AdamW's follow the gradient's noise


def make_optimiser(module: nn.Module, options: TrainingOptions) -> torch.optim.Optimizer:
    """The optimiser of a module's parameters; no weight decay on biases and normalisations."""
    rate, decay = options.learning_rate, options.weight_decay
    blocks = [
        parameter
        for name, parameter in module.named_parameters()
        if options.optimiser == "muon" and ".blocks." in name and parameter.ndim == 2
    ]
    known = {id(parameter) for parameter in blocks}
    flat = [p for p in module.parameters() if p.ndim <= 1]
    others = [p for p in module.parameters() if p.ndim > 1 and id(p) not in known]
    groups = [{"params": others, "weight_decay": decay}, {"params": flat, "weight_decay": 0.0}]
    if options.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=rate)
    if not blocks:
        raise ValueError(f"optimiser='muon' is for transformers, but {options.architecture} has no blocks; use 'adamw'")
    by_adamw = [{**group, "lr": rate, "use_fallback": True} for group in groups]
    by_muon = {"params": blocks, "weight_decay": decay, "lr": _MUON_RATE * rate, "adjust_lr_fn": "original"}
    return Muon([by_muon, *by_adamw], lr=rate, nesterov=True)
