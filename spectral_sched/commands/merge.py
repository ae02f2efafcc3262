"""Merge the shards of an analysis."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from spectral_sched import defaults

from .shared import Epsilon, Force, Json, Mixture, Tolerance, publish_spectrum


def merge(
    partials: Annotated[
        list[Path], typer.Argument(help="Files that analyze --shard wrote.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File to write; - is stdout.")
    ] = defaults.SPECTRUM_PATH,
    epsilon: Epsilon = defaults.EPSILON,
    tolerance: Tolerance = defaults.TOLERANCE,
    mixture: Mixture = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Merge without the missing shards.")
    ] = False,
    json: Json = False,
    force: Force = False,
) -> None:
    """Merge the shards of an analysis into what one run gives.

    Name them in any order: the result is the same to the last bit. Shards that are
    missing, given twice, unfinished or made with other settings are refused.

    Example: specsched merge spectrum.*.partial.json

    See also: analyze --shard.
    """
    from spectral_sched.analysis.measurement import Wanted, derive
    from spectral_sched.analysis.merge import merge_partials
    from spectral_sched.console.output import Publisher

    wanted = Wanted(epsilon, tolerance, mixture)
    wanted.check()
    publish = Publisher(output, json=json, force=force)
    gathered = merge_partials(partials, allow_missing=allow_missing)
    settings = gathered.settings
    measured = derive(gathered.chunk, settings.preprocessing, wanted)
    measured = replace(measured, origin=gathered.origin)
    publish_spectrum(publish, measured, settings.precision)
