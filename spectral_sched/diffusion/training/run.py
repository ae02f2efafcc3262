"""One training run: images and a law in; a model, its curve and a sheet out."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.defaults import KIND, SIZE
from spectral_sched.diffusion.batches import is_out_of_memory
from spectral_sched.diffusion.models.weights import read_model, write_model
from spectral_sched.diffusion.philox import Draw, Purpose
from spectral_sched.diffusion.precision import AUTO
from spectral_sched.diffusion.sampling.player import Player
from spectral_sched.documents.provenance import provenance
from spectral_sched.documents.strict_json import file_digest
from spectral_sched.errors import InputError, NoAnswerError, UsageError, check_choice
from spectral_sched.files.degradation import parse_degradation
from spectral_sched.files.model import (
    ModelHeader,
    read_model_header,
    resume_path,
    sheet_path,
)
from spectral_sched.files.network_config import network_config
from spectral_sched.files.samples import check_seed, sheet_title
from spectral_sched.images.png import contact_sheet, save_png, to_bytes
from spectral_sched.planning.data_set import measured_data_set
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest
from spectral_sched.planning.training_law import LEARNED
from spectral_sched.system.interrupts import EXIT_CODE, patience, saved_at
from spectral_sched.words import number_of

from .degrade import NUM_FEATURES, degrade
from .learned_law import LearnedNoise
from .noise import OwnNoise, own_ranges, parse_law, training_noise
from .state_file import load_state, save_state, saved_length
from .trainer import Trainer, TrainingSettings, fresh_network

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from spectral_sched.diffusion.models.network import NetworkDenoiser
    from spectral_sched.diffusion.torchrun import Processes
    from spectral_sched.files.degradation import Degradation
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.schedules import Setting

    from .noise import TrainingNoise
    from .pictures import PictureSet

SHEET_SEEDS = range(16)
STOPPING = "stopping after this step; Ctrl-C again stops at once\n"
MOST_STEPS = 1_000_000_000
MOST_IMAGES = 1_000_000
"""In a step; far below, they no longer fit into memory, which is told as such."""

PRECISIONS = (AUTO, "bf16", "tf32", "float32")


@dataclass(frozen=True)
class TrainingOptions:
    """What ``specsched train`` is asked for, checked.

    Attributes
    ----------
    settings
        How to train.
    size
        Name of the network's size.
    law, law_settings
        What noise levels are drawn from, and its parameters that were set.
    film
        Whether the network is told the ends of each image's noise range.
    classes
        Whether it is told the class of each image.
    init
        Model to go on from, in place of a fresh network of that size.
    restore
        How the images are degraded that a fresh network is to restore, if any.
    seconds_between_saves
        Time after which the state, the model and a contact sheet are written again.
    minutes
        Time to train for, in place of a number of steps; counted over all parts of a
        run that was taken up again.
    """

    settings: TrainingSettings
    size: str
    law: str
    law_settings: Mapping[str, Setting] = field(default_factory=dict)
    film: bool = False
    classes: bool = False
    init: Path | None = None
    restore: Degradation | None = None
    seconds_between_saves: float = 120.0
    minutes: float | None = None


def training_options(
    settings: TrainingSettings,
    size: str | None = None,
    law: str | None = None,
    texts: tuple[str, ...] = (),
    *,
    film: bool = False,
    classes: bool = False,
    init: Path | None = None,
    restore: str | None = None,
    minutes_between_saves: float = 2.0,
    minutes: float | None = None,
) -> TrainingOptions:
    """Return checked options.

    Raises
    ------
    UsageError
        If a name is unknown or a number out of range.
    """
    check_choice(settings.precision, PRECISIONS, "precision", "--precision")
    _check_counts(settings)
    if not 0 < settings.rate < 1:
        message = f"--rate must be between 0 and 1, not {settings.rate:g}; try 0.002"
        raise UsageError(message)
    if minutes is not None and not 0 < minutes < math.inf:
        message = f"--minutes must be above 0, not {minutes:g}; try 10"
        raise UsageError(message)
    for flag, wanted in (
        *(("--size", size is not None), ("--film", film)),
        ("--restore", restore is not None),
    ):
        if init is not None and wanted:
            message = f"--init brings its own network; leave out {flag}"
            raise UsageError(message)
    check_seed(settings.seed)
    name, settled = parse_law(law, texts)
    degradation = None if restore is None else parse_degradation(restore)
    seconds = 60 * minutes_between_saves
    return TrainingOptions(
        *(settings, size or SIZE, name, settled, film, classes),
        *(init, degradation, seconds),
        minutes,
    )


def _check_counts(settings: TrainingSettings) -> None:
    """Raise `UsageError` unless there are steps, images in each, and not too many."""
    if min(settings.num_steps, settings.batch) < 1:
        message = "--steps and --batch must be at least 1"
        raise UsageError(message)
    for flag, count, most in (
        ("--steps", settings.num_steps, MOST_STEPS),
        ("--batch", settings.batch, MOST_IMAGES),
    ):
        if count > most:
            message = f"{flag} must be at most {most:,}, not {count:.6g}"
            raise UsageError(message)


class TrainingRun:
    """A run towards one model file.

    Parameters
    ----------
    pictures
        What to train on.
    output
        The model's file; its state is kept beside it until the run is done.
    resume
        Whether to go on from that state.
    tell
        Takes a sentence on what the device cannot do.

    Attributes
    ----------
    messages
        What has to be said about going on.
    ranges
        Ends of the noise range of every image, (M, 2), if the network is told them.
    """

    def __init__(
        self,
        pictures: PictureSet,
        options: TrainingOptions,
        output: Path,
        processes: Processes,
        *,
        resume: bool = False,
        tell: Callable[[str], None] = warnings.warn,
    ) -> None:
        _check_shares(options.settings.batch, processes.count)
        settings = options.settings.on(processes.device)
        self.options = replace(options, settings=settings)
        self.output, self.processes = output, processes
        self.data_set = measured_data_set(pictures.measured)
        self.restores = _restores(options)
        self.noise = _noise(options, self.data_set, pictures, self.restores)
        ranges = self.ranges = _ranges(options, self.data_set, pictures, self.noise)
        ends = typical_ends(ranges) if options.film and ranges is not None else None
        names = _class_names(pictures) if options.classes else None
        network = _network(options, self.data_set, ends, names)
        # Now, for the file may be gone or another when the state is written.
        self.init_digest = file_digest(options.init) if options.init else None
        around = (network, settings, processes, tell, ranges)
        self.trainer = Trainer(pictures, self.noise, *around)
        self.resumed = resume
        self.messages: list[str] = []
        if resume:
            self._go_on(saved_length(resume_path(output)))

    def _go_on(self, before: tuple[int, float | None]) -> None:
        """Put the run where its file left it, and say what is new about it."""
        load_state(resume_path(self.output), self.trainer, self._identity)
        step, asked = self.trainer.step, self.options.settings.num_steps
        self.messages += [f"continuing after step {step}"]
        if self.options.minutes is not None:
            done = self.trainer.seconds / 60
            self.messages += [
                f"{done:.2g} of "
                f"{number_of(self.options.minutes, 'minute is', 'minutes are', 'g')} "
                "over"
            ]
        elif asked <= step:
            self.messages += [
                f"{number_of(step, 'step is', 'steps are')} done and {asked} asked "
                "for: the model is written as "
                "it is; --steps with more trains on"
            ]
        elif before != (asked, None):
            was = (
                f"{before[0]} steps" if before[1] is None else f"{before[1]:g} minutes"
            )
            self.messages += [
                f"{asked} steps in place of {was}: from here on the learning rate "
                f"follows its half cosine over {asked} steps, "
                f"{self.trainer.settings.rate_at(step):.2g} next"
            ]

    @property
    def _identity(self) -> dict[str, object]:
        """All that the weights depend on."""
        classes = self.options.classes
        return {
            "pictures": self.data_set.data_key,
            **({"labels": self.trainer.pictures.labels_key} if classes else {}),
            "network": asdict(self.trainer.network.config),
            **self._asked,
        }

    @property
    def _asked(self) -> dict[str, object]:
        return {
            "law": self.options.law,
            "set": dict(self.options.law_settings),
            "size": self.options.size,
            "film": self.options.film,
            **({"classes": True} if self.options.classes else {}),
            **({"init": self.init_digest} if self.init_digest else {}),
            **({"restore": str(self.options.restore)} if self.options.restore else {}),
            **asdict(self.options.settings),
            **({"minutes": self.options.minutes} if self.options.minutes else {}),
        }

    def __call__(self, report: Callable[[Trainer], None] = lambda _: None) -> None:
        """Train to the end, saving now and then.

        Parameters
        ----------
        report
            Called after every step.

        Raises
        ------
        NoAnswerError
            If the loss is no longer finite, or a batch does not fit into memory.
        Interrupted
            If that was asked for, once all is saved.
        """
        if self.processes.first and not (self.resumed or self.trainer.step):
            resume_path(self.output).unlink(missing_ok=True)
        saved = time.monotonic()
        begun = saved - self.trainer.seconds
        with patience(STOPPING) as work:
            while not self._done():
                self._advance()
                self._keep_time(time.monotonic() - begun)
                report(self.trainer)
                if self.processes.any(told=work.asked):
                    self._stop()
                due = time.monotonic() - saved > self.options.seconds_between_saves
                if due and not self._done():
                    self.save()
                    saved = time.monotonic()
        self.trainer.record()
        self._say_steps(self.trainer.step)
        self.save()

    def _done(self) -> bool:
        """Return whether the run has its steps, or its time."""
        minutes = self.options.minutes
        if minutes is None:
            return self.trainer.step >= self.options.settings.num_steps
        return self.trainer.seconds >= 60 * minutes

    def _stop(self) -> None:
        """Save, and end in all processes at once."""
        self._save_state()
        self.processes.wait()
        raise (
            saved_at("step", self.trainer.step)
            if self.processes.first
            else SystemExit(EXIT_CODE)
        )

    def _advance(self) -> None:
        try:
            self.trainer.advance()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            batch, state = self.options.settings.batch, resume_path(self.output)
            kept = f"; {state} stays, for --resume with this batch" * state.exists()
            message = (
                f"a step on {number_of(batch, 'image')} does not fit into the memory "
                f"of {self.processes.device.type}; train again with a lower "
                f"--batch{kept}"
            )
            raise NoAnswerError(message) from error

    def _keep_time(self, seconds: float) -> None:
        """Let rate and curriculum follow the clock, if the run is given a time."""
        self.trainer.seconds = seconds
        if self.options.minutes is None:
            return
        self.trainer.seconds = self.processes.mean(seconds)
        share = self.trainer.seconds / (60 * self.options.minutes)
        self._say_steps(math.ceil(self.trainer.step / min(max(share, 1e-9), 1)))

    def _say_steps(self, count: int) -> None:
        """Let the run have so many steps in all."""
        self.trainer.settings = replace(self.trainer.settings, num_steps=count)

    def save(self) -> None:
        """Write the state, the model as it is so far, and a sheet of its samples."""
        self._save_state()
        if self.processes.first:
            self._hang()

    def _save_state(self) -> None:
        told = (loss for _, loss in self.trainer.losses[-1:])
        for loss in (*told, *map(float, self.trainer.recent)):
            if not math.isfinite(loss):
                message = (
                    f"the loss is {loss} after "
                    f"{number_of(self.trainer.step, 'step')}; train "
                    "with a lower --rate"
                )
                raise NoAnswerError(message)
        if not self.processes.first:
            return
        save_state(resume_path(self.output), self.trainer, self._identity)
        asked = provenance(self._asked)
        write_model(self.output, self.trainer.average, self.header(), asked)

    def header(self) -> ModelHeader:
        """Return what the model says of itself."""
        return ModelHeader(
            config=self.trainer.network.config,
            data_set=self.data_set,
            sigma_range=self.noise.reach,
            law={"name": self.options.law, "set": dict(self.options.law_settings)},
            training={
                "steps_done": self.trainer.step,
                **asdict(self.trainer.settings),
                **({"minutes": self.options.minutes} if self.options.minutes else {}),
                "loss": self.trainer.losses,
            },
        )

    def _hang(self) -> None:
        plan = make_plan(self.data_set, KIND, TableRequest())
        denoise, device = self.trainer.average, self.processes.device
        shape, degraded = plan.power.field.shape, self._some_degraded()
        player = Player(denoise, shape, SHEET_SEEDS, device, degraded=degraded)
        pictures = list(player.play_plan(plan))
        if degraded is not None:
            pairs = zip(degraded.double().numpy(), pictures, strict=True)
            pictures = [np.concatenate(pair, axis=2) for pair in pairs]
        title = f"after step {self.trainer.step}; {sheet_title(plan)}"
        labels = [f"seed {seed}" for seed in SHEET_SEEDS]
        levels = [to_bytes(picture) for picture in pictures]
        save_png(contact_sheet(levels, labels, title), sheet_path(self.output))

    def _some_degraded(self) -> Tensor | None:
        """Return images of the set, degraded, for a network that restores."""
        if self.restores is None:
            return None
        pictures = self.trainer.pictures
        chosen = np.linspace(0, len(pictures) - 1, len(SHEET_SEEDS)).astype(np.int64)
        draw = Draw.of_seeds(Purpose.DEGRADATION, 0, SHEET_SEEDS)
        return degrade(
            pictures.batch(chosen), self.restores, lambda shape: draw.normals(shape[1:])
        )


def _check_shares(batch: int, count: int) -> None:
    """Raise `UsageError` if processes would not get as many images each."""
    if batch % count:
        message = (
            f"--batch {batch} cannot be shared by "
            f"{number_of(count, 'process')} alike; give a "
            f"multiple of {count}, as --batch {math.ceil(batch / count) * count}"
        )
        raise UsageError(message)


def _class_names(pictures: PictureSet) -> tuple[str, ...]:
    """Return the names of the classes of a set."""
    if pictures.unclassed is not None and pictures.num_folders > 1:
        message = (
            f"--classes: the class of {pictures.unclassed} is not known; move it into "
            "the folder of one (with a dataset.json, give it a label there), or away"
        )
        raise InputError(message)
    if len(pictures.class_names) < 2:
        message = (
            "--classes needs a folder for each of two classes or more (with a "
            "dataset.json, labels there); put the images into such folders, or leave "
            "it out"
        )
        raise InputError(message)
    return pictures.class_names


def _network(
    options: TrainingOptions,
    data_set: DataSet,
    ends: tuple[float, float] | None,
    class_names: tuple[str, ...] | None,
) -> NetworkDenoiser:
    """Return the network to begin with: a fresh one, or that of a model's file."""
    field = data_set.power.field
    if options.init is None:
        known = (field.shape, field.sigma_data, ends, options.restore, class_names)
        config = network_config(options.size, *known)
        return fresh_network(config, options.settings.seed)
    network, header = read_model(options.init)
    if header.data_set.power.field.shape != field.shape:
        message = (
            f"{options.init} makes images of the shape "
            f"{header.data_set.power.field.shape} and these have {field.shape}; "
            "start from another model, or bring them to its size with --resolution"
        )
        raise InputError(message)
    network = _told_classes(network, class_names, options)
    return network.train().requires_grad_(requires_grad=True)


