"""Attention rollout: what a vision transformer's class token has read, through all layers."""

from helpers.methods.rollout.capture import Attentions, capture_attention
from helpers.methods.rollout.method import AttentionRollout
from helpers.methods.rollout.multiply import class_token_relevance, discard_lowest, fuse_heads

__all__ = [
    "AttentionRollout",
    "Attentions",
    "capture_attention",
    "class_token_relevance",
    "discard_lowest",
    "fuse_heads",
]
