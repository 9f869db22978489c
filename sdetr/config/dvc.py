"""The plan as DVC reads it: `plan.yaml` has the files of every job, `dvc.yaml` a block per stage over it."""

import re
from pathlib import Path
from typing import Any

import yaml

from sdetr.config.base import SettingsError
from sdetr.config.blank import AT_THE_END
from sdetr.config.job import STAGES, Job
from sdetr.config.plan import Plan
from sdetr.files import write_text

FILES, ITEMS = "dvc.yaml", "plan.yaml"

ALONE = ("table", "figure", "index")
"""Stages of which every job reads slots of its own, and so has a block of its own."""

COMMANDS = {
    "data": "prepare --settings ${item.in.settings} --out ${item.out.index}",
    "subset": "subset --settings ${item.in.settings} --out ${item.out.index}",
    "backbone": "backbone --settings ${item.in.settings} --out ${item.out.weights}",
    "proposals": "propose --settings ${item.in.settings} --out ${item.out.file}",
    "views": "views --settings ${item.in.settings} --out ${item.out.file}",
    "features": "features --settings ${item.in.settings} --init ${item.in.init} --out ${item.out.file}",
    "rehearse": "rehearse --settings ${item.in.settings} --out $(dirname ${item.out.check})",
    "pretrain": "pretrain --settings ${item.in.settings} --init ${item.in.init}"
    " --out $(dirname ${item.out.weights})",
    "finetune": "train --settings ${item.in.settings} --init ${item.in.init}"
    " --out $(dirname ${item.out.weights})",
    "measure": "measure --settings ${item.in.settings} --out $(dirname ${item.out.predictions})",
    "look": "look --settings ${item.in.settings} --out $(dirname ${item.out.looks})",
    "cost": "cost --settings ${item.in.settings} --init ${item.in.init} --out $(dirname ${item.out.cost})",
    "evaluate": "evaluate --settings ${item.in.settings} --predictions ${item.in.predictions}"
    " --out ${item.out.metrics}",
    "table": "table --settings ${item.in.settings} --out ${item.out.md}",
    "figure": "figure --settings ${item.in.settings} --out ${item.out.png}",
    "page": "page --settings ${item.in.settings} --out ${item.out.page}",
    "index": "index --settings ${item.in.settings} --out ${item.out.page}",
}
"""Stage → verb and flags of one job; one process does all that the workflow shares between shards."""

Block = dict[str, Any]


def write_dvc(plan: Plan, command: str) -> None:
    """Writes both files; `command` is the `sdetr plan …` that selects this plan."""
    for name, text in as_dvc(plan, command).items():
        write_text(Path(name), text)


def check_dvc(plan: Plan, command: str) -> None:
    """Raises SettingsError when a file is not what `write_dvc` would write, or not there."""
    for name, text in as_dvc(plan, command).items():
        if not Path(name).exists() or Path(name).read_text(encoding="utf-8") != text:
            raise SettingsError(
                f"{name} is not the plan of params/ any more; `uv run {command} --dvc` writes it anew"
            )


def as_dvc(plan: Plan, command: str) -> dict[str, str]:
    """File → content. A stage whose jobs differ in their slots, as tables do, has a block for each kind."""
    items: Block = {}
    blocks: Block = {"plan": _settings(plan, command)}
    for stage in (stage for stage in STAGES if plan.of(stage)):
        kinds: dict[tuple[object, ...], list[Job]] = {}
        for job in plan.of(stage):
            kinds.setdefault((*job.inputs, "→", *job.outputs, _brought(plan, job)), []).append(job)
        for n, jobs in enumerate(kinds.values(), 1):
            name = stage if n == 1 else f"{stage}-{n}"
            if stage in ALONE:
                blocks |= {job.path.replace("/", "-"): _block(job, False, alone=True) for job in jobs}
            else:
                items[name] = {job.path: {"in": job.inputs, "out": job.outputs} for job in jobs}
                blocks[name] = {
                    "foreach": f"${{{name}}}",
                    "do": _block(jobs[0], _brought(plan, jobs[0]), alone=False),
                }
    tables = plan.of("table")
    whole = {
        "vars": [ITEMS],
        "stages": blocks,
        "metrics": [file for job in tables for file in _numbers(job)],
        "plots": [plot for job in tables for plot in _plots(job)],
    }
    head = f"# Written by `{command} --dvc`. Edit params/ instead.\n"
    # A raised recipe is seen here: the plan's stage reads this file, and writes settings anew.
    recipes = {stage: plan.of(stage)[0].settings["recipe"] for stage in STAGES if plan.of(stage)}
    texts = {ITEMS: {"scale": plan.scale, "recipes": recipes} | items, FILES: whole}
    return {
        name: head + yaml.dump(text, Dumper=_Plain, sort_keys=False, width=1000, allow_unicode=True)
        for name, text in texts.items()
    }


def _settings(plan: Plan, command: str) -> Block:
    """The first stage. It leaves files that are right alone, for Snakemake looks at their time."""
    files = [{job.settings_file: {"persist": True}} for job in plan.jobs.values()]
    return {"cmd": f"{command} --check", "deps": ["params", ITEMS], "outs": files}


def _brought(plan: Plan, job: Job) -> bool:
    """Whether it says where data lies that somebody brought, or part of it."""
    if job.stage == "subset":
        return _brought(plan, plan.maker(job.inputs["whole"]))
    return job.stage == "data" and "images" not in job.outputs


def _block(job: Job, brought: bool, alone: bool) -> Block:
    """One job by its paths, or all jobs of its slots by `${item…}`."""
    slots = {f"in.{slot}": file for slot, file in job.inputs.items()}
    slots |= {f"out.{slot}": file for slot, file in job.outputs.items()}
    said = slots if alone else {slot: f"${{item.{slot}}}" for slot in slots}
    command = f"sdetr {COMMANDS[job.stage]}"
    if alone:
        command = re.sub(r"\$\{item\.([\w.]+)\}", lambda match: slots[match[1]], command)
    deps, outs = (
        list(dict.fromkeys(file for slot, file in said.items() if slot.startswith(side)))
        for side in ("in.", "out.")
    )
    # Data that somebody brought is not copied into a cache, nor is what says where it lies.
    return {
        "cmd": command,
        "deps": deps,
        "outs": [{file: {"cache": False}} for file in outs] if brought else outs,
    }


def _numbers(table: Job) -> list[str]:
    cells: dict[str, dict[str, Any]] = table.settings["cells"]
    return [
        f"{table.outputs['numbers']}/{column}/{row}.json"
        for row, columns in cells.items()
        for column in columns
    ]


def _plots(table: Job) -> list[Block]:
    """A chart per column: the first metric over epochs, a line per row that has a curve of its own."""
    rows, metric = table.settings["table"]["rows"], table.settings["table"]["metrics"][0]
    plots = []
    if metric.endswith(AT_THE_END):
        return []
    for column, said in table.settings["table"]["columns"].items():
        here = [
            row
            for row in table.settings["cells"]
            if f"{row}.{column}.0.curve" in table.inputs and "epoch" not in rows[row]
        ]
        lines = {f"{table.outputs['numbers']}/{column}/{row}.csv": metric for row in here}
        title = f"{said['label']}: {metric} (%) while fine-tuning"
        if lines:
            plots.append({f"{table.settings['id']} {column}": {"title": title, "x": "epoch", "y": lines}})
    return plots


class _Plain(yaml.SafeDumper):
    """Every value written out where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
