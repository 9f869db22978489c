"""Names and places that a stranger finds."""

from collections import Counter

import pytest

from sdetr.config.compile import compile_plan
from sdetr.tracking.flat import LONGEST, flat
from sdetr.tracking.places import GUESTS, Places, host_of, words_of
from tests.tracking.conftest import PRETRAIN, ROOT, SCRATCH, SIAMESE


@pytest.mark.parametrize("scale", ["smoke", "demo", "demo-twice", "paper"])
def test_no_two_runs_of_an_experiment_have_one_name_and_guests_have_a_host(scale):
    plan = compile_plan(ROOT / "params", scale)
    places = Places(plan)
    own = [job for job in plan.jobs.values() if job.stage not in GUESTS]
    counts = Counter((places.experiment(job), places.name(job)) for job in own)
    assert set(counts.values()) == {1}
    assert all(host_of(job) in plan.jobs for job in plan.jobs.values())


def test_a_fine_tuning_is_called_after_its_cell_and_lies_in_the_experiment_of_its_table():
    """Of the first of its tables, where it is in several."""
    plan = compile_plan(ROOT / "params", "demo", ["siamese-voc"])
    both = compile_plan(ROOT / "params", "demo", ["siamese-ablation", "siamese-voc"])
    assert Places(both).experiment(both.jobs[SIAMESE]) == "demo/siamese-ablation"
    places, job = Places(plan), plan.jobs[SIAMESE]
    assert places.experiment(job) == "demo/siamese-voc"
    assert places.name(job) == "conditional/siamese/s0"
    assert words_of(job)["start"] == "siamese~siamese-imagenet-60e"
    assert words_of(job)["seed"] == "0"
    assert places.experiment(plan.jobs[PRETRAIN]) == "demo/pretrain"
    assert places.name(plan.jobs[PRETRAIN]) == "siamese/conditional/siamese-imagenet-60e/s0"


def test_a_run_that_a_row_reads_at_its_beginning_and_another_at_its_end_is_called_after_the_end():
    plan = compile_plan(ROOT / "params", "demo", ["siamese-voc"])
    cells = Places(plan).cells(plan.jobs[SCRATCH])
    assert [cell.row for cell in cells] == ["scratch", "untrained"]


def test_settings_become_dotted_params_that_mlflow_takes():
    found = flat({"a": {"b": 1, "c~d": [1, 2]}, "e": None, "long": "x" * 9000})
    assert found["a.b"] == "1" and found["a.c_d"] == "[1, 2]" and found["e"] == "null"
    assert len(found["long"]) <= LONGEST and found["long"].endswith("(settings.yaml has all of it)")
