"""Tables judged on trained networks: the evidence for the default kind, as a page.

Run it as ``python benchmarks/evidence.py photos=train.npy:held_out.npy:net.safetensors
-o docs/explanation/benchmarks.md`` with as many data sets as there are. A missing
network is trained first, by ``specsched train``, on the first file; samples are
compared with images of the second. ``--cache`` keeps what was measured, so the page is
made anew from it in a minute, and an interrupted run goes on.

`WHOLE` says what is measured where; ``--quick`` measures `QUICK`, on fewer samples, and
``--calls`` keeps to some numbers of calls. No figure and no verdict of the page is
written by hand.
"""

import argparse
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from spectral_sched.commands.train import train
from spectral_sched.comparisons import (
    METRICS,
    VERDICTS_ON,
    Cell,
    Cost,
    Judgement,
    Row,
    best_of,
    rival_verdicts,
)
from spectral_sched.comparisons.files import Comparison
from spectral_sched.comparisons.options import (
    CompareOptions,
    Measuring,
    write_comparison,
)
from spectral_sched.console.progress import progress_bar
from spectral_sched.diffusion.evaluation.bench import bench_for
from spectral_sched.files.model import read_model_header
from spectral_sched.planning.data_set import DataSet
from spectral_sched.planning.plan import plan_with
from spectral_sched.planning.request import TableRequest
from spectral_sched.plots.comparison import comparison_figure
from spectral_sched.schedules.table import SigmaTable


@dataclass(frozen=True)
class Part:
    """Cells that are measured for a list of kinds, ours first."""

    kinds: tuple[str, ...]
    samplers: tuple[str, ...]
    calls: tuple[int, ...]


OURS = "optimal"
FLOW, FEW = ("dpmpp-2m", "heun", "euler"), (5, 8)
"""Samplers that draw no fresh noise, and the calls at which most kinds are measured."""

COPIED = "karras:sigma_min=0.002:sigma_max=80"
FREE = (OURS, COPIED, "exponential", "ays:table=if")
FITTED, SEARCHED = (OURS, "fitted"), (OURS, "gits:samples=16", "ld3", "grid")
COSTLY = Part((OURS, "klub:samples=8:sweeps=2"), ("dpmpp-2m",), (8,))
"""Measured on the data sets of ``--costly`` alone."""

WHOLE = (
    Part(FITTED, FLOW, (*FEW, 12)),
    Part(FITTED, ("dpmpp-3m", "unipc"), (8,)),
    Part(FITTED, ("dpmpp-2m",), (4, 6, 20)),
    Part(FREE, FLOW, FEW),
    Part(FREE, ("sde-dpmpp-2m",), (*FEW, 12)),
    Part(SEARCHED, ("dpmpp-2m",), (8,)),
)
QUICK = (Part(FREE, ("dpmpp-2m", "heun"), FEW),)
MANY_CALLS = 12
"""Cells of no more calls are counted by themselves too."""

SHOWN_CALLS = 8
"""Cells with about so many calls are shown with all metrics."""

TITLE = """# Tables on trained networks, measured
"""

ANSWER = """This page compares `{ours}`, which needs no network, with other tables on
trained networks. `{ours}` is lowest or tied

- in {free}, among tables that need no
  network call;
- in {all}, among all tables, those that
  search on the network included.

[Below](#where-the-first-table-loses) you find each cell that it loses.
"""

HEAD = """## How to read the tables

- All tables of a cell start from the same noise.
- **error** is the root-mean-square distance of the samples from a fine reference that
  starts from that noise, ± half its 95 % bootstrap interval. It is not defined for
  samplers that draw fresh noise.
- **Frechet** is the distance to held-out images on features of a fixed random network
  ({features}), ± half the 95 % interval of a delete-a-block
  jackknife. It is not FID. It depends on the number of samples: compare it with the
  floor below each table, which takes as many real images in place of samples.
- Bold marks the lowest figure.
- The last column compares the first table with the best of the others, by the 95 %
  interval of the paired difference. "No difference" means that the interval holds 0. We
  pick the best of the others after the fact, which favours them.

`python benchmarks/evidence.py {options}`, with a
`NAME=training:held_out:model` for each data set, makes this page. No figure and no
verdict is written by hand.
"""


@dataclass(frozen=True)
class Judge:
    """Where a data set and its network are."""

    name: str
    training: str
    held_out: str
    model: Path


def judge(text: str) -> Judge:
    """Return the data set of ``name=train:held_out:model``."""
    name, _, cells = text.partition("=")
    parts = cells.split(":")
    if not name or len(parts) != 3:
        message = f"write name=train.npy:held_out.npy:model.safetensors, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return Judge(name, parts[0], parts[1], Path(parts[2]))


