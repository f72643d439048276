"""The grid of patches behind the tokens of a vision transformer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

_CLASS_TOKENS = ("cls_token", "class_token", "class_embedding")  # timm and transformers, torchvision, CLIP
_OTHER_TOKENS = ("distillation_token", "dist_token", "register_tokens", "reg_token")
ALTERNATIVES = "CartoonX and Pixel RDE (helpers.methods.rde) explain any classifier"


@dataclass(frozen=True)
class TokenGrid:
    """The tokens of an image: prefix tokens, the class token first, then the patches row by row.

    Attributes:
        rows, columns: of patches.
        prefix: number of tokens before them (class token, distillation token, registers).
    """

    rows: int
    columns: int
    prefix: int

    def __len__(self) -> int:
        """The total number of tokens."""
        return self.prefix + self.rows * self.columns


def check_class_token(model: nn.Module) -> None:
    """Raise a ValueError if the transformer inside the model predicts from its patches, not from a class token."""
    for module in model.modules():
        pool = _pooling(module)
        if pool is not None:
            raise ValueError(
                f"this model predicts from its patches ({pool}), not from the class token, whose row is the rollout; "
                f"use a model that predicts from the class token (in timm: global_pool='token'). {ALTERNATIVES}"
            )


def token_grid(model: nn.Module, images: Tensor, layers: Sequence[Tensor]) -> TokenGrid:
    """The grid of patches of the tokens in recorded attention.

    Raises:
        ValueError: there is no attention, the layers differ in their tokens, there is no class token, or the tokens
            are not the model's patches.
    """
    counts = {layer.shape[-1] for layer in layers}
    if not counts:
        raise ValueError(
            f"this model has no attention over tokens, so there is nothing to roll out; use a vision transformer (such "
            f"as deit_tiny_patch16_224). {ALTERNATIVES}"
        )
    if len(counts) > 1:
        raise ValueError(
            f"this model's layers attend over {sorted(counts)} tokens; rollout needs the same tokens in all layers: "
            f"use a transformer that keeps them (ViT, DeiT). {ALTERNATIVES}"
        )
    network, tokens = _with_class_token(model), counts.pop()
    prefix = _prefix_tokens(network)
    if prefix == 0:
        raise ValueError(
            "this model has no class token, whose row is the rollout: none of its modules has a parameter "
            f"{' or '.join(_CLASS_TOKENS)}; use one that has (ViT, DeiT; class_token=True). {ALTERNATIVES}"
        )
    height, width = images.shape[-2:]
    rows, columns = _grid_size(network, height, width) or _grid_by_aspect(tokens - prefix, height, width)
    if rows * columns + prefix != tokens or abs(rows * width - columns * height) >= max(height, width):
        raise ValueError(
            f"this model attends over {tokens} tokens, which are not {prefix} and {rows} x {columns} patches; rollout "
            f"needs attention over all patches in every layer. {ALTERNATIVES}"
        )
    return TokenGrid(rows, columns, prefix)


def _pooling(module: nn.Module) -> str | None:
    """How a transformer averages its patches, as its library says it; None for others and where it does not."""
    pool = getattr(module, "global_pool", None)  # timm, whose convolutional networks have it too
    if isinstance(pool, str) and pool in ("avg", "avgmax", "max", "map", "prr") and _is_transformer(module):
        return f"global_pool={pool!r}"
    if getattr(module, "pool", None) == "mean" and hasattr(module, "transformer"):  # vit-pytorch
        return "pool='mean'"
    if getattr(getattr(module, "config", None), "use_mean_pooling", False):  # transformers' BEiT
        return "use_mean_pooling=True"
    return None


def _is_transformer(network: nn.Module) -> bool:
    """Whether a network of timm is a transformer."""
    return hasattr(network, "blocks") and hasattr(network, "patch_embed")


def _with_class_token(model: nn.Module) -> nn.Module:
    """The first module that has a class token, in whatever wrappers; the model itself if none has."""
    return next((module for module in model.modules() if _token_counts(module, _CLASS_TOKENS)), model)


def _prefix_tokens(network: nn.Module) -> int:
    """The number of tokens before the patches; 0 without a class token."""
    if not _token_counts(network, _CLASS_TOKENS):
        return 0
    count = getattr(network, "num_prefix_tokens", None)  # timm
    return int(count) if count is not None else sum(_token_counts(network, _CLASS_TOKENS + _OTHER_TOKENS))


def _token_counts(module: nn.Module, names: Sequence[str]) -> list[int]:
    """The numbers of tokens in a module's parameters of these names, each (..., tokens, features) or (features,)."""
    values = [getattr(module, name, None) for name in names]
    return [value.shape[-2] if value.ndim > 1 else 1 for value in values if isinstance(value, Tensor)]


def _grid_size(network: nn.Module, height: int, width: int) -> tuple[int, int] | None:
    """The grid of the model's patch embedding; None if it is not known."""
    feature_size = getattr(getattr(network, "patch_embed", None), "dynamic_feat_size", None)  # timm
    if callable(feature_size):
        rows, columns = feature_size((height, width))
        return int(rows), int(columns)
    side = getattr(network, "patch_size", None)  # torchvision
    return (height // side, width // side) if isinstance(side, int) else None


def _grid_by_aspect(patches: int, height: int, width: int) -> tuple[int, int]:
    """The grid of this number of patches whose aspect ratio is closest to the image's."""
    divisors = [rows for rows in range(1, patches + 1) if patches % rows == 0]
    rows = min(divisors, key=lambda rows: abs(rows * rows * width - patches * height), default=1)
    return rows, patches // rows
