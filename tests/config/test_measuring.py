"""Runs that train nothing: which there are of a row, and what of a table file makes no sense."""

from pathlib import Path

import pytest
import yaml

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from sdetr.config.dvc import FILES, as_dvc

ROOT = Path(__file__).parents[2]
TABLE, PROTOCOL = "tables/detreg-proposals.yaml", "detreg-proposals"
MEASURED = f"evaluate/{PROTOCOL}"


def edit(params: Path, file: str, old: str, new: str) -> None:
    text = (params / file).read_text()
    assert old in text
    (params / file).write_text(text.replace(old, new, 1))


def measured(params: Path, scale: str = "paper") -> dict[str, str]:
    """Path → slot of the weights or boxes → the job that makes them."""
    plan = compile_plan(params, scale, [PROTOCOL])
    return {
        job.path: plan.maker(job.inputs.get("init") or job.inputs["proposals"]).path
        for job in plan.of("measure")
    }


def test_a_row_is_a_detector_as_it_was_pretrained_or_drawn_or_a_proposer_by_itself():
    found = measured(ROOT / "params")
    assert found == {
        f"{MEASURED}/deformable/supervised_r50/seed0": "backbones/supervised_r50",
        f"{MEASURED}/deformable/swav_r50/seed0": "backbones/swav_r50",
        f"{MEASURED}/detr-prenorm/updetr~updetr-imagenet-60e/seed0": (
            "pretrain/updetr-imagenet-60e/updetr/detr-prenorm/seed0"
        ),
        f"{MEASURED}/proposer/selective-search-bgr/seed0": "proposals/coco-val2017/selective-search-bgr",
    } | {
        f"{MEASURED}/deformable/{pretext}~detreg-in100-50e/seed0": (
            f"pretrain/detreg-in100-50e/{pretext}/deformable/seed0"
        )
        for pretext in ("detreg", "detreg-random-k", "detreg-importance", "detreg-other-boxes")
    }


def test_seeds_are_those_of_what_is_drawn_and_nothing_is_measured_twice(params):
    edit(params, "scales/paper.yaml", "seeds: [0]", "seeds: [0, 1, 2]")
    edit(params, TABLE, "start: detreg~detreg-in100-50e}", "start: detreg~detreg-in100-50e.2}")
    found = measured(params)
    random_k = {
        path: made
        for path, made in found.items()
        if path.startswith(f"{MEASURED}/deformable/detreg-random-k")
    }
    assert random_k == {
        f"{MEASURED}/deformable/detreg-random-k~detreg-in100-50e{dot}/seed{k}": (
            f"pretrain/detreg-in100-50e/detreg-random-k/deformable/seed{k}"
        )
        for k, dot in ((0, ""), (1, ".1"), (2, ".2"))
    }
    assert [path for path in found if "/swav_r50/" in path] == [
        f"{MEASURED}/deformable/swav_r50/seed{k}" for k in (0, 1, 2)
    ]
    assert [path for path in found if "/proposer/" in path] == [
        f"{MEASURED}/proposer/selective-search-bgr/seed0"
    ]
    assert [path for path in found if "/detreg~" in path] == [
        f"{MEASURED}/deformable/detreg~detreg-in100-50e.2/seed2"
    ]


def test_classes_are_ignored_where_nothing_was_fine_tuned_and_there_alone():
    plan = compile_plan(ROOT / "params", "demo")
    for job in plan.of("evaluate"):
        assert job.settings.get("any_class", False) == job.path.startswith("evaluate/")


