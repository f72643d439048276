"""The codebook: the nearest code of each vector, learned by moving averages."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, distributed, nn
from torch.nn import functional

_STRIDE = 7919  # a prime: which of a batch's vectors restart_dead_codes dead codes walks through all places


class Quantised(NamedTuple):
    """What a quantiser answers.

    Attributes:
        vectors: the nearest code of each vector; its gradient goes to the vector as if nothing had been rounded.
        codes: the codes' numbers.
        commitment: mean squared distance between the vectors and their codes, which only the vectors feel.
    """

    vectors: Float[Tensor, "batch embedding height width"]
    codes: Int[Tensor, "batch height width"]
    commitment: Float[Tensor, ""]


class VectorQuantiser(nn.Module):
    """Replace each vector by the nearest of `codes` vectors (van den Oord et al., 2017; SpaCE-VAE, equation 5).

    The codebook follows moving averages of the vectors that chose each code, an online k-means (appendix A.1 of van den
    Oord et al.). It lies in buffers, not parameters: no optimiser touches it, checkpoints hold it, and processes that
    train together add up what they saw. A code that hardly any vector chooses is moved onto a vector of the batch; at
    the first step all codes are, so the codebook begins where the encoder's answers are.

    Args:
        codes: how many.
        embedding: their length.
        decay: of the moving averages, in [0, 1).
        epsilon: of the Laplace smoothing of the counts.
        dead_below: share of the average use below which a code is dead; 0: codes begin as standard normal vectors and
            are never revived, as in the published code.
    """

    codebook: Tensor
    counts: Tensor
    sums: Tensor
    steps: Tensor

    def __init__(
        self, codes: int, embedding: int, *, decay: float = 0.99, epsilon: float = 1e-5, dead_below: float = 0.01
    ) -> None:
        super().__init__()
        self.decay, self.epsilon, self.dead_below = decay, epsilon, dead_below
        start = torch.randn(codes, embedding)
        self.register_buffer("codebook", start)
        self.register_buffer("counts", torch.zeros(codes))
        self.register_buffer("sums", torch.zeros_like(start) if dead_below else start.clone())
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def forward(self, vectors: Float[Tensor, "batch embedding height width"]) -> Quantised:
        """The nearest code of each vector; in training mode the codebook moves afterwards."""
        flat = vectors.movedim(1, -1).flatten(0, 2).float()
        if self.training and self.dead_below:
            self._revive(flat.detach())
        codes = self.nearest(flat.detach())
        chosen = (
            functional.embedding(codes, self.codebook).unflatten(0, vectors.movedim(1, -1).shape[:3]).movedim(-1, 1)
        )
        if self.training:
            self._follow(flat.detach(), codes)
        commitment = functional.mse_loss(vectors.float(), chosen)
        # straight through: the value of the code, the gradient of the vector
        straight = vectors + (chosen.to(vectors.dtype) - vectors).detach()
        return Quantised(straight, codes.reshape(vectors.shape[0], *vectors.shape[2:]), commitment)

    def nearest(self, vectors: Float[Tensor, "vectors embedding"]) -> Int[Tensor, " vectors"]:
        """The number of the nearest code of each vector."""
        # half precision would confuse codes that lie close together
        with torch.autocast(vectors.device.type, enabled=False):
            # the vector's own length is the same for all codes
            return torch.addmm(self.codebook.square().sum(1), vectors, self.codebook.T, alpha=-2).argmin(1)

    def look_up(self, codes: Int[Tensor, "batch height width"]) -> Float[Tensor, "batch embedding height width"]:
        """The vectors of some codes."""
        return functional.embedding(codes, self.codebook).movedim(-1, 1)

    @torch.no_grad()
    def _follow(self, vectors: Float[Tensor, "vectors embedding"], codes: Int[Tensor, " vectors"]) -> None:
        """Move each code towards the mean of the vectors that chose it."""
        seen = torch.zeros_like(self.sums).index_add_(0, codes, vectors)
        count = torch.zeros_like(self.counts).index_add_(0, codes, torch.ones_like(vectors[:, 0]))
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(seen)
            distributed.all_reduce(count)
        self.counts.mul_(self.decay).add_(count, alpha=1 - self.decay)
        self.sums.mul_(self.decay).add_(seen, alpha=1 - self.decay)
        total = self.counts.sum()
        smooth = (self.counts + self.epsilon) / (total + len(self.counts) * self.epsilon) * total
        self.codebook.copy_(self.sums / smooth[:, None])
        self.steps.add_(1)

    @torch.no_grad()
    def _revive(self, vectors: Float[Tensor, "vectors embedding"]) -> None:
        """Put each dead code onto a vector of the batch, with the average use; all processes the same ones."""
        codes = len(self.counts)
        # which vectors depends on the step alone: nothing random, nothing that stops a compiler
        places = torch.arange(codes, device=vectors.device) * max(1, len(vectors) // codes) + self.steps * _STRIDE
        found = vectors[places % len(vectors)].contiguous()
        if distributed.is_available() and distributed.is_initialized():
            distributed.broadcast(found, 0)
        average = self.counts.mean()
        dead = self.counts <= self.dead_below * average
        # at the first step nothing has been counted: what the codebook begins with counts as one vector each
        use = torch.where(average > 0, average, torch.ones_like(average))
        self.counts.copy_(torch.where(dead, use, self.counts))
        self.sums.copy_(torch.where(dead[:, None], use * found, self.sums))
        self.codebook.copy_(torch.where(dead[:, None], found, self.codebook))
