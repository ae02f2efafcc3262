"""Noise levels for pixel diffusion models, measured from your own images.

>>> import numpy as np
>>> import spectral_sched
>>> noise = np.random.default_rng(0).normal(0, 0.5, (64, 16, 16, 3))
>>> measured = spectral_sched.analyze(noise, data_range=(-1, 1))
>>> round(measured.spectrum.field.sigma_data, 2)
0.5
>>> spectral_sched.optimal_table(measured, 4, "heun").num_steps
4

The names below are loaded when they are first used, so that importing the package costs
nothing; only what plays a model loads torch.
"""

from typing import TYPE_CHECKING

from .version import __version__

if TYPE_CHECKING:
    from .api import (
        Audit,
        Comparison,
        KindInfo,
        Measurement,
        Plan,
        Schedule,
        SigmaBounds,
        SigmaTable,
        SpecschedError,
        TrainingAdvice,
        analyze,
        audit,
        bounds,
        compare,
        kinds,
        make_schedule,
        optimal_table,
        read_schedule,
        read_spectrum,
        sample,
        training_advice,
        training_schedule,
        write_pictures,
        write_schedule,
        write_spectrum,
    )
else:

    def __getattr__(name: str) -> object:
        """Load a public name when it is first asked for."""
        if name not in __all__:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        from importlib import import_module

        return getattr(import_module(".api", __name__), name)

    def __dir__() -> list[str]:
        """Return the public names."""
        return __all__


__all__ = [
    "Audit",
    "Comparison",
    "KindInfo",
    "Measurement",
    "Plan",
    "Schedule",
    "SigmaBounds",
    "SigmaTable",
    "SpecschedError",
    "TrainingAdvice",
    "__version__",
    "analyze",
    "audit",
    "bounds",
    "compare",
    "kinds",
    "make_schedule",
    "optimal_table",
    "read_schedule",
    "read_spectrum",
    "sample",
    "training_advice",
    "training_schedule",
    "write_pictures",
    "write_schedule",
    "write_spectrum",
]
