"""Tables side by side: what was measured of each, which is better, and the files.

Everything here is numpy on samples that were already made; `diffusion.bench` makes
them. The words: a *cell* is one sampler with one number of network calls; its *rows*
are the tables that were played there, all from the same noise.
"""

from .results import METRICS, VERDICTS_ON, Cell, Cost, Judgement, Row
from .verdicts import Verdict, best_of, rival_verdicts, summary_lines, verdict

__all__ = [
    "METRICS",
    "VERDICTS_ON",
    "Cell",
    "Cost",
    "Judgement",
    "Row",
    "Verdict",
    "best_of",
    "rival_verdicts",
    "summary_lines",
    "verdict",
]
