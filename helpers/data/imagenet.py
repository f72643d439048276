"""The names of ImageNet's 1000 classes."""

from __future__ import annotations

from functools import cache


@cache
def imagenet_class_names() -> tuple[str, ...]:
    """The 1000 class names of ImageNet-1k in torchvision's order (that of the sorted WordNet ids)."""
    from torchvision.models import MobileNet_V3_Small_Weights

    return tuple(MobileNet_V3_Small_Weights.IMAGENET1K_V1.meta["categories"])
