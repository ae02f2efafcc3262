"""The commands as functions, for Python: what ``spectral_sched`` itself offers.

A *spectrum* is here whatever tables can be planned from: what `analyze` or
`read_spectrum` returns, or a schedule, whose data set is meant then. Images are float
arrays (C, H, W) in [-1, 1] where they come out; levels are standard deviations of noise
on that scale.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .analysis.data_range import with_measured_range
from .analysis.measurement import Measurement, Wanted, measure
from .analysis.origin import origin_of
from .analysis.run import make_executor
from .arguments import in_python, names_arguments
from .comparisons.cache import Cache
from .comparisons.entries import cell_keys, read_file_entries
from .comparisons.files import Comparison
from .comparisons.options import names
from .defaults import (
    AUTO_START,
    COMPARED_KINDS,
    EPSILON,
    FEATURES,
    KIND,
    LEAST_COMPARED,
    MODEL,
    NUM_COMPARED,
    NUM_STEPS,
    REFERENCE_STEPS,
    SAMPLER,
    SPECTRUM_PATH,
    TOLERANCE,
    TRAINING_LAW,
    TRAINING_SETTINGS,
)
from .documents.provenance import provenance
from .documents.write import check_output, check_replaced, write_document
from .errors import InputError, SpecschedError, UsageError
from .files.audit import Audit
from .files.samples import (
    Gallery,
    Sample,
    chosen_seeds,
    open_gallery,
    parse_seeds,
    sheet_title,
    whole_seeds,
)
from .files.schedule import plan_arguments, plan_document, read_plan
from .files.spectrum import measured_arguments, spectrum_document
from .files.spectrum import read_spectrum as _read_spectrum
from .images.preprocessing import make_preprocessing
from .images.stacks import as_array, channels_first, channels_last
from .planning.data_set import DataSet, measured_data_set, resize_data_set
from .planning.kinds.kind import KindInfo
from .planning.kinds.registry import KINDS, kind_settings_of, parse_kind_settings
from .planning.plan import Plan, make_plan
from .planning.request import NoiseLimits, TableRequest
from .planning.training_advice import TrainingAdvice
from .planning.training_advice import training_advice as _training_advice
from .planning.training_law import training_schedule as _training_schedule
from .schedules import Schedule, flow_model
from .schedules.table import SigmaTable
from .sources import Aside, Item, array_items, items
from .spectra.bounds import SigmaBounds, sigma_bounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from .diffusion.models.denoiser import Denoiser
    from .documents.strict_json import Document
    from .images.ranges import Limits
    from .schedules import Setting

    AnyPath = str | os.PathLike[str]
    AnySpectrum = Measurement | Plan | DataSet
    Pictures = NDArray[Any] | Tensor | Sequence[NDArray[Any] | Tensor]

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


@names_arguments
def analyze(
    source: AnyPath | Sequence[AnyPath] | Pictures,
    *,
    resolution: int | None = None,
    crop: str = "center",
    resize: str = "lanczos",
    color: str = "auto",
    background: str = "black",
    window: str = "none",
    data_range: str | Limits | None = None,
    fast: bool = False,
    bands: str | Sequence[int] | None = None,
    nodata: str = "refuse",
    standardize: str = "none",
    array: str | None = None,
    column: str | None = None,
    channels: str | None = None,
    planes: str | int | None = None,
    all_files: bool = False,
    epsilon: float = EPSILON,
    tolerance: float = TOLERANCE,
    mixture: int | None = None,
    precision: str = "float32",
    max_errors: int | None = None,
    workers: int | None = 1,
    dask: str | None = None,
) -> Measurement:
    """Measure the spectrum and the useful noise range of images.

    Parameters
    ----------
    source
        A path or URL, as for ``specsched analyze``, or a list of them, or a stack of
        images: an array (N, H, W) or (N, H, W, C), a tensor of torch (N, H, W) or
        (N, C, H, W), or a list of either; bytes, 16-bit integers, or other numbers with
        a `data_range`.
    resolution, crop, resize, color, background, window, fast, array, column
        What is done to every image, and which array or column is read: the flags of
        these names.
    channels
        Where channels are in a stack, ``first``, ``last`` or ``none``, if not there.
    data_range
        Black and white: two numbers, a pair of them for each band, or the texts that
        the flag takes.
    bands, nodata, standardize, planes
        As the flags: which bands are channels, what is done about missing values, on
        which scale bands are, and which planes of stacks are read.
    all_files
        Whether files of any ending are tried.
    epsilon, tolerance, mixture, precision
        As the flags.
    max_errors
        How many images that cannot be used are skipped; None for any number.
    workers, dask
        Processes that share the work, None for one per core, or a Dask cluster. A
        program that asks for more than one must guard its start with
        ``if __name__ == "__main__"``, as for `multiprocessing`.

    Raises
    ------
    InputError
        If there is nothing to read, or two images differ in size.
    NoAnswerError
        If the images have no spectrum, being all the same.

    Examples
    --------
    White noise of standard deviation 0.5 has power 0.25 at every frequency:

    >>> noise = np.random.default_rng(0).normal(0, 0.5, (512, 16, 16))
    >>> power = analyze(noise, data_range=(-1, 1)).spectrum.field.power
    >>> bool(np.all(abs(power[1:] - 0.25) < 0.05))
    True
    """
    prepared = make_preprocessing(
        resolution,
        crop,
        resize,
        color,
        background=background,
        window=window,
        data_range=data_range,
        fast=fast,
        bands=bands,
        nodata=nodata,
        standardize=standardize,
    )
    wanted = Wanted(epsilon, tolerance, mixture)
    aside, named = Aside(), _named(source)
    chosen: dict[str, Any] = {"array": array, "column": column, "channels": channels}
    chosen |= {"planes": planes, "bands": prepared.bands, "all_files": all_files}

    def stream(aside: Aside) -> Iterator[Item]:
        if named:
            return items(named, **chosen, aside=aside)
        return array_items(channels_last(source, channels))

    prepared = with_measured_range(prepared, lambda: stream(Aside()))
    with make_executor(workers, dask) as executor:
        measured = measure(
            stream(aside),
            prepared,
            wanted,
            precision=precision,
            max_errors=max_errors,
            executor=executor,
        )
    return replace(measured, origin=origin_of(named, aside).reworded(in_python))


def _named(source: AnyPath | Sequence[AnyPath] | Pictures) -> list[str]:
    """Return the names of sources; none of images in memory."""
    several = [source] if isinstance(source, str | os.PathLike) else source
    if not isinstance(several, list | tuple):
        return []
    places = [each for each in several if isinstance(each, str | os.PathLike)]
    if places and len(places) < len(several):
        message = "a list holds sources or images in memory, not both; divide it"
        raise InputError(message)
    return [os.fspath(place) for place in places]


@names_arguments
def bounds(
    spectrum: AnySpectrum,
    *,
    epsilon: float | None = None,
    tolerance: float | None = None,
) -> SigmaBounds:
    """Return the noise range between which there is anything to learn.

    Parameters
    ----------
    epsilon
        Nats per mode below which a ring is swamped.
    tolerance
        Error that may stay at the lower end, in rms rounding errors of 8 bits. Both are
        those of the measurement if not given.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.5, (64, 16, 16))
    >>> measured = analyze(noise, data_range=(-1, 1))
    >>> loose, tight = bounds(measured, epsilon=0.5), bounds(measured)
    >>> loose.sigma_max < tight.sigma_max
    True
    """
    source = _source(spectrum)
    old = source.bounds
    return sigma_bounds(
        source.power.field,
        epsilon=old.epsilon if epsilon is None else epsilon,
        tolerance=old.tolerance if tolerance is None else tolerance,
    )


@names_arguments
def optimal_table(
    spectrum: AnySpectrum, num_steps: int = NUM_STEPS, sampler: str = SAMPLER
) -> SigmaTable:
    """Return the table of noise levels with the least expected error of a solver.

    Parameters
    ----------
    num_steps
        Number of steps; the table has that many levels and then 0.
    sampler
        Name of the solver that will step through it.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.5, (64, 16, 16))
    >>> table = optimal_table(analyze(noise, data_range=(-1, 1)), 3, "euler")
    >>> len(table.sigmas), table.sigmas[-1]
    (4, 0.0)
    """
    return make_schedule(spectrum, num_steps, sampler).table


@names_arguments
def make_schedule(
    spectrum: AnySpectrum,
    num_steps: int = NUM_STEPS,
    sampler: str = SAMPLER,
    *,
    kind: str = KIND,
    settings: Mapping[str, Setting] | None = None,
    start: str = AUTO_START,
    sigma_min: float | None = None,
    sigma_max: float | None = None,
    start_sigma: float | None = None,
    strength: float | None = None,
    terminal: str | None = None,
    resolution: int | None = None,
    model: str | Denoiser | None = None,
    device: str = "auto",
    look: bool = True,
    flow: str | None = None,
    noise_scale: float | None = None,
    t_eps: float | None = None,
) -> Plan:
    """Return a schedule of any kind: its table, its predicted error, its data set.

    Parameters
    ----------
    kind, settings
        Name of the kind and its parameters; `kinds` lists both.
    start, sigma_min, sigma_max, start_sigma, strength, terminal, resolution
        As the flags of ``specsched export``.
    model
        A name or a function, as for `sample`: plan inside the range that it knows, and
        run it for kinds that do. What is to be said of that is a warning.
    device
        Where it runs.
    look
        Whether a model without an audit is looked at briefly first.
    flow, noise_scale, t_eps
        The flow network that samples with it: a name of `schedules.FLOW_MODELS`, the
        strength of its noise, and the time that its program divides by at least. The
        table ends above that.

    Raises
    ------
    UsageError
        If a name or a value cannot be used, or the kind cannot be had as wished.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.5, (64, 16, 16))
    >>> measured = analyze(noise, data_range=(-1, 1))
    >>> karras = make_schedule(measured, 8, kind="karras", settings={"rho": 5})
    >>> optimal = make_schedule(measured, 8)
    >>> optimal.predicted.error < karras.predicted.error
    True
    """
    data_set = _source(spectrum)
    noise = flow_model(flow, {"noise_scale": noise_scale, "t_eps": t_eps})
    ends = sigma_min, sigma_max, start_sigma, strength
    request = TableRequest.of(
        sampler,
        num_steps,
        start,
        settings=kind_settings_of(kind, settings or {}),
        limits=NoiseLimits(*ends, floor=noise.lowest_sigma),
        terminal=terminal,
    )
    if resolution is not None:
        data_set = resize_data_set(data_set, resolution)
    if model is None:
        return make_plan(data_set, kind, request)
    from .diffusion.devices import resolve_device
    from .diffusion.evaluation.planner import ModelPlanner

    free = start == AUTO_START
    where = resolve_device(device)
    planner = ModelPlanner(model, None, where, look=look, free_start=free)
    plan = planner(data_set, kind, request)
    _warn(planner.messages)
    return plan


@names_arguments
def training_schedule(
    spectrum: AnySpectrum,
    kind: str | None = None,
    settings: Mapping[str, Setting] | None = None,
    *,
    sigma_min: float | None = None,
    sigma_max: float | None = None,
) -> Schedule:
    """Return a schedule to train with: ``draws`` gives noise levels from its law.

    Parameters
    ----------
    kind, settings
        Name of the law and its parameters; those that `train` has as defaults if there
        is no name.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.5, (64, 16, 16))
    >>> law = training_schedule(analyze(noise, data_range=(-1, 1)), "laplace")
    >>> law.draws(16, np.random.default_rng(0)).shape
    (16,)
    """
    name = kind or TRAINING_LAW
    usual = {} if kind else parse_kind_settings(name, TRAINING_SETTINGS)
    request = TableRequest.of(
        SAMPLER,
        NUM_STEPS,
        "zero",
        settings=usual | kind_settings_of(name, settings or {}),
        limits=NoiseLimits(sigma_min, sigma_max),
    )
    return _training_schedule(_source(spectrum), name, request)


@names_arguments
def training_advice(
    spectrum: AnySpectrum,
    kind: str | None = None,
    settings: Mapping[str, Setting] | None = None,
    *,
    flow: str | None = None,
    noise_scale: float | None = None,
    sigma_min: float | None = None,
    sigma_max: float | None = None,
) -> TrainingAdvice:
    """Return what to train with, in the words of every program.

    Parameters
    ----------
    kind, settings, sigma_min, sigma_max
        As for `training_schedule`.
    flow, noise_scale
        A flow network by name (`schedules.FLOW_MODELS`), or the standard deviation of
        its noise at time 1.

    Raises
    ------
    UsageError
        If a name or a value cannot be used.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.5, (64, 16, 16))
    >>> advice = training_advice(analyze(noise, data_range=(-1, 1)), flow="jit-512")
    >>> round(advice.words("jit")["P_mean"] + advice.law.mean, 4)  # ln 2
    0.6931
    """
    schedule = training_schedule(
        spectrum, kind, settings, sigma_min=sigma_min, sigma_max=sigma_max
    )
    scale = flow_model(flow, {"noise_scale": noise_scale}).noise_scale
    sigma_data = _source(spectrum).power.field.sigma_data
    return _training_advice(schedule, sigma_data, scale)


@names_arguments
def kinds() -> Mapping[str, KindInfo]:
    """Return all kinds of tables by name, with their parameters and sources.

    Examples
    --------
    >>> kinds()["karras"].reference
    'Karras et al., arXiv 2206.00364, Eq. 5'
    """
    return KINDS


@names_arguments
def sample(
    schedule: Plan | AnyPath,
    seeds: Iterable[int] | None = None,
    *,
    model: AnyPath | Denoiser = MODEL,
    inputs: AnyPath | Pictures | None = None,
    channels: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    class_label: int | str | None = None,
    null_label: int | None = None,
    guidance: float | None = None,
    guidance_interval: tuple[float, float] | None = None,
    per_image: bool = False,
    label: str | None = None,
    as_is: bool = False,
    clip: bool = False,
    noise_scale: float | None = None,
    t_eps: float | None = None,
) -> NDArray[np.float64]:
    """Sample one image per seed, or per input and seed, (N, C, H, W) about [-1, 1].

    What ``specsched sample`` says on standard error is a warning here.

    Parameters
    ----------
    schedule
        A schedule, or the file of one.
    seeds
        0 to 15 if not given, or 0 with `inputs`.
    inputs
        Degraded images for a model that restores, an array or a tensor of torch,
        (N, C, H, W) in [-1, 1], or where they are; all seeds of the first come first.
    channels
        Where channels are in the array, ``last`` or ``none``, if not first.
    model
        A name, as for ``specsched sample``, or the path of a model's file, or a
        function ``denoise(x, sigma)`` on tensors (B, C, H, W).
    label
        Class that spectra are drawn from with `per_image`.
    device, precision, class_label, null_label, guidance, per_image, as_is, clip
        As the flags.
    guidance_interval
        Lowest and highest sigma at which a class is guided to.
    noise_scale, t_eps
        Of a flow network: the strength of its noise at time 1, and the time that its
        program divides by at least.

    Raises
    ------
    UsageError
        If a name or a value cannot be used.
    InputError
        If the schedule or the model cannot be read, or they do not fit.
    """
    from .diffusion.devices import resolve_device
    from .diffusion.models.guidance import parse_guidance
    from .diffusion.sampling.run import SamplingOptions, SamplingRun
    from .planning.replan import Fitting

    if seeds is None:
        numbers = parse_seeds(chosen_seeds(None, restoring=inputs is not None))
    else:
        numbers = whole_seeds(seeds)
    options = SamplingOptions(
        _named_model(model),
        precision,
        parse_guidance(class_label, null_label, guidance, guidance_interval, model),
        Fitting(as_is=as_is, clip=clip),
        per_image=per_image,
        label=label,
        inputs=_inputs(inputs, channels),
        noise=flow_model(None, {"noise_scale": noise_scale, "t_eps": t_eps}),
    )
    plan = schedule if isinstance(schedule, Plan) else read_schedule(schedule)
    run = SamplingRun(plan, options, resolve_device(device))
    _warn(run.messages)
    return np.stack(list(run(run.samples(numbers))))


@names_arguments
def audit(
    model: AnyPath | Denoiser,
    spectrum: AnySpectrum | None = None,
    *,
    data: AnyPath | None = None,
    levels: int = 24,
    samples: int = 64,
    seed: int = 0,
    class_label: int | str | None = None,
    null_label: int | None = None,
    device: str = "auto",
    precision: str = "float32",
) -> Audit:
    """Say where a model can be trusted, beside Wiener's filter, and what is wrong.

    Parameters
    ----------
    model
        A name or a function, as for `sample`.
    spectrum
        Of its images; networks of ours and the bundled one know their own.
    data
        Where real images are that it was not trained on; samples of the spectrum's
        field if not given.
    levels, samples, seed, class_label, null_label, device, precision
        As the flags of ``specsched audit``.

    Returns
    -------
    audit
        Its `trusted_range`, its `findings` with a text each, and its `errors`.

    Raises
    ------
    UsageError
        If a name or a value cannot be used, or the model has to be told a class.
    InputError
        If the model or the images cannot be read, or do not fit.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.5, (64, 16, 16))
    >>> measured = analyze(noise, data_range=(-1, 1))
    >>> audit("wiener", measured, levels=4, samples=4).findings
    ()
    """
    from .diffusion.devices import resolve_device
    from .diffusion.evaluation.audit_run import AuditOptions, AuditRun

    options = AuditOptions(
        _named_model(model),
        None if data is None else os.fspath(data),
        num_levels=levels,
        num_images=samples,
        seed=seed,
        class_label=class_label,
        null_label=null_label,
        precision=precision,
    )
    known = None if spectrum is None else _source(spectrum)
    run = AuditRun(options, resolve_device(device), known)
    _warn(run.messages)
    return run.audit()


@names_arguments
def compare(
    model: AnyPath | Denoiser,
    spectrum: AnySpectrum | None = None,
    *,
    kinds: Sequence[str] = tuple(names(COMPARED_KINDS)),
    samplers: Sequence[str] = (SAMPLER,),
    calls: Sequence[int] = (NUM_STEPS,),
    schedules: Sequence[AnyPath] = (),
    data: AnyPath | None = None,
    samples: int = NUM_COMPARED,
    seed: int = 0,
    reference_steps: int = REFERENCE_STEPS,
    features: str = FEATURES[0],
    folder: AnyPath | None = None,
    device: str = "auto",
    precision: str = "float32",
) -> Comparison:
    """Measure tables side by side on one model, as ``specsched compare`` does.

    Parameters
    ----------
    model
        A name or a function, as for `sample`.
    spectrum
        What tables are planned from; networks of ours and the bundled one know theirs.
    kinds, samplers, calls
        Kinds of tables, as in ``karras:rho=5``, the first of which is held against the
        others, and the samplers and network calls to compare them at.
    schedules
        Schedule files to compare too.
    data
        Where real images are; a model that knows no images needs some.
    samples, seed, reference_steps, features, device, precision
        As the flags of ``specsched compare``.
    folder
        Where rows are kept, so that none is measured twice; nowhere if not given.

    Returns
    -------
    comparison
        Its `cells` with their rows, its `floor` and its `reference`.

    Raises
    ------
    UsageError
        If a name or a value cannot be used, or the model cannot be compared so.
    InputError
        If the model, the images or a schedule cannot be read, or do not fit.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.5, (64, 8, 8))
    >>> measured = analyze(noise, data_range=(-1, 1))
    >>> compared = compare("wiener", measured, calls=(4,), samples=40)
    >>> [row.name for row in compared.cells[0].rows][:2]
    ['optimal', 'gaussian']
    """
    from .diffusion.devices import resolve_device
    from .diffusion.evaluation.bench import Bench, BenchOptions, model_source

    model = _named_model(model)
    source = (
        model_source(model, None, SPECTRUM_PATH)
        if spectrum is None
        else _source(spectrum)
    )
    if samples < LEAST_COMPARED:
        message = f"--samples must be at least {LEAST_COMPARED}, not {samples}"
        raise UsageError(message)
    options = BenchOptions(
        *(model, tuple(kinds)),
        read_file_entries(Path(path) for path in schedules),
        tuple(cell_keys(tuple(samplers), tuple(calls), ())),
        data=None if data is None else os.fspath(data),
        num_samples=samples,
        seed=seed,
        reference_steps=reference_steps,
        precision=precision,
        features=features,
    )
    with tempfile.TemporaryDirectory() as nowhere:
        cache = Cache(Path(folder or nowhere))
        bench = Bench(source, options, cache, resolve_device(device))
        compared = bench()
    _warn(bench.messages)
    return compared


def _warn(messages: Iterable[str]) -> None:
    """Warn the caller of a public function of what a command says."""
    for message in messages:
        warnings.warn(in_python(message), stacklevel=4)


@names_arguments
def read_spectrum(path: AnyPath) -> Measurement:
    """Read a spectrum file, as `write_spectrum` and ``specsched analyze`` make."""
    return _read_spectrum(Path(path))


@names_arguments
def read_schedule(path: AnyPath) -> Plan:
    """Read a schedule file, as `write_schedule` and ``specsched export`` make."""
    return read_plan(Path(path))


@names_arguments
def write_spectrum(
    measured: Measurement, path: AnyPath, *, force: bool = False
) -> None:
    """Write a spectrum file; `force` replaces files of others, and other spectra."""
    arguments = provenance(measured_arguments(measured))
    _write(spectrum_document(measured, arguments), Path(path), force=force)


@names_arguments
def write_schedule(schedule: Plan, path: AnyPath, *, force: bool = False) -> None:
    """Write a schedule file; `force` replaces files of others, and other tables."""
    arguments = provenance(plan_arguments(schedule))
    _write(plan_document(schedule, arguments), Path(path), force=force)


def _write(document: Document, path: Path, *, force: bool) -> None:
    check_output(path, force=force)
    check_replaced(path, document, force=force)
    write_document(document, path)


@names_arguments
def write_pictures(
    pictures: Iterable[NDArray[np.floating]],
    folder: AnyPath,
    seeds: Iterable[int] | None = None,
    *,
    schedule: Plan | None = None,
    force: bool = False,
) -> None:
    """Write sampled images, (C, H, W) each, as PNGs and one sheet of them all.

    Those of other than 1 or 3 channels are arrays of numpy.

    Parameters
    ----------
    seeds
        Of each image, for its name and its label on the sheet; 0, 1, 2, ... if not
        given.
    schedule
        What they were sampled with, for the title of the sheet.
    force
        Replace files of others, and more images of an earlier run.

    Raises
    ------
    UsageError
        If there are no images, or others than images with a seed each.
    """
    arrays = _finite_arrays(pictures)
    numbers = range(len(arrays)) if seeds is None else whole_seeds(seeds)
    counts = len(arrays), len(numbers), len(set(numbers))
    if not arrays or len(set(counts)) > 1:
        message = (
            "there are {} images and {} seeds, {} of them different; give each image a "
            "seed of its own"
        )
        raise UsageError(message.format(*counts))
    place = open_gallery(Path(folder), force=force)
    samples = [Sample(seed) for seed in numbers]
    gallery = Gallery(place, samples, force=force, channels=len(arrays[0]))
    gallery.begin({})
    gallery.fill(arrays, {}, title=sheet_title(schedule) if schedule else "")


def _finite_arrays(pictures: Iterable[NDArray[np.floating]]) -> list[NDArray[Any]]:
    """Return images as arrays, (C, H, W) each."""
    arrays = [as_array(picture) for picture in pictures]
    for number, array in enumerate(arrays):
        if array.ndim != 3:
            message = f"an image is (C, H, W), and image {number} has {array.shape}"
            raise UsageError(message)
        if not np.isfinite(array).all():
            message = f"image {number} has values that are not finite; sample it again"
            raise UsageError(message)
    return arrays


def _inputs(
    inputs: AnyPath | Pictures | None, channels: str | None
) -> str | NDArray[np.floating] | None:
    """Return images to restore as a run takes them."""
    if inputs is None:
        return None
    if isinstance(inputs, str | os.PathLike):
        return str(inputs)
    return channels_first(inputs, channels)


def _named_model(model: AnyPath | Denoiser) -> str | Denoiser:
    """Return a model as it is named: by a text, though it be a path."""
    return os.fspath(model) if isinstance(model, os.PathLike) else model


def _source(spectrum: AnySpectrum) -> DataSet:
    """Return what tables are planned from."""
    if isinstance(spectrum, Measurement):
        return measured_data_set(spectrum)
    return spectrum.data_set if isinstance(spectrum, Plan) else spectrum
