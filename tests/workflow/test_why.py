"""Why a run would be made again, what that costs, and who has to agree."""

import re

import pytest

pytestmark = pytest.mark.pipeline

RUN = "finetune/siamese-voc-vanilla-50e/detr/siamese~siamese-imagenet-60e/seed0"
PROTOCOL, PRETEXT = "params/protocols/siamese-voc-vanilla-50e.yaml", "params/pretexts/siamese.yaml"
ALL = ("--profile", "smoke", "all_tables")


def why(project, run: str = RUN, fails: bool = False) -> str:
    return project.run("sdetr", "why", run, "--scale", "smoke", fails=fails)


def test_a_run_that_is_the_plans_would_not_run_again(made):
    assert why(made) == f"{RUN} would not run again: what is there is what the plan wants.\n"
    assert why(made, f"data/smoke/{RUN}/") == why(made)


def test_an_edited_setting_is_told_with_its_place_its_old_value_and_what_follows(made):
    made.edit(PROTOCOL, "epochs: 50", "epochs: 51")
    line = next(
        n for n, text in enumerate((made.root / PROTOCOL).read_text().splitlines(), 1) if "epochs: 51" in text
    )
    said = why(made)
    made.edit(PROTOCOL, "epochs: 51", "epochs: 50")
    assert said.startswith(f"{RUN} would run again: protocol.epochs is 51 ({PROTOCOL}:{line}), was 50; ")
    assert re.search(
        r"with what rests on it, jobs: 1 finetune, 1 evaluate, 1 table, 1 page, 1 index; \d+ s as last", said
    )


def test_what_a_run_rests_on_is_named_where_that_is_what_changed(made):
    made.edit(PRETEXT, "no_object: 0.1", "no_object: 0.2")
    said = why(made)
    made.edit(PRETEXT, "no_object: 0.2", "no_object: 0.1")
    before = (
        "pretrain/siamese-imagenet-60e/siamese/detr/seed0, which it rests on, does: pretext.no_object is 0.2"
    )
    assert f"{RUN} would run again: {before} ({PRETEXT}:" in said and "1 pretrain, 1 finetune" in said


def test_a_run_that_was_never_made_is_no_riddle(made):
    made.edit("params/scales/smoke.yaml", "{seeds: [0, 1], rows", "{seeds: [0, 1, 2], rows")
    said = why(made, RUN.replace("seed0", "seed2"))
    made.edit("params/scales/smoke.yaml", "{seeds: [0, 1, 2], rows", "{seeds: [0, 1], rows")
    assert "it is not made yet" in said


def test_a_run_that_is_not_planned_is_answered_with_the_nearest(made):
    said = why(made, RUN.replace("vanilla", "vanila"), fails=True)
    assert f"is not in the plan of scale smoke; did you mean {RUN}?" in said
    said = why(made, "xyz", fails=True)
    assert "xyz is not in the plan of scale smoke; `sdetr plan --scale smoke` lists what is" in said


def test_redoing_more_than_a_limit_stops_before_the_first_job_unless_somebody_agrees(made):
    made.edit(PROTOCOL, "epochs: 50", "epochs: 51")
    config = ("--config", "scale=smoke", "tables=all", "redo_hours=0.001")
    before = (made.root / f"data/smoke/{RUN}/run.json").read_bytes()
    said = made.snakemake(*ALL, *config, fails=True)
    assert re.search(r"this would make 8 results again that took \d+ s:", said)
    assert f"  {RUN}: " in said and "redo=yes" in said
    assert (made.root / f"data/smoke/{RUN}/run.json").read_bytes() == before
    assert "Nothing to be done" not in made.snakemake(*ALL, "-n", *config)
    made.snakemake(*ALL, *config, "redo=yes")
    assert made.would_run(*ALL) == set()
