"""A frozen image classifier with its normaliser inside."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from helpers.classifiers.architectures import Preprocessing
from helpers.classifiers.folding import fold_batch_norms


class Classifier(nn.Module):
    """A classifier from pixels in [0, 1] to logits: frozen, and always in eval mode.

    It normalises its input itself, so that black is 0 and white is 1 for every method of the book. With
    `normalise=False` the network gets the pixels unchanged, as in the code of the CartoonX papers.

    Attributes:
        name: the name by which it was loaded.
        class_names: one name per logit.
        input_size: the side in pixels of the images that the network was trained on.
        digest: the SHA-256 of the weights.
        source: a description of where the weights come from.
        normalise: whether mean and std are applied.
        multi_label: whether an image can have several classes, each with a probability of its own (the sigmoid of its
            logit); else the classes share one softmax. Methods with `score="auto"` go by it.
        fixed_size: the only (height, width) that the network accepts; None if it accepts others.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        *,
        name: str,
        class_names: Sequence[str],
        preprocessing: Preprocessing,
        digest: str,
        source: str,
        normalise: bool = True,
        multi_label: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self.name = name
        self.class_names = tuple(class_names)
        self.input_size = preprocessing.input_size
        self.digest = digest
        self.source = source
        self.normalise = normalise
        self.multi_label = multi_label
        self.register_buffer("mean", torch.tensor(preprocessing.mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(preprocessing.std).reshape(1, 3, 1, 1))
        self.fixed_size = fixed_size(network, self.input_size)
        self.requires_grad_(False)
        self.eval()
        # convolutions on the CPU, and in half precision on a GPU, are faster with channels last in memory
        self.network = fold_batch_norms(network, self.fixed_size or (self.input_size, self.input_size))
        _channels_last(self.network)
        self.requires_grad_(False)

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        """The logits of images with pixels in [0, 1].

        Raises:
            ValueError: the images are not floats of shape (batch, 3, height, width), or do not have the fixed size
                that the network needs (as most vision transformers do).
        """
        self.check_images(images)
        pixels = (images - self.mean) / self.std if self.normalise else images
        try:
            return self.network(pixels.contiguous(memory_format=torch.channels_last))
        except AssertionError as error:  # networks of several scales assert that their grids fit
            raise ValueError(
                f"{self.name} does not accept images of {images.shape[-2]} x {images.shape[-1]} pixels "
                f"({str(error) or 'it asserts so'}); it was trained on {self.input_size} px: load the images with "
                f"size={self.input_size}"
            ) from error

    @torch.no_grad()
    def predict(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> tuple[Int[Tensor, " batch"], Float[Tensor, " batch"]]:
        """The most probable class of each image, and its probability."""
        confidences, classes = self(images).softmax(dim=1).max(dim=1)
        return classes, confidences

    def check_images(self, images: Tensor) -> None:
        """Raise a ValueError if the images' shape or dtype is wrong; their values are not checked."""
        if images.ndim != 4 or images.shape[1] != 3:
            hint = "; add a batch dimension with image[None]" if images.ndim == 3 else ""
            raise ValueError(
                f"{self.name} expects images of shape (batch, 3, height, width), got {tuple(images.shape)}{hint}"
            )
        if not images.is_floating_point():
            raise ValueError(
                f"{self.name} expects floats in [0, 1], got {images.dtype}; use helpers.data.images.load_image, or "
                "images.float() / 255 for 8-bit pixels"
            )
        if self.fixed_size is not None and tuple(images.shape[-2:]) != self.fixed_size:
            size = self.fixed_size[0] if self.fixed_size[0] == self.fixed_size[1] else self.fixed_size
            raise ValueError(
                f"{self.name} works at {self.fixed_size[0]} x {self.fixed_size[1]} pixels only, got "
                f"{images.shape[-2]} x {images.shape[-1]}; load the images with size={size}"
            )

    def train(self, mode: bool = True) -> Classifier:
        """Stay in eval mode, even if a module that contains this one is set to train."""
        return super().train(False)

    def extra_repr(self) -> str:
        """A one-line description, which precedes the layers in PyTorch's listing."""
        normaliser = "pixels not normalised"
        if self.normalise:
            mean, std = (", ".join(f"{v:.3g}" for v in b.flatten().tolist()) for b in (self.mean, self.std))
            normaliser = f"mean ({mean}), std ({std})"
        millions = sum(parameter.numel() for parameter in self.parameters()) / 1e6
        return (
            f"{self.name!r}, {len(self.class_names)} classes, {self.input_size} px, {normaliser}, "
            f"{millions:.2f} M parameters, {self.source}, sha256 {self.digest[:12]}…"
        )

    def __repr__(self) -> str:
        """A one-line description; `print(classifier.network)` lists the layers."""
        return f"Classifier({self.extra_repr()})"


def _channels_last(network: nn.Module) -> None:
    """Lay the weights of two-dimensional convolutions out with channels last; others have no such layout."""
    for values in (*network.parameters(), *network.buffers()):
        if values.ndim == 4:
            values.data = values.data.contiguous(memory_format=torch.channels_last)


def fixed_size(network: nn.Module, input_size: int) -> tuple[int, int] | None:
    """The only image size (height, width) that a network accepts; None if it accepts any.

    Args:
        network: the network.
        input_size: the side in pixels of the images that it was trained on.
    """
    side = getattr(network, "image_size", None)  # torchvision's VisionTransformer
    if isinstance(side, int):
        return side, side
    embedding = getattr(network, "patch_embed", None)  # timm's transformers, which can be built for any size
    strict = getattr(embedding, "strict_img_size", None)
    size = getattr(embedding, "img_size", None)
    if strict is not None and size is not None:
        any_size = not strict or getattr(embedding, "dynamic_img_pad", False)
        return None if any_size else (int(size[0]), int(size[1]))
    fixed = getattr(network, "pretrained_cfg", {}).get("fixed_input_size", False)
    return (input_size, input_size) if fixed else None
