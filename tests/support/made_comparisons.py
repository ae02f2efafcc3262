"""Rows with known figures, made without a model."""

from __future__ import annotations

import numpy as np

from spectral_sched.comparisons import Cell, Cost, Judgement, Row
from spectral_sched.comparisons.files import Comparison
from spectral_sched.comparisons.metrics import LeftOut, left_out

COUNT = 60
SHARES = ("precision", "recall", "coverage")
NAMES = ("frechet", "kernel", *SHARES, "density", "patches", "log_spectral")


def mean_of(values: np.ndarray) -> LeftOut:
    return left_out(lambda kept: values[kept].mean(), len(values))


def judgement(level: float, seed: int = 0, *, paired: bool = True) -> Judgement:
    """Return figures about a level: the same noise for the same seed."""
    noise = np.random.default_rng(seed).lognormal(0, 0.3, COUNT)
    values = noise * level
    scores = dict.fromkeys(NAMES, mean_of(values))
    share = mean_of(noise / noise.mean() * min(level, 0.99))
    scores |= dict.fromkeys(SHARES, share)
    rings = left_out(lambda kept: np.outer(values[kept], [1, 2, 3]).mean(axis=0), COUNT)
    return Judgement(values**2 if paired else None, scores, rings)


def row(name: str, level: float, seed: int = 0, *, paired: bool = True) -> Row:
    judged = judgement(level, seed, paired=paired)
    cost = None if name.endswith(".json") else Cost(7, 0.5)
    return Row(name, "heun", (80.0, 2.0, 0.0), 3, (seed, COUNT), judged, 1.5, cost)


def compared(*cells: Cell) -> Comparison:
    facts = {
        "model": {"name": "wiener", "digest": "sha256:0"},
        "data": {"digest": "sha256:1", "num_real": 200},
        "features": "random-0",
        "num_samples": COUNT,
    }
    floor, fine = judgement(0.5, 1, paired=False), judgement(0.6, 2, paired=False)
    return Comparison(facts, floor, fine, list(cells))
