"""Execution of a page with papermill; a failure in a cell or a widget fails the build."""

from __future__ import annotations

import copy
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from helpers.core.files import ROOT
from helpers.site import warm
from helpers.site.source import page_parameters, read_page

WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class PageError(ValueError):
    """A page failed; the message names the page and the cell, and has the traceback."""


def failures(notebook: NotebookNode) -> Iterator[tuple[str, str]]:
    """The location ("cell In [3]") and the traceback of each failure in an executed notebook.

    An exception in a widget's callback does not stop the run, but the published page would show it. It is read from
    the state of the widgets in the notebook.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                yield f"cell In [{cell.execution_count}]:\n{_indent(cell.source)}", _traceback(output)
    widgets = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    for identifier, widget in widgets.items():
        for output in widget.get("state", {}).get("outputs", []):
            if output.get("output_type") == "error":
                yield f"the callback of a widget (output {identifier})", _traceback(output)


def execute(
    page: Path | str,
    output: Path | str,
    parameters: Mapping[str, object] | None = None,
    *,
    root: Path = ROOT,
    cell_timeout: int = 600,
) -> Path:
    """Run a page and write the executed notebook.

    The kernel runs this interpreter in the project's root. `output` is written only if the whole page succeeds, with
    the start of the run as its modification time, so that inputs changed during the run are newer.

    Args:
        page: the MyST Markdown page.
        output: the executed notebook to write.
        parameters: values for the page's cell tagged `parameters`.
        root: the project's root.
        cell_timeout: the longest running time of a cell in seconds.

    Returns:
        The path of the executed notebook.

    Raises:
        PageError: a cell or a widget's callback raised an exception; the notebook is kept as `<name>.failed.ipynb`.
        ValueError: the page does not have one of the parameters.
    """
    page, output = Path(root / page), Path(root / output)
    start = time.time()
    output.parent.mkdir(parents=True, exist_ok=True)
    failed = output.with_suffix(".failed.ipynb")
    failed.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".run-") as folder:
        executed = Path(folder) / output.name
        problems = _run(page, executed, dict(parameters or {}), root, cell_timeout)
        if problems:
            shutil.move(executed, failed)
            location, traceback = problems[0]
            raise PageError(f"{page} failed in {location}\n\n{traceback}\n\nThe notebook as far as it ran: {failed}")
        os.utime(executed, (start, start))
        os.replace(executed, output)
    return output


def _run(
    page: Path, executed: Path, parameters: dict[str, object], root: Path, cell_timeout: int
) -> list[tuple[str, str]]:
    """Run the page, write the notebook to `executed`, and return the failures."""
    import papermill  # takes a second to import
    from papermill.exceptions import PapermillExecutionError

    defaults = page_parameters(page)
    unknown = parameters.keys() - defaults.keys()
    if unknown:
        raise ValueError(f"{page} has no parameter {', '.join(sorted(unknown))}: see its cell tagged `parameters`")
    parameters = {name: value for name, value in parameters.items() if value != defaults[name]}
    notebook = copy.deepcopy(read_page(page))
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    options = {"cwd": root, "kernel_name": "python3", "progress_bar": False, "execution_timeout": cell_timeout}
    options |= {"kernel_manager_class": _kernel_manager(), "shutdown_kernel": "immediate"}
    stopped = None
    try:
        papermill.execute_notebook(notebook, executed, parameters, **options)
    except PapermillExecutionError as error:
        stopped = error
    problems = list(failures(nbformat.read(executed, as_version=4)))
    if stopped is not None and not problems:
        raise stopped
    return problems


def _kernel_manager() -> type:
    """A class that starts kernels through `helpers.site.warm`."""
    from jupyter_client import AsyncKernelManager

    class Manager(AsyncKernelManager):
        def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
            python, *command = super().format_kernel_cmd(extra_arguments)
            return [python, *warm.COMMAND, *command[command.index("-m") + 1 :]]

    return Manager


def _traceback(output: Mapping[str, Any]) -> str:
    lines = output.get("traceback") or [f"{output.get('ename')}: {output.get('evalue')}"]
    return COLOUR.sub("", "\n".join(map(str, lines)))


def _indent(source: str) -> str:
    return "\n".join("    " + line for line in source.splitlines())
