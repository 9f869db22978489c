"""What `sdetr plan` says that the tables will take."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from sdetr.cli import main
from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from sdetr.config.costs_listing import costs_lines, costs_page
from sdetr.config.estimate import TRAINS, Estimator
from sdetr.config.layers import Params
from sdetr.config.plan import Plan
from sdetr.config.throughput import Alike, Rate, alike, rate_of, stored
from tests.config.conftest import ROOT, edit

COMMAND = "sdetr plan --scale paper --markdown > docs/plan.md"
FILES = stored(Params(ROOT / "params"))
SCRATCH = "finetune/updetr-coco-300e/detr-prenorm/swav_r50/seed0"
PRETRAINED = "pretrain/updetr-imagenet-60e/updetr/detr-prenorm/seed0"
OPEN = "pretrain/updetr-imagenet-15e-open/updetr/detr-prenorm/seed0"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return compile_plan(ROOT / "params", "paper")


def estimator(plan: Plan, rate: float | None = None, gpus: int = 8) -> Estimator:
    if rate is None:
        return Estimator(plan, lambda _, kind: rate_of(kind, FILES), gpus)
    return Estimator(plan, lambda *_: Rate(rate, "a GPU", "drawn"), gpus)


def test_docs_have_what_the_plan_says(plan):
    page = costs_page(estimator(plan), COMMAND)
    assert (ROOT / "docs/plan.md").read_text() == page, f"docs/plan.md is of other params: {COMMAND}"


def test_the_command_that_the_page_names_writes_it(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    main(COMMAND.split(" > ")[0].split()[1:])
    assert capsys.readouterr().out == (ROOT / "docs/plan.md").read_text()


def test_hours_are_images_over_images_a_second(plan):
    """The last incomplete batch is dropped."""
    asked = estimator(plan, rate=10.0)
    assert asked.hours(plan.jobs[SCRATCH]).known == pytest.approx(300 * (118287 // 32 * 32) / 10 / 3600)
    assert asked.hours(plan.jobs[PRETRAINED]).known == pytest.approx(60 * (1281167 // 256 * 256) / 10 / 3600)


def test_a_published_speed_gives_the_published_days(plan):
    """UP-DETR's README: 5 days of 8 GPUs to pretrain, 6 to fine-tune for 300 epochs."""
    asked = estimator(plan)
    days = [asked.hours(plan.jobs[path]).known / 24 / 8 for path in (PRETRAINED, SCRATCH)]
    assert days == pytest.approx([5, 6], rel=0.05)


def test_speeds_of_frozen_backbones_say_nothing_of_others(plan):
    assert alike(plan.jobs[OPEN]) == replace(alike(plan.jobs[PRETRAINED]), frozen=False)
    assert estimator(plan).hours(plan.jobs[OPEN]).known is None


@pytest.mark.parametrize(
    "change", [{"variant": "dab"}, {"longest": 601}, {"published": False}, {"pretext": "siamese"}]
)
def test_a_speed_is_believed_of_runs_that_are_alike_alone(plan, change):
    kind = alike(plan.jobs[PRETRAINED])
    assert rate_of(kind, FILES) and not rate_of(replace(kind, **change), FILES)


def test_what_was_measured_is_believed_before_what_was_published(params):
    text = (params / "throughput/v100.yaml").read_text().replace("kind: published", "kind: measured")
    (params / "throughput/z.yaml").write_text(text.replace("device: V100", "device: ours"))
    kind = Alike("finetune", "detr", True, 100, None, 1333, False)
    assert rate_of(kind, stored(Params(params))).device == "ours"


def test_a_table_is_the_sum_of_its_runs_and_all_of_them_count_each_once(plan):
    *shown, together = estimator(plan, rate=5.0).tables()
    asked = estimator(plan, rate=5.0)
    hours = [asked.hours(job).known for job in plan.jobs.values() if job.stage in TRAINS]
    total = sum(known for known in hours if known is not None)  # nobody counted some images
    assert together.gpu_hours == pytest.approx(total)
    assert total < sum(one.gpu_hours for one in shown)
    assert together.jobs == len(plan.jobs) - len(plan.of("page")) - len(plan.of("index"))
    figures = {f"{name}, figure" for name in Params(ROOT / "params").names("figures")}
    assert {one.name for one in shown} == figures | set(Params(ROOT / "params").names("tables"))
    shared = {path for path in plan.jobs if sum(path in needs(plan, one.name) for one in shown) > 1}
    for one in shown:
        assert one.alone == len(needs(plan, one.name) - shared) and one.jobs == len(needs(plan, one.name))


def needs(plan: Plan, name: str) -> set[str]:
    """Of a table by its name, or of `<name>, figure`."""
    name, figure, _ = name.partition(", figure")
    return {job.path for job in plan.before([plan.jobs[f"{'figures' if figure else 'tables'}/{name}"]])}


def test_more_gpus_are_not_slower_than_one_and_no_faster_than_the_longest_chain(plan):
    *_, one = estimator(plan, rate=5.0, gpus=1).tables()
    *_, many = estimator(plan, rate=5.0, gpus=64).tables()
    assert one.wall_hours >= one.gpu_hours * (1 - 1e-9) > many.wall_hours
    assert many.wall_hours >= many.chain_hours * (1 - 1e-9) and many.chain_hours == one.chain_hours


def test_what_nobody_knows_is_said_and_named(plan):
    lines = costs_lines(estimator(plan))
    (table,) = [line.split() for line in lines if line.startswith("detectors ")]
    assert "≥" in table
    assert any(line.startswith("not known; run with --probe") for line in lines)
    assert "  pretrain updetr on detr, 100 queries, images up to 600 px, backbone learning: 2 runs" in lines
    assert any(line.startswith("longer than `minutes`") for line in lines)


def test_a_plan_whose_speeds_are_known_has_no_such_words(plan):
    text = "\n".join(costs_lines(estimator(plan, rate=1e9)))
    assert "longer than" not in text and "finetune detr" not in text.split("not known")[1]


def test_listing_costs_imports_no_torch_and_needs_no_data(tmp_path):
    (tmp_path / "params").symlink_to(ROOT / "params")
    code = "import sys; from sdetr.cli import main; main(['plan', '--scale', 'paper'])"
    code += "; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^all of them +\d+", done.stdout, flags=re.MULTILINE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["params"]


def test_a_speed_of_no_date_is_refused_where_it_stands(params):
    edit(params, "throughput/v100.yaml", 'date: "2026-11"', 'date: "lately"')
    with pytest.raises(SettingsError, match=r"v100\.yaml:4: date: found 'lately'"):
        stored(Params(params))
