"""The warm start: what is forked from the server behaves as `python -m` does, and ends with whatever waits for it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from helpers.core.files import ROOT
from helpers.site import execute, warm
from tests.site.conftest import START
from tests.site.test_pages import write_page

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")


def run_module(folder: Path, code: str, *arguments: str, **options) -> subprocess.Popen:
    (folder / "job.py").write_text(code)
    command = [sys.executable, *warm.COMMAND, "job", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(pid: int) -> bool:
    deadline = time.time() + 60
    while is_alive(pid) and time.time() < deadline:
        time.sleep(0.05)
    return not is_alive(pid)


def test_arguments_streams_environment_and_status(server, tmp_path):
    code = "import os, sys; print(sys.argv[1:], os.getcwd(), os.environ['COLOUR'], __name__); sys.exit(3)"
    job = run_module(tmp_path, code, "a", "b c", env={**os.environ, "COLOUR": "red"})
    out, _ = job.communicate()
    assert (out.strip(), job.returncode) == (f"['a', 'b c'] {tmp_path} red __main__", 3)


def test_a_traceback_arrives(server, tmp_path):
    job = run_module(tmp_path, "numbers = [1]\nnumbers[3]\n")
    _, errors = job.communicate()
    assert "job.py" in errors
    assert "IndexError" in errors
    assert job.returncode == 1


def test_the_libraries_are_there_and_nothing_of_helpers(server, tmp_path):
    code = "import sys; print('torch' in sys.modules, [m for m in sys.modules if m.split('.')[0] == 'helpers'])"
    assert run_module(tmp_path, code).communicate()[0].strip() == "True []"


def test_each_process_draws_other_random_numbers(server, tmp_path):
    code = "import random, numpy; print(random.random(), numpy.random.rand())"
    first, second = (run_module(tmp_path, code).communicate()[0].split() for _ in range(2))
    assert not set(first) & set(second)


def test_the_number_of_threads(server, tmp_path):
    code = "import torch; from threadpoolctl import threadpool_info as i\n"
    code += "print(torch.get_num_threads(), {p['num_threads'] for p in i()})"
    for threads in ("1", "2"):
        job = run_module(tmp_path, code, env={**os.environ, "OMP_NUM_THREADS": threads})
        assert job.communicate()[0].strip() == f"{threads} {{{threads}}}"


def test_freed_tensors_are_used_again(server, tmp_path):
    """Otherwise Linux would map and clear 16,384 pages for each of the 64 MB."""
    code = "import torch, resource; faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
    code += "for step in range(30):\n    before = before if step > 20 else faults()\n    torch.zeros(2**24)\n"
    code += "print(faults() - before)"
    assert int(run_module(tmp_path, code).communicate()[0]) < 1000


def test_a_page_starts_fresh(server, tmp_path):
    """The kernel is forked from the server, not from the process that runs the page."""
    cell = "import os, sys; print('torch' in sys.modules, any(m.startswith('helpers') for m in sys.modules))"
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers/__init__.py").touch()
    backend = "import matplotlib, helpers; print(helpers.__file__, matplotlib.get_backend())"
    page = write_page(tmp_path / "book/page.md", cell, backend)
    notebook = nbformat.read(execute(page, tmp_path / "page.ipynb", root=tmp_path), as_version=4)
    outputs = [cell.outputs[0].text.strip() for cell in notebook.cells if cell.get("outputs")]
    assert outputs[0] == "True False"
    assert outputs[1].startswith(f"{tmp_path}/helpers/"), "the project's own, whatever is installed"
    assert outputs[1].endswith("inline")


def test_libraries_have_the_settings_of_a_kernel_of_its_own(server, tmp_path, monkeypatch):
    """Some libraries decide at import how they print, by whether a kernel or a terminal is there."""
    cell = "import matplotlib, numpy, pandas; from pandas._config import config\n"
    cell += "display = [key for key in sorted(config._registered_options) if key.startswith('display.')]\n"
    cell += "print([(key, pandas.get_option(key)) for key in display])\n"
    cell += "print(dict(matplotlib.rcParams), numpy.get_printoptions(), matplotlib.get_backend())"
    page = write_page(tmp_path / "book/page.md", cell)
    warm_output, cold_output = [], []
    for outputs in (warm_output, cold_output):
        notebook = nbformat.read(execute(page, tmp_path / "page.ipynb", root=tmp_path), as_version=4)
        outputs += [output.text.lower() for cell in notebook.cells for output in cell.get("outputs", [])]
        monkeypatch.delenv(warm.ADDRESS, raising=False)
    assert "display.max_columns" in warm_output[0]
    assert warm_output == cold_output


def test_a_job_ends_with_its_client(server, tmp_path):
    job = run_module(tmp_path, "import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    pid = int(job.stdout.readline())
    job.kill()
    assert ends(pid)
    job.communicate()


def test_all_ends_with_the_build(tmp_path):
    code = "import os, time; print(os.getpid(), os.getppid(), flush=True); time.sleep(600)"
    build = subprocess.Popen([sys.executable, "-c", START + "time.sleep(600)"], cwd=ROOT, stdout=subprocess.PIPE)
    address = build.stdout.readline().decode().strip()
    job = run_module(tmp_path, code, env={**os.environ, warm.ADDRESS: address})
    pids = [int(pid) for pid in job.stdout.readline().split()]
    build.kill()
    assert all(map(ends, pids))
    build.communicate()
    job.communicate(timeout=60)
    assert job.returncode != 0
    assert not Path(address).parent.exists()


@pytest.mark.slow  # it starts another server
def test_all_ends_with_the_server_even_if_it_is_killed(tmp_path):
    code = "import os, time; print(os.getpid(), os.getppid(), flush=True); time.sleep(600)"
    build = subprocess.Popen([sys.executable, "-c", START + "time.sleep(600)"], cwd=ROOT, stdout=subprocess.PIPE)
    address = build.stdout.readline().decode().strip()
    job = run_module(tmp_path, code, env={**os.environ, warm.ADDRESS: address})
    pid, server = [int(pid) for pid in job.stdout.readline().split()]
    os.kill(server, signal.SIGKILL)
    assert ends(pid)
    job.communicate(timeout=60)
    assert job.returncode != 0
    build.kill()
    build.communicate()
    Path(address).unlink()
    Path(address).parent.rmdir()


def test_clients_that_end_at_any_moment_leave_the_server_whole_and_idle(server, tmp_path):
    for message in (b"", b"\n", b'\n{"arguments"', b"\n{]\n"):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(server)
            client.sendall(message)
    for delay in (0, 0.03, 0.1, 0.3):  # before, while and after the job ends
        job = run_module(tmp_path, "pass")
        time.sleep(delay)
        job.kill()
        job.communicate()
    job = run_module(tmp_path, "import os; print(os.getppid())")
    pid = int(job.communicate()[0])
    before = cpu_seconds(pid)
    time.sleep(1)
    assert cpu_seconds(pid) - before < 0.2
    assert job.returncode == 0


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def test_without_a_server_it_is_python_m(tmp_path, monkeypatch):
    monkeypatch.delenv(warm.ADDRESS, raising=False)
    job = run_module(tmp_path, "import sys; print('torch' in sys.modules, __name__)")
    assert job.communicate()[0].strip() == "False __main__"