def measured(data: Judge, given: argparse.Namespace) -> Comparison:
    """Return all cells of a data set, measured where they are not yet."""
    if not data.model.exists():
        train(data.training, output=data.model, steps=given.training_steps)
    parts = QUICK if given.quick else WHOLE
    if data.name in given.costly:
        parts = (*parts, COSTLY)
    kept = (kept_calls(part, given.calls) for part in parts)
    return merged([compared(data, part, given) for part in kept if part.calls])


def kept_calls(part: Part, wanted: Sequence[int]) -> Part:
    """Return a part with no other numbers of calls than those wanted, if any are."""
    if not wanted:
        return part
    return replace(part, calls=tuple(calls for calls in part.calls if calls in wanted))


def compared(data: Judge, part: Part, given: argparse.Namespace) -> Comparison:
    """Return the cells of one part."""
    options = CompareOptions(
        model=str(data.model),
        kinds=",".join(part.kinds),
        samplers=",".join(part.samplers),
        calls=",".join(map(str, part.calls)),
        measuring=Measuring(
            data=data.held_out,
            search_data=Path(data.training),
            num_samples=given.samples,
            reference_steps=given.reference_steps,
        ),
    )
    folder = given.cache / data.name
    folder.parent.mkdir(parents=True, exist_ok=True)
    bench = bench_for(options, options.folder(folder, force=False), "auto")
    with progress_bar(data.name, bench.num_steps()) as advance:
        found = bench(advance)
    write_comparison(found, options.document(found), folder, comparison_figure)
    return found


def merged(parts: Sequence[Comparison]) -> Comparison:
    """Return comparisons of one model as one, each table of a cell once."""
    rows: dict[tuple[str, int], dict[str, Row]] = {}
    for cell in (cell for part in parts for cell in part.cells):
        known = rows.setdefault((cell.sampler, cell.num_calls), {})
        for row in cell.rows:
            known.setdefault(row.name, row)
    samplers = list(dict.fromkeys(sampler for sampler, _ in rows))
    cells = [
        Cell(*key, list(rows[key].values()))
        for key in sorted(rows, key=lambda at: (samplers.index(at[0]), at[1]))
    ]
    return replace(parts[0], cells=cells)


LOSSES = """The last column is the error predicted for that table over the error
predicted for the first one. Where it is above 1, the spectra alone call the rival
worse: to know better you need the network, or more of the images than their spectra.
"""


def page(
    comparisons: Mapping[str, Comparison],
    networks: Mapping[str, str],
    options: str,
    foretold: Callable[[str, Row], float],
) -> str:
    """Return the page.

    Parameters
    ----------
    networks
        One sentence about each network.
    foretold
        Gives the closed-form error of a table on a data set.
    options
        What the page was made with.
    """
    first = next(iter(comparisons.values()))
    head = HEAD.format(features=f"`{first.facts['features']}`", options=options)
    parts = [TITLE, answer(comparisons), head, "## In how many cells\n"]
    parts += [short(comparisons), "## What tables cost\n"]
    parts += [costs(comparisons), "## Where the first table loses\n"]
    parts += [losses(comparisons, foretold)]
    for name, compared in comparisons.items():
        parts += [f"## {name.capitalize()}\n", networks[name], *about(compared)]
    return "\n".join(parts).rstrip() + "\n"


def cells_of(comparisons: Mapping[str, Comparison]) -> list[Cell]:
    """Return all cells of all data sets."""
    return [cell for each in comparisons.values() for cell in each.cells]


def answer(comparisons: Mapping[str, Comparison]) -> str:
    """Return the result of the page in a few sentences."""
    cells = cells_of(comparisons)
    return ANSWER.format(
        ours=cells[0].rows[0].name,
        free=kept_places(list(map(free, cells))),
        all=kept_places(cells),
    )


def kept_places(cells: Sequence[Cell]) -> str:
    """Return in how many cells the first table is lowest or tied, in words."""
    parts = []
    for metric in VERDICTS_ON:
        lowest, tied, beaten = tally(cells, metric)
        of = lowest + tied + beaten
        parts.append(f"{lowest + tied} of {of} cells by {METRICS[metric].label}")
    return " and ".join(parts)


def tally(cells: Sequence[Cell], metric: str) -> tuple[int, int, int]:
    """Return in how many cells the first table is lowest, tied and beaten."""
    found = Counter(
        told.word
        for cell in cells
        for told in rival_verdicts(cell)
        if told.metric == metric
    )
    return found["better"], found["no difference"], found["worse"]


