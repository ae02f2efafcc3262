from __future__ import annotations

import re
import runpy

import numpy as np

from tests.helpers import ROOT

PAGE = (ROOT / "docs" / "exact-models.md").read_text()


def test_the_page_shows_what_the_models_give() -> None:
    # The third table takes longer and moves with the optimiser: left to the script.
    script = runpy.run_path(str(ROOT / "benchmarks" / "dimension.py"))
    for name in ("clock_table", "dilation_table"):
        assert script[name]() in PAGE


def test_the_example_of_the_page_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    values: dict[str, np.ndarray] = {}
    exec(example, values)
    # Four steps end at the right picture to a few hundredths.
    np.testing.assert_allclose(values["found"], values["exact"], atol=0.1)
