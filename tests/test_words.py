"""Numbers in sentences, and what there are so many of."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from spectral_sched.words import number_of
from tests.support.commands import specsched
from tests.support.helpers import ROOT, write_pictures

NOUNS = (
    *("bands", "blocks", "bytes", "calls", "cells", "channels", "classes"),
    *("components", "copies", "dimensions", "entries", "errors", "files", "images"),
    *("inputs", "items", "kinds", "labels", "levels", "pages", "pairs", "parts"),
    *("planes", "processes", "rows", "samples", "seconds", "seeds", "shards"),
    *("sizes", "sources", "steps", "tables", "threads", "timesteps", "values"),
)
COUNTED = re.compile(rf"(?: [a-z]+)? (?:{'|'.join(NOUNS)})\b")
WORDS_BEFORE = {"cycles", "file", "specsched", "two", "of", "has", "and", "in", "makes"}
"""With these before it, a noun is not what the number counts."""


@pytest.mark.parametrize(
    ("number", "noun", "told"),
    [
        (0, "image", "0 images"),
        (1, "network call", "1 network call"),
        (2, "class", "2 classes"),
        (3, "copy", "3 copies"),
        (4, "array", "4 arrays"),
        (12345, "box", "12,345 boxes"),
    ],
)
def test_a_noun_fits_its_number(number: int, noun: str, told: str) -> None:
    assert number_of(number, noun) == told


def uncounted(path: Path) -> list[str]:
    """Return where a number of unknown size stands before nouns of many."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.JoinedStr):
            continue
        values = node.values
        for before, number, after in zip(
            [None, *values], values, values[1:], strict=False
        ):
            ahead = str(before.value) if isinstance(before, ast.Constant) else ""
            # 16x16 pixels are no count, and a share is one of many: 1 of 1 labels.
            other = ahead.endswith(("x", " of "))
            if other or not isinstance(number, ast.FormattedValue):
                continue
            text = after.value if isinstance(after, ast.Constant) else ""
            counted = COUNTED.match(str(text))
            if counted and _may_be_one(number.value, counted[0]):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}{counted[0]}")
    return found


def _may_be_one(number: ast.expr, words: str) -> bool:
    told = ast.unparse(number)
    written = isinstance(number, ast.Call) and not told.startswith("len(")
    counts = re.search(r"count|num_|len\(|total|steps|most\b|channels", told)
    return bool(counts) and not written and not WORDS_BEFORE & set(words.split())


def test_every_counted_noun_fits_its_number() -> None:
    package = sorted((ROOT / "spectral_sched").rglob("*.py"))
    assert [place for path in package for place in uncounted(path)] == []


def test_one_image_is_one_image(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 1)
    told = specsched("analyze", "images", cwd=tmp_path)
    assert told.stdout.startswith("1 image of 16x16, 3 channels, ")
    specsched("export", "--kind", "karras", "--steps", 1, cwd=tmp_path)
    told = specsched("show", "tight.json", cwd=tmp_path)
    assert "dpmpp-2m: 1 step, 1 network call (NFE), " in told.stdout
    line = ("sample", "--model", "wiener", "--seeds", 0)
    assert specsched(*line, cwd=tmp_path).stdout == "1 image in samples\n"
