"""The kernel of a page: IPython's, without the reader's settings, and with an error for what would only be printed.

`helpers.site.execution` runs this file by its path. It imports nothing of `helpers`, which belongs to the page.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from typing import Any

if sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
    del sys.path[0]  # its html.py would hide the standard library's

import asyncio
import contextlib
import logging
import subprocess
import threading
from pathlib import Path

from ipykernel.kernelapp import IPKernelApp
from IPython.utils.process import system
from IPython.utils.text import SList

VECTOR_PICTURES = "BOOK_VECTOR_PICTURES"
"""The environment variable that names a folder: each figure that a cell shows is also written there, as SVG."""

Failure = tuple[type[BaseException], BaseException, Any]


class PageError(Exception):
    """A cell that IPython takes for a success, although its result is not on the page."""


class CommandError(Exception):
    """A command after `!` ended with an exit status other than 0."""


class PageKernel(IPKernelApp):
    """IPython's kernel, which reads no configuration file of the reader or of the system."""

    def load_config_file(self, *_arguments: Any, **_options: Any) -> None:
        """Read nothing."""

    def init_shell(self) -> None:
        """Make the shell strict as soon as it is there."""
        super().init_shell()
        Strict(self.shell)
        if VECTOR_PICTURES in os.environ:
            write_vector_pictures(self.shell, Path(os.environ[VECTOR_PICTURES]))


class Strict:
    """Errors for failures outside a cell's own code: in threads and tasks, in commands, logged ones, lost figures.

    Args:
        shell: the shell of the kernel.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.failures: list[Failure] = []
        self.tasks: list[asyncio.Task[Any]] = []
        shell.system, shell.getoutput = self.system, self.getoutput
        threading.excepthook = self._followed(threading.excepthook)
        logging.setLogRecordFactory(self._records(logging.getLogRecordFactory()))
        shell.events.register("pre_run_cell", self.watch_tasks)
        shell.events.register("post_run_cell", self.check)

    def system(self, command: str) -> None:
        """Run `!command`.

        Raises:
            CommandError: its exit status is not 0.
        """
        status = system(self.shell.var_expand(command, depth=1))
        self._require(status or 0, command)

    def getoutput(self, command: str, split: bool = True, depth: int = 0) -> SList | str:
        """Run `lines = !command`.

        Raises:
            CommandError: its exit status is not 0.
        """
        done = subprocess.run(
            self.shell.var_expand(command, depth=depth + 1),
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._require(done.returncode, f"{command}\n{done.stdout}")
        return SList(done.stdout.splitlines()) if split else done.stdout

    def watch_tasks(self, _info: object = None) -> None:
        """Remember the tasks that cells start on this event loop."""
        with contextlib.suppress(RuntimeError):  # no loop runs: cells cannot start tasks
            asyncio.get_running_loop().set_task_factory(self._task)

    def check(self, result: Any) -> None:
        """Show an error in the cell that has just run if something failed meanwhile, or if its figures are lost."""
        if result is not None and not result.success:
            return
        ended = [task for task in self.tasks if task.done() and not task.cancelled()]
        self.tasks = [task for task in self.tasks if not task.done()]
        for task in ended:
            error = task.exception() if getattr(task, "_log_traceback", False) else None  # nobody has asked for it
            if error is not None:
                self.failures.append((type(error), error, error.__traceback__))
        failures, self.failures = self.failures, []
        for failure in failures[:1]:
            self.shell.showtraceback(failure)
        if not failures and (problem := lost_figures()):
            self.shell.showtraceback((PageError, PageError(problem), None), exception_only=True)

    def _task(self, loop: Any, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
        if threading.current_thread() is threading.main_thread():
            self.tasks.append(task)
        return task

    def _followed(self, hook: Callable[[Any], object]) -> Callable[[Any], None]:
        """The hook for exceptions of threads, which then remembers them."""

        def follow(arguments: Any) -> None:
            hook(arguments)
            if not issubclass(arguments.exc_type, SystemExit):
                self.failures.append((arguments.exc_type, arguments.exc_value, arguments.exc_traceback))

        return follow

    def _records(self, factory: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
        """The factory of log records, which remembers logged exceptions."""

        def make(*arguments: Any, **options: Any) -> logging.LogRecord:
            record = factory(*arguments, **options)
            if record.levelno >= logging.ERROR and record.exc_info and record.exc_info[1] is not None:
                self.failures.append(record.exc_info)  # type: ignore[arg-type]
            return record

        return make

    def _require(self, status: int, command: str) -> None:
        self.shell.user_ns["_exit_code"] = status
        if status:
            raise CommandError(f"exit status {status} of !{command}")


def lost_figures() -> str | None:
    """Why figures do not reach the page, as a sentence; None if they do."""
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is None:
        return None
    backend = matplotlib.get_backend()
    if not backend.endswith("inline"):
        return f"Matplotlib's backend is now {backend!r}, with which figures are not on the page; leave it as it is"
    helper = sys.modules.get("matplotlib._pylab_helpers")
    if helper is not None and helper.Gcf.get_all_fig_managers():
        return "a figure was drawn, but is not shown; end the cell with it, or call plt.show()"
    return None


def write_vector_pictures(shell: Any, folder: Path) -> None:
    """Let each figure that a shell shows also be written to a folder as SVG, named after the SHA-256 of its PNG."""
    original = shell.display_formatter.format

    def format_output(shown: Any, *arguments: Any, **options: Any) -> Any:
        data, metadata = original(shown, *arguments, **options)
        figures = getattr(sys.modules.get("matplotlib.figure"), "Figure", ())
        if isinstance(shown, figures) and "image/png" in data:
            import matplotlib
            from IPython.core.pylabtools import print_figure

            with matplotlib.rc_context({"svg.hashsalt": "book"}):
                vector = print_figure(shown, "svg", metadata={"Date": None})
            name = hashlib.sha256(data["image/png"].strip().encode()).hexdigest()
            (folder / f"{name}.svg").write_text(vector, encoding="utf-8")
        return data, metadata

    shell.display_formatter.format = format_output


def main() -> None:
    """Start the kernel, with Matplotlib's own settings, even where the working folder has a matplotlibrc."""
    if os.path.exists("matplotlibrc") and "matplotlib" not in sys.modules:
        folder = os.getcwd()
        os.chdir(os.environ["IPYTHONDIR"])
        import matplotlib  # noqa: F401

        os.chdir(folder)
    PageKernel.launch_instance()


if __name__ == "__main__":
    main()
