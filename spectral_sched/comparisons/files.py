"""Comparisons in files: one strict JSON document, and the same figures as CSV.

A row is written with all that a verdict needs, so that tables can be compared later
without the samples: squared errors per sample, and every metric without each block of
samples. Rows that were measured are also kept one by one (see `cache`).
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.documents.provenance import PROVENANCE_KEYS
from spectral_sched.documents.read import Fields, Form, read_document
from spectral_sched.documents.strict_json import Document, digest, shortest

from .metrics import NUM_BLOCKS, LeftOut
from .results import METRICS, Cell, Cost, Judgement, Row
from .rules import COMPARISON, comparison_agrees
from .verdicts import rival_verdicts, summary_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

KIND = "comparison"
VERSION = 1
RECORD_NAME = "comparison.json"
CSV_NAME = "comparison.csv"
REMEDY = "make one with: specsched compare"


@dataclass(frozen=True, eq=False)
class Comparison:
    """All cells of a run, and what they are measured against.

    Attributes
    ----------
    facts
        What was compared: model, data, features, reference, seeds; strings and numbers.
    floor
        Real images in place of samples: what samples as good as real ones reach.
    reference
        The samples of the fine reference: what the model reaches with many calls.
    """

    facts: Document
    floor: Judgement
    reference: Judgement
    cells: Sequence[Cell]


def comparison_document(compared: Comparison, provenance: Document) -> Document:
    """Return the content of a comparison's file."""
    document = {
        "format": f"specsched.{KIND}",
        "version": VERSION,
        **provenance,
        **compared.facts,
        "floor": judgement_fields(compared.floor),
        "reference": judgement_fields(compared.reference),
        "cells": [_cell_fields(cell) for cell in compared.cells],
        "summary": summary_lines(compared.cells),
    }
    return document | {"digest": _digest(document)}


NOT_IN_DIGEST = (*PROVENANCE_KEYS, "digest")


def _digest(document: Document) -> str:
    return digest({key: document[key] for key in document if key not in NOT_IN_DIGEST})


FORM = Form(
    KIND,
    VERSION,
    REMEDY,
    COMPARISON,
    comparison_agrees,
    _digest,
    digest_optional=True,
)


def _cell_fields(cell: Cell) -> Document:
    return {
        "sampler": cell.sampler,
        "num_calls": cell.num_calls,
        "rows": [row_fields(row) for row in cell.rows],
        "verdicts": [
            {**told._asdict(), "apart": told.apart._asdict()}
            for told in rival_verdicts(cell)
        ],
    }


def row_fields(row: Row) -> Document:
    """Return a row as JSON."""
    return {
        "name": row.name,
        "sampler": row.sampler,
        "sigmas": row.sigmas,
        "num_calls": row.num_calls,
        "seeds": row.seeds,
        "seconds": row.seconds,
        "cost": row.cost and row.cost._asdict(),
        "judgement": judgement_fields(row.judgement),
    }


def judgement_fields(judged: Judgement) -> Document:
    """Return what was measured as JSON: figures with intervals, and what is behind."""
    found = {name: judged.estimate(name) for name in METRICS if name in judged}
    return {
        **{name: estimate._asdict() for name, estimate in found.items()},
        "squares": None if judged.squares is None else shortest(judged.squares),
        "left": {name: shortest(score.left) for name, score in judged.scores.items()},
        "decibels": shortest(judged.decibels.value),
        "decibels_left": shortest(judged.decibels.left),
    }


def read_row(fields: Fields) -> Row:
    """Return the row of JSON that `row_fields` made."""
    cost = None if fields.get("cost", (dict, type(None))) is None else _cost(fields)
    first, count = fields.get("seeds", list)
    return Row(
        name=fields.get("name", str),
        sampler=fields.get("sampler", str),
        sigmas=tuple(fields.array("sigmas", (None,)).tolist()),
        num_calls=fields.get("num_calls", int),
        seeds=(first, count),
        judgement=read_judgement(fields.object("judgement")),
        seconds=fields.number("seconds"),
        cost=cost,
    )


def _cost(fields: Fields) -> Cost:
    cost = fields.object("cost")
    return Cost(cost.get("calls", int), cost.number("seconds"))


def read_judgement(fields: Fields) -> Judgement:
    """Return what was measured from JSON that `judgement_fields` made."""
    squares = None
    if fields.get("squares", (list, type(None))) is not None:
        squares = fields.array("squares", (None,))
    left = fields.object("left")
    scores = {
        name: LeftOut(
            np.array(fields.object(name).number("value")),
            left.array(name, (NUM_BLOCKS,)),
        )
        for name in left
    }
    decibels = fields.array("decibels", (None,))
    without = fields.array("decibels_left", (NUM_BLOCKS, len(decibels)))
    return Judgement(squares, scores, LeftOut(decibels, without))


def read_comparison(path: Path, document: Document | None = None) -> Comparison:
    """Read a comparison's file.

    Parameters
    ----------
    document
        What is in the file, if it was read, as by `read_any`.

    Raises
    ------
    InputError
        If the file is missing, damaged, foreign or of another version.
    """
    document = read_document(path, FORM, document)
    fields = Fields(document, path, REMEDY)
    names = (
        *("format", "version", "floor", "reference", "cells", "summary", "digest"),
    )
    facts = {name: value for name, value in document.items() if name not in names}
    return Comparison(
        facts,
        read_judgement(fields.object("floor")),
        read_judgement(fields.object("reference")),
        [_read_cell(cell) for cell in fields.objects("cells")],
    )


def _read_cell(fields: Fields) -> Cell:
    rows = [read_row(row) for row in fields.objects("rows")]
    return Cell(fields.get("sampler", str), fields.get("num_calls", int), rows)


CSV_COLUMNS = (
    *("sampler", "calls", "table", "seconds", "cost_calls", "metric"),
    *("value", "low", "high", "floor", "floor_low", "floor_high"),
)


def comparison_csv(compared: Comparison) -> str:
    """Return one line for each table and metric, the floor beside each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for cell in compared.cells:
        for row in cell.rows:
            writer.writerows(_csv_lines(row, compared.floor))
    return text.getvalue()


def _csv_lines(row: Row, floor: Judgement) -> Iterator[list[Any]]:
    calls = row.cost.calls if row.cost else ""
    head = [row.sampler, row.num_calls, row.name, row.seconds, calls]
    for name in METRICS:
        if name in row.judgement:
            beside = floor.estimate(name) if name in floor else ("", "", "")
            yield [*head, name, *row.judgement.estimate(name), *beside]