def _told_classes(
    network: NetworkDenoiser,
    class_names: tuple[str, ...] | None,
    options: TrainingOptions,
) -> NetworkDenoiser:
    """Return a network that is told these classes, which it does not heed at first.

    Raises
    ------
    InputError
        If it was trained with others.
    """
    known = network.config.class_names
    if known == class_names:
        return network
    if known is not None:
        message = (
            f"{options.init} knows the classes {', '.join(known)}; continue with "
            "images in folders of these names and with --classes, or start from "
            "another model"
        )
        raise InputError(message)
    config = replace(network.config, class_names=class_names)
    told = fresh_network(config, options.settings.seed)
    told.load_state_dict(network.state_dict(), strict=False)
    return told


def _restores(options: TrainingOptions) -> Degradation | None:
    """Return what the network restores, a fresh one or that of a model's file."""
    if options.init is None:
        return options.restore
    return read_model_header(options.init).config.restores


def _noise(
    options: TrainingOptions,
    data_set: DataSet,
    pictures: PictureSet,
    restores: Degradation | None,
) -> TrainingNoise:
    if options.law == LEARNED:
        ends = (data_set.bounds.sigma_min, data_set.bounds.sigma_max)
        return LearnedNoise(ends, NUM_FEATURES if restores else 0)
    return training_noise(options.law, options.law_settings, data_set, pictures.powers)


def _ranges(
    options: TrainingOptions,
    data_set: DataSet,
    pictures: PictureSet,
    noise: TrainingNoise,
) -> NDArray[np.float64] | None:
    """Return the ends of the noise range of every image, for a network told them.

    They are the image's own, whatever the law that levels are drawn from: samples of
    the network are told the ranges of spectra that are drawn for them.
    """
    told = options.film
    if options.init is not None:
        told = read_model_header(options.init).config.ends is not None
    if not told:
        return None
    if isinstance(noise, OwnNoise):
        return noise.own_ends
    ends = (data_set.bounds.sigma_min, data_set.bounds.sigma_max)
    return own_ranges(pictures.powers(), data_set.power.field.shape, ends)


def typical_ends(ranges: NDArray[np.float64]) -> tuple[float, float]:
    """Return the geometric mean over images of the ends of their noise ranges."""
    low, high = np.exp(np.log(ranges).mean(axis=0)).tolist()
    return (low, high)
