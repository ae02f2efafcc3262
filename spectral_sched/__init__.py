"""Noise levels for pixel diffusion models, measured from your own images."""

__version__ = "0.1.0"
