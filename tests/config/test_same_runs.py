"""A path is an identity: one run has one, and no two runs share one, but where a scale makes names equal."""

from dataclasses import replace
from pathlib import Path

import pytest

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan, compile_shown
from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.config.plan import Plan
from tests.config.conftest import CONDITIONAL, ROOT, VANILLA, edit, make_all_rows


def copied(params: Path) -> None:
    """A protocol under a second name, and a column that uses it."""
    text = (params / f"protocols/{CONDITIONAL}.yaml").read_text()
    (params / "protocols/copy.yaml").write_text(text)
    line = "rows:\n  untrained"
    column = "  copy: {label: c, model: conditional, protocol: copy}\n"
    edit(params, "tables/siamese-voc.yaml", line, column + line)


def test_equal_views_of_two_protocols_are_two_files_whatever_tables_are_made(params):
    """Else a run would name another file, and be run again, when another table is made, too."""
    few, all_ = (compile_plan(params, "paper", tables) for tables in (["siamese-voc"], "all"))
    run = "pretrain/siamese-imagenet-60e/updetr-eos/conditional/seed0"
    assert few.jobs[run].text == all_.jobs[run].text
    assert few.jobs[run].inputs["plan"].startswith("data/paper/views/siamese-imagenet-60e/")
    views = [job for job in all_.of("views") if job.path.endswith("/updetr-patches/seed0")]
    views = [job for job in views if "imagenet" in job.path]
    assert len(views) > 1 and len({job.text.split("\n", 1)[1] for job in views}) == 1


def test_two_different_settings_at_one_path_are_an_error_naming_the_fields():
    job = compile_plan(ROOT / "params", "demo").of("finetune")[0]
    plan = Plan("demo")
    plan.add(job)
    other = replace(job, settings=job.settings | {"protocol": job.settings["protocol"] | {"lr": 1.0}})
    with pytest.raises(
        SettingsError, match=r"seed0: planned twice with different settings: protocol\.lr is 0\.001 and 1\.0"
    ):
        plan.add(other)


def test_two_different_inputs_at_one_path_are_an_error_too(params):
    """Features made ahead have no backbone in their path: one for two backbones would be wrong for one."""
    when = "when: {model=conditional: {backbone: supervised_r50}}\nsource:"
    edit(params, "protocols/siamese-imagenet-60e.yaml", "source:", when)
    with pytest.raises(SettingsError, match=r"features/.*planned twice .*: inputs\.init is"):
        compile_plan(params, "demo", "first")


def test_two_columns_of_one_detector_and_protocol_run_once_and_the_second_says_so(params):
    line = "  conditional: {label: Conditional"
    twin = "  twin: {label: t, model: detr, protocol: siamese-voc-vanilla-50e}\n"
    edit(params, "tables/siamese-voc.yaml", line, twin + line)
    table = compile_plan(params, "demo", "first").jobs["tables/siamese-voc"].settings
    rows = ("untrained", "scratch", "siamese")
    assert table["same_as"] == {row: {"twin": {"row": row, "column": "detr-50e"}} for row in rows}
    assert all("twin" not in columns for columns in table["cells"].values())


def test_equal_settings_at_two_paths_are_an_error_naming_both_where_nothing_is_replaced(params):
    copied(params)
    with pytest.raises(SettingsError, match=f"copy/.*{CONDITIONAL}/.*equal settings at scale paper"):
        compile_plan(params, "paper")


def test_names_that_a_scale_makes_equal_run_once_and_the_cell_says_so(params):
    """Planned runs, their pretraining and everything else are those of a table without the second name."""
    before = compile_plan(params, "demo", "first")
    copied(params)
    plan = compile_plan(params, "demo", "first")
    assert set(plan.jobs) == set(before.jobs)
    assert {path.split("/")[1] for path in plan.aliases if "supervised" not in path} == {"copy"}
    table = plan.jobs["tables/siamese-voc"].settings
    rows = ("untrained", "scratch", "siamese")
    assert table["same_as"] == {row: {"copy": {"row": row, "column": "conditional"}} for row in rows}


def test_two_different_settings_at_a_path_that_means_another_are_an_error_too():
    job = compile_plan(ROOT / "params", "demo").of("finetune")[0]
    plan = Plan("demo", merges=True)
    twin = replace(job, path="finetune/another/name", outputs={})
    assert plan.add(job) is plan.add(twin) is plan.add(twin)
    with pytest.raises(SettingsError, match=r"another/name: planned twice .*: seed is 0 and 7"):
        plan.add(replace(twin, settings=job.settings | {"seed": 7}))


def test_starts_that_a_scale_makes_equal_run_once_and_the_cell_says_so(params):
    edit(
        params,
        "tables/siamese-voc.yaml",
        "blank:\n",
        "  supervised: {label: supervised, start: supervised_r50}\nblank:\n",
    )
    make_all_rows(params)
    edit(params, "scales/demo.yaml", "supervised_r50: shapes-r18-s1", "supervised_r50: shapes-r18-s0")
    plan = compile_plan(params, "demo", ["siamese-voc"])
    assert not [path for path in plan.jobs if "supervised" in path]
    table = plan.jobs["tables/siamese-voc"].settings
    columns = ("detr-50e", "conditional")
    assert table["same_as"] == {"supervised": {c: {"row": "scratch", "column": c} for c in columns}}
    assert "supervised" not in table["cells"]


def test_another_seed_of_the_backbone_is_another_run(params):
    edit(
        params,
        "tables/siamese-voc.yaml",
        "blank:\n",
        "  supervised: {label: supervised, start: supervised_r50}\nblank:\n",
    )
    make_all_rows(params)
    plan = compile_plan(params, "demo")
    assert f"finetune/{VANILLA}/detr/supervised_r50/seed0" in plan.jobs
    assert "same_as" not in plan.jobs["tables/siamese-voc"].settings


@pytest.mark.parametrize("scale", ["demo", "paper"])
def test_no_path_holds_two_settings_whichever_tables_are_made(scale):
    """Of all tables together, and of each by itself."""
    composer = Composer(Params(ROOT / "params"), scale)
    together = compile_plan(ROOT / "params", scale)
    for table in composer.params.names("tables"):
        alone = compile_shown(composer, table)[1].plan.jobs
        shared = [path for path in alone if path in together.jobs]
        assert [path for path in shared if alone[path].settings != together.jobs[path].settings] == []
    files = [(file, job.path) for job in together.jobs.values() for file in job.outputs.values()]
    assert len(dict(files)) == len(files)
