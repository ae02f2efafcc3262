"""Line drawings: grey, of two values but for the edges, like handwriting and plans."""

import numpy as np

from .parts.canvas import Plane, pixel_centres, rotate, stroke
from .parts.outlines import OUTLINES

PAPER, INK = 0.95, 0.05


def lines(rng: np.random.Generator, size: int) -> Plane:
    """Draw (3, size, size) strokes along a few outlines, all planes alike."""
    columns, rows = pixel_centres(size)
    drawn: Plane = np.zeros((size, size), dtype=np.float32)
    width = rng.uniform(0.03, 0.06)
    for _ in range(int(rng.integers(2, 6))):
        x, y = rng.uniform(0.15, 0.85, 2).tolist()
        outline = list(OUTLINES.values())[int(rng.integers(len(OUTLINES)))]
        across, down = rotate(columns - x, rows - y, rng.uniform(0, 2 * np.pi))
        distance = outline(across, down, rng.uniform(0.12, 0.4))
        drawn = np.maximum(drawn, stroke(distance, width, size))
    return np.repeat((PAPER + (INK - PAPER) * drawn)[None], 3, axis=0)
