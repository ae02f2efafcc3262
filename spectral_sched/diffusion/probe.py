"""Which torch there is and what it can use, as one line of JSON.

``specsched doctor`` runs this module in a process of its own.
"""

from __future__ import annotations

import sys

import torch

from spectral_sched.documents.strict_json import Document, canonical
from spectral_sched.words import number_of

from .devices import available_devices


def describe_torch() -> Document:
    """Return the version and the devices of torch, each after a small sum on it."""
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else None
    build = build or (f"ROCm {torch.version.hip}" if torch.version.hip else "CPU")
    return {
        "version": torch.__version__,
        "build": build,
        "devices": [
            {"name": name, "there": there}
            | ({"what": _what(name), "works": _sums(name)} if there else {})
            for name, there in available_devices().items()
        ],
    }


def _sums(name: str) -> bool:
    try:
        return float(torch.ones(64, device=name).sum()) == 64
    except RuntimeError:
        return False


def _what(name: str) -> str:
    if name == "cuda":
        numbers = range(torch.cuda.device_count())
        return ", ".join(map(torch.cuda.get_device_name, numbers))
    threads = torch.get_num_threads()
    return number_of(threads, "thread") if name == "cpu" else "Apple GPU"


if __name__ == "__main__":
    sys.stdout.write(canonical(describe_torch()) + "\n")
