"""A warm start: one server process imports the libraries, and runners and kernels are forked from it.

Importing PyTorch, pandas, Matplotlib and the Jupyter packages takes about 10 s of CPU time, for the runner and the
kernel of each page and for each table of a build. `start_server` starts a process that imports them once;
`python -I -S warm.py MODULE ARGUMENT...` then does the same as `python -m MODULE ARGUMENT...`, in a process forked from
it. Modules of `helpers` are not imported before the fork, so that each page runs as in a new interpreter.

Without a server (outside builds, or where processes have no file descriptors, as they do on Linux), the command only
runs the module. This file imports the standard library only and is run by its path, because importing `helpers.site`
would take too long for a client.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from typing import NamedTuple

ADDRESS = "BOOK_WARM_START"
COMMAND = ["-I", "-S", __file__]
"""The arguments of Python that replace `-m` to run a module in a forked process."""

LIBRARIES = (
    "captum.attr",
    "cv2",
    "ipykernel.kernelapp",
    "ipywidgets",
    "jaxtyping",
    "joblib",
    "jupytext",
    "matplotlib.pyplot",
    "mpl_toolkits.mplot3d",
    "myst_nb",
    "pandas",
    "papermill",
    "pyarrow.parquet",
    "pydantic",
    "pywt",
    "scipy.ndimage",
    "scipy.stats",
    "skimage.segmentation",
    "sklearn.model_selection",
    "timm",
    "torchvision",
)
_DECIDED_AT_IMPORT = ("tqdm.auto", "tqdm.autonotebook")  # they choose text or widgets: imported again in each kernel


class _Job(NamedTuple):
    """A forked process, and the client that waits for it."""

    pid: int
    ended: int
    client: socket.socket


def start_server() -> None:
    """Start the server, which ends with this process. No effect if there is one already, and only on Linux."""
    import subprocess

    if ADDRESS in os.environ or not hasattr(os, "pidfd_open"):
        return
    command = [sys.executable, __file__]
    # its standard input closes when this process ends; in a session of its own, it outlives Ctrl-C to end its jobs
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert server.stdout is not None
    os.environ[ADDRESS] = server.stdout.readline().strip()
    start_server.process = server  # type: ignore[attr-defined]


def run(arguments: list[str]) -> int:
    """Let the server run `python -m` with these arguments, on this process's streams; returns the exit status."""
    parent = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback of this file: the server ends the job
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(os.environ[ADDRESS])
        request = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
        socket.send_fds(server, [b"\n"], [0, 1, 2])
        server.sendall(json.dumps(request).encode() + b"\n")
        server.settimeout(1)
        while os.getppid() == parent:  # the server ends the jobs of clients that have ended
            try:
                return int(server.recv(16) or 1)
            except TimeoutError:
                continue
    return 1


def serve() -> list[str]:
    """Import the libraries and fork on request until standard input ends.

    Returns:
        The arguments, in each forked process; the server itself never returns.
    """
    import gc
    import importlib
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="book-")  # for this user only
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{folder}/socket")
    listener.listen(128)
    print(f"{folder}/socket", flush=True)
    # Matplotlib and ipykernel read these when they are imported
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    os.environ["JPY_PARENT_PID"] = str(os.getpid())
    for name in LIBRARIES:
        importlib.import_module(name)
    for name in _DECIDED_AT_IMPORT:
        sys.modules.pop(name, None)
    sys.modules["pandas"].set_option("display.max_columns", 20)  # as in a kernel: pandas takes this for a terminal
    gc.freeze()  # the garbage collector then does not touch, and so copy, the shared memory
    arguments = _serve(listener)
    if arguments is None:
        shutil.rmtree(folder)
        _end(0)
    return arguments or []


def _serve(listener: socket.socket) -> list[str] | None:
    """Fork on request. Returns the arguments in a forked process, and None in the server once standard input ends."""
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is listener:
                    arguments = _fork(listener, selector)
                    if arguments is not None:
                        return arguments
                elif key.data is None:  # the process that started the server has ended
                    for other in selector.get_map().values():
                        _kill(other.data)
                    return None
                elif key.fileobj is key.data.client:
                    selector.unregister(key.data.client)
                    _kill(key.data)
                else:
                    _report(key.data, selector)


def _fork(listener: socket.socket, selector: selectors.BaseSelector) -> list[str] | None:
    """Fork a process for the next client. Returns the arguments in the forked process, and None in the server."""
    client, _ = listener.accept()
    _, streams, _, _ = socket.recv_fds(client, 1, 3)
    with client.makefile("rb") as file:
        request = json.loads(file.readline())
    pid = os.fork()
    if pid == 0:
        os.setsid()  # a process group of its own, which can be killed as a whole
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        for descriptor in [*streams, client.detach(), *(key.fd for key in selector.get_map().values() if key.fd > 2)]:
            os.close(descriptor)
        _begin(request)
        return list(request["arguments"])
    for stream in streams:
        os.close(stream)
    job = _Job(pid, os.pidfd_open(pid), client)
    selector.register(job.ended, selectors.EVENT_READ, job)
    selector.register(client, selectors.EVENT_READ, job)
    return None


def _begin(request: dict) -> None:
    """Apply the request's folder and environment, which a new interpreter and its libraries would read at the start."""
    import numpy as np
    import torch
    from threadpoolctl import threadpool_limits

    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path.insert(0, request["folder"])
    np.random.seed()
    threads = os.environ.get("OMP_NUM_THREADS")
    if threads:
        threadpool_limits(int(threads))
        torch.set_num_threads(int(threads))


def _run_module(name: str) -> int:
    """Run a module like `python -m`; returns the exit status."""
    import traceback

    try:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end(status: int) -> None:
    """End a forked process like `multiprocessing`: without the finalisation of all libraries, which takes seconds."""
    import atexit
    import threading

    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _kill(job: _Job | None) -> None:
    """Kill a process and its group; `_report` reaps it later, so its process id cannot have been reused."""
    if job is not None:
        os.kill(job.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):  # the process has not created its group yet
            os.killpg(job.pid, signal.SIGKILL)


def _report(job: _Job, selector: selectors.BaseSelector) -> None:
    """Send the exit status of an ended process to its client."""
    status = os.waitstatus_to_exitcode(os.waitpid(job.pid, 0)[1])
    if job.client in {key.fileobj for key in selector.get_map().values()}:
        selector.unregister(job.client)
        job.client.send(str(status if status >= 0 else 128 - status).encode())
    selector.unregister(job.ended)
    job.client.close()
    os.close(job.ended)


if __name__ == "__main__":
    if sys.argv[1:] and ADDRESS in os.environ:
        sys.exit(run(sys.argv[1:]))
    if sys.argv[1:]:
        os.execv(sys.executable, [sys.executable, "-m", *sys.argv[1:]])
    del sys.path[0]  # this folder, whose html.py would hide the standard library's (kernels would inherit -I)
    sys.argv = serve()
    _end(_run_module(sys.argv[0]))
