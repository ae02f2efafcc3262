"""Results as lines and tables for people. Nothing is printed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from .comparisons import METRICS, VERDICTS_ON, rival_verdicts, summary_lines
from .documents.strict_json import canonical
from .planning.kinds.registry import KINDS
from .solvers.registry import SAMPLERS
from .spectra.bounds import swamped_at
from .spectra.power_law import field_power_law
from .spectra.rings import banded, octaves
from .targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray
    from rich.console import RenderableType

    from .analysis.measurement import Measurement
    from .analysis.partial_file import Partial
    from .comparisons import Cell, Judgement
    from .comparisons.files import Comparison
    from .documents.strict_json import Document
    from .planning.plan import Plan
    from .planning.prediction import PredictedError
    from .spectra.bounds import BoundIntervals, SigmaBounds, Start
    from .spectra.gaussian_field import GaussianField
    from .spectra.mixture import SpectralMixture
    from .spectra.spectrum import Spectrum


STARTS: Mapping[Start, str] = {
    "zero": "start about zero",
    "mean": "start about mean",
    "spectral": "start from the spectrum",
}

ENOUGH = 0.05
"""Relative uncertainty of sigma_max that is good enough in practice."""


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def spectrum_table(field: GaussianField, swamped: NDArray[np.float64]) -> Table:
    """Return power, modes, share of the energy and swamping level per octave."""
    table = _table("cycles/pixel", "modes", "power", "energy", "swamped at sigma")
    modes, power = field.num_modes, field.power
    energy = modes * power
    for name, band in octaves(field.frequency):
        table.add_row(
            name,
            f"{modes[band].sum()}",
            f"{energy[band].sum() / modes[band].sum():.3g}",
            f"{energy[band].sum() / energy.sum():.2%}",
            f"{swamped[band].max():.4g}",
        )
    return table


def bounds_table(bounds: SigmaBounds, intervals: BoundIntervals) -> Table:
    """Return the tight range with intervals and what each end costs."""
    table = _table("bound", "sigma", "95 % interval", "KL at most", "KL Gaussian")
    for name, interval, costs in (
        ("sigma_min", intervals.sigma_min, ()),
        ("sigma_min_ring", intervals.sigma_min_ring, ()),
        ("sigma_max", intervals.sigma_max, (bounds.kl_bound, bounds.kl_gaussian)),
        (
            "sigma_max_centred",
            intervals.sigma_max_centred,
            (bounds.kl_bound_centred, bounds.kl_gaussian_centred),
        ),
    ):
        table.add_row(
            name,
            f"{getattr(bounds, name):.4g}",
            "{:.4g} - {:.4g}".format(*interval),
            *(f"{nats:.2g} nats" for nats in costs),
        )
    return table


def measurement_parts(measured: Measurement) -> list[RenderableType]:
    """Return everything worth saying about a measured data set."""
    spectrum, bounds, intervals = measured.spectrum, measured.bounds, measured.intervals
    swamped = swamped_at(spectrum.field.power, bounds.epsilon)
    parts: list[RenderableType] = list(data_lines(spectrum))
    parts += ["", spectrum_table(spectrum.field, swamped)]
    parts += ["", bounds_table(bounds, intervals)]
    parts += ["", enough_line(spectrum.num_images, intervals)]
    parts += mixture_lines(measured.mixture)
    if measured.skipped.total:
        reasons = sorted(measured.skipped.reasons.items())
        counts = ", ".join(f"{count} {reason}" for reason, count in reasons)
        parts.append(f"{measured.skipped.total} skipped: {counts}")
    return parts


def mixture_lines(mixture: SpectralMixture | None) -> list[str]:
    """Return what is known of the spectra of single images, if anything."""
    if mixture is None:
        return []
    count, size = mixture.means.shape
    classes = len(mixture.class_weights)
    return [
        f"spectra of single images: {count} Gaussians in {size} dimensions"
        + (f", mixed for {classes} classes" if classes else "")
    ]


def partial_parts(gathered: Partial) -> list[RenderableType]:
    """Return what a shard holds."""
    chunk, shard = gathered.chunk, gathered.shard
    parts: list[RenderableType] = [
        f"shard {shard}: {chunk.num_images} images of {gathered.source.count} items",
        f"{chunk.skipped.total} skipped",
    ]
    if not gathered.complete:
        parts.append("cut short: go on with --resume")
    return parts


def samples_lines(document: Document) -> list[str]:
    """Return what a folder of samples holds and how it was made."""
    made = document.get("arguments", {})
    return [
        f"{len(document.get('pictures', []))} sampled pictures",
        ", ".join(f"{name} {value}" for name, value in made.items()),
        f"all on one sheet: {document.get('contact_sheet')}",
    ]


def plan_parts(plan: Plan) -> list[RenderableType]:
    """Return everything worth saying about a plan."""
    return [
        *plan_lines(plan),
        f"beyond {plan.enough_steps} steps, more buy less than 1 % of the error",
        *mixture_lines(plan.data_set.mixture),
        "",
        levels_table(plan),
        "",
        error_table(plan.power.field, plan.predicted),
    ]


def error_table(field: GaussianField, predicted: PredictedError) -> Table:
    """Return the predicted error per octave, beside what there is to get wrong."""
    table = _table("cycles/pixel", "predicted error", "of the contrast")
    contrast = np.sqrt(field.power)
    for name, band in octaves(field.frequency):
        error, power = (
            banded(values, field.num_modes, band)
            for values in (predicted.per_ring, contrast)
        )
        table.add_row(name, f"{error:.3g}", f"{error / power:.1%}" if power else "")
    return table


def data_lines(spectrum: Spectrum) -> list[str]:
    """Return what the pictures are, one fact per line."""
    channels, height, width = spectrum.field.shape
    lines = [
        f"{spectrum.num_images} images of {width}x{height}, "
        f"{channels} channel{'s' * (channels > 1)}, "
        f"sigma_data {spectrum.field.sigma_data:.4g}"
    ]
    law = field_power_law(spectrum.field)
    if law:
        lines.append(
            f"power law: power = {law.amplitude:.3g} / frequency^{law.exponent:.3g} "
            f"(R2 {law.r2:.3f})"
        )
    return lines


def enough_line(num_images: int, intervals: BoundIntervals) -> str:
    """Return whether there are enough pictures to know sigma_max."""
    low, high = intervals.sigma_max
    spread = np.sqrt(high / low) - 1
    known = f"sigma_max is known to about {spread:.1%}"
    if num_images == 1:
        return "one image says nothing of others: give more for an interval"
    if spread <= ENOUGH:
        return f"enough images of this kind: {known}"
    needed = int(np.ceil(num_images * (spread / ENOUGH) ** 2))
    return f"{known}: about {needed} images of this kind would give {ENOUGH:.0%}"


def levels_table(plan: Plan) -> Table:
    """Return the levels of a table, step by step."""
    table = _table("step", "sigma", "log SNR", "ratio to next")
    sigmas = plan.table.sigmas
    for step, sigma in enumerate(plan.table.levels):
        following = sigmas[step + 1]
        ratio = f"{sigma / following:.2f}" if following else ""
        table.add_row(str(step), f"{sigma:.5g}", f"{-2 * np.log(sigma):.2f}", ratio)
    table.add_row(str(plan.table.num_steps), "0", "", "")
    return table


def plan_lines(plan: Plan) -> list[str]:
    """Return what a table is for, one fact per line."""
    low, high = plan.ends
    found = (
        [
            f"found by running {plan.spent.model}: "
            f"spent {plan.spent.num_calls:,} network calls, one picture each"
        ]
        if plan.spent
        else []
    )
    return [
        f"{plan.kind} table for {plan.request.sampler}: {plan.table.num_steps} steps, "
        f"{plan.num_calls} network calls, {STARTS[plan.request.start]}",
        f"range {low:.4g} - {high:.4g}, "
        f"predicted error {plan.predicted.error:.3g} per pixel (of a range of 2)",
        *found,
    ]


def kinds_parts() -> list[RenderableType]:
    """Return all kinds of tables, and the samplers that they are made for."""
    samplers = Table(box=None, pad_edge=False, header_style="bold")
    samplers.add_column("samplers", overflow="fold")
    samplers.add_row(" ".join(SAMPLERS))
    return [kinds_table(), "", samplers]


def kinds_table() -> Table:
    """Return all kinds of tables with their parameters, formulas and sources."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("kind", "parameters", "formula", "source"):
        table.add_column(column, overflow="fold")
    for kind in KINDS.values():
        parameters = " ".join(
            f"{item.name}={'' if item.default is None else item.default}"
            for item in kind.parameters.values()
        )
        formula = kind.formula + "; runs --model" * kind.runs_model
        table.add_row(kind.name, parameters, formula, kind.reference)
    return table


