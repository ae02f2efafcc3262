"""How many cores this process may use, and how many processes were started together.

Cores are those of the affinity and the quota of Linux.
"""

from __future__ import annotations

import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def num_launched() -> int:
    """Return how many processes torchrun, or a batch script, says that it started."""
    return int(os.environ.get("WORLD_SIZE") or 1)


def available_cores() -> int:
    """Return how many cores this process may use, at least 1.

    No more than its affinity names (``taskset``, cpusets) and than the quota of its
    control group and those above grants (containers, batch systems), rounded up.
    """
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    quota = cgroup_quota()
    return cores if quota is None else max(1, min(cores, int(-(-quota // 1))))


def cgroup_quota(root: Path = CGROUPS, membership: Path = MEMBERSHIP) -> float | None:
    """Return the smallest quota of cores on the way up from a process's groups.

    Parameters
    ----------
    root
        Where control groups are mounted, of either version.
    membership
        Names the groups of the process, a line ``number:controllers:path`` each.
    """
    quotas = [
        quota
        for folder in _folders(root, membership)
        if (quota := _unified(folder) or _divided(folder)) is not None
    ]
    return min(quotas, default=None)


def _folders(root: Path, membership: Path) -> list[Path]:
    """Return the folders of the groups that may hold a quota, and those above them."""
    try:
        lines = [line.split(":", 2) for line in membership.read_text().splitlines()]
    except OSError:
        return []
    folders = []
    for _, controllers, path in (line for line in lines if len(line) == 3):
        if controllers and "cpu" not in controllers.split(","):
            continue
        mounts = [root] if not controllers else [root / "cpu", root / controllers]
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for mount in mounts:
            folders += [
                mount.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)
            ]
    return folders


def _unified(folder: Path) -> float | None:
    """Return the quota of version 2: ``cpu.max`` holds ``quota period`` or ``max``."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _divided(folder: Path) -> float | None:
    """Return the quota of version 1, which is -1 where there is none."""
    try:
        names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        quota, period = (int((folder / name).read_text()) for name in names)
    except (OSError, ValueError):
        return None
    return quota / period if quota > 0 and period > 0 else None
