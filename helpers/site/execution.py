"""Execution of a page with papermill; a failure in a cell or a widget, or a lost picture, fails the build."""

from __future__ import annotations

import copy
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from helpers.core.files import ROOT
from helpers.site import warm
from helpers.site.environment import clean_environment
from helpers.site.failures import Failure, failures, stopped_cell
from helpers.site.parameters import page_values
from helpers.site.pictures import write_pictures
from helpers.site.run_record import this_environment
from helpers.site.source import read_page

KERNEL = Path(__file__).with_name("kernel.py")
VECTOR_PICTURES = "BOOK_VECTOR_PICTURES"  # as in kernel.py, which imports the page's kernel and nothing else

START_TIMEOUT = 180  # seconds until a kernel is ready, on a busy machine


class PageError(ValueError):
    """A page failed; the first line of the message names the page and the cell, the others have the traceback."""

    exit_status = 1  # no mistake of the command's user


def execute(
    page: Path | str,
    output: Path | str,
    parameters: Mapping[str, object] | None = None,
    *,
    root: Path = ROOT,
    cell_timeout: int = 600,
    pictures: bool = False,
) -> Path:
    """Run a page and write the executed notebook.

    The kernel runs this interpreter in the project's root, in an environment that does not depend on the reader's
    settings. `output` is written only if the whole page succeeds, with the start of the run as its modification time,
    so that inputs changed during the run are newer.

    Args:
        page: the MyST Markdown page.
        output: the executed notebook to write.
        parameters: values for the page's cell tagged `parameters`.
        root: the project's root.
        cell_timeout: the longest running time of a cell in seconds.
        pictures: also write the page's figures beside the notebook, as PNG and SVG.

    Returns:
        The path of the executed notebook; `helpers.site.pictures.picture_files` finds the pictures.

    Raises:
        PageError: a cell or a widget's callback raised an exception, a figure is missing, the kernel ended or took
            too long; the notebook is kept as `<name>.failed.ipynb`.
        ValueError: the page does not have one of the parameters.
    """
    page, output = Path(root / page), Path(root / output)
    values = page_values(page, parameters or {})
    start = time.time()
    output.parent.mkdir(parents=True, exist_ok=True)
    failed = output.with_suffix(".failed.ipynb")
    failed.unlink(missing_ok=True)
    # a kernel that is just being killed may still write into the folder
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".run-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        executed, vectors = folder / output.name, folder / "pictures"
        (folder / "kernel").mkdir()
        vectors.mkdir()
        manager = _kernel_manager(folder / "kernel", vectors if pictures else None)
        problem = _run(page, executed, values, root, cell_timeout, manager)
        if problem is not None:
            shutil.move(executed, failed)
            shown = page.relative_to(root) if page.is_relative_to(root) else page
            raise PageError(
                f"{shown}, {problem.location}: {problem.summary}\n\n{problem.details}\n\n"
                f"The notebook as far as it ran: {failed}"
            )
        notebook = nbformat.read(executed, as_version=4)
        _forget_the_input(notebook)
        nbformat.write(notebook, executed)
        os.utime(executed, (start, start))
        if pictures:
            write_pictures(notebook, vectors, output)
        os.replace(executed, output)
    return output


def _run(
    page: Path, executed: Path, values: dict[str, object], root: Path, cell_timeout: int, manager: type
) -> Failure | None:
    """Run the page, write the notebook to `executed`, and return the first failure."""
    import papermill  # takes a second to import
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    logging.getLogger("papermill").addHandler(logging.NullHandler())  # the error below says it
    logging.getLogger("papermill").propagate = False
    notebook = copy.deepcopy(read_page(page))
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata.update(this_environment())
    options = {
        "cwd": str(root),
        "kernel_name": "python3",
        "progress_bar": False,
        "execution_timeout": cell_timeout,
    }
    options |= {"kernel_manager_class": manager, "shutdown_kernel": "immediate", "start_timeout": START_TIMEOUT}
    stopped: Exception | None = None
    try:
        papermill.execute_notebook(notebook, _literal(executed), values, **options)
    except PapermillExecutionError as error:
        stopped = error
    except CellTimeoutError:
        return _stopped(executed, f"it took longer than {cell_timeout} s")
    except (DeadKernelError, RuntimeError) as error:
        died = isinstance(error, DeadKernelError) or "died" in str(error)
        ended = "the kernel ended: it was killed, as happens where memory runs out, or a library crashed"
        return _stopped(executed, ended if died else str(error))
    problem = next(failures(nbformat.read(executed, as_version=4)), None)
    if stopped is not None and problem is None:
        raise stopped
    return problem


def _forget_the_input(notebook: NotebookNode) -> None:
    """Take out what papermill notes of its input, which is the whole page once more, and of this machine's folders."""
    for name in ("input_path", "output_path"):
        notebook.metadata["papermill"].pop(name, None)


def _literal(path: Path) -> str:
    """A path as papermill takes it, which would fill parameters into its braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _stopped(executed: Path, summary: str) -> Failure:
    """The failure of a run that ended without an exception in a cell."""
    notebook: NotebookNode = nbformat.read(executed, as_version=4)
    location, source = stopped_cell(notebook)
    return Failure(location, summary, source)


def _kernel_manager(folder: Path, pictures: Path | None) -> type:
    """A class that starts kernels of this interpreter through `helpers.site.warm`, without the reader's settings.

    Args:
        folder: an empty folder for the kernel's own files.
        pictures: the folder for the figures as SVG; None for no such files.
    """
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec

    environment = clean_environment(folder)
    if pictures is not None:
        environment[VECTOR_PICTURES] = str(pictures)

    class Manager(AsyncKernelManager):
        kernel_spec = KernelSpec(display_name="Python 3", language="python")  # whatever kernels the reader has

        def __init__(self, **options: Any) -> None:
            super().__init__(**{**options, "connection_file": str(folder / "kernel.json")})

        def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
            arguments = ["-f", self.connection_file, "--log-level=ERROR", *(extra_arguments or [])]
            return [sys.executable, *warm.COMMAND, str(KERNEL), *arguments]

        async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
            await self._async_start_kernel(**{**options, "env": environment})

    return Manager
