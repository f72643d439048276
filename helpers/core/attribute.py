"""Captum's convention: every method of the book is an attribution that Captum's and Quantus' tools can call."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import fields, replace
from functools import wraps
from typing import Any, ClassVar, TypeVar

from jaxtyping import Float
from torch import Tensor, nn

from helpers.core.inputs import ImageBatch, Target
from helpers.core.names import refuse_unknown
from helpers.core.outputs import Logits

Self = TypeVar("Self", bound="Attributable")
Relevance = Float[Tensor, "batch 3 height width"]


def _like_captum(function: Callable[..., Any]) -> Callable[..., Any]:
    """A method with `__wrapped__`, through which Captum's `NoiseTunnel` calls it."""

    @wraps(function)
    def attribute(*arguments: Any, **options: Any) -> Any:
        return function(*arguments, **options)

    return attribute


class Attributable(ABC):
    """A method with Captum's interface of an `Attribution`, without the import of Captum, which takes seconds.

    `NoiseTunnel(method)`, `sensitivity_max(method.attribute, images)` and `infidelity` take it as one of their own.
    The interface suffices, and no base class is needed: Captum calls `attribute`, `forward_func`,
    `has_convergence_delta` and `multiplies_by_inputs`, and asks only for subclasses of `GradientAttribution`, whose
    inputs it then lets require gradients. Methods here see to gradients themselves.

    Attributes:
        classifier: pixels in [0, 1] to logits.
        Options: the dataclass of the method's options, which its constructor takes as a whole or one by one; None for
            methods whose options are arguments of the constructor.
    """

    classifier: nn.Module
    Options: ClassVar[Any] = None

    def __new__(cls: type[Self], *arguments: Any, **options: Any) -> Self:
        """The method to be initialised.

        Raises:
            UnknownOptionError: (a `TypeError` and a `ValueError`) an option does not exist.
        """
        named = list(inspect.signature(cls.__init__).parameters.values())[1:]
        required = {each.name for each in named if each.default is each.empty}
        known = [each.name for each in named if each.default is not each.empty]
        known += [field.name for field in fields(cls.Options)] if cls.Options else []
        refuse_unknown(cls.__name__, [name for name in options if name not in required], known)
        return super().__new__(cls)

    @classmethod
    def options_with(cls, options: Any, overrides: dict[str, Any]) -> Any:
        """The method's options, with some replaced.

        Args:
            options: of the type `Options`; None for the defaults.
            overrides: single options by name.

        Raises:
            TypeError: the options are of another type.
            ValueError: an option is out of range.
        """
        options = cls.Options() if options is None else options
        if not isinstance(options, cls.Options):
            raise TypeError(f"{cls.__name__} takes {cls.Options.__name__}, not {type(options).__name__}")
        return replace(options, **overrides) if overrides else options

    @property
    def logits(self) -> Logits:
        """The classifier, with logits as its output whatever it returns itself."""
        return Logits(self.classifier)

    @_like_captum
    def attribute(
        self, inputs: ImageBatch | tuple[ImageBatch, ...], target: Target = None, **options: Any
    ) -> Relevance | tuple[Relevance, ...]:
        """The relevance of each entry of the images, as a new contiguous tensor of their shape.

        Args:
            inputs: pixels in [0, 1], as a tensor, an array, or a tuple of one of these, as Captum passes it. Pixels may
                leave [0, 1] a little, as the perturbations of Captum's and Quantus' metrics do.
            target: as in the method's `explain`.
            options: of the method, such as `show_progress=True`.

        Returns:
            A tensor, or a tuple of one tensor if the inputs are a tuple. The three channels of a pixel are equal, but
            for the attribution methods (Integrated Gradients and others).

        Raises:
            TypeError, ValueError: as the method's `explain`; or the tuple does not hold exactly one batch of images.
        """
        if not isinstance(inputs, tuple):
            return self._relevance(inputs, target, **options).contiguous()
        if len(inputs) != 1:
            raise ValueError(f"inputs must be one batch of images, or a tuple of one, not of {len(inputs)}")
        return (self._relevance(inputs[0], target, **options).contiguous(),)

    @abstractmethod
    def _relevance(self, inputs: ImageBatch, target: Target, **options: Any) -> Relevance:
        """The relevance of each entry of the images, for perturbed images too."""

    @property
    def forward_func(self) -> nn.Module:
        """The explained function, pixels to logits, under Captum's name for it."""
        return self.logits

    @property
    def multiplies_by_inputs(self) -> bool:
        """Whether the relevance is a product with the pixels, as Captum asks; here it is not."""
        return False

    def has_convergence_delta(self) -> bool:
        """Whether `attribute` can also return an error of approximation, as Captum asks; here it cannot."""
        return False
