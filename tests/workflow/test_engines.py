"""Two engines, one plan: Snakemake and DVC know the same jobs, and each believes only what is the plan's."""

import json
import re

import pytest
from dvc.repo import Repo

from sdetr.config.job import STAGES

Job = tuple[str, frozenset[str], frozenset[str]]

SHARDS, ALIKE = "propose", {"drawn_data": "data", "finetune_masks": "finetune"}
"""Rules of a stage that has several."""
ALONE = {"tables": "table", "figures": "figure"}


def jobs_of_snakemake(project, scale: str, tables: str) -> set[Job]:
    """(stage, inputs, outputs) of the real DAG: all that a dry run of a fresh project would do."""
    said = project.snakemake("-n", "all_tables", "--config", f"scale={scale}", f"tables={tables}")
    found: dict[str, Job] = {}
    shards: dict[str, frozenset[str]] = {}
    for block in re.split(r"\n(?=\[)", said):
        rule = re.search(r"^(?:local)?rule (\w+):", block, flags=re.MULTILINE)
        if not rule or rule[1] == "all_tables":
            continue
        inputs, outputs = (
            frozenset(match[1].split(", "))
            if (match := re.search(rf"^    {kind}: (.+)$", block, re.M))
            else frozenset()
            for kind in ("input", "output")
        )
        if rule[1] == SHARDS:
            shards |= dict.fromkeys(outputs, inputs)
        else:
            found[min(outputs)] = (ALIKE.get(rule[1], rule[1]), inputs, outputs)
    joined = set()
    for stage, inputs, outputs in found.values():
        parts = inputs & shards.keys()
        joined.add((stage, (inputs - parts).union(*(shards[part] for part in parts)), outputs))
    return {job for job in joined if job[0] in STAGES}


def jobs_of_dvc(project) -> set[Job]:
    """(stage, deps, outs) of all but the first, which writes what Snakemake writes while it parses."""
    with Repo(project.root) as repo:
        return {
            (
                stage_of(stage.name),
                frozenset(dep.def_path for dep in stage.deps),
                frozenset(out.def_path for out in stage.outs),
            )
            for stage in repo.index.stages
            if stage.name != "plan"
        }


def stage_of(name: str) -> str:
    """`finetune@<path>` and `finetune-2@<path>` → finetune, `tables-<name>` → table."""
    first = re.split("[@-]", name)[0]
    return ALONE.get(first, first)


@pytest.mark.parametrize("scale, selection", [("smoke", "all"), ("demo", "first"), ("paper", "all")])
def test_both_engines_have_the_same_stages_deps_and_outs(git_project, scale, selection):
    git_project.run(
        "sdetr", "plan", "--scale", scale, "--dvc", *(["--first"] if selection == "first" else [])
    )
    ours, theirs = jobs_of_snakemake(git_project, scale, selection), jobs_of_dvc(git_project)
    assert ours and ours == theirs


def test_a_result_made_from_other_settings_than_snakemake_remembers_is_made_again(project):
    folder, file = "data/raw/shapes-voc07-test-smoke-s0", "params/datasets/shapes-voc07-test-smoke-s0.yaml"
    index, record = f"{folder}/test.json", project.root / folder / "test.record.json"

    def would_run() -> set[str]:
        return project.would_run("--profile", "smoke", index)

    project.snakemake("--profile", "smoke", index)
    said = record.read_text()
    project.edit(file, "images: 8", "images: 9")
    assert would_run() == {index}
    project.edit(file, "images: 9", "images: 8")
    assert would_run() == set(), "an edit undone makes nothing stale"

    about = json.loads(said)
    about["inputs"]["settings"]["sha256"] = "of an edit that is undone"
    record.write_text(json.dumps(about))
    assert would_run() == {index}
    assert would_run() == {index}, "a dry run mends nothing"
    project.snakemake("--profile", "smoke", index)
    assert would_run() == set()
