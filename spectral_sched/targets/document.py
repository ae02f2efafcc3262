"""The document that says what another program was given."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from spectral_sched.documents.read import Form
from spectral_sched.documents.rules import (
    anything,
    each,
    members,
    named,
    nullable,
    number,
    numbers,
    text,
)

if TYPE_CHECKING:
    from spectral_sched.documents.rules import Place
    from spectral_sched.documents.strict_json import Document

VERSION = 1
REMEDY = "make one with: specsched export --target NAME --format json"

LARGEST = sys.float_info.max

RULE = members(
    {
        "target": text(),
        "title": text(),
        "usage": text(),
        "warnings": each(text()),
        "announcements": each(text()),
        "deviation": nullable(number(least=0)),
        "start_scale": nullable(number(least=0)),
    },
    {
        "played_in": text(),
        "played": numbers(None),
        "fields": named(anything),
        "coordinate": text(),
        "dtype": text("float32", "float64", "int64"),
        "values": numbers(None, least=-LARGEST, most=LARGEST),
    },
)


def _agrees(document: Document, place: Place) -> None:
    """Raise `InputError` where what belongs together is there in part."""
    for group in (("played_in", "played"), ("coordinate", "dtype", "values")):
        absent = [key for key in group if key not in document]
        if absent and len(absent) < len(group):
            raise place.at(absent[0]).wrong("is missing")
    if document.get("dtype") == "int64":
        numbers(None, whole=True)(document["values"], place.at("values"))


FORM = Form("target", VERSION, REMEDY, RULE, _agrees)
