"""A report as one HTML page, which loads nothing and runs nothing.

Every name in it is escaped by jinja2, and a policy in the page itself forbids browsers
to load anything but the images that it holds.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from spectral_sched.documents.strict_json import canonical
from spectral_sched.errors import UnavailableError
from spectral_sched.plots.canvas import INSTALL
from spectral_sched.plots.labels import decimal
from spectral_sched.version import __version__
from spectral_sched.words import number_of

from .figures import COPIED, TABLE, plots, sheet, tile

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from spectral_sched.documents.strict_json import Document

    from .facts import Findings
    from .figures import Sampled


def check_available() -> None:
    """Raise `UnavailableError` where there is nothing to make pages with."""
    try:
        import jinja2  # noqa: F401
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        message = (
            f"a report needs matplotlib and jinja2, and {error.name} is not installed; "
            f"install both: {INSTALL}"
        )
        raise UnavailableError(message) from error


def report_page(
    found: Findings,
    document: Document,
    sampled: Sequence[Sampled],
    images: Sequence[NDArray[np.uint8]] = (),
) -> bytes:
    """Return the page of a report.

    Parameters
    ----------
    document
        What it tells.
    sampled
        What was sampled with both tables; nothing leaves the section out.
    images
        Some of the measured images, (H, W, C) each.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_file),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"decimal": decimal, "share": _share, "text": _text}
    environment.filters["number_of"] = number_of
    environment.filters["inert"] = _inert
    page = environment.get_template("report.html").render(
        document,
        version=__version__,
        names={"table": TABLE, "copied": COPIED},
        plots=plots(found),
        sheets=[sheet(each) for each in sampled],
        images=[tile(each, "one of your images") for each in images],
    )
    return page.encode()


def _file(name: str) -> str:
    return (resources.files(__package__ or "") / name).read_text("utf-8")


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}".replace("%", " %") if whole else ""


def _inert(text: str) -> object:
    """Return a name of others with the sign of attributes escaped too."""
    from markupsafe import Markup, escape

    return Markup(str(escape(text)).replace("=", "&#61;"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else canonical(value)