def short(comparisons: Mapping[str, Comparison]) -> str:
    """Return a table of how many cells the first table wins, ties and loses."""
    labels = [METRICS[metric].label for metric in VERDICTS_ON]
    head = ["cells", *(f"{label}: lowest, tied, beaten" for label in labels)]
    lines = [head, ["---"] * len(head)]
    for name, cells in groups(comparisons):
        counts = [tally(cells, metric) for metric in VERDICTS_ON]
        told = [", ".join(map(str, each)) if sum(each) else "" for each in counts]
        lines.append([name, *told])
    return "\n".join([*map(table_row, lines), ""])


def groups(comparisons: Mapping[str, Comparison]) -> Iterator[tuple[str, list[Cell]]]:
    """Yield the groups that cells are counted in."""
    cells = cells_of(comparisons)
    few = [cell for cell in cells if cell.num_calls <= MANY_CALLS]
    for name, kept in (("all", cells), (f"up to {MANY_CALLS} calls", few)):
        yield name, kept
        yield f"{name}, tables that need no network call", list(map(free, kept))
    for sampler in sorted({cell.sampler for cell in cells}):
        yield f"`{sampler}`", [cell for cell in cells if cell.sampler == sampler]
    for name, each in comparisons.items():
        yield name, list(each.cells)


def free(cell: Cell) -> Cell:
    """Return a cell without the rivals that took network calls to make."""
    ours, *others = cell.rows
    kept = [row for row in others if row.cost is None or not row.cost.calls]
    return replace(cell, rows=[ours, *kept])


def costs(comparisons: Mapping[str, Comparison]) -> str:
    """Return what making the tables took, from the least to the most of all cells."""
    rows: dict[str, list[Cost]] = {}
    for compared in comparisons.values():
        for row in (row for cell in compared.cells for row in cell.rows):
            if row.cost is not None:
                rows.setdefault(row.name, []).append(row.cost)
    lines = ["| table | network calls to make one | seconds of CPU |", "|---|---|---|"]
    for name, found in rows.items():
        calls, seconds = (sorted(each) for each in zip(*found, strict=True))
        lines.append(f"| `{name}` | {span(calls)} | {span(seconds)} |")
    return "\n".join([*lines, ""])


def span(ordered: Sequence[float]) -> str:
    """Return the least and the most, or the one number there is."""
    low, high = ordered[0], ordered[-1]
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"


def losses(
    comparisons: Mapping[str, Comparison], foretold: Callable[[str, Row], float]
) -> str:
    """Return a line for each cell that the first table loses.

    Parameters
    ----------
    foretold
        Gives the closed-form error of a table on a data set.
    """
    lines = [
        "| data, sampler, calls | metric | beaten by | by | predicted |",
        "|---|---|---|---|---|",
    ]
    for name, compared in comparisons.items():
        for cell in compared.cells:
            for told in rival_verdicts(cell):
                if told.word == "worse":
                    rows = {row.name: row for row in cell.rows}
                    rival = rows[told.rival]
                    share = told.apart.value / rival.judgement.estimate(told.metric)[0]
                    ratio = foretold(name, rival) / foretold(name, cell.rows[0])
                    lines.append(
                        f"| {name}, {cell.sampler}, {cell.num_calls} "
                        f"| {METRICS[told.metric].label} | `{told.rival}` "
                        f"| {told.apart.value:.3g} [{told.apart.low:.3g}, "
                        f"{told.apart.high:.3g}], {share:.0%} | {ratio:.2f} |"
                    )
    return "\n".join([*lines, "", LOSSES]) if len(lines) > 2 else "In no cell.\n"


def foretold_by(sources: Mapping[str, DataSet]) -> Callable[[str, Row], float]:
    """Return what gives closed-form errors of tables on data sets."""

    def foretold(name: str, row: Row) -> float:
        request = TableRequest.of(row.sampler, len(row.sigmas) - 1, "zero")
        table = SigmaTable(row.sigmas)
        return plan_with(table, sources[name], OURS, request).predicted.error

    return foretold


def about(compared: Comparison) -> Iterator[str]:
    """Yield the tables of a data set."""
    facts = compared.facts
    count = facts["num_samples"]
    yield (
        f"{count} samples, compared with {facts['data']['num_real'] - count} held-out "
        f"images; {count} other held-out images give the floor. The reference is "
        f"`{facts['fine']['sampler']}` with {facts['fine']['num_steps']} steps.\n"
    )
    by_sampler = itertools.groupby(compared.cells, key=lambda cell: cell.sampler)
    for sampler, group in by_sampler:
        cells = list(group)
        yield f"### {sampler}\n"
        for metric in VERDICTS_ON:
            if all(metric in row.judgement for cell in cells for row in cell.rows):
                yield metric_table(cells, metric, compared)
        near = min(cells, key=lambda cell: abs(cell.num_calls - SHOWN_CALLS))
        yield all_metrics(near, compared)


