"""From the options of ``specsched audit`` to a finished record."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.defaults import SPECTRUM_PATH
from spectral_sched.diffusion.models.denoiser import facts_of
from spectral_sched.diffusion.models.digest import model_digest, model_file
from spectral_sched.diffusion.models.load import (
    load_denoiser,
    load_pictures,
    model_name,
)
from spectral_sched.diffusion.models.network import check_given
from spectral_sched.diffusion.precision import check_precision, precision_of
from spectral_sched.documents.provenance import provenance
from spectral_sched.errors import UsageError
from spectral_sched.files.audit import Audit, Model, audit_document, audit_path
from spectral_sched.files.samples import check_seed
from spectral_sched.planning.replan import sized
from spectral_sched.words import number_of

from .audit import NUM_IMAGES, NUM_LEVELS, Auditor
from .bench import model_source
from .real_pictures import field_samples, fresh_pictures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.documents.strict_json import Document
    from spectral_sched.planning.data_set import DataSet


@dataclass(frozen=True)
class AuditOptions:
    """What ``specsched audit`` is asked for; None stands for what was not said.

    Attributes
    ----------
    model
        Name of the model, as for ``--model``, or a denoiser itself.
    data
        Real images that it was not trained on.
    spectrum
        File of the spectrum; a network of ours knows its own.
    num_levels, num_images, seed
        Levels, images at each, and the seed of noise and choice.
    class_label, null_label
        The class that it is told, or the one that stood for none.
    precision
        Type of images and network.
    """

    model: str | Denoiser
    data: str | None = None
    spectrum: Path | None = None
    num_levels: int = NUM_LEVELS
    num_images: int = NUM_IMAGES
    seed: int = 0
    class_label: int | str | None = None
    null_label: int | None = None
    precision: str = "float32"

    def __post_init__(self) -> None:
        check_precision(self.precision)
        check_seed(self.seed, self.num_levels * self.num_images)


class AuditRun:
    """A model loaded to be audited.

    Attributes
    ----------
    messages
        What has to be said of the model and the images.

    Raises
    ------
    UsageError
        If a name or a value cannot be used, or the model has to be told a class.
    InputError
        If the model or the images cannot be read, or do not fit.
    """

    def __init__(
        self,
        options: AuditOptions,
        device: torch.device,
        data_set: DataSet | None = None,
    ) -> None:
        self.options, self.device = options, device
        self.precision = precision_of(options.precision, device)
        source = data_set or model_source(
            options.model, options.spectrum, SPECTRUM_PATH
        )
        self.model = load_denoiser(options.model, source, device, self.precision.dtype)
        check_given(self.model, given=False)
        facts = facts_of(self.model)
        self.data_set, told = sized(source, facts.shape)
        self.denoise = _told_class(self.model, options)
        self.messages = [*facts.messages, *told]

    def audit(self, advance: Callable[[int], None] = lambda _: None) -> Audit:
        """Audit the model.

        Parameters
        ----------
        advance
            Called with the number of images that were looked at, once for each level.
        """
        images, on_images = self.images
        auditor = Auditor(
            *(self.denoise, self.data_set, images, on_images),
            *(self.device, self.precision.dtype, self.options.seed),
        )
        with self.precision.applied(self.device):
            return auditor(self.options.num_levels, advance)

    def document(self, audit: Audit) -> Document:
        """Return the record of an audit."""
        named = Model(model_name(self.options.model), self.model_digest)
        made = provenance(self.arguments)
        return audit_document(audit, named, self.data_set.data_key, made)

    @property
    def arguments(self) -> Document:
        """What was asked for, without names of files, for the record."""
        asked = self.options
        told = {"class_label": asked.class_label, "null_label": asked.null_label}
        return {
            "levels": asked.num_levels,
            "samples": asked.num_images,
            "seed": asked.seed,
            "precision": self.precision.name,
            **{name: value for name, value in told.items() if value is not None},
        }

    @cached_property
    def model_digest(self) -> str:
        """Digest of what the model's answers depend on."""
        return model_digest(self.options.model, self.data_set, self.model)

    @cached_property
    def images(self) -> tuple[NDArray[np.float32], bool]:
        """Images to look at, (N, C, H, W) in [-1, 1], and whether they are real."""
        count, model = self.options.num_images, self.options.model
        kind, _, folder = model.partition(":") if isinstance(model, str) else ("",) * 3
        if self.options.data is not None:
            return self._chosen(self.options.data), True
        if kind == "images":
            return self._chosen(folder), True
        if kind == "bundled":
            return fresh_pictures(self.data_set.power.field.shape[1], count), True
        return field_samples(self.data_set, count), False

    def _chosen(self, source: str) -> NDArray[np.float32]:
        """Return as many images of a source as are wanted, chosen by the seed."""
        found = load_pictures(source, self.data_set)
        rng = np.random.default_rng(self.options.seed)
        chosen = np.sort(rng.permutation(len(found))[: self.options.num_images])
        return np.asarray(found[chosen], np.float32)

    def place(self) -> Path:
        """Return where the record is kept beside the model.

        Raises
        ------
        UsageError
            If the model has no file of its own.
        """
        file = model_file(self.options.model)
        if file is None:
            message = (
                f"{model_name(self.options.model)} has no file of its own to keep an "
                "audit beside; leave out --write"
            )
            raise UsageError(message)
        return audit_path(file)


def _told_class(denoise: Denoiser, options: AuditOptions) -> Denoiser:
    """Return a model told the class that is asked for, or none where it can be."""
    from spectral_sched.diffusion.models.guidance import Guidance, guide

    facts = facts_of(denoise)
    label = options.null_label if options.class_label is None else options.class_label
    if label is not None:
        return guide(denoise, Guidance(class_label=label), [0])
    if facts.num_classes and facts.null_label is None:
        message = (
            f"the model has {number_of(facts.num_classes, 'class')}; name one "
            "with --class-label, or say with --null-label which stood for none"
        )
        raise UsageError(message)
    return denoise
