"""How pipelines of the installed diffusers call a scheduler: read from its source."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

METHODS = frozenset(
    {"add_noise", "scale_model_input", "scale_noise", "set_begin_index"}
    | {"set_timesteps", "step"}
)
"""What every scheduler has; other methods are of one kind of scheduler."""


class Call(NamedTuple):
    """A call: the method, the number of unnamed arguments, and the named ones."""

    method: str
    unnamed: int
    named: tuple[str, ...]


@cache
def calls() -> dict[Call, set[str]]:
    """Return all calls in the pipelines of diffusers, and the files they are in."""
    import diffusers

    found: dict[Call, set[str]] = {}
    for room in ("pipelines", "modular_pipelines"):
        for path in sorted((Path(diffusers.__file__).parent / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                call = _call(node)
                if call:
                    found.setdefault(call, set()).add(path.stem)
    return found


def _call(node: ast.AST) -> Call | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    owner = node.func.value
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    if not name.endswith("scheduler") or node.func.attr not in METHODS:
        return None
    named = sorted(keyword.arg for keyword in node.keywords if keyword.arg)
    return Call(node.func.attr, len(node.args), tuple(named))
