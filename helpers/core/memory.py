"""How much memory this process may still use, and whether an error says that it does not suffice."""

from __future__ import annotations

import os
import re
from pathlib import Path

_CGROUPS = (  # the limit and the use of a container's memory, in the second and the first version of control groups
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)

_IN_WORDS = re.compile(  # of allocators that raise a plain RuntimeError; the last two are oneDNN's
    "not enough memory|can't allocate memory|Cannot allocate memory|out of memory|bad_alloc"
    "|could not create a memory object|could not create a primitive(?! descriptor)"
)


def available_memory() -> int | None:
    """Bytes of main memory that are free, within the limit of the container if there is one; None if unknown."""
    known = [value for value in (_free(), *(_left(limit, use) for limit, use in _CGROUPS)) if value is not None]
    return min(known, default=None)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory could not be had, of the CPU or of a GPU."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # of torch, which is not imported
        return True
    return isinstance(error, RuntimeError | OSError) and _IN_WORDS.search(str(error)) is not None


def _free() -> int | None:
    """Free memory of the machine; where only its whole memory is known (macOS), that."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows
        return None


def _left(limit: str, use: str) -> int | None:
    """What a control group has left; None if it has no limit."""
    try:
        return max(0, int(Path(limit).read_text()) - int(Path(use).read_text()))
    except (OSError, ValueError):  # no such group, or "max"
        return None
