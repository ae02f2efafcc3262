"""Laws to train with, and models, in lines and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spectral_sched.planning.training_advice import (
    COPIED,
    PROGRAMS,
    NormalLaw,
    TrainingAdvice,
    told,
)
from spectral_sched.words import number_of

from .tables import new_table, text_table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from spectral_sched.documents.strict_json import Document


def training_parts(document: Document) -> list[RenderableType]:
    """Return everything worth saying about a law to train with."""
    advice = _advice(document)
    low, high = document["sigma_min"], document["sigma_max"]
    parts: list[RenderableType] = [
        f"{document['kind']} law to train with, from {low:.4g} to {high:.4g}, "
        f"sigma_data {document['sigma_data']:.4g}",
        "nearest of k-diffusion's own: "
        + told(document["k_diffusion"]["sigma_sample_density"]),
        "",
        words_table(advice),
        "",
        ranges_table(advice),
        "",
    ]
    return [*parts, fits_table(document["fits"])]


def _advice(document: Document) -> TrainingAdvice:
    edm = document["edm"]
    law = NormalLaw(edm["P_mean"], edm["P_std"])
    ends = document["sigma_min"], document["sigma_max"]
    return TrainingAdvice(law, *ends, document["sigma_data"])


def words_table(advice: TrainingAdvice) -> Table:
    """Return what every program is told, unit noise for flow networks."""
    table = text_table("program", "settings")
    for program in PROGRAMS:
        table.add_row(program, told(advice.words(program)))
    return table


def ranges_table(advice: TrainingAdvice) -> Table:
    """Return the levels that are drawn most, beside those of laws that are copied."""
    table = new_table("law of ln sigma", "mean", "std", "95 % of the draws")
    for name, law in {"this one": advice.law, **COPIED}.items():
        low, high = law.most
        row = (f"{law.mean:.3g}", f"{law.std:.3g}", f"{low:.3g} - {high:.3g}")
        table.add_row(name, *row)
    ends = f"{advice.sigma_min:.3g} - {advice.sigma_max:.3g}"
    table.add_row("range of your images", "", "", ends)
    return table


def fits_table(fits: Document) -> Table:
    """Return laws of a few parameters and how near they are, best first."""
    table = new_table("fit", "parameters", "Kolmogorov distance", "nats lost")
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
    told = ", told the range of each image" if "ends" in network else ""
    losses, restores = training["loss"], network.get("restores")
    if restores:
        told += f", restores {restores['name']}={restores['value']:g}"
    return [
        f"denoiser of {width}x{height} images, {number_of(channels, 'channel')}, "
        f"sigma_data {network['sigma_data']:.4g}{told}",
        f"widths {' '.join(map(str, network['widths']))}, "
        f"{number_of(network['num_blocks'], 'block')} per level, patches of "
        f"{network['patch']}",
        f"trained on sigma {low:.4g} - {high:.4g}, drawn from {law['name']}{settings}",
        f"{training['steps_done']} of "
        f"{number_of(training['num_steps'], 'step')} of {training['batch']}, loss "
        f"{losses[-1][1]:.4f}"
        if losses
        else "not trained",
    ]
