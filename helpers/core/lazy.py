"""Lazy re-exports of a package: a module is imported when one of its names is first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_exports(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Functions that let a package re-export names without importing their modules (PEP 562).

    In the package's `__init__.py`:

        __getattr__, __dir__, __all__ = lazy_exports(__name__, {"CartoonX": "helpers.methods.rde.methods"})

    `from helpers.methods.rde import CartoonX` then imports that one module. Write each module's full name as a string
    literal, which is how the dependency finder (`helpers.results.code`) reads it.

    Args:
        package: the package's name, `__name__`.
        modules: for each exported name, the full name of the module that defines it.

    Returns:
        The package's `__getattr__`, `__dir__` and `__all__`.
    """
    names = list(modules)

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        value = getattr(import_module(modules[name]), name)
        setattr(sys.modules[package], name, value)  # so that Python does not call this function again
        return value

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *names})

    return get, list_names, names
