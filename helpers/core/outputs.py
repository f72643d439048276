"""The classifier's output: logits by whatever name they come, and the scores that methods explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from helpers.core.inputs import Target, class_count, is_score
from helpers.core.memory import is_out_of_memory
from helpers.core.replica import replica, require_module, unwrapped

ScoreName = Literal["auto", "softmax", "sigmoid", "logit"]
"""The number that a class gets: its probability among all classes, its own probability, or its logit."""


_LIBRARIES = ("torch", "torchvision", "timm")


def as_logits(output: Any) -> Float[Tensor, "batch classes"]:
    """The logits in a classifier's output, as float32 (or float64).

    A tensor (batch, classes) is itself; (batch,) is one logit per image. Objects and dictionaries with `logits`, as
    those of Hugging Face, and tuples of one tensor are opened. No value is read, so that a GPU is not waited for.

    Raises:
        ValueError: there are no logits in it, or their shape is wrong.
    """
    if not isinstance(output, Tensor):
        output = _opened(output)
    if output.layout != torch.strided:
        raise ValueError(
            f"the classifier must return logits as a plain tensor, but its output has the layout {output.layout}"
        )
    if output.ndim == 1:
        output = output[:, None]
    if output.ndim != 2 or not output.shape[1]:
        hint = "; a dense prediction has no class per image: average it first" if output.ndim == 4 else ""
        raise ValueError(f"the classifier must return logits (batch, classes), not {tuple(output.shape)}{hint}")
    if not output.is_floating_point():
        raise ValueError(f"the classifier must return logits, which are floats, not {output.dtype}")
    return output if output.dtype in (torch.float32, torch.float64) else output.float()


def _opened(output: Any) -> Tensor:
    """The tensor of logits in an object, a dictionary or a tuple."""
    found = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    if isinstance(found, Tensor):
        return found
    if isinstance(output, tuple | list) and len(output) == 1 and isinstance(output[0], Tensor):
        return output[0]
    kind = type(output).__name__
    if isinstance(output, Mapping):
        kind = f"{kind} with the keys {', '.join(map(repr, output))}"
    elif isinstance(output, tuple | list):
        kind = f"{kind} of {len(output)} entries"
    raise ValueError(
        f"the classifier must return logits as a tensor, or as .logits or ['logits'], not a {kind}; wrap it in a "
        "module that returns the logits alone"
    )


def as_input(images: Float[Tensor, "batch 3 height width"], model: nn.Module) -> Float[Tensor, "batch 3 height width"]:
    """The images in the floating type of a model's weights."""
    weights = next((parameter for parameter in model.parameters() if parameter.is_floating_point()), None)
    return images if weights is None else images.to(weights.dtype)


class Logits(nn.Module):
    """A classifier whose output is always logits (batch, classes), in float32 or float64, whatever it returns itself.

    Images are converted to the type of the classifier's weights, so that masks in float32 can explain a classifier in
    half precision.

    Args:
        classifier: pixels in [0, 1] to logits.
    """

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        require_module(classifier)
        self.classifier = classifier

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "rows classes"]:
        """The logits of images with pixels in [0, 1]; one row per image, unless hooks inside multiply the rows."""
        logits = as_logits(self.output(images))
        if images.requires_grad and torch.is_grad_enabled():
            check_differentiable(logits)
        return logits

    def output(self, images: Float[Tensor, "batch 3 height width"]) -> Any:
        """The classifier's own output.

        Raises:
            ValueError: a layer of PyTorch or timm refuses images of this size. Errors of a reader's own code stay as
                they are, with their line.
        """
        try:
            return self.classifier(as_input(images, self.classifier))
        except (RuntimeError, AssertionError) as error:
            if is_out_of_memory(error) or not _raised_by_library(error):
                raise
            problem = str(error).strip().partition("\n")[0] or type(error).__name__
            raise ValueError(
                f"the classifier fails on images of shape {tuple(images.shape)}: {problem}; give it images of the size "
                "that it takes, or mend its forward pass"
            ) from error


