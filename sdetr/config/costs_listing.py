"""What a plan will cost, as text or as a page (docs/plan.md)."""

from collections import Counter
from collections.abc import Iterator, Sequence

from sdetr.config.disk import COUNTED, NOT_COUNTED
from sdetr.config.estimate import TRAINS, Cost, Estimator
from sdetr.config.job import STAGES
from sdetr.config.throughput import Rate

LEFT_OUT = ("page", "index")
"""Stages of which every run has a job, whatever tables there are."""


def costs_lines(estimator: Estimator) -> list[str]:
    """For a terminal: a line per table, then where the numbers come from and what is not in them."""
    costs = estimator.tables()
    grid = _grid(costs, estimator.gpus)
    widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
    pads = [str.ljust, *[str.rjust] * (len(widths) - 1)]
    table = ["  ".join(p(c, w) for c, w, p in zip(row, widths, pads, strict=True)).rstrip() for row in grid]
    notes = [[note, *(f"  {item}" for item in items)] for note, items in _notes(estimator, costs)]
    return table + [line for lines in notes for line in lines]


def costs_page(estimator: Estimator, command: str) -> str:
    """Markdown: jobs by stage, costs, notes."""
    costs = estimator.tables()
    stages = [one for one in STAGES if one not in LEFT_OUT and any(one in cost.stages for cost in costs)]
    jobs = [["table", *stages, "jobs", "only here"]]
    for cost in costs:
        counts = [str(cost.stages.get(stage, "–")) for stage in stages]
        jobs.append([cost.name, *counts, str(cost.jobs), str(cost.alone)])
    grid = [row[:1] + row[3:] for row in _grid(costs, estimator.gpus)]
    notes = "\n".join(
        "\n".join([f"- {note}", *(f"  - {item}" for item in items)])
        for note, items in _notes(estimator, costs)
    )
    plan = estimator.plan
    return f"""# What the papers' tables will take

`{command}` wrote this: {len(plan.jobs):,} jobs at scale {plan.scale}, a page for each run included.
Jobs by stage; what two tables need is made once, and counted in both; "only here" is what no other needs.

{_markdown(jobs)}

{_markdown(grid)}

{notes}
"""


def _grid(costs: Sequence[Cost], gpus: int) -> list[list[str]]:
    head = ["table", "jobs", "only here", "GPU runs", "of known speed", "GPU-hours"]
    head += [f"hours on {gpus} GPUs", "longest chain, hours", "GPU-hours at the limits", "disk, GB"]
    return [head, *([*_counts(cost), *_amounts(cost)] for cost in costs)]


def _counts(cost: Cost) -> list[str]:
    return [cost.name, str(cost.jobs), str(cost.alone), str(cost.gpu_runs), str(cost.gpu_runs - cost.unknown)]


def _amounts(cost: Cost) -> list[str]:
    at_least = "≥ " if cost.unknown else ""
    hours = (cost.gpu_hours, cost.wall_hours, cost.chain_hours)
    none = cost.gpu_runs == cost.unknown and cost.gpu_runs
    said = ["not known"] * 3 if none else [f"{at_least}{_number(one)}" for one in hours]
    more = "≥ " if cost.uncounted else ""
    return [*said, _number(cost.limit_hours), f"{more}{_number(cost.gigabytes)}"]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _notes(estimator: Estimator, costs: Sequence[Cost]) -> Iterator[tuple[str, list[str]]]:
    """What is said of the numbers, each with a list of what it is said of."""
    plan = estimator.plan
    runs = {job.path: estimator.hours(job) for stage in TRAINS for job in plan.of(stage)}
    told = Counter(_said(hours.rate) for hours in runs.values() if hours.rate)
    if told:
        yield "GPU-hours are of training, one GPU a run, without the curve's evaluations, at", _counted(told)
    unknown = Counter(str(hours.kind) for hours in runs.values() if hours.known is None)
    others = [job for job in plan.jobs.values() if job.resources.gpu and job.path not in runs]
    unknown.update(job.stage for job in others)
    if unknown:
        yield "not known; run with --probe on the GPU that will train", _counted(unknown)
    late = {path: hours for path, hours in runs.items() if hours.known and hours.known > hours.limit}
    if late:
        longest = max(late, key=lambda path: late[path].known or 0.0)
        hours, limit = _number(late[longest].known or 0.0), _number(late[longest].limit)
        said = f"{hours} of {limit} hours; what is ended goes on when it is started again"
        yield (
            f"longer than `minutes` in params/scales allow: {_runs(len(late))}",
            [f"at most {longest}: {said}"],
        )
    yield f"disk: {COUNTED}", [f"not counted: {NOT_COUNTED}"]
    if costs and costs[-1].uncounted:
        why = "other sizes than published, or images that nobody has counted"
        yield f"disk of {costs[-1].uncounted} jobs is not known", [why]


def _said(rate: Rate) -> str:
    return f"{rate.images_per_second:.3g} images/s, {rate.device} ({rate.source})"


def _counted(what: Counter[str]) -> list[str]:
    return [f"{one}: {_runs(count)}" for one, count in what.most_common()]


def _runs(count: int) -> str:
    return f"{count} run{'s' * (count != 1)}"


def _markdown(grid: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["--:"] * (len(grid[0]) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [grid[0], rule, *grid[1:]])
