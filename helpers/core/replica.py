"""A copy of a model that shares its weights: what a method may switch, hook and freeze without touching the model."""

from __future__ import annotations

import copy
import functools
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from types import MethodType
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

Method = TypeVar("Method")
_CONTAINERS = (list, tuple, set, dict, OrderedDict)
_Wrapper = nn.DataParallel | nn.parallel.DistributedDataParallel


def replica(model: nn.Module, convert: Callable[[Tensor], Tensor] = Tensor.detach) -> nn.Module:
    """A copy of a model's modules that shares its parameters and buffers, frozen and in eval mode.

    Hooks, modes and attributes that are set on the replica, or by its forward pass, are not set on the model, so that
    several threads can each have their own. Compiled modules and `DataParallel` are replaced by the module inside,
    which can have hooks. TorchScript cannot share: there the weights are copied, too.

    Args:
        model: any module, in any mode; it is not modified.
        convert: applied to each parameter and buffer once.
    """
    copied = _Copier(convert).module(model)
    with suppress(NotImplementedError):  # of modules of torch.export, whose mode was fixed by the export
        copied.eval()
    return copied


def require_module(classifier: Any) -> None:
    """Raise a TypeError unless the classifier is a module, as all methods and measures need it."""
    if not isinstance(classifier, nn.Module):
        raise TypeError(
            f"the classifier must be a torch.nn.Module, not {type(classifier).__name__}; load_classifier loads one, "
            "and Classifier.of makes one from any network"
        )


def frozen(model: nn.Module) -> nn.Module:
    """The model itself if it is frozen and in eval mode, else its replica.

    A compiled model or one on several devices stays that, if it is frozen and in eval mode.
    """
    require_module(model)
    trains = any(module.training for module in model.modules())
    learns = any(parameter.requires_grad for parameter in model.parameters())
    return replica(model) if trains or learns else model


def with_frozen_classifier(method: Method) -> Method:
    """The method on its classifier's `frozen` form: itself, or a shallow copy."""
    classifier = frozen(method.classifier)  # type: ignore[attr-defined]
    if classifier is method.classifier:  # type: ignore[attr-defined]
        return method
    changed = copy.copy(method)
    changed.classifier = classifier  # type: ignore[attr-defined]
    return changed


def unwrapped(module: nn.Module) -> nn.Module:
    """The module inside `torch.compile`'s and `DataParallel`'s wrappers, or the module itself."""
    while True:
        inner = module.module if isinstance(module, _Wrapper) else getattr(module, "_orig_mod", None)
        if not isinstance(inner, nn.Module):
            return module
        module = inner


class _Copier:
    """Copies modules and the containers in their attributes, each once, whatever refers to whatever."""

    def __init__(self, convert: Callable[[Tensor], Tensor]) -> None:
        self.convert, self.copies = convert, {}

    def module(self, module: nn.Module) -> nn.Module:
        original = unwrapped(module)
        if id(original) not in self.copies:
            if isinstance(original, torch.jit.ScriptModule):
                with torch.no_grad():
                    copied = self.copies[id(original)] = copy.deepcopy(original)
                for parameter in copied.parameters():
                    parameter.requires_grad_(False)
            else:
                copied = object.__new__(type(original))  # a module's own __new__ may take arguments
                self.copies[id(original)] = copied  # before its contents, which may refer to it
                copied.__dict__.update({name: self.value(value) for name, value in original.__dict__.items()})
                copied.__dict__["_compiled_call_impl"] = None  # of module.compile(), which calls the original
        return self.copies[id(original)]

    def value(self, value: Any) -> Any:
        """An attribute's value, with replicas in place of modules, frozen tensors and containers of its own."""
        if isinstance(value, nn.Module):
            return self.module(value)
        if isinstance(value, MethodType) and isinstance(value.__self__, nn.Module):
            return MethodType(value.__func__, self.module(value.__self__))
        if type(value) is functools.partial:
            return functools.partial(self.value(value.func), *self.value(value.args), **self.value(value.keywords))
        if isinstance(value, Tensor):
            return self._once(value, self._tensor)
        if type(value) in _CONTAINERS:
            return self._container(value)
        return value

    def _tensor(self, tensor: Tensor) -> Tensor:
        if isinstance(tensor, nn.parameter.UninitializedTensorMixin):
            return tensor
        converted = self.convert(tensor)
        return nn.Parameter(converted, requires_grad=False) if isinstance(tensor, nn.Parameter) else converted

    def _container(self, values: Any) -> Any:
        """A list, tuple, set or dictionary; what several modules share is shared by their replicas."""
        if id(values) in self.copies:
            return self.copies[id(values)]
        if isinstance(values, (tuple, set)):
            copied = type(values)(self.value(value) for value in values)
            self.copies[id(values)] = copied
            return copied
        copied = self.copies[id(values)] = type(values)()
        if isinstance(values, list):
            copied.extend(self.value(value) for value in values)
        else:
            copied.update({key: self.value(value) for key, value in values.items()})
        return copied

    def _once(self, value: Any, make: Callable[[Any], Any]) -> Any:
        if id(value) not in self.copies:
            self.copies[id(value)] = make(value)
        return self.copies[id(value)]
