"""A cell is believed for its digests, not for its place."""

from pathlib import Path

import pytest


@pytest.fixture
def run(tree):
    """Folder of the second of three seeds."""
    return Path(tree.settings["cells"]["scratch"]["big"][1]["run"])


@pytest.mark.parametrize(
    "file, keys, what, repair",
    [
        ("run.json", ("inputs", "settings", "sha256"), "other settings: another", "run.json"),
        (
            "run.json",
            ("inputs", "init", "sha256"),
            "other init: another, but .*swav_r50.json says",
            "run.json",
        ),
        (
            "run.json",
            ("outputs", "predictions.json"),
            "other predictions: predictions digest",
            "metrics.json",
        ),
        ("run.json", ("inputs", "test", "sha256"), "other test: another, but .*test.record.json", "run.json"),
        ("metrics.json", ("inputs", "settings", "sha256"), "other settings: another", "metrics.json"),
        ("metrics.json", ("inputs", "predictions", "sha256"), "other predictions: another", "metrics.json"),
        ("metrics.json", ("inputs", "test", "sha256"), "other test: another", "metrics.json"),
        ("metrics.json", ("recipe",), "other evaluation recipe: another", "metrics.json"),
    ],
)
def test_a_stale_cell_is_refused_by_name_with_the_command_that_repairs_it(
    tree, run, edit, file, keys, what, repair
):
    tree.make()
    tree.out.unlink()
    edit(run / file, *keys, to="another")
    with pytest.raises(ValueError, match=rf"swav_r50/seed1/{repair} is stale, made from {what}") as error:
        tree.make()
    assert str(error.value).endswith(
        f"snakemake --profile demo all_tables --forcerun {run / repair} --config scale=demo tables=all"
    )
    assert not tree.out.exists()


def test_a_start_that_was_made_again_makes_its_runs_stale(tree, run, edit):
    edit("data/demo/backbones/swav_r50.json", "outputs", "swav_r50.safetensors", to="new")
    with pytest.raises(ValueError, match=r"seed0/run.json is stale, .* init: init digest, but .* is new;"):
        tree.make()


def test_what_comes_before_the_start_is_checked_too_and_named_first(tree, run, edit):
    edit("data/demo/backbones/swav_r50.json", "inputs", "settings", "sha256", to="another")
    edit(run / "run.json", "inputs", "settings", "sha256", to="another")
    with pytest.raises(
        ValueError, match=r"^data/demo/backbones/swav_r50.json is stale, .* settings: another"
    ):
        tree.make()


@pytest.mark.parametrize("what", ["classes", "the test index"])
def test_runs_of_one_column_have_the_same_classes_and_test_images(tree, run, edit, what):
    if what == "classes":
        edit(run / "run.json", "classes", to=["dog", "cat"])
    else:
        other = "data/raw/other/test.record.json"
        tree.record(other, {}, {"test.json": "another"})
        for file in ("run.json", "metrics.json"):
            edit(run / file, "inputs", "test", "sha256", to="another")
            tree.settings["records"][str(run / file)]["inputs"]["test"] = other
        tree.settings["records"] = dict(sorted(tree.settings["records"].items()))
    with pytest.raises(ValueError, match=rf"seed0 and .*seed1 stand in one column but differ in {what}"):
        tree.make()


@pytest.mark.parametrize("file", ["run.json", "metrics.json"])
def test_a_run_without_its_file_is_named_with_the_command_that_makes_it(tree, run, file):
    (run / file).unlink()
    with pytest.raises(
        FileNotFoundError, match=rf"seed1/{file} does not exist; make it: snakemake --profile demo"
    ):
        tree.make()


def test_a_record_without_a_digest_is_refused(tree, run, edit):
    edit(run / "run.json", "inputs", to={"test": {"sha256": "test digest"}})
    with pytest.raises(ValueError, match=r"seed1/run\.json: inputs\.settings is missing"):
        tree.make()


def test_a_torn_record_is_refused(tree, run):
    (run / "run.json").write_text('{"commit": ')
    with pytest.raises(ValueError, match=r"seed1/run\.json is not JSON"):
        tree.make()


def test_scale_paper_is_run_with_the_profile_of_this_machine(tree, run):
    tree.settings["scale"] = "paper"
    (run / "run.json").unlink()
    with pytest.raises(FileNotFoundError, match="snakemake --profile local all_tables"):
        tree.make()


def test_a_run_that_trained_nothing_needs_no_curve_and_is_linked_by_its_record(tree):
    cell = tree.run("swav_r50", column="measured", kind="evaluate", AP=12.5, AP50=20.0)
    tree.settings["cells"]["scratch"]["big"] = [cell]
    page = tree.make()
    assert "12.5" in page and f"../../../{cell['run']}/run.json" in page
    numbers = Path("reports/demo/numbers/toy/big")
    assert (numbers / "scratch.json").is_file() and not (numbers / "scratch.csv").exists()