def _raised_by_library(error: Exception) -> bool:
    """Whether a layer of a library raised an error, and not the code of the classifier itself."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__", "").split(".")[0] in _LIBRARIES


def check_differentiable(logits: Tensor) -> None:
    """Raise a ValueError if logits are not part of the autograd graph, though the images were."""
    if not logits.requires_grad:
        raise ValueError(
            "the classifier's logits have no gradient with respect to the images: its forward pass runs under "
            "torch.no_grad, or detaches a tensor; mend that, or use a method without gradients (RISE, occlusion)"
        )


def checked_logits(
    logits: Float[Tensor, "rows classes"],
    classifier: nn.Module,
    images: Float[Tensor, "batch 3 height width"],
    *,
    name: str = "images",
) -> Float[Tensor, "batch classes"]:
    """Logits as they are, after a look at their values: once per call, on the images themselves.

    One image whose logits are not finite refuses the whole batch, and the message names it and selects the others:
    as many results would else come out as images went in, and one would be no explanation.

    Args:
        logits: the classifier's output, as `Logits` gives it.
        classifier: that gave them.
        images: that were given to it.
        name: what the images are, for the message.

    Raises:
        ValueError: there is not one row per image; they have no values, are not finite, or probabilities; or their
            number is not that of the classifier's names.
    """
    if logits.is_meta:
        raise ValueError(
            "the classifier must return logits as a plain tensor, but its output has no values (device meta)"
        )
    if len(logits) != len(images):
        raise ValueError(f"the classifier must return one row of logits per image: {len(images)}, not {len(logits)}")
    count = class_count(classifier)
    if count is not None and logits.shape[1] != count:
        raise ValueError(f"the classifier returns {logits.shape[1]} logits, but has {count} class names")
    if not logits.numel():
        return logits
    finite = logits.isfinite().all(1)  # (batch,)
    in_range = ((logits >= 0) & (logits <= 1)).all()
    sums_to_one = ((logits.sum(1) - 1).abs() < 1e-3).all()  # never of logits, but by intention
    *are_finite, in_range, sums_to_one = torch.stack([*finite, in_range, sums_to_one]).tolist()
    if not all(are_finite):
        raise ValueError(not_finite(are_finite, name))
    ends_in_sigmoid = isinstance(_last_module(classifier), nn.Sigmoid)
    if in_range and ((sums_to_one and logits.shape[1] > 1) or ends_in_sigmoid):
        raise ValueError(
            "the classifier returns probabilities, where logits are due: explain the network without its last softmax "
            "or sigmoid, or wrap it so that it returns the logarithm of a softmax's output (torch.logit of a sigmoid's)"
        )
    return logits


def not_finite(are_finite: Sequence[float | bool], name: str = "images") -> str:
    """Which images have logits that are not finite, and what to do: the others can be explained without them."""
    count, at = len(are_finite), [index for index, value in enumerate(are_finite) if not value]
    problem = f"the classifier's logits of {name} {at} are not finite (NaN or infinite)"
    if len(at) == count:
        return f"{problem}, which are all of them: look for NaN in its weights, and try it in float32"
    return f"{problem}: leave these out, images[[i for i in range({count}) if i not in {at}]]"


@torch.no_grad()
def classifier_to_train_for(
    classifier: nn.Module, pixels: UInt8[Tensor, "images 3 height width"], classes: int | None = None
) -> nn.Module:
    """A frozen replica of a classifier, after a look at its logits for the first training images.

    Args:
        classifier: pixels in [0, 1] to logits; it is not modified.
        pixels: the training images, 0 to 255.
        classes: the number of logits that are due; None for any.

    Raises:
        TypeError, ValueError: it does not return logits of the images, or not so many.
    """
    own = replica(Logits(classifier).classifier)
    device = next((parameter.device for parameter in own.parameters()), pixels.device)
    images = pixels[:2].to(device).float() / 255
    logits = checked_logits(Logits(own)(images), own, images)
    if classes is not None and logits.shape[1] != classes:
        raise ValueError(
            f"the classifier gives {logits.shape[1]} logits, but the training images have {classes} classes"
        )
    return own


def _last_module(model: nn.Module) -> nn.Module:
    """The last leaf module, in the order of definition."""
    return [module for module in model.modules() if not list(module.children())][-1]


def score_name(classifier: nn.Module, score: ScoreName, classes: int) -> Literal["softmax", "sigmoid", "logit"]:
    """The score of a classifier's classes; `"auto"` goes by its kind.

    A classifier with `multi_label` set gives each class its own probability, a sigmoid, and so does a single logit;
    the classes of all others share a softmax.
    """
    if score != "auto":
        return score
    return "sigmoid" if classes == 1 or getattr(unwrapped(classifier), "multi_label", False) else "softmax"


def class_scores(logits: Float[Tensor, "*batch classes"], score: str) -> Float[Tensor, "*batch classes"]:
    """The scores of all classes: `"sigmoid"`, `"softmax"` or the `"logit"` itself."""
    if score == "logit":
        return logits
    return logits.softmax(-1) if score == "softmax" else logits.sigmoid()


def checked_score(targets: Target, logits: Float[Tensor, "batch classes"]) -> None:
    """Check once that a callable target gives one number per row of logits, each from its own row.

    Raises:
        ValueError: it does not return a tensor of that shape, or a number depends on other rows.
    """
    if not is_score(targets) or not len(logits):
        return
    if not callable(targets):
        for score in targets:  # one per image: a row to a number
            value = score(logits[0])
            if not isinstance(value, Tensor) or value.numel() != 1:
                raise ValueError("each callable of a list takes the logits of its image, (classes,), to one number")
        return
    # a number of rows could be that of classes by chance, but not both
    fewer, more = (torch.cat([logits, logits.flip(0), logits[:1].expand(extra, -1)]) for extra in (1, 2))
    values = [targets(rows) for rows in (fewer, more)]
    for value, rows in zip(values, (len(fewer), len(more)), strict=True):
        if not isinstance(value, Tensor):
            raise ValueError(f"a callable target must return a tensor (batch,), not {type(value).__name__}")
        if value.shape != (rows,):
            raise ValueError(
                f"a callable target must return one number per image, (batch,): logits of shape "
                f"({rows}, {logits.shape[1]}) gave {tuple(value.shape)}; for one class write "
                "lambda logits: logits[:, 2]"
            )
    count = len(logits)
    same = (values[0][:count], values[1][:count]), (values[0][:count], values[0][count : 2 * count].flip(0))
    if not all(torch.allclose(one, other, rtol=1e-4, atol=1e-5, equal_nan=True) for one, other in same):
        raise ValueError("a callable target must compute an image's number from its own logits, not from the batch's")


def target_scores(targets: Target, logits: Float[Tensor, "*samples batch classes"]) -> Float[Tensor, "*samples batch"]:
    """The numbers that a callable target, or one callable per image, gives to each row of logits."""
    if callable(targets):
        return targets(logits.flatten(0, -2)).reshape(logits.shape[:-1])
    assert isinstance(targets, list | tuple)
    rows = [
        torch.stack([score(row).reshape(()) for row in logits[..., index, :].reshape(-1, logits.shape[-1])])
        for index, score in enumerate(targets)
    ]  # one (samples,) per image
    return torch.stack(rows, -1).reshape(logits.shape[:-1])
