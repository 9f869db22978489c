"""Scales: the same tables at another size; values are replaced, nothing else."""

import pytest

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from tests.config.conftest import CONDITIONAL, ROOT, VANILLA, edit


def test_the_paper_scale_plans_the_papers_data_and_sizes():
    plan = compile_plan(ROOT / "params", "paper")
    run = plan.jobs[f"finetune/{CONDITIONAL}/conditional/swav_r50/seed0"]
    assert run.settings["train"] == "data/raw/voc12-trainval/trainval.json"
    assert run.settings["protocol"]["batch"] == 16
    assert run.settings["protocol"]["lr_backbone"] == 5e-5
    assert run.settings["model"]["decoder_layers"] == 6
    assert run.settings["trunk"] == {"arch": "resnet50"}
    assert not [path for path in plan.jobs if "shapes" in path]


OF_LONG_OR_WIDE_COLUMNS = {"siamese-voc-vanilla-150e", "siamese-voc-deformable-50e", "updetr-voc-300e"}
OF_LONG_OR_WIDE_COLUMNS |= {"siamese-coco-deformable-50e", "siamese-coco-conditional-50e", "updetr-coco-300e"}
"""Protocols of columns whose table says that they are made at scale paper alone."""
OF_MORE_RUNS = {"detreg-coco-full-50e", *(f"detreg-coco-{share}pct" for share in (1, 2, 5, 10))}
OF_MORE_RUNS |= {"siamese-voc-conditional-50e", "siamese-voc-dab-50e", "siamese-voc-10pct-dab-50e"}
OF_MORE_RUNS |= {f"detreg-coco-{share}pct-150e" for share in (1, 2, 5, 10)} | {"detreg-fewshot-30"}
OF_MORE_RUNS |= {"deformable-coco-50e", "dab-coco-50e", "siamese-voc-30pct-50e", "siamese-voc-70pct-50e"}
"""Those of tables with more rows, columns or seeds than scale demo makes."""


def test_a_scale_replaces_values_only():
    demo, paper = (compile_plan(ROOT / "params", scale) for scale in ("demo", "paper"))
    left_out = (
        {j.path for j in paper.of("finetune")} - {j.path for j in demo.of("finetune")} - set(demo.aliases)
    )
    assert {path.split("/")[1] for path in left_out} == OF_LONG_OR_WIDE_COLUMNS | OF_MORE_RUNS
    vanilla = demo.jobs[f"finetune/{VANILLA}/detr/swav_r50/seed0"].settings
    assert vanilla["protocol"]["steps_per_epoch"] == 4.0
    assert vanilla["protocol"]["epochs"] == 50


def test_a_section_of_a_scale_may_make_exceptions(params):
    resize = "  resize: {short: 96, longest: 128}\n"
    edit(params, "scales/demo.yaml", resize, resize + "  when: {model=detr: {steps_per_epoch: 8.0}}\n")
    plan = compile_plan(params, "demo", "first")
    runs = {
        model: f"finetune/{protocol}/{model}/swav_r50/seed0"
        for model, protocol in (("detr", VANILLA), ("conditional", CONDITIONAL))
    }
    said = {model: plan.jobs[run].settings["protocol"]["steps_per_epoch"] for model, run in runs.items()}
    assert said == {"detr": 8.0, "conditional": 4.0}


def test_what_a_scale_says_of_a_parent_leaves_the_childs_difference(params):
    composer = Composer(Params(params), "demo")
    weights = {
        name: composer.pretext(
            name, composer.pretraining_facts("conditional", "siamese-imagenet-60e", name)
        ).weights
        for name in ("siamese", "siamese-loc", "siamese-loc-region")
    }
    assert (weights["siamese"].feature, weights["siamese"].global_) == (3.0, 0.3)  # the scale's
    assert (weights["siamese-loc"].feature, weights["siamese-loc"].global_) == (0.0, 0.0)
    assert (weights["siamese-loc-region"].feature, weights["siamese-loc-region"].global_) == (3.0, 0.0)


def test_a_section_of_a_scale_about_nothing_is_refused(params):
    edit(params, "scales/demo.yaml", "  siamese: {weights", "  siamse: {weights")
    with pytest.raises(
        SettingsError, match=r"demo\.yaml:\d+: pretexts: 'siamse' is not known, did you mean 'siamese'"
    ):
        compile_plan(params, "demo", "first")


def test_raw_data_has_no_scale():
    demo, doubled = (compile_plan(ROOT / "params", s) for s in ("demo", "demo-doubled"))
    assert [j.settings_file for j in demo.of("data")] == [j.settings_file for j in doubled.of("data")]
    assert all(j.settings_file.startswith("data/raw/") for j in demo.of("data"))
