"""What files of comparisons must say: rules of their parts, shared with the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.documents.rules import (
    agree,
    each,
    members,
    nullable,
    number,
    numbers,
    text,
    whole,
)
from spectral_sched.words import number_of

from .metrics import NUM_BLOCKS
from .results import METRICS, VERDICTS_ON
from .verdicts import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spectral_sched.documents.rules import Place, Rule
    from spectral_sched.documents.strict_json import Document

ESTIMATE = members({"value": number(), "low": number(), "high": number()})


def _estimate(name: str) -> Rule:
    """Return the rule for a metric with its interval."""
    least, most = METRICS[name].least, METRICS[name].most

    def check(value: Any, place: Place) -> None:
        ESTIMATE(value, place)
        number(max(least, -1e40), min(most, 1e40))(value["value"], place.at("value"))
        if not value["low"] <= value["value"] <= value["high"]:
            raise place.wrong("is outside its own interval")

    return check


JUDGEMENT: Mapping[str, Rule] = {
    "squares": nullable(numbers("S", least=0)),
    "left": members({}, dict.fromkeys(METRICS, numbers(NUM_BLOCKS)), closed=True),
    "decibels": numbers("D"),
    "decibels_left": numbers(NUM_BLOCKS, "D"),
}
"""Rules of what was measured of one set of images."""

ESTIMATES: Mapping[str, Rule] = {name: _estimate(name) for name in METRICS}
"""And of what follows from it."""

ROW: Mapping[str, Rule] = {
    "name": text(),
    "sampler": text(),
    "sigmas": numbers(None, least=0, order="falling"),
    "num_calls": whole(1),
    "seeds": numbers(2, least=0, whole=True),
    "seconds": number(least=0),
    "cost": nullable(members({"calls": whole(), "seconds": number(least=0)})),
    "judgement": members(JUDGEMENT, ESTIMATES, closed=True),
}
"""Rules of one table played in one cell."""

TABLE: Mapping[str, Rule] = {
    "sigmas": numbers(None, least=0, order="falling"),
    "ends": numbers(2, above=0, order="rising"),
    "calls": whole(),
    "seconds": number(least=0),
}
"""Rules of a table that took the network to find."""

VERDICT = members(
    {
        "metric": text(*VERDICTS_ON),
        "rival": text(),
        "word": text(*WORDS),
        "apart": ESTIMATE,
    }
)

CELL = members(
    {
        "sampler": text(),
        "num_calls": whole(1),
        "rows": each(members(ROW), least=1),
        "verdicts": each(VERDICT),
    }
)

COMPARISON = members(
    {
        "num_samples": whole(1, size="S"),
        "model": members({"name": text(), "digest": text()}),
        "data": members({"digest": text(), "num_real": whole(1)}),
        "features": text(),
        "floor": members(JUDGEMENT, ESTIMATES),
        "reference": members(JUDGEMENT, ESTIMATES),
        "cells": each(CELL, least=1),
        "summary": each(text()),
    },
    {
        "shape": numbers(3, least=1, whole=True),
        "seed": whole(),
        "fine": members({"sampler": text(), "kind": text(), "num_steps": whole(1)}),
    },
)
"""The rule of a whole comparison."""


def judgement_agrees(document: Document, place: Place) -> None:
    """Raise `InputError` unless there is a figure for all that was measured."""
    for name in METRICS:
        measured = name in document["left"]
        if name == "error":
            measured = document["squares"] is not None
        if measured != (name in document):
            raise place.at(name).wrong("is there without what it follows from, or that")
    if "error" in document:
        expected = np.sqrt(np.mean(document["squares"]))
        agree(document["error"]["value"], expected, place.at("error"), tolerance=1e-4)


def row_agrees(document: Document, place: Place) -> None:
    """Raise `InputError` where a row says two things that do not agree."""
    judged = document["judgement"]
    judgement_agrees(judged, place.at("judgement"))
    table_agrees(document, place)
    squares = judged["squares"]
    if squares is not None and len(squares) != document["seeds"][1]:
        raise place.at("seeds").wrong(
            f"are not those of {number_of(len(squares), 'sample')}"
        )


def table_agrees(document: Document, place: Place) -> None:
    """Raise `InputError` unless levels are those of a table."""
    sigmas = document["sigmas"]
    if len(sigmas) < 2 or sigmas[-1] != 0:
        raise place.at("sigmas").wrong("is no table of levels and a final 0")


def comparison_agrees(document: Document, place: Place) -> None:
    """Raise `InputError` where a comparison says two things that do not agree."""
    for name in ("floor", "reference"):
        judgement_agrees(document[name], place.at(name))
    for which, cell in enumerate(document["cells"]):
        inner = place.at("cells").item(which)
        for position, row in enumerate(cell["rows"]):
            row_agrees(row, inner.at("rows").item(position))
            if row["sampler"] != cell["sampler"]:
                beside = inner.at("rows").item(position).at("sampler")
                raise beside.wrong("is not that of its cell")
