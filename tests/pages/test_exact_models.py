from __future__ import annotations

import runpy

import numpy as np

from tests.support.documentation import blocks, pages
from tests.support.helpers import ROOT

PAGE = pages()["docs/reference/exact-models.md"]


def test_the_page_shows_what_the_models_give() -> None:
    # The third table takes longer and moves with the optimiser: left to the script.
    script = runpy.run_path(str(ROOT / "benchmarks" / "dimension.py"))
    for name in ("clock_table", "dilation_table"):
        assert script[name]() in PAGE


def test_the_example_of_the_page_runs() -> None:
    (example,) = blocks(PAGE, "python")
    values: dict[str, np.ndarray] = {}
    exec(example.content, values)
    # Four steps end at the right image to a few hundredths.
    np.testing.assert_allclose(values["found"], values["exact"], atol=0.1)
