"""What the site adds to the pages: formulas, files beside ``docs``, and the reference.

MkDocs calls the functions whose names begin with ``on_``. Pages stay readable without
them: formulas stand between dollars, links lead to files of the repository, and the
reference pages say which command prints the same.
"""

from __future__ import annotations

import html
import inspect
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]

BESIDE = {
    "README.md": "project/readme.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "SECURITY.md": "project/security.md",
    "CITATION.cff": "project/CITATION.cff",
    "findings/README.md": "project/findings.md",
}
"""Pages of the repository outside ``docs``, and where they stand on the site."""

LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")
FENCE = re.compile(r"(^```.*?^```$|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<tex>.*?)\\[)\]]</(?P=tag)>',
    re.DOTALL,
)
EXAMPLE = re.compile(r"^Example: (specsched [^\n]*(?:\n(?!\n)[^\n]+)*)$", re.MULTILINE)
COMMANDS = "<!-- commands -->"
NAMES = "<!-- names -->"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that stand beside ``docs`` in the repository."""
    for source, page in BESIDE.items():
        content = (ROOT / source).read_text()
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Lead links to where files stand on the site, and fill in the reference."""
    here = page.file.src_uri
    origin = {there: source for source, there in BESIDE.items()}.get(
        here, f"docs/{here}"
    )
    parts = FENCE.split(markdown)
    parts[::2] = [
        LINK.sub(lambda link: moved(link[1], origin, here), part) for part in parts[::2]
    ]
    text = "".join(parts)
    if COMMANDS in text:
        text = text.replace(COMMANDS, "\n".join(commands()))
    if NAMES in text:
        text = text.replace(NAMES, "\n".join(names()))
    return text


def moved(link: str, origin: str, here: str) -> str:
    """Return a link of a page, from where the page stands on the site."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))
    there = BESIDE.get(target, target.removeprefix("docs/"))
    return posixpath.relpath(there, posixpath.dirname(here) or ".")


def on_page_content(html: str, **_: Any) -> str:
    """Set formulas as MathML, which browsers draw without a script or a font."""
    return FORMULA.sub(_mathml, html)


def _mathml(formula: re.Match[str]) -> str:
    display = "block" if formula["tag"] == "div" else "inline"
    return convert(html.unescape(formula["tex"]), display=display)


def commands() -> Iterator[str]:
    """Yield the lines that describe every command and flag, from the program itself."""
    from typer.main import get_command

    from spectral_sched.commands.app import app

    group: Any = get_command(app)
    for name, command in group.commands.items():
        context = command.make_context(name, [], resilient_parsing=True)
        usage = command.collect_usage_pieces(context)
        yield f"## specsched {name} {{#{name}}}\n"
        yield f"```\nspecsched {name} {' '.join(usage)}\n```\n"
        yield EXAMPLE.sub(r"```\n\1\n```", inspect.cleandoc(command.help or "")) + "\n"
        yield "| option | what it does |\n|---|---|"
        for item in command.get_params(context):
            yield _row(item, context)
        yield ""


def _row(item: Any, context: Any) -> str:
    flags, text = item.get_help_record(context) or (
        item.make_metavar(context),
        item.help,
    )
    cells = (
        re.sub(r"\s+", " ", cell or "").replace("|", "\\|") for cell in (flags, text)
    )
    shown, said = cells
    return f"| `{shown}` | {html.escape(said, quote=False)} |"


def names() -> Iterator[str]:
    """Yield a line for each public name, which mkdocstrings replaces by its text."""
    import spectral_sched

    for name in sorted(spectral_sched.__all__, key=str.swapcase):
        if not name.startswith("_"):
            yield f"::: spectral_sched.{name}\n"
