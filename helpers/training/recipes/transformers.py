"""Patch labels and sine-wave positions, with which small vision transformers learn from few scenes."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

_AMPLITUDE = 0.3  # of the initial sine waves, where patch embeddings are about 1


class PatchLabels(nn.Module):
    """A loss in which each token predicts the class visible in its patch (token labelling: Jiang et al., NeurIPS 2021).

    One label per image gives little information to a network that has yet to learn which patches are neighbours,
    whereas the class at every pixel of a scene is known.

    Args:
        network: a vision transformer of timm.
        classes: number of classes, with the background.

    Raises:
        ValueError: the network has no tokens.
    """

    def __init__(self, network: nn.Module, classes: int) -> None:
        super().__init__()
        if not hasattr(network, "num_prefix_tokens"):
            raise ValueError("token_weight is for timm's vision transformers, which have a token for each patch")
        self.first = int(network.num_prefix_tokens)  # type: ignore[arg-type]
        self.head = nn.Linear(int(network.num_features), classes)  # type: ignore[arg-type]

    def forward(
        self, tokens: Float[Tensor, "batch tokens features"], class_maps: UInt8[Tensor, "batch rows columns"]
    ) -> Float[Tensor, ""]:
        """The cross-entropy between the tokens' predictions and the shares of the classes in their patches.

        Args:
            tokens: the network's output, with those of patches in a square grid.
            class_maps: the class at each position of the images.
        """
        logits = self.head(tokens[:, self.first :]).transpose(1, 2)  # (batch, classes, patches)
        side = round(logits.shape[2] ** 0.5)
        shares = functional.one_hot(class_maps.long(), logits.shape[1]).movedim(3, 1).to(logits.dtype)
        return functional.cross_entropy(logits, functional.adaptive_avg_pool2d(shares, side).flatten(2))


@torch.no_grad()
def initialise_positions(network: nn.Module) -> None:
    """Initialise learned position embeddings with sine waves of row and column (Beyer et al., 2022).

    Networks without position embeddings of patches in a square grid are not changed.
    """
    embedding = getattr(network, "pos_embed", None)
    if not isinstance(embedding, nn.Parameter) or embedding.ndim != 3 or embedding.shape[2] % 4:
        return
    prefix = int(getattr(network, "num_prefix_tokens", 0))
    side = round((embedding.shape[1] - prefix) ** 0.5)
    if side * side + prefix != embedding.shape[1]:
        return
    waves = embedding.shape[2] // 4
    frequencies = 1000 ** (-torch.arange(waves) / waves)
    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    x, y = (index.flatten()[:, None] * frequencies for index in (column, row))
    embedding[0, prefix:] = _AMPLITUDE * torch.cat([x.sin(), x.cos(), y.sin(), y.cos()], dim=1)
