"""A warm start: one server process imports the libraries, and runners and kernels are forked from it.

Importing PyTorch, pandas, Matplotlib and the Jupyter packages takes about 10 s of CPU time, for the runner and the
kernel of each page and for each table of a build. `start_server` starts a process that imports them once;
`python -I -S warm.py MODULE ARGUMENT...` then does the same as `python -m MODULE ARGUMENT...`, in a process forked from
it. Instead of the module, the path of a Python file is possible. Modules of `helpers` are not imported before the fork,
so that each page runs as in a new interpreter.

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

_KEEP_MEMORY = {f"MALLOC_{name}_": str(size) for name, size in (("MMAP_THRESHOLD", 2**32), ("TRIM_THRESHOLD", 2**33))}
"""Settings of glibc, in bytes: freed tensors stay with the process. If large ones went back to Linux, as by default,
the memory of the next would be mapped and cleared anew, which took a seventh of the time of some tables."""

_CHECK_PARENT = 5  # seconds between two looks whether the process that started the server is still there


class _Job(NamedTuple):
    """A forked process, and the client that waits for it."""

    pid: int
    ended: int
    client: socket.socket


def start_server() -> None:
    """Start the server, which ends with this process. No effect if there is one already, and only on Linux."""
    import subprocess
    import tempfile
    from pathlib import Path

    from helpers.site.environment import clean_environment

    if ADDRESS in os.environ or not hasattr(os, "pidfd_open"):
        return
    command = [sys.executable, __file__]
    folder = tempfile.mkdtemp(prefix="book-")  # for this user only; the server removes it
    # its standard input closes when this process ends; in a session of its own, it outlives Ctrl-C to end its jobs
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = clean_environment(Path(folder)) | _KEEP_MEMORY  # the libraries read it once, for all jobs
    server = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **pipes)  # type: ignore
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

    folder = os.getcwd()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{folder}/socket")
    listener.listen(128)
    print(f"{folder}/socket", flush=True)
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # ipykernel reads it when it is imported
    for name in LIBRARIES:
        importlib.import_module(name)
    for name in _DECIDED_AT_IMPORT:
        sys.modules.pop(name, None)
    sys.modules["pandas"].set_option("display.max_columns", 20)  # as in a kernel: pandas takes this for a terminal
    gc.freeze()  # the garbage collector then does not touch, and so copy, the shared memory
    arguments = _serve(listener)
    if arguments is None:
        shutil.rmtree(folder, ignore_errors=True)
        _end(0)
    return arguments or []


def _serve(listener: socket.socket) -> list[str] | None:
    """Fork on request. Returns the arguments in a forked process, and None in the server once standard input ends."""
    parent = os.getppid()
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select(_CHECK_PARENT):
                if key.fileobj is listener:
                    arguments = _fork(listener, selector)
                    if arguments is not None:
                        return arguments
                elif key.data is None:
                    parent = 0
                elif key.data.ended == key.fileobj:
                    _report(key.data, selector)
                elif _is_registered(key.fileobj, selector):  # its job may have ended just now
                    selector.unregister(key.fileobj)
                    _kill(key.data)
            if os.getppid() != parent:  # the process that started the server has ended
                for other in selector.get_map().values():
                    _kill(other.data)
                return None


def _is_registered(fileobj: object, selector: selectors.BaseSelector) -> bool:
    return any(key.fileobj is fileobj for key in selector.get_map().values())


def _fork(listener: socket.socket, selector: selectors.BaseSelector) -> list[str] | None:
    """Fork a process for the next client. Returns the arguments in the forked process, and None in the server."""
    client, _ = listener.accept()
    client.settimeout(_CHECK_PARENT)
    try:
        _, streams, _, _ = socket.recv_fds(client, 1, 3)
        with client.makefile("rb") as file:
            request = json.loads(file.readline())
    except (OSError, ValueError):  # the client has ended before it has asked for anything
        client.close()
        return None
    server, pid = os.getpid(), os.fork()
    if pid == 0:
        _end_with(server)
        os.setsid()  # a process group of its own, which can be killed as a whole
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        _reopen_streams()
        for descriptor in [*streams, client.detach(), *(key.fd for key in selector.get_map().values() if key.fd > 2)]:
            os.close(descriptor)
        _begin(request)
        return list(request["arguments"])
    for stream in streams:
        os.close(stream)
    client.settimeout(None)
    job = _Job(pid, os.pidfd_open(pid), client)
    selector.register(job.ended, selectors.EVENT_READ, job)
    selector.register(client, selectors.EVENT_READ, job)
    return None


def _end_with(server: int) -> None:
    """Let the kernel of Linux kill this process when the server ends, even if it is killed."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != server:  # it has ended before
        os._exit(1)


def _reopen_streams() -> None:
    """Open Python's streams on the client's: those of the server know whether its own are terminals or files."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        errors = "strict" if number == 1 else "backslashreplace"
        stream = open(number, "w", encoding=getattr(sys, name).encoding, errors=errors, closefd=False)  # noqa: SIM115
        stream.reconfigure(line_buffering=number == 2 or stream.isatty())
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


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
    threads = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if threads.isdecimal() and int(threads) > 0:
        threadpool_limits(int(threads))
        torch.set_num_threads(int(threads))


def _run_module(name: str) -> int:
    """Run a module like `python -m`, or a file; returns the exit status."""
    import traceback

    try:
        if name.endswith(".py"):
            runpy.run_path(name, run_name="__main__")
        else:
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
    if _is_registered(job.client, selector):
        selector.unregister(job.client)
        with contextlib.suppress(OSError):  # it has ended too
            job.client.send(str(status if status >= 0 else 128 - status).encode())
    selector.unregister(job.ended)
    job.client.close()
    os.close(job.ended)


if __name__ == "__main__":
    if sys.argv[1:] and ADDRESS in os.environ:
        sys.exit(run(sys.argv[1:]))
    if sys.argv[1:]:
        kind = [] if sys.argv[1].endswith(".py") else ["-m"]
        os.execv(sys.executable, [sys.executable, *kind, *sys.argv[1:]])
    del sys.path[0]  # this folder, whose html.py would hide the standard library's (kernels would inherit -I)
    sys.argv = serve()
    _end(_run_module(sys.argv[0]))