def targets_table() -> Table:
    """Return all programs to write for, with their formats and parameters."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("target", "what it takes", "formats", "--with"):
        table.add_column(column, overflow="fold")
    for target in TARGETS.values():
        names = " ".join(item.name for item in target.parameters)
        table.add_row(target.name, target.what, " ".join(target.formats), names)
    return table


def target_lines(document: Document) -> list[str]:
    """Return what another program was given, one fact per line."""
    warned = [f"warning: {warning}" for warning in document.get("warnings", [])]
    return [
        f"for {document.get('target')}: {document.get('title')}",
        *warned,
        *document.get("announcements", []),
        f"use: {document.get('usage')}",
    ]


def training_parts(document: Document) -> list[RenderableType]:
    """Return everything worth saying about a law to train with."""
    edm = document["edm"]
    low, high = document["sigma_min"], document["sigma_max"]
    parts: list[RenderableType] = [
        f"{document['kind']} law to train with, from {low:.4g} to {high:.4g}, "
        f"sigma_data {document['sigma_data']:.4g}",
        f"EDM: P_mean {edm['P_mean']:.4g}, P_std {edm['P_std']:.4g}",
        "k-diffusion: " + canonical(document["k_diffusion"]["sigma_sample_density"]),
        "",
    ]
    return [*parts, fits_table(document["fits"])]


def fits_table(fits: Document) -> Table:
    """Return laws of a few parameters and how near they are, best first."""
    table = _table("fit", "parameters", "Kolmogorov distance", "nats lost")
    for name, fit in sorted(fits.items(), key=lambda item: item[1]["divergence"]):
        judged = ("kolmogorov", "divergence")
        parameters = ", ".join(
            f"{key} {value:.4g}" for key, value in fit.items() if key not in judged
        )
        table.add_row(
            name, parameters, f"{fit['kolmogorov']:.3f}", f"{fit['divergence']:.3g}"
        )
    return table


def model_parts(document: Document) -> list[RenderableType]:
    """Return everything worth saying about a trained model."""
    network, training, law = document["network"], document["training"], document["law"]
    channels, height, width = document["shape"]
    low, high = document["sigma_range"]
    settings = "".join(f", {name} {value}" for name, value in law["set"].items())
    told = ", told the ends of each picture's range" if "ends" in network else ""
    losses, restores = training["loss"], network.get("restores")
    if restores:
        told += f", restores {restores['name']}={restores['value']:g}"
    return [
        f"denoiser of {width}x{height} pictures, {channels} channels, "
        f"sigma_data {network['sigma_data']:.4g}{told}",
        f"widths {' '.join(map(str, network['widths']))}, {network['num_blocks']} "
        f"blocks per level, patches of {network['patch']}",
        f"trained on sigma {low:.4g} - {high:.4g}, drawn from {law['name']}{settings}",
        f"{training['steps_done']} of {training['num_steps']} steps of "
        f"{training['batch']}, loss {losses[-1][1]:.4f}"
        if losses
        else "not trained",
    ]


def comparison_parts(compared: Comparison) -> list[RenderableType]:
    """Return a table for each cell with its verdicts, and the summary."""
    parts: list[RenderableType] = [*comparison_lines(compared), ""]
    for cell in compared.cells:
        parts += [f"{cell.sampler}, {cell.num_calls} network calls"]
        parts += [cell_table(cell, compared), *verdict_lines(cell), ""]
    return [*parts, *summary_lines(compared.cells)]


def comparison_lines(compared: Comparison) -> list[str]:
    """Return what the figures are, one fact per line."""
    facts = compared.facts
    count = facts["num_samples"]
    return [
        f"{count} samples of {facts['model']['name']} against "
        f"{facts['data']['num_real'] - count} real pictures",
        f"features {facts['features']}: distances on them are no FID",
        "error: root-mean-square distance to the fine reference from the same noise",
        "real pictures: as many of them in place of the samples, the floor",
    ]


def cell_table(cell: Cell, compared: Comparison) -> Table:
    """Return all tables of a cell, the floor and the fine reference below them."""
    labels = [metric.label for metric in METRICS.values()]
    table = _table("table", *labels, "seconds", "calls to make")
    for row in cell.rows:
        cost = "" if row.cost is None else str(row.cost.calls)
        table.add_row(row.name, *_figures(row.judgement), f"{row.seconds:.3g}", cost)
    table.add_row("fine reference", *_figures(compared.reference), "", "")
    table.add_row("real pictures", *_figures(compared.floor), "", "")
    return table


def _figures(judged: Judgement) -> Iterator[str]:
    for name in METRICS:
        value, low, high = judged.estimate(name) if name in judged else (None, 0, 0)
        if value is None:
            yield ""
        elif name in (*VERDICTS_ON, "kernel"):
            yield f"{value:.3g} ± {(high - low) / 2:.2g}"
        else:
            yield f"{value:.3g}"


def verdict_lines(cell: Cell) -> list[str]:
    """Return how the first table of a cell compares with the best of the others."""
    return [
        f"{METRICS[told.metric].label}: {cell.rows[0].name} against {told.rival}, "
        f"the best of the others: {told.word} "
        f"({told.apart.value:+.3g}, from {told.apart.low:+.3g} to "
        f"{told.apart.high:+.3g})"
        for told in rival_verdicts(cell)
    ]
