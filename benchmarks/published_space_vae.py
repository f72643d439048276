"""A plain statement of a training step of SpaCE-VAE, written from a description of the code that the paper builds on.

The paper's own code is not public. As in its parent code, a step computes distances and averages by a dense one-hot
matrix, creates the codebook's parameters anew, and reads two numbers from the device. The paper's two terms are added
in the obvious way: the classifier, in the default memory layout and not frozen, is applied to the image and to its
reconstruction.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class DenseCodebook(nn.Module):
    """A codebook of moving averages, which become new parameters at each step."""

    def __init__(self, codes: int, width: int, decay: float = 0.99, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.decay, self.epsilon = decay, epsilon
        self.vectors = nn.Parameter(torch.randn(codes, width))
        self.sums = nn.Parameter(torch.randn(codes, width))
        self.register_buffer("sizes", torch.zeros(codes))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The nearest codes, the commitment loss, and the perplexity of the codes' use."""
        last = x.permute(0, 2, 3, 1).contiguous()
        flat = last.view(-1, last.shape[3])
        lengths = flat.pow(2).sum(1, keepdim=True) + self.vectors.pow(2).sum(1)
        nearest = (lengths - 2 * torch.matmul(flat, self.vectors.t())).argmin(1)
        chosen = torch.zeros(len(flat), len(self.vectors), device=x.device)
        chosen.scatter_(1, nearest[:, None], 1)
        codes = torch.matmul(chosen, self.vectors).view(last.shape)
        if self.training:
            self.sizes = self.sizes * self.decay + (1 - self.decay) * chosen.sum(0)
            total = self.sizes.sum()
            self.sizes = (self.sizes + self.epsilon) / (total + len(self.sizes) * self.epsilon) * total
            seen = torch.matmul(chosen.t(), flat)
            self.sums = nn.Parameter(self.sums * self.decay + (1 - self.decay) * seen)
            self.vectors = nn.Parameter(self.sums / self.sizes[:, None])
        commitment = functional.mse_loss(codes.detach(), last)
        straight = last + (codes - last).detach()
        shares = chosen.mean(0)
        perplexity = (-(shares * (shares + 1e-10).log()).sum()).exp()
        return straight.permute(0, 3, 1, 2).contiguous(), commitment, perplexity


class Residual(nn.Module):
    """A residual block of the parent: 3 x 3 to few channels, 1 x 1 back."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReLU(), nn.Conv2d(width, inner, 3, 1, 1, bias=False), nn.ReLU(), nn.Conv2d(inner, width, 1, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class PublishedStep:
    """One training step: two passes of the classifier, all terms, backward, Adam, two logged numbers.

    Args:
        classifier: pixels in [0, 1] to logits; not changed.
        device: of the networks.
        variance: of the training pixels.
        alpha, beta: the weights of the L1 sparsity loss and the classification loss.
    """

    def __init__(
        self, classifier: nn.Module, device: str, variance: float = 0.06, alpha: float = 12.0, beta: float = 10.0
    ) -> None:
        self.classifier, self.variance, self.alpha, self.beta = classifier, variance, alpha, beta
        self.encoder = nn.Sequential(
            *(nn.Conv2d(3, 64, 4, 2, 1), nn.ReLU(), nn.Conv2d(64, 128, 4, 2, 1), nn.ReLU()),
            *(nn.Conv2d(128, 128, 3, 1, 1), Residual(128, 32), Residual(128, 32), nn.ReLU(), nn.Conv2d(128, 64, 1)),
        ).to(device)
        self.codebook = DenseCodebook(512, 64).to(device).train()
        self.decoder = nn.Sequential(
            *(nn.Conv2d(64, 128, 3, 1, 1), Residual(128, 32), Residual(128, 32), nn.ReLU()),
            *(nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(64, 3, 4, 2, 1)),
        ).to(device)
        modules = (self.encoder, self.codebook, self.decoder)
        self.optimiser = torch.optim.Adam([p for module in modules for p in module.parameters()], lr=3e-4, amsgrad=True)
        self.losses: list[float] = []
        self.perplexities: list[float] = []

    def __call__(self, images: Tensor) -> None:
        """One step on images with pixels in [0, 1]."""
        self.optimiser.zero_grad()
        codes, commitment, perplexity = self.codebook(self.encoder(images * 2 - 1))
        reconstructions = self.decoder(codes)
        kept = reconstructions.clamp(0, 1)
        classes = self.classifier(images).argmax(1)
        loss = functional.mse_loss(reconstructions, images) / self.variance + 0.25 * commitment
        loss = loss + self.alpha * kept.abs().mean()
        loss = loss + self.beta * functional.cross_entropy(self.classifier(kept), classes)
        loss.backward()
        self.optimiser.step()
        self.losses.append(loss.item())
        self.perplexities.append(perplexity.item())
