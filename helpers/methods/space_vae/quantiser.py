"""Vector quantisation with a codebook learned by exponential moving averages."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, distributed, nn
from torch.nn import functional

_STRIDE = 7919  # a prime, so that dead codes restart at positions that cycle through the whole batch


class Quantised(NamedTuple):
    """The output of a quantiser.

    Attributes:
        vectors: the nearest code of each vector, with a straight-through gradient to the vector.
        codes: the indices of these codes.
        commitment: mean squared distance between the vectors and their codes, with a gradient to the vectors only.
    """

    vectors: Float[Tensor, "batch embedding height width"]
    codes: Int[Tensor, "batch height width"]
    commitment: Float[Tensor, ""]


class VectorQuantiser(nn.Module):
    """Replace each vector by the nearest of `codes` vectors (van den Oord et al., 2017; SpaCE-VAE, equation 5).

    Each code is the exponential moving average of the vectors assigned to it, an online k-means (appendix A.1 of van
    den Oord et al.). The codebook lies in buffers, not parameters: the optimiser leaves it alone, checkpoints contain
    it, and processes of a distributed training sum their statistics. Dead codes, with hardly any vectors, restart at
    vectors of the batch; at the first step all codes do, so that the codebook is initialised with encoder outputs.
    A batch with a vector that is not finite leaves the codebook as it was.

    Args:
        codes: size of the codebook.
        embedding: length of a code.
        decay: of the moving averages, in [0, 1).
        epsilon: of the Laplace smoothing of the counts.
        dead_below: share of the average use below which a code is dead; 0: codes are initialised as standard normal
            vectors and never restart, as in the published code.
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
        initial = torch.randn(codes, embedding)
        self.register_buffer("codebook", initial)
        self.register_buffer("counts", torch.zeros(codes))
        self.register_buffer("sums", torch.zeros_like(initial) if dead_below else initial.clone())
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def forward(self, vectors: Float[Tensor, "batch embedding height width"]) -> Quantised:
        """The nearest code of each vector; in training mode the codebook is updated afterwards."""
        last = vectors.movedim(1, -1)  # batch, height, width, embedding
        flat = last.flatten(0, 2).float()  # vectors, embedding
        finite = self._all_finite(flat.detach()) if self.training else torch.ones((), dtype=torch.bool)
        if self.training and self.dead_below:
            self._restart_dead_codes(flat.detach(), finite)
        codes = self.nearest(flat.detach())  # vectors
        chosen = self.look_up(codes.unflatten(0, last.shape[:3]))  # batch, embedding, height, width
        if self.training:
            self._update_averages(flat.detach(), codes, finite)
        commitment = functional.mse_loss(vectors.float(), chosen)
        # straight-through estimator: the value of the code, the gradient of the vector
        straight = vectors + (chosen.to(vectors.dtype) - vectors).detach()
        return Quantised(straight, codes.unflatten(0, last.shape[:3]), commitment)

    def nearest(self, vectors: Float[Tensor, "vectors embedding"]) -> Int[Tensor, " vectors"]:
        """The index of the nearest code of each vector."""
        # half precision cannot tell close codes apart
        with torch.autocast(vectors.device.type, enabled=False):
            # ‖code‖² - 2⟨vector, code⟩; ‖vector‖² is the same for all codes
            return torch.addmm(self.codebook.square().sum(1), vectors, self.codebook.T, alpha=-2).argmin(1)

    def look_up(self, codes: Int[Tensor, "batch height width"]) -> Float[Tensor, "batch embedding height width"]:
        """The vectors of codes."""
        return functional.embedding(codes, self.codebook).movedim(-1, 1)

    @torch.no_grad()
    def _all_finite(self, vectors: Float[Tensor, "vectors embedding"]) -> Bool[Tensor, ""]:
        """Whether the vectors of all processes are finite, on the device."""
        finite = vectors.isfinite().all()
        if distributed.is_available() and distributed.is_initialized():
            shared = finite.int()
            distributed.all_reduce(shared, distributed.ReduceOp.MIN)
            finite = shared.bool()
        return finite

    @torch.no_grad()
    def _update_averages(
        self, vectors: Float[Tensor, "vectors embedding"], codes: Int[Tensor, " vectors"], finite: Bool[Tensor, ""]
    ) -> None:
        """Move each code towards the mean of the vectors assigned to it, if these and the result are finite."""
        total = torch.zeros_like(self.sums).index_add_(0, codes, vectors)
        count = torch.zeros_like(self.counts).index_add_(0, codes, torch.ones_like(vectors[:, 0]))
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(total)
            distributed.all_reduce(count)
        counts = self.counts.mul(self.decay).add_(count, alpha=1 - self.decay)
        sums = self.sums.mul(self.decay).add_(total, alpha=1 - self.decay)
        vectors_seen = counts.sum()
        smoothed = (counts + self.epsilon) / (vectors_seen + len(counts) * self.epsilon) * vectors_seen
        codebook = sums / smoothed[:, None]
        finite = finite & sums.isfinite().all() & codebook.isfinite().all()
        self._set(finite, counts=counts, sums=sums, codebook=codebook, steps=self.steps + 1)

    @torch.no_grad()
    def _restart_dead_codes(self, vectors: Float[Tensor, "vectors embedding"], finite: Bool[Tensor, ""]) -> None:
        """Restart each dead code at a vector of the batch, with the average count; the same in all processes."""
        codes = len(self.counts)
        # the vectors depend on the step alone: not random, and no obstacle to a compiler
        indices = torch.arange(codes, device=vectors.device) * max(1, len(vectors) // codes) + self.steps * _STRIDE
        candidates = vectors[indices % len(vectors)].contiguous()  # codes, embedding
        if distributed.is_available() and distributed.is_initialized():
            distributed.broadcast(candidates, 0)
        average = self.counts.mean()
        dead = self.counts <= self.dead_below * average
        # at the first step all counts are 0: each code then starts with a count of 1
        count = torch.where(average > 0, average, torch.ones_like(average))
        self._set(
            finite,
            counts=torch.where(dead, count, self.counts),
            sums=torch.where(dead[:, None], count * candidates, self.sums),
            codebook=torch.where(dead[:, None], candidates, self.codebook),
        )

    def _set(self, finite: Bool[Tensor, ""], **values: Tensor) -> None:
        """Change buffers if all vectors are finite: decided on the device, which is not waited for."""
        for name, value in values.items():
            buffer = getattr(self, name)
            buffer.copy_(torch.where(finite, value, buffer))
