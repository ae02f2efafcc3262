"""One thread a process, before numpy and torch are loaded, and how Hypothesis works."""

import os

# Workers of pytest-xdist have the cores already, and arrays of tests are so small that
# threads only get in each other's way. Processes that tests start inherit it.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from hypothesis import settings  # noqa: E402

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")
