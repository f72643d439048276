"""Which classifier is it? The digests by which files of Explainers and SpaCE-VAEs know their own."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn


def state_digest(state: Mapping[str, Tensor]) -> str:
    """The SHA-256 of weights without a file: of names, types, shapes and values."""
    digest = hashlib.sha256()
    for key, value in state.items():
        digest.update(f"{key} {value.dtype} {tuple(value.shape)} ".encode())
        digest.update(_bytes(value))
    return digest.hexdigest()


def checksum(module: nn.Module) -> int:
    """A fast checksum of a module's weights, which notices that they have changed."""
    total = 0
    for value in module.state_dict().values():
        total = zlib.crc32(_bytes(value), total)
    return total


def weights_digest(classifier: nn.Module) -> str:
    """The digest by which a file knows its classifier.

    For a `Classifier` that is `Classifier.digest`, the SHA-256 of the weights that it was made from; for any other
    module the SHA-256 of its weights.

    Raises:
        ValueError: the weights of a `Classifier` have changed since it was loaded.
    """
    digest, loaded = getattr(classifier, "digest", None), getattr(classifier, "checksum", None)
    if digest is None:
        return state_digest(classifier.state_dict())
    if loaded is not None and checksum(classifier) != loaded:
        raise ValueError(
            "the weights of this classifier have changed since it was loaded, so it is another one: load it again, or "
            "make a new one with Classifier.of(classifier.network, ...)"
        )
    return str(digest)


def check_own_classifier(classifier: nn.Module, name: str, digest: str, what: str) -> None:
    """Raise a ValueError unless a classifier is the one that something was trained for.

    Args:
        classifier: the classifier at hand.
        name, digest: of the classifier in the metadata of a file.
        what: the name of the file and its kind, such as "net.safetensors, an Explainer,".
    """
    found = weights_digest(classifier)
    if found != digest:
        raise ValueError(
            f"{what} was trained for the classifier {name!r} (weights {digest[:12]}…), not for weights {found[:12]}…; "
            "load that classifier, or train for this one"
        )


def _bytes(value: Tensor) -> bytes:
    flat = value.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
