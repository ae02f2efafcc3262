"""Defaults that the commands and the library share; importing them costs nothing."""

from __future__ import annotations

from pathlib import Path

SPECTRUM_PATH = Path("spectrum.json")
SCHEDULE_PATH = Path("tight.json")
TRAINING_PATH = Path("training.json")
PLOT_PATH = Path("plot.png")
REPORT_PATH = Path("report.html")
SAMPLES_PATH = Path("samples")

EPSILON = 0.005
"""Nats per mode below which a ring is swamped: a signal-to-noise ratio of 0.01."""

TOLERANCE = 1.0
"""Error that may remain at the lower bound, in rms rounding errors of 8 bits."""

KIND = "optimal"
SAMPLER = "dpmpp-2m"
NUM_STEPS = 8
TRAINING_STEPS = 32
MODEL = "bundled"
REPORT_MODEL = "wiener"
"""Samples of the images' own spectrum, which need no network."""

BUNDLED_GUIDANCE = 2.0
"""Weight of the class for the bundled model: with it, kinds are told apart as well as
those of real images (docs/reference/bundled-model.md)."""

SEEDS = "0-15"
MOST_SAMPLES = 1_000_000
"""Of one run."""

MOST_THREADS = 1024
"""More than any machine has cores; systems refuse to start many more."""

RESTORING_SEEDS = "0"
"""With each image to restore."""
NUM_TRAINED = 10_000
"""Training steps."""

SIZE = "tiny"
"""Of networks, for a CPU."""

MODEL_PATH = Path("model.safetensors")
TRAINING_LAW = "lognormal"
TRAINING_SETTINGS = ("mean=-0.6", "std=1.7")
"""A law that is wide enough for a mean that is off: images of 32x32 learn faster with a
standard deviation of 1.2, other sizes were not tried (docs/research/laws.md)."""

COMPARED_MODEL = "wiener"
COMPARED_KINDS = "optimal,gaussian,karras,exponential"
COMPARISON_PATH = Path("comparison")
FEATURES = ("random", "imagenet")
"""Names of what distances can be taken on, the usual one first."""

LEAST_COMPARED = 40
"""Samples of each table at least: intervals are from parts of them."""

NUM_COMPARED = 128
"""Samples of each table."""

REFERENCE_STEPS = 128
MOST_REFERENCE_STEPS = 1000

AUTO_START = "auto"
"""Start from noise about zero, but where the range of a model is too low for that."""
