"""The machine: which core does what, whom the processor time went to, and the facts that a figure needs beside it."""

import contextlib
import os
import platform
import resource
import shutil
import time
from typing import Iterator, Sequence

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Processor time of processes that are not ours, in cores, above which a sample counts as disturbed.
FOREIGN_CORES_MAX = 0.10

Cores = frozenset[int]
ALL_CORES: Cores = frozenset(os.sched_getaffinity(0))
SERVER_CORE = min(ALL_CORES)
LOAD_CORE = max(ALL_CORES)
ONLY_SERVER_CORE: Cores = frozenset({SERVER_CORE})
ONLY_LOAD_CORE: Cores = frozenset({LOAD_CORE})


@contextlib.contextmanager
def on_cores(cores: Cores) -> Iterator[None]:
    """Runs this process, and what it starts meanwhile, on the given cores only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def process_cpu_ns(pid: int) -> int:
    """User and system time of all threads that the process has or had, exact to the nanosecond."""
    # The clock id of another process, as clock_getcpuclockid(3) makes it.
    return time.clock_gettime_ns((~pid << 3) | 2)


class ForeignLoad:
    """Processor time that other processes took since `start`, in cores: what makes a measurement worthless."""

    def __init__(self, server_pids: Sequence[int]) -> None:
        self._server_pids = list(server_pids)

    def start(self) -> None:
        self._began = time.monotonic()
        self._busy_before = _machine_busy_s()
        self._own_before = self._own_s()

    def cores(self) -> float:
        elapsed = time.monotonic() - self._began
        foreign = (_machine_busy_s() - self._busy_before) - (self._own_s() - self._own_before)
        return max(0.0, foreign / elapsed)

    def _own_s(self) -> float:
        """Of this process, of what it has waited for (load generators), and of the servers."""
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        mine = sum(usage.ru_utime + usage.ru_stime for usage in usages)
        return mine + sum(process_cpu_ns(pid) for pid in self._server_pids) / 1e9


def _machine_busy_s() -> float:
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = (int(word) for word in file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / _TICKS_PER_S


def resident_bytes(pid: int) -> int:
    """Resident memory of one process, from the kernel's exact count."""
    return _field_kib(f"/proc/{pid}/smaps_rollup", "Rss:") * 1024


def tree_bytes(pid: int) -> int:
    """Resident memory of a process and its children, pages that they share counted once."""
    total = 0
    for each in [pid, *_children(pid)]:
        try:
            total += _field_kib(f"/proc/{each}/smaps_rollup", "Pss:") * 1024
        except (OSError, ValueError):
            continue  # a child that has ended
    return total


def _field_kib(path: str, name: str) -> int:
    with open(path, encoding="ascii") as file:
        for line in file:
            if line.startswith(name):
                return int(line.split()[1])
    raise ValueError(f"{path} has no {name}")


def _children(parent: int) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    # The name of the command, in brackets, may hold spaces.
                    if int(file.read().rpartition(")")[2].split()[1]) == parent:
                        found.append(int(name))
    return found


def facts(directory: str) -> dict[str, str]:
    """What is to be known about the machine to judge the figures."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    one_minute = os.getloadavg()[0]
    return {
        "processor": f"{model}, {os.cpu_count()} cores, {len(ALL_CORES)} to be used",
        "kernel": f"{platform.system()} {platform.release()}",
        "memory": f"{memory_gib:.0f} GiB",
        "disk": f"{_file_system(directory)}, {shutil.disk_usage(directory).free / 2**30:.0f} GiB free",
        "load before": f"{one_minute:.2f}",
    }


def _file_system(directory: str) -> str:
    """Device and type of the file system that holds the directory."""
    best = ("", "unknown")
    path = os.path.realpath(directory)
    with open("/proc/mounts", encoding="utf-8") as file:
        for line in file:
            device, mount, kind = line.split()[:3]
            inside = path == mount or path.startswith(mount.rstrip("/") + "/")
            if inside and len(mount) >= len(best[0]):
                best = (mount, f"{kind} on {device}")
    return best[1]
