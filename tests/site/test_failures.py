"""What fails a page besides an exception in a cell: what readers would see as a failure, or would miss."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from helpers.site import PageError, execute
from helpers.site.failures import failures, stopped_cell
from tests.site.test_pages import write_page

BACK = "; plt.switch_backend('module://matplotlib_inline.backend_inline')"
# by name: a cell, and a pattern of the failure's summary; None if it is none
CELLS: dict[str, tuple[str, str | None]] = {
    "imports": (
        "import asyncio, logging, subprocess, sys, threading, time, traceback\nimport matplotlib.pyplot as plt\n"
        "async def fail(): raise KeyError('in a task')\n"
        "def broken(): raise KeyError('in a thread')",
        None,
    ),
    "thread": ("t = threading.Thread(target=broken); t.start(); t.join()", "KeyError: 'in a thread'"),
    "thread-later": ("t = threading.Timer(0.5, broken); t.start()", None),
    "next-cell": ("t.join()", "KeyError: 'in a thread'"),
    "thread-of-a-pool": (
        "from concurrent.futures import ThreadPoolExecutor as Pool\nlist(Pool().map(lambda _: 1, [1]))",
        None,
    ),
    "thread-that-ends": ("t = threading.Thread(target=sys.exit); t.start(); t.join()", None),
    "task": ("asyncio.create_task(fail()); await asyncio.sleep(0.1)", "KeyError: 'in a task'"),
    "task-that-is-kept": ("task = asyncio.ensure_future(fail()); await asyncio.sleep(0.1)", "KeyError: 'in a task'"),
    "task-that-is-awaited": (
        "task = asyncio.create_task(fail())\ntry:\n    await task\nexcept KeyError:\n    print('caught')",
        None,
    ),
    "task-that-is-cancelled": ("asyncio.create_task(asyncio.sleep(9)).cancel(); await asyncio.sleep(0.1)", None),
    "logged": ("try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception('logged')", "ZeroDivisionError"),
    "logged-quietly": (
        "logging.getLogger('x').addHandler(logging.NullHandler()); logging.getLogger('x').propagate = False\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.getLogger('x').error('logged', exc_info=True)",
        "ZeroDivisionError",
    ),
    "warning": ("logging.warning('careful'); logging.error('a message only')", None),
    "printed": ("try:\n    1 / 0\nexcept ZeroDivisionError:\n    traceback.print_exc()", "ZeroDivisionError"),
    "process": (
        "print(subprocess.run([sys.executable, '-c', 'int(\"x\")'], stderr=subprocess.PIPE, text=True).stderr)",
        "ValueError: invalid literal",
    ),
    "command": ("!true\nlines = !echo 1; echo 2\nassert list(lines) == ['1', '2'] and _exit_code == 0", None),
    "switched": ("plt.switch_backend('agg'); plt.plot([1])", "backend is now 'agg'"),
    "switched-back": ("plt.close('all')" + BACK, None),
    "magic": ("%matplotlib agg", "backend is now 'agg'"),
    "magic-back": ("%matplotlib inline", None),
    "use": ("import matplotlib; matplotlib.use('svg')", "backend is now 'svg'"),
    "use-back": ("%matplotlib inline", None),
    "for-a-moment": (
        "plt.switch_backend('agg'); plt.figure().savefig('x.png'); plt.close('all')" + BACK,
        None,
    ),
    "not-shown": ("plt.ioff(); figure = plt.figure()", "a figure was drawn, but is not shown"),
    "shown": ("plt.close('all'); plt.ion(); plt.plot([1, 2]);", None),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, str]:
    """The summary of each cell that failed, by its name: one run for all of them."""
    root = tmp_path_factory.mktemp("failing")
    page = write_page(root / "book/page.md", *(cell for cell, _ in CELLS.values()))
    with pytest.raises(PageError):
        execute(page, root / "out/page.ipynb", root=root)
    notebook = nbformat.read(root / "out/page.failed.ipynb", as_version=4)
    named = zip(CELLS, [cell for cell in notebook.cells if cell.cell_type == "code"], strict=True)
    return {name: fault.summary for name, cell in named for fault in failures(new_notebook(cells=[cell]))}


@pytest.mark.parametrize("name", CELLS)
def test_cell(found, name):
    pattern = CELLS[name][1]
    assert (name in found) == (pattern is not None), found.get(name)
    assert pattern is None or re.search(pattern, found[name])


ENDINGS = {
    "exception": ("import os\n1 / 0", "ZeroDivisionError: division by zero"),
    "command": ("!echo before; exit 3", "CommandError: exit status 3 of !echo before; exit 3"),
    "lines": (
        "def f(name):\n    lines = !{name}\n    return lines\nf('false')",
        "CommandError: exit status 1 of !{name}",
    ),
    "killed": ("import os; os.kill(os.getpid(), 9)", "the kernel ended: it was killed"),
    "too-long": ("import time; time.sleep(60)", "it took longer than 1 s"),
    "input": ("input('?')", "StdinNotImplementedError"),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_the_first_line_names_page_and_cell(name, server, tmp_path):
    cell, summary = ENDINGS[name]
    page = write_page(tmp_path / "book/page.md", "'fine'", cell, "'never run'")
    with pytest.raises(PageError) as caught:
        execute(page, tmp_path / "out/page.ipynb", root=tmp_path, cell_timeout=1 if name == "too-long" else 60)
    message = str(caught.value)
    assert message.startswith(f"book/page.md, cell In [2]: {summary}")
    assert len(message.splitlines()) < 50
    assert cell.splitlines()[0] in message
    assert not re.search("nbclient|papermill", message)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["page.failed.ipynb"]


class TestNotebook:
    def cell(self, *outputs, **metadata):
        return new_notebook(cells=[new_code_cell("source", execution_count=1, outputs=[*outputs], metadata=metadata)])

    def shown(self, **data):
        return new_output("display_data", data=data)

    @pytest.mark.parametrize("key", ["figure", "image"])
    def test_a_figure_has_a_picture(self, key):
        figure = {"mystnb": {key: {"name": "x"}}}
        text, html = self.shown(**{"text/plain": "<Figure>"}), "text/html"
        assert [each.summary for each in failures(self.cell(text, **figure))] == [
            "this cell is a figure of the page, but shows no picture"
        ]
        for kind in ("image/png", "image/svg+xml", "image/jpeg"):
            assert not list(failures(self.cell(self.shown(**{kind: "..."}), **figure)))
        assert not list(failures(self.cell(self.shown(**{html: "<p><img src='data:'/></p>"}), **figure)))
        assert list(failures(self.cell(self.shown(**{html: "<p>none</p>"}), **figure)))
        assert not list(failures(self.cell(text)))

    def test_an_error_on_purpose_is_none(self):
        error = new_output("error", ename="ValueError", evalue="no", traceback=[])
        assert [each.summary for each in failures(self.cell(error))] == ["ValueError: no"]
        assert not list(failures(self.cell(error, tags=["raises-exception"])))

    def test_a_long_traceback_is_shortened(self):
        lines = [f"line {number}" for number in range(100)]
        error = new_output("error", ename="E", evalue="first\nsecond", traceback=lines)
        (failure,) = failures(self.cell(error))
        assert failure.summary == "E: first"
        assert "[60 lines more, in the notebook]" in failure.details
        assert failure.details.endswith("line 99")

    def test_a_widget_that_prints_a_traceback(self):
        text = "Traceback (most recent call last):\n  File 'x'\nKeyError: 'gone'\n"
        state = {"abc": {"state": {"outputs": [{"output_type": "stream", "name": "stderr", "text": text}]}}}
        widgets = {"application/vnd.jupyter.widget-state+json": {"state": state}}
        (failure,) = failures(new_notebook(metadata={"widgets": widgets}))
        assert failure.location == "the callback of a widget (output abc)"
        assert failure.summary == "a traceback is printed: KeyError: 'gone'"

    def test_a_run_that_never_began(self):
        assert stopped_cell(new_notebook(cells=[new_code_cell("1")]))[0] == "the start of its kernel"


def test_the_folder_of_a_page_elsewhere_is_named(tmp_path, server):
    (tmp_path / "project").mkdir()
    page = write_page(tmp_path / "elsewhere/page.md", "1 / 0")
    with pytest.raises(PageError, match=re.escape(str(page))):
        execute(page, tmp_path / "page.ipynb", root=tmp_path / "project")
