"""The reference: pages that show the docstrings of a package.

A page asks for them with a block that holds nothing:

    ```{api} helpers.methods.rde
    ```

It becomes a list of the names that the package exports, then a section for each of its modules.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import FunctionType

_BLOCK = re.compile(r"^```\{api\} (?P<package>[\w.]+)\n```$", re.MULTILINE)
_WORD_AFTER_CODE = re.compile(r"(`[^`\n]+`)(?=\w)")
_UNDERSCORE_AT_END = re.compile(r"(?<=\w)_(?!\w)")


def with_reference(text: str) -> str:
    """The text of a page, with reStructuredText for Sphinx's autodoc in place of each `{api}` block."""
    return _BLOCK.sub(lambda match: _reference(match["package"]), text)


def documented_packages(text: str) -> list[str]:
    """The packages whose reference a page shows."""
    return [match["package"] for match in _BLOCK.finditer(text)]


def reference_sources(page: Path, root: Path) -> list[Path]:
    """The modules whose docstrings a page shows."""
    packages = documented_packages(page.read_text(encoding="utf-8"))
    folders = [root.joinpath(*package.split(".")) for package in packages]
    return [path for folder in folders for path in sorted(folder.glob("*.py"))]


def public_modules(package: str) -> list[str]:
    """The full names of a package's modules, in alphabetical order, without its packages and private modules."""
    found = iter_modules(import_module(package).__path__, f"{package}.")
    return [module.name for module in found if not module.ispkg and not module.name.rpartition(".")[2].startswith("_")]


def exported(package: str) -> dict[str, type | FunctionType]:
    """The classes and functions that a package exports, by name in alphabetical order."""
    module = import_module(package)
    values = {name: getattr(module, name) for name in sorted(getattr(module, "__all__", ()), key=str.lower)}
    return {name: value for name, value in values.items() if isinstance(value, (type, FunctionType))}


def definition(name: str) -> object:
    """What a full name of our own stands for, such as `helpers.data.scenes.make_scenes`; None if for nothing."""
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(import_module(module), attribute, None)
    except ImportError:
        return None


def plain_text(lines: list[str]) -> list[str]:
    """A docstring as reStructuredText that means what the docstring says.

    Our docstrings are plain text with code in single backticks. So bars and final underscores stand for themselves, a
    word may go on after code (`h`s), and an indented block after a line that ends with a colon is code.
    """
    result, code = [], None  # the indent of the line before a block of code, within one
    for number, line in enumerate(lines):
        if code is not None and line.strip() and _indent(line) < code + 4:
            code = None
        if code is None:
            line = _escaped(line)
            following = next((later for later in lines[number + 1 :] if later.strip()), "")
            after_blank = lines[number + 1 : number + 2] == [""]
            if line.endswith(":") and after_blank and _indent(following) >= _indent(line) + 4:
                line, code = f"{line}:", _indent(line)
        result.append(line)
    return result


def _escaped(line: str) -> str:
    parts = re.split(r"(`[^`\n]+`)", _WORD_AFTER_CODE.sub(r"\1\\ ", line))
    parts[1::2] = [f":py:obj:{code}" for code in parts[1::2]]  # a link where it is a name
    parts[::2] = [_UNDERSCORE_AT_END.sub(r"\\_", part.replace("|", r"\|")) for part in parts[::2]]
    return "".join(parts)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _reference(package: str) -> str:
    names = [_export(name, value) for name, value in exported(package).items()]
    parts = [_restructured(_automodule(package))] if package != "helpers" else []
    parts += [_restructured(names)] if names else []
    for module in public_modules(package):
        parts.append(f"## {module.rpartition('.')[2]}\n\n{_restructured(_automodule(module))}")
    return "\n\n".join(parts)


def _automodule(module: str) -> list[str]:
    return [f".. automodule:: {module}", "   :members:", "   :ignore-module-all:", "   :no-value:"]


def _export(name: str, value: type | FunctionType) -> str:
    """A link to a class or function, with the first sentences of its docstring."""
    summary = " ".join((value.__doc__ or "").strip().partition("\n\n")[0].split())
    return f"- :py:obj:`{name} <{value.__module__}.{value.__qualname__}>`: {' '.join(plain_text([summary]))}"


def _restructured(lines: list[str]) -> str:
    return "\n".join(["```{eval-rst}", *lines, "```"])
