"""Rules: what each lets pass, and the sentence for what it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spectral_sched.documents.rules import (
    Place,
    Rule,
    agree,
    each,
    fixed,
    flag,
    members,
    named,
    nullable,
    number,
    numbers,
    positive,
    setting,
    text,
    whole,
)
from spectral_sched.errors import InputError


def place() -> Place:
    return Place(Path("f.json"), "make one", "a")


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (text(), ""),
        (text("x", "y"), "y"),
        (text(pattern="[0-9]+"), "12"),
        (flag, False),
        (whole(), 0),
        (whole(-3, 3), -3),
        (number(), 1),
        (number(0, 1), 1.0),
        (positive, 5e-324),
        (setting, "x"),
        (setting, 2.5),
        (fixed([-1.0, 1.0]), [-1, 1]),
        (nullable(flag), None),
        (each(flag), []),
        (named(flag), {"b": True}),
        (members({"b": flag}, {"c": flag}), {"b": True, "d": 1}),
        (numbers(2, 2), [[1, 2], [3.5, 4]]),
        (numbers(None, order="not falling"), [1, 1, 2]),
        (numbers(None, whole=True, order="falling"), [3, 1]),
    ],
)
def test_what_is_right_passes(rule: Rule, value: object) -> None:
    rule(value, place())


@pytest.mark.parametrize(
    ("rule", "value", "message"),
    [
        (text(), 1, "'a' cannot be 1;"),
        (text("x", "y"), "z", "'a' cannot be 'z';"),
        (text("x"), ["x"], r"'a' cannot be \['x'\];"),
        (text(pattern="[0-9]+"), "12x", "'a' cannot be '12x';"),
        (flag, 1, "'a' cannot be 1;"),
        (whole(), True, "'a' cannot be True;"),
        (whole(), 1.0, r"'a' cannot be 1\.0;"),
        (whole(1), 0, "'a' cannot be 0;"),
        (whole(), 2**53 + 1, "'a' cannot be 9007199254740993;"),
        (number(), "1", "'a' cannot be '1';"),
        (number(), True, "'a' cannot be True;"),
        (number(), float("inf"), "'a' cannot be inf;"),
        (number(), float("nan"), "'a' cannot be nan;"),
        (number(), 10**300, "'a' cannot be 10+;"),
        (positive, 0, "'a' cannot be 0;"),
        (setting, None, "'a' cannot be None;"),
        (fixed("sigma"), "time", "'a' is 'time' in place of 'sigma';"),
        (fixed(1), True, "'a' is True in place of 1;"),
        (nullable(flag), 0, "'a' cannot be 0;"),
        (each(flag), {"b": 1}, "'a' cannot be {'b': 1};"),
        (each(flag, 1), [], r"'a' cannot be \[\];"),
        (each(flag), [True, 2], r"'a\[1\]' cannot be 2;"),
        (named(flag), {"b": 3}, r"'a\.b' cannot be 3;"),
        (named(flag), list(range(9)), "'a' cannot be a list of 9;"),
        (members({"b": flag}), {}, r"'a\.b' is missing;"),
        (members({"b": flag}), {"b": 1}, r"'a\.b' cannot be 1;"),
        (members({}, {"b": flag}, closed=True), {"c": 1}, r"'a\.c' has no meaning;"),
        (members({}, {"terminal": flag}), {"termnal": 1}, r"\(is it 'terminal'\?\);"),
        (numbers(2), [1, 2, 3], r"'a' has the wrong shape \(3,\);"),
        (numbers(None), [], r"'a' has the wrong shape \(0,\);"),
        (numbers(None), [[]], r"'a' has the wrong shape \(1, 0\);"),
        (numbers(None), 1, "'a' cannot be 1;"),
        (numbers(None), [1, "x"], "'a' is not an array of numbers;"),
        (numbers(None), [1, True], "'a' holds no numbers;"),
        (numbers(None), [1, None], "'a' is not an array of numbers;"),
        (numbers(None, None), [[1], [2, 3]], "'a' is not an array of numbers;"),
        (numbers(None), [2**70], "'a' is not an array of numbers;"),
        (numbers(None, whole=True), [1, 2.0], "'a' holds what is no integer;"),
        (numbers(None, least=0), [1, -2], "'a' cannot hold -2;"),
        (numbers(None), [float("nan")], "'a' cannot hold nan;"),
        (numbers(None, order="rising"), [1, 1], r"'a' is not rising: 1\.0 follows 1"),
        (numbers(None, order="falling"), [1, 2], r"not falling: 2\.0 follows 1\.0"),
        (numbers(None, order="not falling"), [2, 1], r"'a' falls: 1\.0 follows 2"),
    ],
)
def test_what_is_wrong_is_named(rule: Rule, value: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"^f.json is damaged: .*{message}") as caught:
        rule(value, place())
    assert str(caught.value).endswith("; make one")


def test_one_name_is_one_length_in_a_document() -> None:
    rule = members(
        {
            "n": whole(size="N"),
            "x": numbers("N", "C"),
            "y": each(numbers("C"), size="N"),
        }
    )
    rule({"n": 2, "x": [[1, 2, 3], [4, 5, 6]], "y": [[1, 2, 3], [1, 2, 3]]}, place())
    with pytest.raises(InputError, match=r"'a\.x' has the wrong shape \(1, 3\)"):
        rule({"n": 2, "x": [[1, 2, 3]], "y": []}, place())
    with pytest.raises(InputError, match=r"'a\.y\[0\]' has the wrong shape \(2,\)"):
        rule({"n": 1, "x": [[1, 2, 3]], "y": [[1, 2]]}, place())
    with pytest.raises(InputError, match=r"'a\.y' has the wrong shape \(2,\)"):
        rule({"n": 1, "x": [[1]], "y": [[1], [1]]}, place())


def test_what_is_said_twice_agrees_up_to_rounding() -> None:
    agree([1.0, 2.0], [1.0, 2.0 + 1e-9], place())
    with pytest.raises(InputError, match="'a' does not agree with the other fields"):
        agree([1.0, 2.0], [1.0, 2.001], place())
    with pytest.raises(InputError, match="'a' has the wrong shape"):
        agree([1.0], [1.0, 1.0], place())
