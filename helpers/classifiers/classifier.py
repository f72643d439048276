"""A frozen image classifier with its normaliser inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from helpers.classifiers.architectures import Preprocessing, timm_crop
from helpers.classifiers.digests import checksum, state_digest
from helpers.classifiers.folding import fold_batch_norms
from helpers.classifiers.preparation import load_prepared
from helpers.core.memory import is_out_of_memory
from helpers.core.outputs import Logits, as_input, as_logits, class_scores, score_name
from helpers.core.replica import replica, unwrapped
from helpers.data.images import ImageSource, Size, check_size


class Classifier(nn.Module):
    """A classifier from pixels in [0, 1] to logits: frozen, and always in eval mode.

    It normalises its input itself, so that black is 0 and white is 1 for every method of the book. With
    `normalise=False` the network gets the pixels unchanged, as in the code of the CartoonX papers.

    Attributes:
        name: the name by which it was loaded.
        class_names: one name per logit.
        input_size: the side in pixels of the images that the network was trained on.
        digest: the SHA-256 of the weights.
        checksum: of the weights at the start; `weights_digest` compares it.
        source: a description of where the weights come from.
        normalise: whether mean and std are applied.
        multi_label: whether an image can have several classes, each with a probability of its own (the sigmoid of its
            logit); else the classes share one softmax. Methods with `score="auto"` go by it.
        fixed_size: the only (height, width) that the network accepts; None if it accepts others.
        preprocessing: the preparation of photographs that the network was trained with.
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
        self.preprocessing = preprocessing
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
        self.checksum = checksum(self)

    @classmethod
    def of(
        cls,
        network: nn.Module,
        *,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        classes: Sequence[str] | None = None,
        size: int | None = None,
        name: str | None = None,
        multi_label: bool = False,
    ) -> Classifier:
        """A classifier made of any network: of timm, torchvision, Hugging Face, Lightning, or your own.

        The network is not modified: the classifier has a frozen copy of its weights, in eval mode. What it returns may
        be logits, or an object or a dictionary with `logits`.

        Args:
            network: normalised images to logits.
            mean, std: of each channel; `(pixels - mean) / std` is the network's input. The defaults leave pixels as
                they are, for networks with a normaliser inside.
            classes: one name per logit; None for "class 0", "class 1" and so on.
            size: the side in pixels of the images that the network was trained on; None for the one that it names
                (timm, torchvision's and Hugging Face's transformers), else 224.
            name: None for the name of the network's class.
            multi_label: whether an image can have several classes, each with a probability of its own.

        Raises:
            TypeError: the network is no module.
            ValueError: mean, std or classes do not fit, or the network does not return logits for such an image.
        """
        if not isinstance(network, nn.Module):
            raise TypeError(f"the network must be a torch.nn.Module, not {type(network).__name__}")
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError(f"mean and std must have three numbers each, and std be positive, not {mean} and {std}")
        digest, name = state_digest(network.state_dict()), name or type(unwrapped(network)).__name__
        copied = replica(network, lambda values: values.detach().clone())
        side = size or _own_size(copied) or 224
        height, width = fixed_size(copied, side) or (side, side)
        inputs = as_input(torch.zeros(1, 3, height, width), copied)
        inputs = inputs.to(next((parameter.device for parameter in copied.parameters()), inputs.device))
        with torch.no_grad():
            try:
                count = as_logits(copied(inputs)).shape[1]
            except (RuntimeError, TypeError, AssertionError) as error:
                if is_out_of_memory(error):
                    raise
                raise ValueError(
                    f"{name} does not classify an image of shape {tuple(inputs.shape)} ({error}); give its size="
                ) from error
        names = [f"class {index}" for index in range(count)] if classes is None else list(classes)
        if len(names) != count:
            raise ValueError(f"{name} gives {count} logits, but classes has {len(names)} names")
        classifier = cls(
            Logits(copied),
            name=name,
            class_names=names,
            preprocessing=Preprocessing(
                mean=(mean[0], mean[1], mean[2]), std=(std[0], std[1], std[2]), input_size=height, **_own_crop(copied)
            ),
            digest=digest,
            source=f"a network of {type(unwrapped(network)).__module__}",
            multi_label=multi_label,
        )
        return classifier.to(inputs.device)

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        """The logits of images with pixels in [0, 1].

        Raises:
            ValueError: the images are not floats of shape (batch, 3, height, width), or do not have the fixed size
                that the network needs (as most vision transformers do).
        """
        self.check_images(images)
        if images.requires_grad and images.is_leaf:
            images = images.view_as(images)
            images.register_hook(Tensor.contiguous)  # Captum expects gradients with channels first, as in the images
        pixels = (images - self.mean) / self.std if self.normalise else images
        try:
            return as_logits(self.network(pixels.contiguous(memory_format=torch.channels_last)))
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
        """The most probable class of each image, and its probability.

        Probabilities are a softmax; for `multi_label` classifiers, and for a single logit, the sigmoid of each logit.
        """
        logits = self(images)
        confidences, classes = class_scores(logits, score_name(self, "auto", logits.shape[1])).max(dim=1)
        return classes, confidences

    def load(self, source: ImageSource, size: Size = None) -> Float[Tensor, "3 height width"]:
        """Load a photograph as the network's library prepares it (`preprocessing`), in [0, 1], on its device.

        Args:
            source: as in `helpers.data.images.load_image`.
            size: the side or (height, width) in pixels; None: the size that the network was trained on.

        Raises:
            FileNotFoundError, ValueError, TypeError: as in `load_image`.
        """
        target = check_size(size, "crop") or self.fixed_size or (self.input_size, self.input_size)
        return load_prepared(source, self.preprocessing, target).to(self.mean.device)

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


def _own_crop(network: nn.Module) -> dict[str, Any]:
    """The crop and the interpolation that a network of timm says it was trained with; nothing if it says nothing."""
    for module in network.modules():
        settings = getattr(module, "pretrained_cfg", None)
        if isinstance(settings, Mapping) and "crop_pct" in settings:
            return timm_crop(settings)
    return {}


def _own_size(network: nn.Module) -> int | None:
    """The side of the images that a network says it was trained on; None if it does not say so."""
    for module in network.modules():
        settings = getattr(module, "pretrained_cfg", None) or getattr(module, "default_cfg", None)  # timm
        if isinstance(settings, Mapping) and "input_size" in settings:
            return int(settings["input_size"][-1])
        side = getattr(getattr(module, "config", None), "image_size", None) or getattr(module, "image_size", None)
        if isinstance(side, int):
            return side
    return None


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
