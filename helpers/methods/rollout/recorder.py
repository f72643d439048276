"""Record the attention of every layer during a forward pass, without modifying the model.

A transformer computes `softmax(q k^T) v` in a fused operation, which hides the softmax, or in separate steps. A
`TorchFunctionMode` intercepts the calls of both: there are no hooks or flags to restore, even after an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from helpers.methods.rollout.tokens import ALTERNATIVES

Reduction = Callable[[Float[Tensor, "some heads tokens tokens"]], Tensor]

_SOFTMAXES = (Tensor.softmax, torch.softmax, functional.softmax, torch.special.softmax)
_CACHE = 2**18  # entries of attention per chunk on a CPU, so that a chunk stays in its cache


class AttentionRecorder(TorchFunctionMode):
    """A context manager that records the attention of each layer.

    Args:
        batch: number of images in the forward pass.
        reduce: applied to the attention of a chunk of images before it is stored; None stores all of it.
        keep_graph: record the attention in the autograd graph, even if the model is frozen.

    Attributes:
        layers: the stored attention, first layer first.

    Raises:
        ValueError: (during the forward pass) the model attends within windows.
    """

    def __init__(self, batch: int, reduce: Reduction | None = None, *, keep_graph: bool = False) -> None:
        super().__init__()
        self.batch, self.reduce, self.keep_graph = batch, reduce, keep_graph
        self.layers: list[Tensor] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Intercept attention, and forward every other call."""
        kwargs = kwargs or {}
        if func is functional.scaled_dot_product_attention:
            return self._fused(*args, **kwargs)
        if func is functional.multi_head_attention_forward and _is_plain(args, kwargs):
            return self._multi_head(*args, **kwargs)
        result = func(*args, **kwargs)
        if func in _SOFTMAXES and _is_attention(result, args, kwargs):
            return self._take(result)
        return result

    def _fused(self, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """PyTorch's fused attention in separate steps; attention pooling, with other queries than keys, is no layer."""
        mask = kwargs.get("attn_mask", args[0] if args else None)
        if query.shape[-2] != key.shape[-2] or kwargs.get("is_causal") or kwargs.get("enable_gqa"):
            return functional.scaled_dot_product_attention(query, key, value, *args, **kwargs)
        scale = kwargs.get("scale") or 1 / math.sqrt(query.shape[-1])
        return self._attend(query, key, value, mask, scale)

    def _multi_head(self, query: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, None]:
        """PyTorch's `nn.MultiheadAttention`, as torchvision uses it: (tokens, batch, features), no mask."""
        _, _, _, heads, weight, bias, _, _, _, _, out_weight, out_bias = args[:12]
        # (tokens, batch, 3, heads, features per head)
        projected = functional.linear(query, weight, bias).unflatten(-1, (3, heads, -1))
        q, k, v = projected.permute(2, 1, 3, 0, 4)  # each (batch, heads, tokens, features per head)
        attended = self._attend(q, k, v, None, 1 / math.sqrt(q.shape[-1]))  # like q
        return functional.linear(attended.permute(2, 0, 1, 3).flatten(2), out_weight, out_bias), None

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float) -> Tensor:
        """Attention in separate steps, without gradients in chunks of images."""
        self._check(query.shape[0], query.ndim)
        query = query * scale
        if self.keep_graph:
            attention = self._take(_softmax(query @ key.transpose(-2, -1), mask))
            return attention @ value
        chunk = max(1, len(query))
        if query.device.type == "cpu":
            chunk = min(chunk, max(1, _CACHE // (query.shape[1] * query.shape[2] ** 2)))
        reduced, results = [], []
        for first in range(0, len(query), chunk):
            rows = slice(first, first + chunk)
            row_mask = mask[rows] if mask is not None and mask.ndim == 4 and mask.shape[0] > 1 else mask
            attention = _softmax(query[rows] @ key[rows].transpose(-2, -1), row_mask)  # chunk, heads, tokens, tokens
            results.append(attention @ value[rows])
            reduced.append(self._reduced(attention))
        self.layers.append(torch.cat(reduced))
        return torch.cat(results)

    def _take(self, attention: Tensor) -> Tensor:
        """Store the attention of a layer for all images."""
        self._check(attention.shape[0], attention.ndim)
        if self.keep_graph and not attention.requires_grad:
            attention.requires_grad_()  # the first layer of a frozen model
        self.layers.append(self._reduced(attention))
        return attention

    def _reduced(self, attention: Tensor) -> Tensor:
        return attention if self.reduce is None else self.reduce(attention)

    def _check(self, first: int, dimensions: int) -> None:
        """Raise a ValueError for window attention, which enlarges the batch or adds a dimension."""
        if dimensions != 4 or first != self.batch:
            raise ValueError(
                "this model attends within windows (as Swin does), where no token attends to all others, without a "
                "class token, so rollout has no meaning; use a transformer with global attention (ViT, DeiT). "
                f"{ALTERNATIVES}"
            )


def _softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """The softmax over keys, after an added or a boolean mask."""
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    return scores.softmax(-1) if torch.is_grad_enabled() else torch.softmax(scores, -1, out=scores)


def _is_attention(result: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether the result of a softmax is attention: (batch, heads, tokens, tokens), normalised over the last axis."""
    if not isinstance(result, Tensor) or result.ndim < 4 or result.shape[-1] != result.shape[-2]:
        return False
    dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
    return dim in (-1, result.ndim - 1) and result.shape[-1] > 1


def _is_plain(args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether a call of `multi_head_attention_forward` is self-attention without masks and extra biases."""
    named = ("key_padding_mask", "attn_mask", "use_separate_proj_weight", "static_k", "static_v", "is_causal")
    plain = len(args) == 13 and args[0] is args[1] is args[2] and args[7] is args[8] is None and not args[9]
    return plain and not any(kwargs.get(name) is not None and kwargs.get(name) is not False for name in named)
