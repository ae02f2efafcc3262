"""What benchmarks share: clocks, and another build that takes turns with this one."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import torch


def waited(
    work: Callable[[], object], device: torch.device, repetitions: int = 1
) -> float:
    """Return the seconds that each of some repetitions takes, with all it started.

    On a processor with one thread they are its own, for other work may run beside.
    """
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if alone else time.perf_counter
    settle(device)
    begun = clock()
    for _ in range(repetitions):
        work()
    settle(device)
    return (clock() - begun) / repetitions


def settle(device: torch.device) -> None:
    """Wait until a device has done what it was asked to do."""
    if device.type == "cuda":
        torch.cuda.synchronize()


@contextmanager
def synchronisation(mode: str) -> Iterator[None]:
    """Say what is done where the host waits for an accelerator."""
    if mode == "default":
        yield
        return
    torch.cuda.set_sync_debug_mode(mode)
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def peak_memory(device: torch.device) -> str:
    """Return what is said of the memory that was taken at most.

    On a processor it is that of the whole process.
    """
    if device.type == "cuda":
        return f"  peak {torch.cuda.max_memory_allocated() / 2**20:.0f} MiB"
    try:
        import resource
    except ImportError:  # Windows
        return ""
    unit = 1 if sys.platform == "darwin" else 1024
    taken = unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"  peak {taken / 2**20:.0f} MiB"


def spread(ratios: list[float]) -> str:
    """Return the median of ratios, the quartiles, and the smallest and largest."""
    low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
    return (
        f"{middle:.3f} (quartiles {low:.3f} - {high:.3f}, "
        f"all {min(ratios):.3f} - {max(ratios):.3f})"
    )


def serve(work: Callable[[], object], device: torch.device, repetitions: int) -> None:
    """Work for each line that comes and answer the seconds; at last, the memory."""
    for _ in sys.stdin:
        print(waited(work, device, repetitions), flush=True)
    print(peak_memory(device), flush=True)


class Build:
    """A build of the package in a process of its own, which works when it is asked.

    Parameters
    ----------
    folder
        Its checkout. The script is the present one, which has ``--serve``.
    """

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *sys.argv, "--serve"],
            env=os.environ | {"PYTHONPATH": str(folder.resolve())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        """Return the build, at work."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End its process."""
        self.process.terminate()
        self.process.wait()

    def seconds(self) -> float:
        """Return how long its work takes now."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self._line())

    def last_word(self) -> str:
        """Return what it says of its memory, and let it end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self._line().rstrip()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


def gains(before: Path, rounds: int) -> tuple[list[float], str]:
    """Return how many times faster this build works than another, a number a round.

    The two take turns, and turns at being the first; the first round warms both up.
    Also returned is what they say of their memory.
    """
    here = Path(__file__).resolve().parents[1]
    with Build(before) as old, Build(here) as new:
        pairs = [_pair(old, new, turn) for turn in range(rounds + 1)][1:]
        memory = f"before{old.last_word()}  now{new.last_word()}"
    return [first / second for first, second in pairs], memory


def _pair(old: Build, new: Build, turn: int) -> tuple[float, float]:
    """Return what both builds take in a round."""
    if turn % 2:
        second = new.seconds()
        return old.seconds(), second
    return old.seconds(), new.seconds()
