"""Rehearsal: the students' notebooks run from top to bottom, with the seconds and the memory that each takes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

CELL_TIMEOUT = 600
"""Seconds that a cell may take."""

_USED = """\
import resource
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)"""
_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in which a system counts the peak


@dataclass(frozen=True)
class Rehearsal:
    """One run of a notebook.

    Attributes:
        notebook: its path.
        seconds: the computing time of its kernel, which does not depend on what else the machine does.
        memory: the peak of the kernel's resident memory in bytes.
        faults: the cells that raised, as "cell 12: NameError: ...".
    """

    notebook: Path
    seconds: float
    memory: int
    faults: tuple[str, ...]


def student_notebooks(editions: Path, chapters: Sequence[str] = ()) -> list[Path]:
    """The students' notebooks among built editions.

    Args:
        editions: the folder that `python -m helpers editions` has written.
        chapters: such as "wavelets"; by default all.

    Raises:
        FileNotFoundError: there is none, or none of a chapter.
    """
    folder = editions / "student"
    paths = [folder / f"{chapter}.ipynb" for chapter in chapters] or sorted(folder.glob("*.ipynb"))
    missing = [str(path) for path in paths if not path.is_file()]
    if missing or not paths:
        raise FileNotFoundError(f"there is no notebook {', '.join(missing) or f'in {folder}'}; run: make book")
    return paths


def rehearse(notebook: Path, *, cell_timeout: int = CELL_TIMEOUT) -> Rehearsal:
    """Run a notebook on one core, as a student does who runs all its cells without changing one.

    A cell that raises does not stop the run. The notebook's file is not changed.

    Args:
        notebook: its path. The kernel starts in its folder, as in Jupyter.
        cell_timeout: the longest running time of a cell in seconds.

    Raises:
        nbclient.exceptions.CellTimeoutError: a cell took longer.
        nbclient.exceptions.DeadKernelError: the kernel ended, as where memory runs out.
    """
    from nbclient import NotebookClient
    from nbformat import read
    from nbformat.v4 import new_code_cell

    content = read(notebook, as_version=4)
    content.cells.append(new_code_cell(_USED))
    client = NotebookClient(
        content,
        timeout=cell_timeout,
        kernel_name="python3",
        allow_errors=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(notebook.parent)}},
        shutdown_kernel="immediate",
    )
    client.execute(env={**os.environ, "OMP_NUM_THREADS": "1"})  # one core: a hub's students share the others
    *cells, last = content.cells
    faults = [f"cell {number}: {fault}" for number, cell in enumerate(cells, 1) if (fault := _fault(cell))]
    seconds, peak = last.outputs[0].text.split()
    return Rehearsal(notebook, float(seconds), int(peak) * _UNIT, tuple(faults))


def _fault(cell: NotebookNode) -> str:
    """What a cell raised; empty if nothing."""
    errors = [output for output in cell.get("outputs", ()) if output.output_type == "error"]
    return f"{errors[0].ename}: {errors[0].evalue}" if errors else ""
