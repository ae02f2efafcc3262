"""Comparisons in files: what is read is what was written, and verdicts agree."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spectral_sched.comparisons import Cell, rival_verdicts
from spectral_sched.comparisons.cache import Cache, Kept
from spectral_sched.comparisons.files import (
    CSV_COLUMNS,
    Comparison,
    comparison_csv,
    comparison_document,
    read_comparison,
)
from spectral_sched.console.comparison import comparison_parts
from spectral_sched.documents.rules import whole as whole_number
from spectral_sched.documents.write import write_document
from spectral_sched.errors import InputError, UsageError
from tests.support.made_comparisons import compared, row


@pytest.fixture
def whole() -> Comparison:
    unpaired = row("ours", 0.7, paired=False)
    return compared(
        Cell("heun", 3, [row("ours", 1.0), row("tight.json", 1.2)]),
        Cell("sde-dpmpp-2m", 2, [replace(unpaired, sampler="sde-dpmpp-2m")]),
    )


def test_a_comparison_comes_back_with_its_verdicts(
    whole: Comparison, tmp_path: Path
) -> None:
    write_document(comparison_document(whole, {"tool": "t"}), tmp_path / "c.json")
    again = read_comparison(tmp_path / "c.json")
    assert again.facts == {"tool": "t", **whole.facts}
    first, second = again.cells
    assert [each.name for each in first.rows] == ["ours", "tight.json"]
    assert first.rows[0].cost == whole.cells[0].rows[0].cost
    assert first.rows[1].cost is None
    assert first.rows[0].sigmas == (80.0, 2.0, 0.0)
    assert "error" not in second.rows[0].judgement
    for told, before in zip(
        rival_verdicts(first), rival_verdicts(whole.cells[0]), strict=True
    ):
        assert told[:3] == before[:3]
        # Files hold seven digits of what verdicts are made of.
        np.testing.assert_allclose(told.apart, before.apart, rtol=1e-5)


def test_a_comparison_that_changed_is_noticed(
    whole: Comparison, tmp_path: Path
) -> None:
    path = tmp_path / "c.json"
    write_document(comparison_document(whole, {}), path)
    path.write_text(path.read_text().replace('"seconds":1.5', '"seconds":1.4', 1))
    with pytest.raises(InputError, match="was changed after it was written; make one"):
        read_comparison(path)


def test_the_document_is_strict_and_says_every_interval(whole: Comparison) -> None:
    document = json.loads(json.dumps(comparison_document(whole, {}), default=list))
    judged = document["cells"][0]["rows"][0]["judgement"]
    assert set(judged["error"]) == {"value", "low", "high"}
    low, value, high = (judged["kernel"][name] for name in ("low", "value", "high"))
    assert low < value < high
    assert len(judged["decibels"]) == 3
    assert document["cells"][0]["verdicts"][0]["word"] == "better"
    assert document["summary"][0].startswith("error: ours is lowest or tied in 1 of 1")


def test_shares_have_intervals_between_nothing_and_all() -> None:
    judged = row("a", 0.99).judgement
    assert judged.scores["recall"].estimate.high > 1
    assert judged.estimate("recall").high == 1
    assert row("a", 0.0).judgement.estimate("patches").low == 0


def test_the_csv_has_a_line_for_each_figure_with_its_floor(whole: Comparison) -> None:
    head, *lines = csv.reader(io.StringIO(comparison_csv(whole)))
    assert tuple(head) == CSV_COLUMNS
    assert len(lines) == 9 + 9 + 8
    values = dict(zip(head, lines[1], strict=True))
    assert (values["table"], values["metric"]) == ("ours", "frechet")
    expected = whole.floor.estimate("frechet")
    assert float(values["floor"]) == pytest.approx(expected.value)
    assert float(values["floor_low"]) < expected.value < float(values["floor_high"])


def test_the_report_shows_floors_costs_and_verdicts(whole: Comparison) -> None:
    from rich.console import Console

    console = Console(width=250, file=io.StringIO(), record=True)
    for part in comparison_parts(whole):
        console.print(part)
    text = console.export_text()
    assert "heun, 3 network calls" in text
    assert "real images" in text
    assert "fine reference" in text
    assert "error: ours against tight.json, the best of the others: better (" in text


def test_a_comparison_cut_short_is_told(tmp_path: Path) -> None:
    begun = {"format": "specsched.comparison", "version": 1, "unfinished": True}
    write_document(begun, tmp_path / "c.json")
    with pytest.raises(InputError, match="'num_samples' is missing; make one with"):
        read_comparison(tmp_path / "c.json")


def numbered(kind: str) -> Kept:
    """Return a kind of document that holds one number."""
    return Kept(kind, {"number": whole_number()}, lambda _document, _place: None)


def test_a_cache_measures_once_for_each_key(tmp_path: Path) -> None:
    cache, made = Cache(tmp_path / "cells"), list[int]()

    def measured() -> dict[str, object]:
        made.append(len(made))
        return {"number": made[-1]}

    assert cache.fields(numbered("row"), {"a": 1}, measured).get("number", int) == 0
    assert cache.fields(numbered("row"), {"a": 1}, measured).get("number", int) == 0
    assert cache.fields(numbered("row"), {"a": 2}, measured).get("number", int) == 1
    assert cache.fields(numbered("floor"), {"a": 1}, measured).get("number", int) == 2
    assert len(list((tmp_path / "cells").iterdir())) == 3


def test_a_cache_keeps_arrays_to_the_bit(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    values = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    cache.array("samples", 1, (3, 2), lambda: values)
    again = cache.array("samples", 1, (3, 2), lambda: values * 0)
    np.testing.assert_array_equal(again, values)


def test_what_is_damaged_is_named(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.fields(numbered("row"), 1, lambda: {"number": 1})
    cache.array("samples", 1, (3,), lambda: np.zeros(3, np.float32))
    for path in tmp_path.iterdir():
        path.write_bytes(b"{")
    with pytest.raises(InputError, match=r"row-.* remove it, and it is measured again"):
        cache.fields(numbered("row"), 1, lambda: {"number": 1})
    with pytest.raises(InputError, match=r"samples-.* is not a whole"):
        cache.array("samples", 1, (3,), lambda: np.zeros(3, np.float32))


def test_samples_that_changed_are_noticed(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    values = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    cache.array("samples", 1, (3, 2), lambda: values)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    for place in range(len(content) - values.nbytes, len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(InputError, match=r"was changed after it was wr.*; remove"):
            cache.array("samples", 1, (3, 2), lambda: values)
    path.write_bytes(content)
    with pytest.raises(InputError, match="it holds other samples; remove it"):
        cache.array("samples", 1, (2, 3), lambda: values)


def test_samples_of_an_earlier_build_are_read(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    cache.array("samples", 1, (3, 2), lambda: values)
    (path,) = tmp_path.iterdir()
    path.unlink()
    np.save(path.with_suffix(".npy"), values)
    again = cache.array("samples", 1, (3, 2), lambda: values * 0)
    np.testing.assert_array_equal(again, values)
    assert not path.exists()
    np.save(path.with_suffix(".npy"), values * np.nan)
    with pytest.raises(InputError, match="samples that are no numbers"):
        cache.array("samples", 1, (3, 2), lambda: values)


def test_rows_that_changed_are_noticed(tmp_path: Path) -> None:
    cache, kind = Cache(tmp_path), numbered("row")
    cache.fields(kind, 1, lambda: {"number": 12})
    (path,) = tmp_path.iterdir()
    text = path.read_text()
    path.write_text(text.replace("12", "13", 1))
    with pytest.raises(InputError, match="was changed after it was written; remove it"):
        cache.fields(kind, 1, dict)
    old = json.loads(text)
    del old["digest"]
    path.write_text(json.dumps(old))
    assert cache.fields(kind, 1, dict).get("number", int) == 12
    path.write_text(json.dumps(old | {"nummer": 1}))
    with pytest.raises(InputError, match="'nummer' has no meaning"):
        cache.fields(kind, 1, dict)


def test_a_cache_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write to"):
        Cache(tmp_path / "file" / "cells")
