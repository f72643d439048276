"""The grid of patches behind the tokens of a vision transformer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

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
    """Raise a ValueError if the model is in training mode, or does not predict from a class token."""
    if model.training:
        raise ValueError("the model is in training mode, where dropout changes attention; call model.eval() first")
    network = unwrap_classifier(model)
    pool = getattr(network, "global_pool", "token")
    if isinstance(pool, str) and pool in ("avg", "avgmax", "max", "map", "prr") and _is_transformer(network):
        raise ValueError(
            f"this model predicts from its patches (global_pool={pool!r}), not from the class token, whose row is the "
            f"rollout; use a model with global_pool='token'. {ALTERNATIVES}"
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
    network, tokens = unwrap_classifier(model), counts.pop()
    prefix = _prefix_tokens(network)
    if prefix == 0:
        raise ValueError(
            "this model has no class token, whose row is the rollout; use one that has (ViT, DeiT; class_token=True). "
            f"{ALTERNATIVES}"
        )
    height, width = images.shape[-2:]
    rows, columns = _grid_size(network, height, width) or _grid_by_aspect(tokens - prefix, height, width)
    if rows * columns + prefix != tokens or abs(rows * width - columns * height) >= max(height, width):
        raise ValueError(
            f"this model attends over {tokens} tokens, which are not {prefix} and {rows} x {columns} patches; rollout "
            f"needs attention over all patches in every layer. {ALTERNATIVES}"
        )
    return TokenGrid(rows, columns, prefix)


def unwrap_classifier(model: nn.Module) -> nn.Module:
    """The network inside a `Classifier`, or the model itself."""
    inner = getattr(model, "network", None)
    return inner if isinstance(inner, nn.Module) else model


def _is_transformer(network: nn.Module) -> bool:
    """Whether a network of timm is a transformer: convolutional ones have a `global_pool` too."""
    return hasattr(network, "blocks") and hasattr(network, "patch_embed")


def _prefix_tokens(network: nn.Module) -> int:
    """The number of tokens before the patches; 0 without a class token."""
    count = getattr(network, "num_prefix_tokens", None)  # timm
    classes = getattr(network, "cls_token", None)
    if count is not None:
        return int(count) if isinstance(classes, Tensor) else 0
    if isinstance(getattr(network, "class_token", None), Tensor):  # torchvision
        return 1
    return 1 if isinstance(classes, Tensor) else 0


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
