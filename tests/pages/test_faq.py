"""The page of questions names samplers that there are, by the names of programs."""

from __future__ import annotations

import re

from spectral_sched.solvers.registry import ALIASES, SAMPLERS
from tests.support.documentation import pages

PAGE = pages()["docs/faq.md"]
SECTION = PAGE.split("## Which sampler for which scheduler?")[1].split("\n## ")[0]
ROWS = re.findall(r"^\| (.*) \| (.*) \|$", SECTION, re.MULTILINE)[2:]


def test_each_program_gets_the_sampler_that_runs_in_it() -> None:
    known = 0
    for programs, samplers in ROWS:
        named = re.findall(r"`([\w-]+)`", samplers)
        assert named
        assert set(named) <= set(SAMPLERS)
        for program in re.findall(r"`([\w-]+)`", programs):
            assert ALIASES[program] == named[0], program
            known += 1
    assert known > 8


def test_every_answer_that_has_numbers_has_a_command() -> None:
    for question in PAGE.split("\n## ")[1:]:
        if "```text" in question:
            assert "```sh" in question, question.splitlines()[0]