def metric_table(cells: Sequence[Cell], metric: str, compared: Comparison) -> str:
    """Return one metric of all tables over numbers of calls, the floor below them."""
    names = list(dict.fromkeys(row.name for cell in cells for row in cell.rows))
    head = [f"{METRICS[metric].label}, calls", *map(code, names), "verdict"]
    lines = [head, ["---"] * len(head)]
    for cell in cells:
        rows = {row.name: row.judgement for row in cell.rows}
        found = {name: figure(judged, metric) for name, judged in rows.items()}
        best = best_of(cell.rows, metric).name
        found[best] = f"**{found[best]}**"
        told = [told for told in rival_verdicts(cell) if told.metric == metric]
        words = [f"{each.word}, {code(each.rival)}" for each in told]
        lines.append([str(cell.num_calls), *(found.get(n, "") for n in names), *words])
    below = ""
    if metric in compared.floor:
        floor, fine = (
            figure(judged, metric) for judged in (compared.floor, compared.reference)
        )
        below = f"Floor: {floor}. Samples of the reference itself: {fine}."
    return "\n".join([*map(table_row, lines), "", *([below, ""] if below else [])])


def all_metrics(cell: Cell, compared: Comparison) -> str:
    """Return all metrics of one cell, the floor below them."""
    head = [f"{cell.num_calls} calls", *(metric.label for metric in METRICS.values())]
    lines = [head, ["---"] * len(head)]
    judged = [(code(row.name), row.judgement) for row in cell.rows]
    judged += [("fine reference", compared.reference)]
    judged += [("real images", compared.floor)]
    for name, found in judged:
        figures = (figure(found, name) if name in found else "" for name in METRICS)
        lines.append([name, *figures])
    return "\n".join([*map(table_row, lines), ""])


def code(name: str) -> str:
    """Return a name as code."""
    return f"`{name}`"


def table_row(parts: Sequence[str]) -> str:
    """Return a row of a table."""
    return "| " + " | ".join(parts) + " |"


def figure(judged: Judgement, metric: str) -> str:
    """Return a figure with half its interval."""
    value, low, high = judged.estimate(metric)
    return f"{value:.3g} ± {(high - low) / 2:.2g}"


def network_sentence(data: Judge) -> str:
    """Return what a network is, from its file."""
    header = read_model_header(data.model)
    training, law = header.training, header.law
    channels, height, width = header.data_set.power.field.shape
    return (
        f"Images of {width}x{height} pixels, {channels} channels. The network has the "
        f"widths {' '.join(map(str, header.config.widths))} and was trained for "
        f"{training['steps_done']} steps of {training['batch']} images, with noise "
        f"levels drawn from `{law['name']}`."
    )


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", type=judge, metavar="NAME=TRAIN:TEST:MODEL")
    parser.add_argument("--quick", action="store_true", help="fewer samples and cells")
    parser.add_argument("--costly", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--calls", nargs="+", type=int, default=[], metavar="N")
    parser.add_argument("--training-steps", type=int, default=2700)
    parser.add_argument("--samples", type=int)
    parser.add_argument("--reference-steps", type=int)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--cache", type=Path, default=Path("evidence"))
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmarks.md"))
    given = parser.parse_args()
    given.samples = given.samples or (64 if given.quick else 96)
    given.reference_steps = given.reference_steps or 64
    return given


def said(given: argparse.Namespace) -> str:
    """Return the options that figures depend on, as they are written."""
    quick = "--quick " if given.quick else ""
    steps = f"--reference-steps {given.reference_steps}"
    costly = f"--costly {' '.join(given.costly)} " if given.costly else ""
    calls = f"--calls {' '.join(map(str, given.calls))} " if given.calls else ""
    return f"{quick}{costly}{calls}--samples {given.samples} {steps}"


def main() -> None:
    """Measure all data sets and write the page."""
    given = arguments()
    torch.set_num_threads(given.threads)
    comparisons, networks, sources = {}, {}, {}
    for data in given.data:
        begun = time.perf_counter()
        comparisons[data.name] = measured(data, given)
        networks[data.name] = network_sentence(data)
        sources[data.name] = read_model_header(data.model).data_set
        print(f"{data.name}: {time.perf_counter() - begun:.0f} s", flush=True)
        given.output.write_text(
            page(comparisons, networks, said(given), foretold_by(sources))
        )
    print(f"wrote {given.output}")


if __name__ == "__main__":
    main()
