"""From a plan, a model and seeds to images."""

from .noise import SeededNoise, starting_point
from .sampler import sample

__all__ = ["SeededNoise", "sample", "starting_point"]