@pytest.mark.parametrize(
    "file, old, new, message",
    [
        (TABLE, "start: swav_r50}", "start: swav_r50, epoch: 0}", "swav: .* epoch 0, it trains nothing"),
        (TABLE, "start: swav_r50}", "start: 'swav_r50{seed}'}", "is for what is fine-tuned, and detreg-prop"),
        (TABLE, "start: swav_r50}", "start: swav_r50+siamese-voc-vanilla-50e}", "was fine-tuned"),
        (TABLE, ", start: swav_r50}", "}", r"yaml:\d+: rows.swav.start: found neither a start nor a prop"),
        (
            TABLE,
            "start: swav_r50}",
            "start: a, proposer: random}",
            "swav.start: found a start and a proposer",
        ),
        (TABLE, "proposer: selective-search-bgr", "proposer: selective", "selective.* did you mean"),
        (
            TABLE,
            "protocol: detreg-proposals",
            "protocol: siamese-voc-vanilla-50e",
            "a proposer, but protocol",
        ),
        (f"protocols/{PROTOCOL}.yaml", "logits: 91", "logits: 1", "logits: found 1, expected greater than"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_job(params, file, old, new, message):
    edit(params, file, old, new)
    with pytest.raises(SettingsError, match=message):
        compile_plan(params, "paper", [PROTOCOL])


def test_dvc_has_a_block_for_detectors_and_one_for_proposers_and_no_chart_without_curves():
    whole = yaml.safe_load(as_dvc(compile_plan(ROOT / "params", "demo", [PROTOCOL]), "sdetr plan")[FILES])
    blocks = [block["do"] for name, block in whole["stages"].items() if name.startswith("measure")]
    assert len(blocks) == 3  # a backbone alone, a pretrained detector, a proposer
    for block in blocks:
        assert block["cmd"].startswith("sdetr measure --settings ${item.in.settings} --out $(dirname ")
    assert whole["plots"] == []


def test_the_page_of_a_pretraining_names_what_was_measured_of_it():
    plan = compile_plan(ROOT / "params", "demo", [PROTOCOL])
    page = plan.jobs["runs/pretrain/detreg-in100-50e/detreg/deformable/seed0"]
    assert page.settings["followers"] == [f"{MEASURED}/deformable/detreg~detreg-in100-50e/seed0"]


def test_eleven_points_are_counted_where_the_test_set_is_vocs():
    plan = compile_plan(ROOT / "params", "paper", ["updetr-voc", "updetr-coco", "detreg-proposals"])
    counted = {job.path.split("/")[1]: job.settings.get("eleven_point", False) for job in plan.of("evaluate")}
    assert counted == {
        "updetr-voc-150e": True,
        "updetr-voc-300e": True,
        "updetr-coco-150e": False,
        "updetr-coco-300e": False,
        "detreg-proposals": False,
    }


@pytest.mark.parametrize(
    "file, old, new, message",
    [
        (
            "protocols/detreg-coco-full-50e.yaml",
            "matched: true",
            "matched: false",
            "row other-boxes: no class-error, of protocols that say matched: detreg-coco-full-50e does not",
        ),
        (
            "tables/detreg-ablation.yaml",
            "start: detreg~detreg-in100-50e}",
            "start: detreg~detreg-in100-50e, epoch: 0}",
            "row frozen: no class-error, .*: it reads a curve, and they are counted at the end",
        ),
        (
            TABLE,
            "metrics: [AP,",
            "metrics: [box-error,",
            "no box-error, .*: detreg-proposals ignores classes",
        ),
    ],
)
def test_errors_that_nobody_counts_are_refused_before_any_job(params, file, old, new, message):
    edit(params, file, old, new)
    with pytest.raises(SettingsError, match=message):
        compile_plan(params, "paper", ["detreg-ablation", PROTOCOL])


def test_errors_are_counted_where_a_protocol_has_its_queries_matched_and_are_of_no_other_run():
    plan = compile_plan(ROOT / "params", "paper", ["detreg-ablation", "updetr-coco"])
    counted = {job.path.split("/")[1]: job.settings.get("matched") for job in plan.of("evaluate")}
    assert counted == {"detreg-coco-full-50e": True, "updetr-coco-150e": None, "updetr-coco-300e": None}
