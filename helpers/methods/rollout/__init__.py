"""Attention rollout: the flow of attention to a vision transformer's class token, through all layers."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "Attentions": "helpers.methods.rollout.capture",
        "capture_attention": "helpers.methods.rollout.capture",
        "AttentionRollout": "helpers.methods.rollout.method",
        "class_token_relevance": "helpers.methods.rollout.multiply",
        "discard_lowest": "helpers.methods.rollout.multiply",
        "fuse_heads": "helpers.methods.rollout.multiply",
    },
)
