"""The bench: tables of many kinds on one model, measured side by side.

All tables begin with the same noise and are measured with the same yardsticks. Every
row is kept as soon as it is there, under everything that it depends on, so that a run
that was cut short goes on where it was, and one more kind costs one more row each.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.comparisons import rules
from spectral_sched.comparisons.cache import Cache, Kept
from spectral_sched.comparisons.entries import num_calls, parse_entry
from spectral_sched.comparisons.files import (
    Comparison,
    judgement_fields,
    read_judgement,
    read_row,
    row_fields,
)
from spectral_sched.comparisons.options import CACHE_NAME, Measuring, names
from spectral_sched.comparisons.results import Cell, Cost, Row
from spectral_sched.defaults import SPECTRUM_PATH
from spectral_sched.diffusion.devices import resolve_device
from spectral_sched.diffusion.models.denoiser import facts_of
from spectral_sched.diffusion.models.digest import array_digest, model_digest
from spectral_sched.diffusion.models.limits import known_limits
from spectral_sched.diffusion.models.load import load_denoiser, model_name
from spectral_sched.diffusion.models.network import check_given
from spectral_sched.diffusion.precision import precision_of
from spectral_sched.diffusion.sampling.noise import NOISE
from spectral_sched.diffusion.sampling.player import Player
from spectral_sched.diffusion.search.search import ModelSearch
from spectral_sched.errors import UsageError
from spectral_sched.files.any_format import read_data_set
from spectral_sched.files.model import BUNDLED, SUFFIX, read_model_header
from spectral_sched.files.samples import check_seed
from spectral_sched.planning.kinds.registry import KINDS
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.replan import Fitting, fit_to_model, without_flags
from spectral_sched.planning.request import TableRequest
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import SAMPLERS

from .features import features_named
from .real_pictures import real_pictures
from .yardsticks import Yardsticks

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from numpy.typing import NDArray

    from spectral_sched.comparisons.entries import CellKey, Entry, FileEntry
    from spectral_sched.comparisons.options import CompareOptions
    from spectral_sched.comparisons.results import Judgement
    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.documents.strict_json import Document
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.plan import Plan

FLOOR, FINE = (
    Kept(kind, rules.JUDGEMENT, rules.judgement_agrees, rules.ESTIMATES)
    for kind in ("floor", "fine")
)
ROW = Kept("row", rules.ROW, rules.row_agrees)
TABLE = Kept("table", rules.TABLE, rules.table_agrees)
"""What is kept of each run."""

REFERENCE_KIND, REFERENCE_SAMPLER = "exponential", "heun"


@dataclass(frozen=True)
class BenchOptions(Measuring):
    """What is compared, and how it is measured.

    Attributes
    ----------
    model
        Name of the model, as for ``sample --model``, or a denoiser itself.
    kinds, file_entries
        Contenders: kinds with settings, tables of schedule files. The first is ours.
    cells
        Samplers and numbers of steps.
    """

    model: str | Denoiser
    kinds: tuple[str, ...]
    file_entries: tuple[FileEntry, ...]
    cells: tuple[CellKey, ...]

    def __post_init__(self) -> None:
        check_seed(self.seed, self.num_samples)
        for flag, named, what in (
            ("--kinds", self.kinds, "kind, as in optimal,karras"),
            ("--samplers", self.cells, "sampler, as in heun,dpmpp-2m"),
        ):
            if not named:
                message = f"{flag} names nothing to compare; name a {what}"
                raise UsageError(message)


def shown_model(model: str | Denoiser) -> str:
    """Return what a model is called, without the place of its file."""
    if not isinstance(model, str):
        return model_name(model)
    kind, _, place = model.partition(":")
    return f"{kind}:{Path(place).name}" if place else Path(model).name


def model_source(
    model: str | Denoiser, spectrum: Path | None, default: Path
) -> DataSet:
    """Return what tables are planned from: a named file, or what the model knows."""
    if not isinstance(model, str):
        return read_data_set(spectrum or default)
    if spectrum is None and model == "bundled":
        return read_model_header(BUNDLED).data_set
    if spectrum is None and model.endswith(SUFFIX):
        return read_model_header(Path(model)).data_set
    return read_data_set(spectrum or default)


def bench_for(options: CompareOptions, folder: Path, device: str) -> Bench:
    """Return the bench that options ask for, with what a folder has of it already."""
    data_set = model_source(options.model, options.spectrum, SPECTRUM_PATH)
    asked = BenchOptions(
        model=options.model,
        kinds=tuple(names(options.kinds)),
        file_entries=options.file_entries,
        cells=options.cells(),
        **vars(options.measuring),
    )
    return Bench(data_set, asked, Cache(folder / CACHE_NAME), resolve_device(device))


class Bench:
    """A model with its yardsticks, ready to measure tables.

    Parameters
    ----------
    data_set
        What tables are planned from.
    options
        What is compared.
    cache
        What was measured already.

    Attributes
    ----------
    messages
        What has to be said about the tables that were played.
    num_rows
        Rows that are measured and kept.
    """

    def __init__(
        self,
        data_set: DataSet,
        options: BenchOptions,
        cache: Cache,
        device: torch.device,
    ) -> None:
        self.precision = precision_of(options.precision, device)
        self.options, self.cache, self.device = options, cache, device
        self.entrants = [parse_entry(text) for text in dict.fromkeys(options.kinds)]
        request = TableRequest.of(REFERENCE_SAMPLER, options.reference_steps, "zero")
        fine = make_plan(data_set, REFERENCE_KIND, request)
        self.features = features_named(options.features, fine.power.field.shape[0])
        searched = options.search_data
        self.search = ModelSearch(options.model, searched, device, "--search-data")
        self.denoise = load_denoiser(options.model, fine, device, self.precision.dtype)
        check_given(self.denoise, given=False)
        self._check_searches()
        self.limits, told = known_limits(options.model, self.denoise, fine)
        said = facts_of(self.denoise).messages
        self.messages = dict.fromkeys((*said, *told))
        self.fine = self._fit(fine)
        self.real = real_pictures(
            options.model, options.data, self.fine, options.num_samples
        )
        self.model_key = model_digest(options.model, self.fine, self.denoise)
        self.data_key = array_digest(self.real)
        self.advance: Callable[[int], None] = lambda _: None
        self.num_rows = 0

    def _check_searches(self) -> None:
        """Raise `UsageError` if a table cannot be searched for, not hours later."""
        searched = [each for each in self.entrants if KINDS[each.kind].runs_model]
        for each, key in itertools.product(searched, self.options.cells):
            request = each.request(key.sampler, key.num_steps)
            self.search.check(each.kind, request, self.denoise)

    @property
    def seeds(self) -> range:
        """The seeds that all tables share."""
        return range(self.options.seed, self.options.seed + self.options.num_samples)

    def num_steps(self) -> int:
        """Return how many times samples go one step further at most, for a bar."""
        tables = len(self.entrants) * sum(p.num_steps for p in self.options.cells)
        steps = tables + sum(each.key.num_steps for each in self.options.file_entries)
        return (steps + self.options.reference_steps) * self.options.num_samples

    def __call__(self, advance: Callable[[int], None] = lambda _: None) -> Comparison:
        """Measure everything that is not measured yet.

        Parameters
        ----------
        advance
            Called with the number of samples that went one step further.
        """
        self.advance = advance
        of_files = [each.key for each in self.options.file_entries]
        keys = dict.fromkeys((*self.options.cells, *of_files))
        floor = self._judge(FLOOR, [], lambda: self.yardsticks.floor)
        fine = self._judge(FINE, self._key(self.fine), self._judge_reference)
        cells = [self._cell(key) for key in keys]
        return Comparison(self._facts(), floor, fine, cells)

    @cached_property
    def reference(self) -> NDArray[np.float32]:
        """Samples of the fine reference, (N, C, H, W)."""
        shape = (self.options.num_samples, *self.fine.power.field.shape)
        return self.cache.array(
            "samples", self._key(self.fine), shape, lambda: self._play(self.fine)
        )

    @cached_property
    def yardsticks(self) -> Yardsticks:
        """What samples are measured against."""
        count = self.options.num_samples
        return Yardsticks(self.real, count, self.reference, self.features)

    def _judge_reference(self) -> Judgement:
        return self.yardsticks.judge(self.reference, paired=False)

    def _judge(
        self, kept: Kept, key: object, measured: Callable[[], Judgement]
    ) -> Judgement:
        everything = [key, *self._marks()]
        fields = self.cache.fields(
            kept, everything, lambda: judgement_fields(measured())
        )
        return read_judgement(fields)

    def _cell(self, key: CellKey) -> Cell:
        rows = [self._entrant_row(each, key) for each in self.entrants]
        rows += [
            self._row(each.name, self._fit(each.plan), None)
            for each in self.options.file_entries
            if each.key == key
        ]
        return Cell(key.sampler, key.num_calls, rows)

    def _entrant_row(self, each: Entry, key: CellKey) -> Row:
        if KINDS[each.kind].runs_model:
            plan, cost = self._network_plan(each, key)
            return self._row(each.name, plan, cost)
        begun = time.process_time()
        plan = each.plan(self.fine.data_set, key.sampler, key.num_steps)
        cost = Cost(0, time.process_time() - begun)
        return self._row(each.name, self._fit(plan), cost)

    def _network_plan(self, each: Entry, key: CellKey) -> tuple[Plan, Cost]:
        """Return a table that takes the network to make, made once."""
        asked = [each.name, key.sampler, key.num_steps, str(self.options.search_data)]
        marks = [self.model_key, self.fine.data_set.data_key, *self._marks()]
        fields = self.cache.fields(
            TABLE, [*asked, *marks], lambda: self._search(each, key)
        )
        table = SigmaTable(tuple(fields.array("sigmas", (None,)).tolist()))
        low, high = fields.array("ends", (2,)).tolist()
        request = each.request(key.sampler, key.num_steps)
        plan = replace(self.fine, kind=each.kind, request=request)
        cost = Cost(fields.get("calls", int), fields.number("seconds"))
        return replace(plan, table=table, ends=(low, high)), cost

    def _search(self, each: Entry, key: CellKey) -> Document:
        begun = time.process_time()
        request = each.request(key.sampler, key.num_steps)
        plan = self.search(self.fine.data_set, each.kind, request)
        seconds = time.process_time() - begun
        calls = plan.spent.num_calls if plan.spent else 0
        made = {"sigmas": plan.table.sigmas, "ends": plan.ends}
        return {**made, "calls": calls, "seconds": seconds}

    def _row(self, name: str, plan: Plan, cost: Cost | None) -> Row:
        fields = self.cache.fields(
            ROW,
            [self._key(plan), self._key(self.fine), *self._marks()],
            lambda: row_fields(self._measure(name, plan, cost)),
        )
        row = read_row(fields)
        self.num_rows += 1
        # The same table may be had under another name, made in another way.
        return row if row.name == name else replace(row, name=name, cost=cost)

    def _measure(self, name: str, plan: Plan, cost: Cost | None) -> Row:
        marks, sampler = self.yardsticks, plan.request.sampler
        begun = time.perf_counter()
        samples = self._play(plan)
        seconds = time.perf_counter() - begun
        judged = marks.judge(samples, paired=not SAMPLERS[sampler].stochastic)
        seeds = (self.options.seed, self.options.num_samples)
        calls = num_calls(sampler, plan.table.num_steps)
        sigmas = plan.table.sigmas
        return Row(name, sampler, sigmas, calls, seeds, judged, seconds, cost)

    def _play(self, plan: Plan) -> NDArray[np.float32]:
        shape = plan.power.field.shape
        player = Player(self.denoise, shape, self.seeds, self.device, self.precision)
        pictures = player.play_plan(plan, advance=self.advance)
        return np.stack([picture.astype(np.float32) for picture in pictures])

    def _fit(self, plan: Plan) -> Plan:
        ready, messages = fit_to_model(plan, self.limits, Fitting())
        self.messages |= dict.fromkeys(without_flags(messages))
        return ready

    def _key(self, plan: Plan) -> Document:
        """Return everything that the samples of a plan depend on."""
        return {
            "model": self.model_key,
            "sampler": plan.request.sampler,
            "sigmas": plan.table.sigmas,
            "ends": plan.ends,
            "start": plan.request.start,
            "seeds": [self.seeds.start, self.seeds.stop],
            "noise": NOISE,
            "precision": self.precision.name,
        }

    def _marks(self) -> list[object]:
        """Return everything that figures depend on beside the samples."""
        return [self.data_key, self.options.num_samples, self.features.name]

    def _facts(self) -> Document:
        return {
            "model": {
                "name": shown_model(self.options.model),
                "digest": self.model_key,
            },
            "data": {"digest": self.data_key, "num_real": len(self.real)},
            "shape": self.real.shape[1:],
            "features": self.features.name,
            "num_samples": self.options.num_samples,
            "seed": self.options.seed,
            "fine": {
                "sampler": REFERENCE_SAMPLER,
                "kind": REFERENCE_KIND,
                "num_steps": self.options.reference_steps,
            },
        }
