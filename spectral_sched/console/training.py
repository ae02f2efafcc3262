"""Laws to train with, and models, in lines and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spectral_sched.documents.strict_json import canonical

from .tables import new_table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from spectral_sched.documents.strict_json import Document


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
