"""Record the attention of every layer during a forward pass, without modifying the model.

A transformer computes `softmax(q k^T) v` in a fused operation, which hides the softmax, or in separate steps. A
`TorchFunctionMode` intercepts the calls of both: there are no hooks or flags to restore, even after an error.
"""

from __future__ import annotations

import inspect
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
_MULTI_HEAD = inspect.signature(functional.multi_head_attention_forward)
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
        if func is functional.multi_head_attention_forward:
            return self._multi_head(*args, **kwargs)
        result = func(*args, **kwargs)
        if func not in _SOFTMAXES or not _is_attention(result, args, kwargs):
            return result
        if result.ndim > 3:
            return self._take(result)
        if len(result) % self.batch:
            return result
        return self._take(result.unflatten(0, (self.batch, -1))).flatten(0, 1)  # heads along the first axis

    def _fused(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        *,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        """PyTorch's fused attention in separate steps; attention pooling, with other queries than keys, is no layer."""
        if query.shape[-2] != key.shape[-2]:
            return functional.scaled_dot_product_attention(
                query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
            )
        if enable_gqa:
            key, value = (
                each.repeat_interleave(query.shape[-3] // each.shape[-3], -3, output_size=query.shape[-3])
                for each in (key, value)
            )
        if is_causal:
            attn_mask = torch.ones(query.shape[-2], query.shape[-2], dtype=torch.bool, device=query.device).tril()
        return self._attend(query, key, value, attn_mask, scale or 1 / math.sqrt(query.shape[-1]))[0]

    def _multi_head(self, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor | None]:
        """PyTorch's `nn.MultiheadAttention`: (tokens, batch, features), with or without the weights in its result."""
        call = _MULTI_HEAD.bind(*args, **kwargs)
        call.apply_defaults()
        a = call.arguments
        inputs = (a["query"], a["key"], a["value"])
        if inputs[0].ndim != 3 or len(inputs[0]) != len(inputs[1]):  # unbatched, or attention pooling: no layer
            return functional.multi_head_attention_forward(*args, **kwargs)
        if a["add_zero_attn"] or any(a[name] is not None for name in ("bias_k", "bias_v", "static_k", "static_v")):
            raise ValueError(
                f"this model attends to keys that are no tokens (bias_k, add_zero_attn), so rollout has no meaning. "
                f"{ALTERNATIVES}"
            )
        separate = [a[name] for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight")]
        weights = separate if a["use_separate_proj_weight"] else a["in_proj_weight"].chunk(3)
        biases = (None,) * 3 if a["in_proj_bias"] is None else a["in_proj_bias"].chunk(3)
        query, key, value = (
            functional.linear(tokens, weight, bias).unflatten(-1, (a["num_heads"], -1)).permute(1, 2, 0, 3)
            for tokens, weight, bias in zip(inputs, weights, biases, strict=True)
        )  # each (batch, heads, tokens, features per head)
        mask = _added_mask(a["attn_mask"], a["key_padding_mask"], query)
        scale = 1 / math.sqrt(query.shape[-1])
        attended, attention = self._attend(query, key, value, mask, scale, return_attention=a["need_weights"])
        if attention is not None and a["average_attn_weights"]:
            attention = attention.mean(1)
        attended = attended.permute(2, 0, 1, 3).flatten(2)  # tokens, batch, features
        return functional.linear(attended, a["out_proj_weight"], a["out_proj_bias"]), attention

    def _attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        scale: float,
        *,
        return_attention: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attention in separate steps, without gradients in chunks of images; and the attention, if asked for."""
        self._check(query.shape[0], query.ndim)
        query = query * scale
        if self.keep_graph:
            attention = self._take(_softmax(query @ key.transpose(-2, -1), mask))
            return attention @ value, attention if return_attention else None
        chunk = max(1, len(query))
        if query.device.type == "cpu":
            chunk = min(chunk, max(1, _CACHE // (query.shape[1] * query.shape[2] ** 2)))
        reduced, results, kept = [], [], []
        for first in range(0, len(query), chunk):
            rows = slice(first, first + chunk)
            row_mask = mask[rows] if mask is not None and mask.ndim == 4 and mask.shape[0] > 1 else mask
            attention = _softmax(query[rows] @ key[rows].transpose(-2, -1), row_mask)  # chunk, heads, tokens, tokens
            results.append(attention @ value[rows])
            reduced.append(self._reduced(attention))
            kept += [attention] if return_attention else []
        self.layers.append(torch.cat(reduced))
        return torch.cat(results), torch.cat(kept) if return_attention else None

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


def _added_mask(mask: Tensor | None, padding: Tensor | None, query: Tensor) -> Tensor | None:
    """The masks of `nn.MultiheadAttention`, where True hides, as one that is added to the scores."""
    total = None
    if mask is not None:
        mask = mask.unflatten(0, query.shape[:2]) if mask.ndim == 3 else mask
        total = _added(mask, query)
    if padding is not None:
        padding = _added(padding, query)[:, None, None]  # batch, 1, 1, tokens
        total = padding if total is None else total + padding
    return total


def _added(mask: Tensor, like: Tensor) -> Tensor:
    zeros = torch.zeros(mask.shape, dtype=like.dtype, device=like.device)
    return zeros.masked_fill(mask, -torch.inf) if mask.dtype == torch.bool else mask.to(like)


def _is_attention(result: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether the result of a softmax is attention: (..., tokens, tokens), normalised over the last axis.

    Before that come batch and heads, as two axes or as one.
    """
    if not isinstance(result, Tensor) or result.ndim < 3 or result.shape[-1] != result.shape[-2]:
        return False
    dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
    return dim in (-1, result.ndim - 1) and result.shape[-1] > 1
