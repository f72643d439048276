"""Several pages at once use no more threads than there are cores."""

import pytest

from tests.site.test_pages import project, snakemake, write_page  # noqa: F401  a fixture

CORES = 2
CODE = """
import time
from pathlib import Path
import torch
from threadpoolctl import threadpool_info

# the two pages wait for each other, so that they run at once
Path("{name}.there").touch()
deadline = time.time() + 120
while not Path("{other}.there").exists():
    assert time.time() < deadline, "the other page does not run"
    time.sleep(0.05)

allowed = max([torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info())])
numbers = torch.randn(512, 512)
began, used = time.perf_counter(), time.process_time()
while time.perf_counter() - began < 1:
    numbers @ numbers
busy = (time.process_time() - used) / (time.perf_counter() - began)
Path("{name}.threads").write_text(f"{{allowed}} {{busy}}")
"""


@pytest.mark.slow  # Snakemake, its server and two kernels start
@pytest.mark.parametrize("given", [None, "8"])
def test_two_pages_at_once_use_a_core_each(project, monkeypatch, given):  # noqa: F811
    """Whatever number of threads the reader has set: Snakemake's is that of the cores, divided."""
    if given is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    for name, other in (("one", "two"), ("two", "one")):
        write_page(project / f"book/{name}.md", CODE.format(name=name, other=other))
    done = snakemake(project, *(f"_build/pages/book/{name}.ipynb" for name in ("one", "two")))
    assert done.returncode == 0, done.stdout + done.stderr
    measured = [(project / f"{name}.threads").read_text().split() for name in ("one", "two")]
    assert sum(int(allowed) for allowed, _ in measured) <= CORES
    assert all(float(busy) < 1.3 for _, busy in measured), "a core each, and the threads that pass messages"
